//! Listings: orders, pages, filters.

use super::{Fixture, fresh, stages, token};
use strongroom_store::{
    CreateSecret, DeleteSecret, ErrorKind, Filter, FilterKey, GetSecretValue, ListSecretVersionIds,
    ListSecrets, SecretId, SecretValue, ServedReads, SortBy, SortOrder, VersionId,
};

pub(super) async fn all_names(subject: &Fixture, mut request: ListSecrets) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = subject.store.list_secrets(&subject.cx, request.clone()).await.unwrap();
        names.extend(page.secrets.into_iter().map(|secret| secret.name));
        match page.next_token {
            Some(token) => request = request.next_token(token),
            None => return names,
        }
    }
}

/// Every order both ways; pages of any size together are the whole; tokens are bound to their
/// query.
pub async fn lists_are_paged_and_sorted(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let mut made = Vec::new();
    for value in ["a", "b", "c", "d", "e"] {
        made.push(subject.create("list", value).await);
    }
    // Changed last, though made first. (The last one may have been made within the same
    // millisecond.)
    let changed = async |name: &str| store.describe_secret(cx, &name.into()).await.unwrap().last_changed;
    for n in 2.. {
        subject.put(&made[0], n, "changed").await;
        if changed(&made[0]).await > changed(&made[4]).await {
            break;
        }
    }
    let ours = |names: Vec<String>| names.into_iter().filter(|name| made.contains(name)).collect::<Vec<_>>();
    let mut by_change = made.clone();
    by_change.rotate_left(1);
    for (by, expected) in
        [(SortBy::CreatedDate, &made), (SortBy::Name, &made), (SortBy::LastChangedDate, &by_change)]
    {
        for size in [1, 2, 100] {
            let request = ListSecrets::new().max_results(size).sort(by, SortOrder::Ascending);
            assert_eq!(&ours(all_names(subject, request.clone()).await), expected, "{by:?}");
            let mut backwards = ours(all_names(subject, request.sort(by, SortOrder::Descending)).await);
            backwards.reverse();
            assert_eq!(&backwards, expected, "{by:?} descending");
        }
    }
    let first = store.list_secrets(cx, ListSecrets::new().max_results(1)).await.unwrap().next_token.unwrap();
    let other = ListSecrets::new().sort(SortBy::Name, SortOrder::Ascending).next_token(&first);
    let mut forged = first.clone();
    forged.replace_range(0..1, if first.starts_with('A') { "B" } else { "A" });
    for request in [other, ListSecrets::new().next_token(forged), ListSecrets::new().next_token("x")] {
        assert_eq!(store.list_secrets(cx, request).await.unwrap_err().kind(), ErrorKind::InvalidNextToken);
    }
    for size in [0, 101] {
        let error = store.list_secrets(cx, ListSecrets::new().max_results(size)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
}

/// Deprecated versions are listed only on request; the pages together are complete.
pub async fn versions_are_listed_oldest_first(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("versions", "1").await;
    for n in 2..=5 {
        subject.put(&name, n, &n.to_string()).await;
    }
    let ids = |request: ListSecretVersionIds| async {
        let mut request = request;
        let mut found = Vec::new();
        loop {
            let page = store.list_secret_version_ids(cx, request.clone()).await.unwrap();
            found.extend(page.versions.into_iter().map(|version| (version.version_id, version.stages)));
            match page.next_token {
                Some(token) => request = request.next_token(token),
                None => return found,
            }
        }
    };
    let live = ids(ListSecretVersionIds::new(&name)).await;
    assert_eq!(live, [(token(4), stages(&["AWSPREVIOUS"])), (token(5), stages(&["AWSCURRENT"]))]);
    for size in [1, 2, 100] {
        let all = ids(ListSecretVersionIds::new(&name).include_deprecated().max_results(size)).await;
        let found: Vec<_> = all.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(found, [token(1), token(2), token(3), token(4), token(5)], "pages of {size}");
    }
}

/// Pages go on where they stopped while secrets come and go: what was there all the time is shown
/// once.
pub async fn pages_are_stable_while_secrets_come_and_go(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let mut stay = Vec::new();
    for _ in 0..6 {
        stay.push(subject.create("stable", "v").await);
    }
    for (by, order) in [
        (SortBy::CreatedDate, SortOrder::Ascending),
        (SortBy::CreatedDate, SortOrder::Descending),
        (SortBy::Name, SortOrder::Ascending),
    ] {
        let mut passing = subject.create("stable-passing", "v").await;
        let mut request = ListSecrets::new().max_results(2).sort(by, order);
        let mut names = Vec::new();
        loop {
            let page = store.list_secrets(cx, request.clone()).await.unwrap();
            names.extend(page.secrets.into_iter().map(|secret| secret.name));
            let Some(token) = page.next_token else { break };
            request = request.next_token(token);
            // Gone, maybe the very one the page ended at; another comes.
            store.delete_secret(cx, DeleteSecret::new(&passing).force()).await.unwrap();
            passing = subject.create("stable-passing", "v").await;
        }
        store.delete_secret(cx, DeleteSecret::new(&passing).force()).await.unwrap();
        for name in &stay {
            assert_eq!(names.iter().filter(|listed| *listed == name).count(), 1, "{name} by {by:?}");
        }
    }
}

/// Each key with its own rule; values are alternatives, filters all hold; tokens are bound to them.
pub async fn filters_choose_secrets(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().filters {
        return;
    }
    let mark = fresh("filters").rsplit('/').next().unwrap().to_owned();
    let mut made = Vec::new();
    for (n, description, tag) in [
        (0, "One and two", ("team", "blue")),
        (1, "two threeFour", ("stage", "blueprint")),
        (2, "", ("x", "y")),
    ] {
        let name = format!("conformance/{mark}/{n}");
        let mut request = CreateSecret::new(&name).value(SecretValue::text("v")).tag(tag.0, tag.1);
        if !description.is_empty() {
            request = request.description(description);
        }
        store.create_secret(cx, request).await.unwrap();
        made.push(name);
    }
    let ours = Filter::new(FilterKey::Name, [format!("conformance/{mark}/")]);
    let found = |filter: Filter| async {
        let request = ListSecrets::new().filter(ours.clone()).filter(filter);
        let names = all_names(subject, request).await;
        made.iter().enumerate().filter(|(_, name)| names.contains(name)).map(|(n, _)| n).collect::<Vec<_>>()
    };
    let cases: [(FilterKey, &[&str], &[usize]); 17] = [
        (FilterKey::Name, &["conformance"], &[0, 1, 2]),
        (FilterKey::Name, &["Conformance"], &[]),
        (FilterKey::Name, &["!conformance"], &[]),
        (FilterKey::TagKey, &["te"], &[0]),
        (FilterKey::TagKey, &["te", "st"], &[0, 1]),
        (FilterKey::TagValue, &["blue"], &[0, 1]),
        (FilterKey::TagValue, &["Blue"], &[]),
        (FilterKey::TagValue, &["!blue"], &[2]),
        (FilterKey::Description, &["one t"], &[0]),
        (FilterKey::Description, &["TWO"], &[0, 1]),
        (FilterKey::Description, &["wo"], &[]),
        (FilterKey::Description, &["!two"], &[2]),
        (FilterKey::All, &["four"], &[1]),
        (FilterKey::All, &["blueprint"], &[1]),
        (FilterKey::All, &["-"], &[]),
        (FilterKey::PrimaryRegion, &["us"], &[]),
        (FilterKey::OwningService, &["rds"], &[]),
    ];
    for (key, values, expected) in cases {
        assert_eq!(found(Filter::new(key, values.iter().copied())).await, expected, "{key} {values:?}");
    }
    // Every order, both ways, page by page, with the filter.
    for by in [SortBy::CreatedDate, SortBy::LastChangedDate, SortBy::LastAccessedDate, SortBy::Name] {
        let request = ListSecrets::new().filter(ours.clone()).max_results(1);
        let up = all_names(subject, request.clone().sort(by, SortOrder::Ascending)).await;
        let mut down = all_names(subject, request.sort(by, SortOrder::Descending)).await;
        down.reverse();
        assert_eq!((up.len(), &up), (3, &down), "{by:?}");
    }
    let request = ListSecrets::new().filter(ours.clone()).max_results(1);
    let token = store.list_secrets(cx, request).await.unwrap().next_token.expect("two more");
    let error = store.list_secrets(cx, ListSecrets::new().next_token(token)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidNextToken);
    let none = Filter::new(FilterKey::Name, [""; 0]);
    let error = store.list_secrets(cx, ListSecrets::new().filter(none)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::InvalidParameter, "Invalid filter values for key: name")
    );
}

/// A read is dated by its day, at the version and at the secret; what is only described is not.
pub async fn reads_are_dated(subject: &Fixture) {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().last_accessed {
        return;
    }
    let name = subject.create("dated", "1").await;
    subject.put(&name, 2, "2").await;
    let id = SecretId::new(&name);
    let before = store.describe_secret(cx, &id).await.unwrap();
    assert_eq!(before.last_accessed, None);
    subject.get(GetSecretValue::new(&name)).await.unwrap();
    let after = store.describe_secret(cx, &id).await.unwrap();
    let day = after.last_accessed.expect("it was read");
    assert_eq!(day.as_millis() % DAY, 0, "the day alone");
    assert!(day <= after.last_changed && after.last_changed.as_millis() - day.as_millis() < 2 * DAY);
    assert_eq!(after.last_changed, before.last_changed, "a read changes nothing");
    let versions =
        store.list_secret_version_ids(cx, ListSecretVersionIds::new(&name)).await.unwrap().versions;
    let dates: Vec<_> = versions.iter().map(|version| version.last_accessed).collect();
    assert_eq!(dates, [None, Some(day)]);
}

/// Reads that a cache has served are dated as reads of the store's own, where it takes reports of
/// them; else they are refused.
pub async fn served_reads_are_dated(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("served", "1").await;
    let id = SecretId::new(&name);
    let described = store.describe_secret(cx, &id).await.unwrap();
    let served = |name: &str, version: &VersionId| {
        ServedReads::one(GetSecretValue::new(name), version.clone(), described.created)
    };
    let Some(version) = described.versions.keys().next() else { panic!("it has a version") };
    let reads = [served("not-there", version), served(&name, version)];
    if !store.capabilities().served_reads {
        let error = store.report_reads(cx, &reads).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        return;
    }
    store.report_reads(cx, &[]).await.unwrap();
    let mut never = served(&name, version);
    never.count = 0;
    let error = store.report_reads(cx, &[served(&name, version), never]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    store.report_reads(cx, &[served(&name, &VersionId::new("0".repeat(32)))]).await.unwrap();
    assert_eq!(store.describe_secret(cx, &id).await.unwrap().last_accessed, None);
    for _ in 0..2 {
        store.report_reads(cx, &reads).await.unwrap();
        let after = store.describe_secret(cx, &id).await.unwrap();
        assert_eq!(after.last_accessed, Some(described.created.start_of_day()));
        assert_eq!(after.last_changed, described.last_changed, "a read changes nothing");
    }
}
