//! Secrets: identity, metadata, tags, deletion.

use super::lists::all_names;
use super::{Fixture, assert_error, fresh, token};
use strongroom_store::{
    CreateSecret, DeleteSecret, ErrorKind, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutResourcePolicy, PutSecretValue, SecretId, SecretValue, Stage, Tag, UpdateSecret,
    ValidateResourcePolicy,
};

/// By name and by full ARN.
pub async fn secrets_are_found_by_name_and_arn(subject: &Fixture) {
    let name = subject.create("found", "v").await;
    let arn = subject.store.describe_secret(&subject.cx, &name.as_str().into()).await.unwrap().arn;
    for id in [name.clone(), arn.to_string()] {
        assert_eq!(subject.get(GetSecretValue::new(&id)).await.unwrap(), "v", "{id}");
    }
}

/// Every operation on a secret that does not exist.
pub async fn unknown_things_are_not_found(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("unknown"));
    let id = SecretId::new(&name);
    let text = "Secrets Manager can't find the specified secret.";
    let not_found = ErrorKind::NotFound;
    assert_error(store.get_secret_value(cx, GetSecretValue::new(&name)).await, not_found, text);
    let put = PutSecretValue::new(&name, SecretValue::text("v"));
    assert_error(store.put_secret_value(cx, put).await, not_found, text);
    assert_error(store.update_secret(cx, UpdateSecret::new(&name)).await, not_found, text);
    assert_error(store.describe_secret(cx, &id).await, not_found, text);
    assert_error(store.list_secret_version_ids(cx, ListSecretVersionIds::new(&name)).await, not_found, text);
    if !store.capabilities().admin {
        return;
    }
    assert_error(store.delete_secret(cx, DeleteSecret::new(&name)).await, not_found, text);
    assert_error(store.restore_secret(cx, &id).await, not_found, text);
    assert_error(store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await, not_found, text);
    assert_error(store.untag_resource(cx, &id, vec!["k".into()]).await, not_found, text);
    let deleted = store.delete_secret(cx, DeleteSecret::new(&name).force()).await.expect("as AWS answers");
    assert_eq!(deleted.name, name);
}

/// An error names the operation that was called, and the secret that the call named.
pub async fn errors_name_the_call_and_its_secret(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = fresh("missing");
    let id = SecretId::new(&name);
    let put = PutSecretValue::new(&name, SecretValue::text("v"));
    let update = UpdateSecret::new(&name).value(SecretValue::text("v"));
    let errors = [
        ("GetSecretValue", store.get_secret_value(cx, GetSecretValue::new(&name)).await.err()),
        ("PutSecretValue", store.put_secret_value(cx, put).await.err()),
        ("UpdateSecret", store.update_secret(cx, update).await.err()),
        ("DescribeSecret", store.describe_secret(cx, &id).await.err()),
        ("ListSecretVersionIds", {
            store.list_secret_version_ids(cx, ListSecretVersionIds::new(&name)).await.err()
        }),
    ];
    for (operation, error) in errors {
        let error = error.expect(operation);
        assert!(error.is_not_found(), "{error}");
        assert_eq!((error.operation(), error.context("secret")), (Some(operation), Some(name.as_str())));
    }
}

/// Description and key change and stay; dates move forward with every change.
pub async fn metadata_is_updated_and_described(subject: &Fixture) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("described"));
    let request = CreateSecret::new(&name).description("first").value(SecretValue::text("v"));
    store.create_secret(cx, request).await.unwrap();
    let id = SecretId::new(&name);
    let before = store.describe_secret(cx, &id).await.unwrap();
    assert_eq!(
        (before.description.as_deref(), &before.kms_key_id, &before.tags),
        (Some("first"), &None, &None)
    );
    let updated = store.update_secret(cx, UpdateSecret::new(&name).description("second")).await.unwrap();
    assert_eq!(updated.version_id, None, "no value, no version");
    let after = store.describe_secret(cx, &id).await.unwrap();
    assert_eq!((after.description.as_deref(), after.created), (Some("second"), before.created));
    assert!(after.last_changed > before.last_changed);
    assert_eq!(after.versions, before.versions);
    let updated =
        store.update_secret(cx, UpdateSecret::new(&name).value(SecretValue::text("w"))).await.unwrap();
    assert!(updated.version_id.is_some());
    assert_eq!(subject.get(GetSecretValue::new(&name).stage(Stage::PREVIOUS)).await.unwrap(), "v");
    let last = store.describe_secret(cx, &id).await.unwrap();
    assert_eq!(last.description.as_deref(), Some("second"));
    assert!(last.last_changed > after.last_changed);
}

/// In the order they were added; an existing key gets the new value; absent keys are ignored; none
/// left is an empty list.
pub async fn tags_are_added_changed_and_removed(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("tags", "v").await;
    let id = SecretId::new(&name);
    store.tag_resource(cx, &id, vec![Tag::new("b", "1"), Tag::new("a", "1")]).await.unwrap();
    store.tag_resource(cx, &id, vec![Tag::new("b", "2"), Tag::new("B", "")]).await.unwrap();
    let tags = store.describe_secret(cx, &id).await.unwrap().tags.unwrap();
    assert_eq!(tags, [Tag::new("b", "2"), Tag::new("a", "1"), Tag::new("B", "")]);
    store.untag_resource(cx, &id, vec!["b".into(), "absent".into()]).await.unwrap();
    store.untag_resource(cx, &id, vec!["a".into(), "B".into()]).await.unwrap();
    assert_eq!(store.describe_secret(cx, &id).await.unwrap().tags, Some(Vec::new()));
}

/// A store that declares no deletion, tags or policies refuses them, for a secret that exists and
/// for one that does not.
pub async fn an_admin_part_that_is_not_there_is_refused(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = fresh("no-admin");
    let request = CreateSecret::new(&name).value(SecretValue::text("v"));
    store.create_secret(cx, request).await.expect("a new secret");
    let before = store.describe_secret(cx, &name.as_str().into()).await.unwrap();
    for name in [name.clone(), fresh("unknown")] {
        let id = SecretId::new(&name);
        let refused = [
            store.delete_secret(cx, DeleteSecret::new(&name)).await.err(),
            store.delete_secret(cx, DeleteSecret::new(&name).force()).await.err(),
            store.restore_secret(cx, &id).await.err(),
            store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await.err(),
            store.untag_resource(cx, &id, vec!["k".into()]).await.err(),
            store.put_resource_policy(cx, PutResourcePolicy::new(&name, "{}")).await.err(),
            store.get_resource_policy(cx, &id).await.err(),
            store.delete_resource_policy(cx, &id).await.err(),
            store.validate_resource_policy(cx, ValidateResourcePolicy::new("{}")).await.err(),
        ];
        for error in refused {
            let error = error.expect("a store that declares no admin part must refuse it");
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
    assert_eq!(store.describe_secret(cx, &name.as_str().into()).await.unwrap(), before);
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "v");
}

/// Marked for deletion: unreadable, unchangeable, described with its date, not listed; then
/// restored.
pub async fn deleted_secrets_can_be_restored(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().recovery_window {
        return;
    }
    let name = subject.create("restored", "v").await;
    let id = SecretId::new(&name);
    for days in [6, 31, 0, -1] {
        let request = DeleteSecret::new(&name).recovery_window_days(days);
        let text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
        assert_error(store.delete_secret(cx, request).await, ErrorKind::InvalidParameter, text);
    }
    let both = DeleteSecret::new(&name).recovery_window_days(7).force();
    let text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
    assert_error(store.delete_secret(cx, both).await, ErrorKind::InvalidParameter, text);

    let deleted = store.delete_secret(cx, DeleteSecret::new(&name).recovery_window_days(7)).await.unwrap();
    let text = "You can't perform this operation on the secret because it was marked for deletion.";
    let invalid = ErrorKind::MarkedForDeletion;
    assert_error(subject.get(GetSecretValue::new(&name)).await, invalid, text);
    let put = PutSecretValue::new(&name, SecretValue::text("w"));
    assert_error(store.put_secret_value(cx, put).await, invalid, text);
    assert_error(store.update_secret(cx, UpdateSecret::new(&name).description("d")).await, invalid, text);
    assert_error(store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await, invalid, text);
    assert_error(store.untag_resource(cx, &id, vec!["k".into()]).await, invalid, text);
    let create = CreateSecret::new(&name).value(SecretValue::text("v"));
    let text =
        "You can't create this secret because a secret with this name is already scheduled for deletion.";
    assert_error(store.create_secret(cx, create).await, invalid, text);
    store.delete_secret(cx, DeleteSecret::new(&name)).await.expect_err("it is marked already");
    // The secret says when that was asked for, the answer alone when the window ends.
    let marked = store.describe_secret(cx, &id).await.unwrap().deleted.expect("it is marked for deletion");
    let window = deleted.deletion_date.as_millis() - marked.as_millis();
    let week = 7 * 24 * 60 * 60 * 1000;
    assert!((week - 60_000..=week + 60_000).contains(&window), "{window} ms lie between the two");
    assert!(!all_names(subject, ListSecrets::new()).await.contains(&name));
    assert!(all_names(subject, ListSecrets::new().include_planned_deletion()).await.contains(&name));

    store.restore_secret(cx, &id).await.unwrap();
    store.restore_secret(cx, &id).await.expect("restoring what is not deleted is fine");
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "v");
    assert_eq!(store.describe_secret(cx, &id).await.unwrap().deleted, None);
}

/// Gone with its versions; a new secret of the name has another ARN and nothing of the old one.
pub async fn deletion_at_once_frees_the_name(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("at-once", "old").await;
    let old = store.describe_secret(cx, &name.as_str().into()).await.unwrap().arn;
    store.delete_secret(cx, DeleteSecret::new(&name).force()).await.unwrap();
    let text = "Secrets Manager can't find the specified secret.";
    assert_error(subject.get(GetSecretValue::new(&name)).await, ErrorKind::NotFound, text);
    let request = CreateSecret::new(&name).value(SecretValue::text("new")).token(token(2));
    let new = store.create_secret(cx, request).await.unwrap().arn;
    assert_ne!(old, new);
    assert_error(subject.get(GetSecretValue::new(&old)).await, ErrorKind::NotFound, text);
    subject.get(GetSecretValue::new(&name).version_id(token(1))).await.expect_err("a version of the old one");
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "new");
}
