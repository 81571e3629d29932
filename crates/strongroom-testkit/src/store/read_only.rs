//! The suite for read-only stores, which their authors fill through a back door.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::thread;

use strongroom_store::{
    AnyStore, BatchGetSecretValue, CreateSecret, DeleteSecret, ErrorKind, Filter, FilterKey, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutSecretValue, SecretId, SecretStore, SecretValue, SortBy, SortOrder,
    Stage, Tag, UpdateSecret, UpdateSecretVersionStage, VersionId,
};
use strongroom_types::CallContext;

use super::lists::all_names;
use super::{Fixture, batch, fresh};
use crate::runtime::Runtime;

/// A secret that a store under test must have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seed {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The values of its versions, oldest first: the last is the current one, the one before it the
    /// previous one. A single one, unless the store keeps several
    /// ([`max_versions`](strongroom_store::Capabilities)).
    pub values: Vec<SecretValue>,
}

impl Seed {
    /// A secret with one version.
    #[must_use]
    pub fn new(name: impl Into<String>, value: SecretValue) -> Self {
        Self { name: name.into(), description: None, tags: Vec::new(), values: vec![value] }
    }

    fn text(what: &str, value: &str) -> Self {
        Self::of(what, SecretValue::text(value))
    }

    /// Of a fresh name that does not end as if it had an ARN's suffix: those cannot be named by an
    /// ARN without one.
    fn of(what: &str, value: SecretValue) -> Self {
        Self::new(format!("{}/seed", fresh(what)), value)
    }
}

/// What the suite works with: a store that has the requested secrets, and maybe others, and a
/// caller who may read them.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct ReadSubject {
    /// The store.
    pub store: Arc<dyn SecretStore>,
    /// The caller.
    pub cx: CallContext,
}

/// Runs every case on stores from `make`, which puts the given secrets into a store through
/// whatever back door there is.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn(Vec<Seed>) -> Fut,
    Fut: Future<Output = ReadSubject>,
{
    let can = make(Vec::new()).await.store.capabilities();
    assert!(!can.writes, "the store declares that it can be written to: run store::conformance");

    let mut kinds =
        vec![Seed::text("text", "{'not': \"json\""), Seed::text("long", &"ü".repeat(can.max_value_len / 2))];
    if can.binary_values {
        let bytes: Vec<u8> = (0..=255u8).cycle().take(can.max_value_len).collect();
        kinds.extend([vec![0], bytes].map(|bytes| Seed::of("binary", SecretValue::binary(bytes))));
    }
    values_of_all_kinds_come_back(&make(kinds.clone()).await, &kinds).await;

    let mut kept = Seed::text("kept", "1");
    if can.max_versions > 1 {
        kept.values.push(SecretValue::text("2"));
    }
    kept.description = Some("for tests".to_owned());
    kept.tags = vec![Tag::new("b", "1"), Tag::new("a", "")];
    versions_are_read_by_id_and_stage(&make(vec![kept.clone()]).await, &kept).await;
    metadata_is_told(&make(vec![kept.clone()]).await, &kept).await;
    everything_that_writes_is_refused(&make(vec![kept.clone()]).await, &kept).await;
    unknown_things_are_not_found(&make(vec![kept.clone()]).await).await;

    let many: Vec<Seed> = (0..5).map(|n| Seed::text("many", &n.to_string())).collect();
    lists_are_paged_and_sorted(&make(many.clone()).await, &many).await;
    if can.filters {
        filters_choose_secrets(&make(many.clone()).await, &many).await;
    }
    several_values_are_read_at_once(&make(many.clone()).await, &many).await;
    readers_at_once_read_the_same(&make(many.clone()).await, &many);
    batch::passwords_are_as_asked_for(&make(many).await.subject()).await;
}

impl ReadSubject {
    /// As the other cases have it.
    fn subject(&self) -> Fixture {
        Fixture { store: AnyStore::from(Arc::clone(&self.store)).into_admin(), cx: self.cx.clone() }
    }

    async fn value(&self, request: GetSecretValue) -> Result<SecretValue, ErrorKind> {
        let read = self.store.get_secret_value(&self.cx, request).await;
        read.map(|version| version.value).map_err(|error| error.kind())
    }
}

/// Text and binary, up to the length declared, byte for byte, by name, by ARN and by ARN without
/// suffix.
pub async fn values_of_all_kinds_come_back(subject: &ReadSubject, seeds: &[Seed]) {
    for seed in seeds {
        let name = &seed.name;
        let read = subject.store.get_secret_value(&subject.cx, GetSecretValue::new(name)).await.unwrap();
        assert!(read.value == seed.values[0], "{name}: another value than the one put there");
        assert_eq!((&read.name, read.stages.contains(&Stage::CURRENT)), (name, true));
        let arn = read.arn.to_string();
        for id in [&arn[..], arn.rsplit_once('-').map_or(&arn[..], |(without, _)| without)] {
            assert_eq!(subject.value(GetSecretValue::new(id)).await.as_ref(), Ok(&seed.values[0]), "{id}");
        }
    }
}

/// The current version unless another is requested; a version and a label must agree.
pub async fn versions_are_read_by_id_and_stage(subject: &ReadSubject, seed: &Seed) {
    let (store, cx) = (&subject.store, &subject.cx);
    let get = || GetSecretValue::new(&seed.name);
    let current = store.get_secret_value(cx, get()).await.unwrap();
    assert_eq!(Some(&current.value), seed.values.last());
    let by_id = || get().version_id(&current.version_id);
    for request in [get().stage(Stage::CURRENT), by_id(), by_id().stage(Stage::CURRENT)] {
        let read = store.get_secret_value(cx, request).await.unwrap();
        assert_eq!((&read.version_id, &read.value), (&current.version_id, &current.value));
    }
    let mut listed = vec![current.version_id.clone()];
    if let [older, _] = &seed.values[..] {
        let previous = store.get_secret_value(cx, get().stage(Stage::PREVIOUS)).await.unwrap();
        assert_eq!(&previous.value, older);
        listed.push(previous.version_id.clone());
        let disagree = get().version_id(&previous.version_id).stage(Stage::CURRENT);
        assert_eq!(subject.value(disagree).await, Err(ErrorKind::InvalidRequest));
    } else {
        assert_eq!(subject.value(get().stage(Stage::PREVIOUS)).await, Err(ErrorKind::NotFound));
    }
    let mut request = ListSecretVersionIds::new(&seed.name).max_results(1);
    let mut found = BTreeSet::new();
    loop {
        let page = store.list_secret_version_ids(cx, request.clone()).await.unwrap();
        assert!(page.versions.len() <= 1 && page.name == seed.name && page.arn == current.arn);
        found.extend(page.versions.into_iter().map(|version| version.version_id));
        match page.next_token {
            Some(token) => request = request.next_token(token),
            None => break,
        }
    }
    assert_eq!(found, listed.into_iter().collect());
    let absent = get().version_id(VersionId::new("0".repeat(36)));
    assert_eq!(subject.value(absent).await, Err(ErrorKind::NotFound));
    assert_eq!(subject.value(get().stage("nobody")).await, Err(ErrorKind::NotFound));
}

/// Description, tags and labels; the same each time.
pub async fn metadata_is_told(subject: &ReadSubject, seed: &Seed) {
    let id = SecretId::new(&seed.name);
    let told = subject.store.describe_secret(&subject.cx, &id).await.unwrap();
    assert_eq!((&told.name, &told.description), (&seed.name, &seed.description));
    let tags =
        |tags: &[Tag]| tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect::<BTreeSet<_>>();
    assert_eq!(tags(told.tags.as_deref().unwrap_or_default()), tags(&seed.tags));
    let labels: Vec<_> = told.versions.values().flatten().map(Stage::as_str).collect();
    let mut expected = vec!["AWSCURRENT"];
    expected.extend((seed.values.len() > 1).then_some("AWSPREVIOUS"));
    assert_eq!(labels.iter().collect::<BTreeSet<_>>(), expected.iter().collect());
    assert_eq!(labels.len(), expected.len(), "a label has one holder");
    let again =
        subject.store.describe_secret(&subject.cx, &SecretId::new(told.arn.to_string())).await.unwrap();
    assert_eq!((again.arn, again.versions, again.created), (told.arn, told.versions, told.created));
}

/// Every write is refused as [`ErrorKind::Unsupported`], whether or not the secret exists, and
/// nothing changes.
pub async fn everything_that_writes_is_refused(subject: &ReadSubject, seed: &Seed) {
    let admin = subject.subject();
    let (store, cx) = (&admin.store, &subject.cx);
    let before = store.describe_secret(cx, &SecretId::new(&seed.name)).await.unwrap();
    let (fresh, value) = (fresh("new"), || SecretValue::text("other"));
    let mut refused = vec![
        store.create_secret(cx, CreateSecret::new(&fresh).value(value())).await.err(),
        store.create_secret(cx, CreateSecret::new(&fresh)).await.err(),
    ];
    for name in [&seed.name, &fresh] {
        let (id, version) = (SecretId::new(name), before.versions.keys().next().expect("a version"));
        let label = UpdateSecretVersionStage::new(name, "mine").move_to(version);
        refused.extend([
            store.create_secret(cx, CreateSecret::new(name).value(value())).await.err(),
            store.put_secret_value(cx, PutSecretValue::new(name, value())).await.err(),
            store.update_secret(cx, UpdateSecret::new(name).description("other")).await.err(),
            store.update_secret(cx, UpdateSecret::new(name).value(value())).await.err(),
            store.update_secret_version_stage(cx, label).await.err(),
            store.delete_secret(cx, DeleteSecret::new(name).force()).await.err(),
            store.restore_secret(cx, &id).await.err(),
            store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await.err(),
            store.untag_resource(cx, &id, vec!["b".into()]).await.err(),
        ]);
    }
    for error in refused {
        let error = error.expect("a store that declares that it only reads must refuse a write");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let after = store.describe_secret(cx, &SecretId::new(&seed.name)).await.unwrap();
    assert_eq!(after, before);
    let current = subject.value(GetSecretValue::new(&seed.name)).await;
    assert_eq!(current.as_ref().ok(), seed.values.last());
    assert_eq!(subject.value(GetSecretValue::new(&fresh)).await, Err(ErrorKind::NotFound));
}

/// A missing secret is not found; an impossible name is refused as one.
pub async fn unknown_things_are_not_found(subject: &ReadSubject) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("unknown"));
    let text = "Secrets Manager can't find the specified secret.";
    for error in [
        store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap_err(),
        store.describe_secret(cx, &SecretId::new(&name)).await.unwrap_err(),
        store.list_secret_version_ids(cx, ListSecretVersionIds::new(&name)).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, text), "{error}");
    }
    for bad in ["a b", "a*", "é", ""] {
        assert_eq!(subject.value(GetSecretValue::new(bad)).await, Err(ErrorKind::Validation), "{bad:?}");
        let error = store.describe_secret(cx, &SecretId::new(bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{bad:?}");
    }
}

/// Every order works both ways; pages of any size add up to the whole; tokens are bound to their
/// query.
pub async fn lists_are_paged_and_sorted(subject: &ReadSubject, seeds: &[Seed]) {
    let (store, cx) = (&subject.store, &subject.cx);
    let all = subject.subject();
    let ours = |names: Vec<String>| {
        names.into_iter().filter(|name| seeds.iter().any(|seed| seed.name == *name)).collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = seeds.iter().map(|seed| seed.name.clone()).collect();
    expected.sort();
    for by in [SortBy::Name, SortBy::CreatedDate, SortBy::LastChangedDate] {
        let mut orders = Vec::new();
        for size in [1, 2, 100] {
            let request = ListSecrets::new().max_results(size).sort(by, SortOrder::Ascending);
            let up = ours(all_names(&all, request.clone()).await);
            let mut down = ours(all_names(&all, request.sort(by, SortOrder::Descending)).await);
            down.reverse();
            assert_eq!(up, down, "{by:?}, pages of {size}");
            orders.push(up);
        }
        assert!(
            orders.iter().all(|order| *order == orders[0]),
            "{by:?}: the order depends on the page's size"
        );
        let mut names = orders.swap_remove(0);
        if by != SortBy::Name {
            names.sort();
        }
        assert_eq!(names, expected, "{by:?}");
    }
    let first = store.list_secrets(cx, ListSecrets::new().max_results(1)).await.unwrap();
    let first = first.next_token.expect("more than one secret");
    let mut forged = first.clone();
    let other = if first.starts_with('a') { "b" } else { "a" };
    forged.replace_range(0..1, other);
    let sorted = ListSecrets::new().sort(SortBy::Name, SortOrder::Ascending).next_token(&first);
    for request in [sorted, ListSecrets::new().next_token(forged), ListSecrets::new().next_token("x")] {
        assert_eq!(store.list_secrets(cx, request).await.unwrap_err().kind(), ErrorKind::InvalidNextToken);
    }
    for size in [0, 101] {
        let error = store.list_secrets(cx, ListSecrets::new().max_results(size)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
}

/// By the beginning of the name, and by what no secret has.
pub async fn filters_choose_secrets(subject: &ReadSubject, seeds: &[Seed]) {
    let all = subject.subject();
    let by =
        |values: &[&str]| ListSecrets::new().filter(Filter::new(FilterKey::Name, values.iter().copied()));
    let (one, other) = (&seeds[0].name[..], &seeds[1].name[..]);
    assert_eq!(all_names(&all, by(&[one])).await, [one]);
    let two: BTreeSet<_> = all_names(&all, by(&[one, other])).await.into_iter().collect();
    assert_eq!(two, [one.to_owned(), other.to_owned()].into());
    let rest = all_names(&all, by(&[&format!("!{one}")])).await;
    assert!(!rest.iter().any(|name| name == one) && rest.iter().any(|name| name == other));
    assert!(all_names(&all, by(&["conformance/nobody-"])).await.is_empty());
}

/// In the order requested; for those that cannot be read, the reason.
pub async fn several_values_are_read_at_once(subject: &ReadSubject, seeds: &[Seed]) {
    let absent = fresh("batch-absent");
    let request = BatchGetSecretValue::of([&seeds[1].name, &absent, &seeds[0].name]);
    let page = subject.store.batch_get_secret_value(&subject.cx, request).await.unwrap();
    let read: Vec<_> = page.values.iter().map(|value| (&value.name, &value.value)).collect();
    assert_eq!(read, [(&seeds[1].name, &seeds[1].values[0]), (&seeds[0].name, &seeds[0].values[0])]);
    assert_eq!((page.errors.len(), page.errors[0].error.kind()), (1, ErrorKind::NotFound));
}

/// From several threads.
pub fn readers_at_once_read_the_same(subject: &ReadSubject, seeds: &[Seed]) {
    let runtime = &Runtime::current();
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..20 {
                    let seed = &seeds[(thread + n) % seeds.len()];
                    let read = runtime.block_on(subject.value(GetSecretValue::new(&seed.name)));
                    assert_eq!(read.as_ref(), Ok(&seed.values[0]));
                }
            });
        }
    });
}
