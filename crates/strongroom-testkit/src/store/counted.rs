//! Stores that count their versions, and whose newest version is the current one: what they must do
//! all the same, and refuse.

use std::collections::BTreeSet;
use std::thread;

use super::lists::all_names;
use super::{Fixture, fresh, stages};
use crate::runtime::Runtime;
use strongroom_store::{
    BatchGetSecretValue, CreateSecret, DeleteSecret, ErrorKind, Filter, FilterKey, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutResourcePolicy, PutSecretValue, SecretId, SecretValue, Stage, Tag,
    UpdateSecret, UpdateSecretVersionStage, VersionId,
};

async fn create(subject: &Fixture, what: &str, value: &str) -> (String, VersionId) {
    let name = fresh(what);
    let request = CreateSecret::new(&name).value(SecretValue::text(value));
    let created = subject.store.create_secret(&subject.cx, request).await.expect("a new secret");
    (name, created.version_id.expect("its first version"))
}

async fn put(subject: &Fixture, name: &str, value: &str) -> VersionId {
    let request = PutSecretValue::new(name, SecretValue::text(value));
    subject.store.put_secret_value(&subject.cx, request).await.expect("a new value").version_id
}

/// A secret is created, read, and found by name and ARN; creating it again is refused.
pub async fn a_secret_is_made_and_read(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("made"));
    let request = CreateSecret::new(&name).value(SecretValue::text("v")).description("for tests");
    let created = store.create_secret(cx, request.clone()).await.unwrap();
    assert_eq!(created.name, name);
    for id in [name.clone(), created.arn.to_string()] {
        let version = store.get_secret_value(cx, GetSecretValue::new(&id)).await.unwrap();
        assert_eq!((&version.arn, &version.name), (&created.arn, &name), "{id}");
        assert_eq!(Some(version.version_id), created.version_id);
        assert!(version.stages.contains(&Stage::CURRENT) && version.value == SecretValue::text("v"));
    }
    let described = store.describe_secret(cx, &name.as_str().into()).await.unwrap();
    assert_eq!((described.description.as_deref(), &described.kms_key_id), (Some("for tests"), &None));
    assert_eq!(store.create_secret(cx, request).await.unwrap_err().kind(), ErrorKind::Exists);
}

/// One byte to as many as declared, kept byte for byte; none and one more are refused, and change
/// nothing.
pub async fn values_of_all_sizes_come_back(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let can = store.capabilities();
    let (name, _) = create(subject, "values", "{'not': \"json\"").await;
    let mut values = vec![SecretValue::text("x"), SecretValue::text("ü".repeat(can.max_value_len / 2))];
    if can.binary_values {
        values.push(SecretValue::binary((0..=255u8).cycle().take(can.max_value_len).collect::<Vec<u8>>()));
    }
    for value in values {
        store.put_secret_value(cx, PutSecretValue::new(&name, value.clone())).await.unwrap();
        let version = store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap();
        assert!(version.value == value, "a value changed on its way");
    }
    let before = subject.labels(&name).await;
    for value in ["".to_owned(), "x".repeat(can.max_value_len + 1)] {
        let request = PutSecretValue::new(&name, SecretValue::text(value));
        let error = store.put_secret_value(cx, request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        assert!(error.message().contains("secretString"), "{error}");
    }
    assert_eq!(subject.labels(&name).await, before);
}

/// The newest is current, the one before it previous, all others are there by their ids.
pub async fn the_newest_version_is_the_current_one(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let (name, first) = create(subject, "moves", "1").await;
    assert_eq!(subject.labels(&name).await, [(first.clone(), stages(&["AWSCURRENT"]))]);
    let second = put(subject, &name, "2").await;
    let third = put(subject, &name, "3").await;
    assert_eq!(BTreeSet::from([&first, &second, &third]).len(), 3, "an id of its own for each");
    let labels: std::collections::BTreeMap<_, _> = subject.labels(&name).await.into_iter().collect();
    assert_eq!(labels.get(&third), Some(&stages(&["AWSCURRENT"])));
    assert_eq!(labels.get(&second), Some(&stages(&["AWSPREVIOUS"])));
    assert_eq!(subject.get(GetSecretValue::new(&name).stage(Stage::PREVIOUS)).await.unwrap(), "2");
    let by = |id: &VersionId| GetSecretValue::new(&name).version_id(id);
    assert_eq!(subject.get(by(&first)).await.unwrap(), "1");
    assert_eq!(subject.get(by(&third).stage(Stage::CURRENT)).await.unwrap(), "3");
    let error = subject.get(by(&first).stage(Stage::CURRENT)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    for missing in [by(&VersionId::new("999")), by(&VersionId::new("x")), by(&VersionId::new("01"))] {
        assert_eq!(subject.get(missing).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    for stage in [Stage::PENDING, Stage::new("nobody")] {
        let error = subject.get(GetSecretValue::new(&name).stage(stage)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let ids = async |deprecated: bool| {
        let mut request = ListSecretVersionIds::new(&name).max_results(2);
        request.include_deprecated = deprecated;
        let mut found = Vec::new();
        loop {
            let page = store.list_secret_version_ids(cx, request.clone()).await.unwrap();
            found.extend(page.versions.into_iter().map(|version| version.version_id));
            match page.next_token {
                Some(token) => request = request.next_token(token),
                None => return found,
            }
        }
    };
    assert_eq!(ids(true).await, [first, second.clone(), third.clone()]);
    assert_eq!(ids(false).await, [second, third]);
}

/// What is declared not to be there is [`ErrorKind::Unsupported`] and changes nothing.
pub async fn what_it_cannot_do_is_refused(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let can = store.capabilities();
    let (name, first) = create(subject, "refused", "1").await;
    let second = put(subject, &name, "2").await;
    let (before, id) = (subject.labels(&name).await, SecretId::new(&name));
    let value = || SecretValue::text("v");
    let mut refused = Vec::new();
    if !can.token_is_version_id {
        let token = "00000000-0000-4000-8000-000000000001";
        let request = CreateSecret::new(fresh("token")).value(value()).token(token);
        refused.push(store.create_secret(cx, request).await.unwrap_err());
        let request = PutSecretValue::new(&name, value()).token(token);
        refused.push(store.put_secret_value(cx, request).await.unwrap_err());
        let request = UpdateSecret::new(&name).value(value()).token(token);
        refused.push(store.update_secret(cx, request).await.unwrap_err());
    }
    if !can.free_stages {
        let request = PutSecretValue::new(&name, value()).stage(Stage::PENDING);
        refused.push(store.put_secret_value(cx, request).await.unwrap_err());
        let request =
            UpdateSecretVersionStage::new(&name, Stage::CURRENT).remove_from(&second).move_to(&first);
        refused.push(store.update_secret_version_stage(cx, request).await.unwrap_err());
    }
    if !can.binary_values {
        let request = PutSecretValue::new(&name, SecretValue::binary(vec![1]));
        refused.push(store.put_secret_value(cx, request).await.unwrap_err());
    }
    if !can.empty_secrets {
        refused.push(store.create_secret(cx, CreateSecret::new(fresh("empty"))).await.unwrap_err());
    }
    if !can.recovery_window {
        refused.push(store.delete_secret(cx, DeleteSecret::new(&name)).await.unwrap_err());
        let request = DeleteSecret::new(&name).recovery_window_days(7);
        refused.push(store.delete_secret(cx, request).await.unwrap_err());
        refused.push(store.restore_secret(cx, &id).await.unwrap_err());
    }
    if !can.resource_policies {
        let request = PutResourcePolicy::new(&name, "{}");
        refused.push(store.put_resource_policy(cx, request).await.unwrap_err());
        refused.push(store.get_resource_policy(cx, &id).await.unwrap_err());
    }
    if !can.filters {
        let request = ListSecrets::new().filter(Filter::new(FilterKey::TagKey, ["k"]));
        refused.push(store.list_secrets(cx, request).await.unwrap_err());
    }
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(subject.labels(&name).await, before);
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "2");
}

/// A custom label is on one version; moving it requires naming that version.
pub async fn own_labels_move(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().custom_stages {
        return;
    }
    let (name, first) = create(subject, "labels", "1").await;
    let second = put(subject, &name, "2").await;
    let step = || UpdateSecretVersionStage::new(&name, "blue");
    store.update_secret_version_stage(cx, step().move_to(&first)).await.unwrap();
    let read = store.get_secret_value(cx, GetSecretValue::new(&name).stage("blue")).await.unwrap();
    assert_eq!((read.version_id, read.stages), (first.clone(), stages(&["AWSPREVIOUS", "blue"])));
    subject.refuse(step().move_to(&second), ErrorKind::InvalidParameter).await;
    subject.refuse(step().remove_from(&second), ErrorKind::InvalidParameter).await;
    store.update_secret_version_stage(cx, step().remove_from(&first).move_to(&second)).await.unwrap();
    assert_eq!(subject.get(GetSecretValue::new(&name).stage("blue")).await.unwrap(), "2");
    // It stays where it is when another version comes.
    put(subject, &name, "3").await;
    assert_eq!(subject.get(GetSecretValue::new(&name).stage("blue")).await.unwrap(), "2");
    store.update_secret_version_stage(cx, step().remove_from(&second)).await.unwrap();
    let error = subject.get(GetSecretValue::new(&name).stage("blue")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Every operation on a missing secret fails and creates nothing.
pub async fn unknown_things_are_not_found(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("unknown"));
    let id = SecretId::new(&name);
    let value = || SecretValue::text("v");
    let errors = [
        store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap_err(),
        store.put_secret_value(cx, PutSecretValue::new(&name, value())).await.unwrap_err(),
        store.update_secret(cx, UpdateSecret::new(&name).value(value())).await.unwrap_err(),
        store.describe_secret(cx, &id).await.unwrap_err(),
        store.list_secret_version_ids(cx, ListSecretVersionIds::new(&name)).await.unwrap_err(),
        store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await.unwrap_err(),
        store.untag_resource(cx, &id, vec!["k".into()]).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    store.delete_secret(cx, DeleteSecret::new(&name).force()).await.expect("as AWS answers");
    assert_eq!(store.describe_secret(cx, &id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Description and tags are stored, changed and removed; a put preserves both.
pub async fn metadata_is_kept(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("described"));
    let request = CreateSecret::new(&name).value(SecretValue::text("v")).description("first").tag("a", "1");
    store.create_secret(cx, request).await.unwrap();
    let id = SecretId::new(&name);
    put(subject, &name, "w").await;
    store.tag_resource(cx, &id, vec![Tag::new("a", "2"), Tag::new("b", "")]).await.unwrap();
    let described = store.describe_secret(cx, &id).await.unwrap();
    let tags: BTreeSet<_> =
        described.tags.clone().unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags, [pair("a", "2"), pair("b", "")].into());
    assert_eq!(described.description.as_deref(), Some("first"));
    store.untag_resource(cx, &id, vec!["a".into(), "b".into(), "absent".into()]).await.unwrap();
    let update = UpdateSecret::new(&name).value(SecretValue::text("x")).description("second");
    assert!(store.update_secret(cx, update).await.unwrap().version_id.is_some());
    let described = store.describe_secret(cx, &id).await.unwrap();
    assert!(described.tags.unwrap_or_default().is_empty());
    assert_eq!(described.description.as_deref(), Some("second"));
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "x");
}

/// Gone with its versions; the name is free.
pub async fn deletion_at_once_frees_the_name(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let (name, _) = create(subject, "at-once", "old").await;
    put(subject, &name, "newer").await;
    store.delete_secret(cx, DeleteSecret::new(&name).force()).await.unwrap();
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap_err().kind(), ErrorKind::NotFound);
    let request = CreateSecret::new(&name).value(SecretValue::text("new"));
    store.create_secret(cx, request).await.unwrap();
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "new");
    let error = subject.get(GetSecretValue::new(&name).stage(Stage::PREVIOUS)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// By the beginning of the name, page by page, each once.
pub async fn lists_are_paged(subject: &Fixture) {
    let mark = fresh("list");
    let mut made = Vec::new();
    for n in 0..5 {
        let name = format!("{mark}/{n}");
        let request = CreateSecret::new(&name).value(SecretValue::text("v"));
        subject.store.create_secret(&subject.cx, request).await.unwrap();
        made.push(name);
    }
    create(subject, "other", "v").await;
    for size in [1, 2, 50] {
        let filter = Filter::new(FilterKey::Name, [format!("{mark}/")]);
        let request = ListSecrets::new().max_results(size).filter(filter);
        let mut names = all_names(subject, request).await;
        names.sort_unstable();
        assert_eq!(names, made, "pages of {size}");
    }
    let all = all_names(subject, ListSecrets::new()).await;
    assert!(made.iter().all(|name| all.contains(name)));
}

/// In one call, and for those that cannot be read why not.
pub async fn several_values_are_read_at_once(subject: &Fixture) {
    let (one, _) = create(subject, "batch", "1").await;
    let (two, _) = create(subject, "batch", "2").await;
    let absent = fresh("batch-absent");
    let request = BatchGetSecretValue::of([&two, &absent, &one]);
    let page = subject.store.batch_get_secret_value(&subject.cx, request).await.unwrap();
    let names: Vec<_> = page.values.iter().map(|value| value.name.as_str()).collect();
    assert_eq!(names, [two.as_str(), one.as_str()]);
    assert_eq!((page.errors.len(), page.errors[0].error.kind()), (1, ErrorKind::NotFound));
}

/// Several threads put at once: each that succeeded is there under its id, and one is current.
pub fn racing_puts_are_all_kept(subject: &Fixture) {
    let runtime = &Runtime::current();
    let (name, _) = runtime.block_on(create(subject, "racing", "0"));
    let made: Vec<(VersionId, String)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let name = &name;
                scope.spawn(move || {
                    let one = |n| {
                        let value = format!("{thread}-{n}");
                        (runtime.block_on(put(subject, name, &value)), value)
                    };
                    (0..5).map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
    });
    let ids: BTreeSet<_> = made.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), made.len(), "no two versions have one id");
    runtime.block_on(async {
        for (id, value) in &made {
            assert_eq!(&subject.get(GetSecretValue::new(&name).version_id(id)).await.unwrap(), value);
        }
        let labels = subject.labels(&name).await;
        assert_eq!(labels.iter().flat_map(|(_, stages)| stages).count(), 2, "{labels:?}");
    });
}
