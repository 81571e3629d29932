//! The conformance suite of [`SecretStore`](strongroom_store::SecretStore) and [`SecretAdmin`].
//!
//! What a store declares it cannot ([`capabilities`](strongroom_store::SecretStore::capabilities)) is not asked of it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use strongroom_store::{
    CreateSecret, DeleteSecret, Error, ErrorKind, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutSecretValue, SecretAdmin, SecretId, SecretValue, SortBy, SortOrder, Stage, Tag, UpdateSecret,
    UpdateSecretVersionStage, VersionId,
};
use strongroom_types::CallContext;

/// What the suite works with: a store and a caller who may use it. The suite makes secrets of names that begin with
/// `conformance/` and leaves some behind.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Subject {
    /// The store.
    pub store: Arc<dyn SecretAdmin>,
    /// The caller.
    pub cx: CallContext,
}

/// Runs every case on what `make` gives.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Subject>,
{
    a_secret_is_made_and_read(&make().await).await;
    values_of_all_kinds_and_sizes_come_back(&make().await).await;
    a_put_moves_current_and_previous(&make().await).await;
    labels_named_in_a_put_move_alone(&make().await).await;
    a_rollback_swaps_the_two_labels(&make().await).await;
    refused_moves_change_nothing(&make().await).await;
    versions_are_read_by_id_and_stage(&make().await).await;
    a_repeat_with_the_same_token_changes_nothing(&make().await).await;
    secrets_are_found_by_name_and_arn(&make().await).await;
    unknown_things_are_not_found(&make().await).await;
    metadata_is_updated_and_described(&make().await).await;
    tags_are_added_changed_and_removed(&make().await).await;
    deleted_secrets_can_be_restored(&make().await).await;
    deletion_at_once_frees_the_name(&make().await).await;
    lists_are_paged_and_sorted(&make().await).await;
    versions_are_listed_oldest_first(&make().await).await;
    bad_input_is_named_and_changes_nothing(&make().await).await;
    racing_puts_are_all_kept(&make().await);
}

/// A name nobody used before.
fn fresh(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("conformance/{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn token(n: u32) -> VersionId {
    VersionId::new(format!("00000000-0000-4000-8000-{n:012}"))
}

fn stages(stages: &[&str]) -> BTreeSet<Stage> {
    stages.iter().map(|stage| Stage::new(*stage)).collect()
}

impl Subject {
    async fn create(&self, what: &str, value: &str) -> String {
        let name = fresh(what);
        let request = CreateSecret::new(&name).value(SecretValue::text(value)).token(token(1));
        self.store.create_secret(&self.cx, request).await.expect("a new secret");
        name
    }

    async fn put(&self, name: &str, n: u32, value: &str) {
        let request = PutSecretValue::new(name, SecretValue::text(value)).token(token(n));
        self.store.put_secret_value(&self.cx, request).await.expect("a new value");
    }

    async fn get(&self, request: GetSecretValue) -> Result<String, Error> {
        let version = self.store.get_secret_value(&self.cx, request).await?;
        Ok(version.expose_text().expect("text").to_owned())
    }

    async fn labels(&self, name: &str) -> Vec<(VersionId, BTreeSet<Stage>)> {
        let described = self.store.describe_secret(&self.cx, &name.into()).await.unwrap();
        described.versions.into_iter().collect()
    }

    async fn refuse(&self, request: UpdateSecretVersionStage, kind: ErrorKind) -> String {
        let error =
            self.store.update_secret_version_stage(&self.cx, request).await.expect_err("a refused move");
        assert_eq!(error.kind(), kind, "{error}");
        error.message().to_owned()
    }
}

fn assert_error<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, text: &str) {
    let error = result.expect_err(text);
    assert_eq!((error.kind(), error.message()), (kind, text));
}

/// Create with a value: the version is current; without one: there are no versions.
pub async fn a_secret_is_made_and_read(subject: &Subject) {
    let (store, cx, name) = (&subject.store, &subject.cx, fresh("made"));
    let request = CreateSecret::new(&name).value(SecretValue::text("v")).token(token(1));
    let created = store.create_secret(cx, request).await.unwrap();
    assert_eq!((created.name.as_str(), created.version_id), (name.as_str(), Some(token(1))));
    let version = store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap();
    assert_eq!(
        (version.arn, version.name.as_str(), version.version_id),
        (created.arn, name.as_str(), token(1))
    );
    assert_eq!((version.stages, version.value), (stages(&["AWSCURRENT"]), SecretValue::text("v")));

    let empty = fresh("empty");
    let created = store.create_secret(cx, CreateSecret::new(&empty)).await.unwrap();
    assert_eq!(created.version_id, None);
    assert_eq!(subject.labels(&empty).await, []);
    let text = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    assert_error(subject.get(GetSecretValue::new(&empty)).await, ErrorKind::NotFound, text);
    // The first version becomes current whatever it is labelled.
    let request = PutSecretValue::new(&empty, SecretValue::text("first")).token(token(1)).stage("mine");
    let put = store.put_secret_value(cx, request).await.unwrap();
    assert_eq!(put.stages, stages(&["AWSCURRENT", "mine"]));
}

/// Text and binary, one byte to 65,536, kept byte for byte and kept apart.
pub async fn values_of_all_kinds_and_sizes_come_back(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    let longest = store.capabilities().max_value_len;
    let name = subject.create("values", "{'not': \"json\"").await;
    let bytes: Vec<u8> = (0..=255u8).cycle().take(longest).collect();
    let values = [
        SecretValue::text("x"),
        SecretValue::text("ü".repeat(longest / 2)),
        SecretValue::binary(vec![0]),
        SecretValue::binary(bytes),
        SecretValue::text("{'single': 'quotes'}"),
    ];
    for value in values {
        store.put_secret_value(cx, PutSecretValue::new(&name, value.clone())).await.unwrap();
        let version = store.get_secret_value(cx, GetSecretValue::new(&name)).await.unwrap();
        assert!(version.value == value, "a value changed on its way");
    }
    for (value, member) in [
        (SecretValue::text(""), "secretString"),
        (SecretValue::text("x".repeat(longest + 1)), "secretString"),
        (SecretValue::binary(Vec::new()), "secretBinary"),
        (SecretValue::binary(vec![0; longest + 1]), "secretBinary"),
    ] {
        let error = store.put_secret_value(cx, PutSecretValue::new(&name, value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains(member), "{error}");
    }
}

/// The version that was current becomes the previous one; the one before loses its last label.
pub async fn a_put_moves_current_and_previous(subject: &Subject) {
    let name = subject.create("moves", "1").await;
    subject.put(&name, 2, "2").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSPREVIOUS"])), (token(2), stages(&["AWSCURRENT"]))]
    );
    subject.put(&name, 3, "3").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(2), stages(&["AWSPREVIOUS"])), (token(3), stages(&["AWSCURRENT"]))]
    );
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "3");
    assert_eq!(subject.get(GetSecretValue::new(&name).stage(Stage::PREVIOUS)).await.unwrap(), "2");
    // Deprecated, hidden, still there.
    assert_eq!(subject.get(GetSecretValue::new(&name).version_id(token(1))).await.unwrap(), "1");
}

/// Without `AWSCURRENT` among the labels of a put, current and previous stay; a label has one holder.
pub async fn labels_named_in_a_put_move_alone(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("labels", "1").await;
    let pending = |n: u32| {
        PutSecretValue::new(&name, SecretValue::text(n.to_string())).token(token(n)).stage(Stage::PENDING)
    };
    store.put_secret_value(cx, pending(2)).await.unwrap();
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSCURRENT"])), (token(2), stages(&["AWSPENDING"]))]
    );
    store.put_secret_value(cx, pending(3)).await.unwrap();
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSCURRENT"])), (token(3), stages(&["AWSPENDING"]))]
    );
    // A plain put abandons what was pending.
    subject.put(&name, 4, "4").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSPREVIOUS"])), (token(4), stages(&["AWSCURRENT"]))]
    );
}

/// Moving `AWSCURRENT` back takes `AWSPREVIOUS` along; custom labels stay.
pub async fn a_rollback_swaps_the_two_labels(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("rollback", "1").await;
    subject.put(&name, 2, "2").await;
    if store.capabilities().custom_stages {
        let mine = UpdateSecretVersionStage::new(&name, "mine").move_to(token(2));
        store.update_secret_version_stage(cx, mine).await.unwrap();
    }
    for (from, to, value) in [(2, 1, "1"), (1, 2, "2")] {
        let back =
            UpdateSecretVersionStage::new(&name, Stage::CURRENT).remove_from(token(from)).move_to(token(to));
        store.update_secret_version_stage(cx, back).await.unwrap();
        assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), value);
        let previous = GetSecretValue::new(&name).stage(Stage::PREVIOUS).version_id(token(from));
        subject.get(previous).await.expect("the two have changed places");
    }
    if store.capabilities().custom_stages {
        assert_eq!(subject.get(GetSecretValue::new(&name).stage("mine")).await.unwrap(), "2");
    }
}

/// Each wrong move with its error, and the labels as before.
pub async fn refused_moves_change_nothing(subject: &Subject) {
    let name = subject.create("refused", "1").await;
    subject.put(&name, 2, "2").await;
    let before = subject.labels(&name).await;
    let current = || UpdateSecretVersionStage::new(&name, Stage::CURRENT);
    let text = subject.refuse(current().move_to(token(1)), ErrorKind::InvalidParameter).await;
    assert_eq!(
        text,
        format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            token(2)
        )
    );
    let text = subject.refuse(current().remove_from(token(2)), ErrorKind::InvalidParameter).await;
    assert_eq!(
        text,
        "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed."
    );
    subject.refuse(current().remove_from(token(1)).move_to(token(1)), ErrorKind::InvalidParameter).await;
    subject.refuse(current(), ErrorKind::InvalidParameter).await;
    assert_eq!(subject.labels(&name).await, before);
}

/// By id, by stage, by both; both must agree.
pub async fn versions_are_read_by_id_and_stage(subject: &Subject) {
    let name = subject.create("both", "1").await;
    subject.put(&name, 2, "2").await;
    let by = |n: u32| GetSecretValue::new(&name).version_id(token(n));
    assert_eq!(subject.get(by(1)).await.unwrap(), "1");
    assert_eq!(subject.get(by(1).stage(Stage::PREVIOUS)).await.unwrap(), "1");
    assert_error(
        subject.get(by(1).stage(Stage::CURRENT)).await,
        ErrorKind::InvalidRequest,
        "You provided a VersionStage that is not associated to the provided VersionId.",
    );
    let text = format!("Secrets Manager can't find the specified secret value for VersionId: {}", token(9));
    assert_error(subject.get(by(9)).await, ErrorKind::NotFound, &text);
    let text = "Secrets Manager can't find the specified secret value for staging label: nobody";
    assert_error(subject.get(GetSecretValue::new(&name).stage("nobody")).await, ErrorKind::NotFound, text);
}

/// The same token and value: the same answer, nothing moved. Another value: refused by name.
pub async fn a_repeat_with_the_same_token_changes_nothing(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().token_is_version_id {
        return;
    }
    let name = subject.create("repeat", "1").await;
    subject.put(&name, 2, "2").await;
    let arn = store.describe_secret(cx, &name.as_str().into()).await.unwrap().arn;
    let before = subject.labels(&name).await;
    let create = |value: SecretValue| CreateSecret::new(&name).value(value).token(token(1));
    let put = |value: SecretValue| PutSecretValue::new(&name, value).token(token(1));
    let update = |value: SecretValue| UpdateSecret::new(&name).value(value).token(token(1));

    assert_eq!(
        store.create_secret(cx, create(SecretValue::text("1"))).await.unwrap().version_id,
        Some(token(1))
    );
    assert_eq!(store.put_secret_value(cx, put(SecretValue::text("1"))).await.unwrap().version_id, token(1));
    assert_eq!(
        store.update_secret(cx, update(SecretValue::text("1"))).await.unwrap().version_id,
        Some(token(1))
    );

    let used = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {arn}.",
        token(1)
    );
    for other in [SecretValue::text("other"), SecretValue::binary(b"1".to_vec())] {
        assert_error(store.create_secret(cx, create(other.clone())).await, ErrorKind::Exists, &used);
        assert_error(store.put_secret_value(cx, put(other.clone())).await, ErrorKind::Exists, &used);
        assert_error(store.update_secret(cx, update(other)).await, ErrorKind::Exists, &used);
    }
    assert_eq!(subject.labels(&name).await, before, "nothing moved");
    let taken = CreateSecret::new(&name).value(SecretValue::text("1")).token(token(7));
    let text = format!("The operation failed because the secret {name} already exists.");
    assert_error(store.create_secret(cx, taken).await, ErrorKind::Exists, &text);
}

/// By name and by full ARN.
pub async fn secrets_are_found_by_name_and_arn(subject: &Subject) {
    let name = subject.create("found", "v").await;
    let arn = subject.store.describe_secret(&subject.cx, &name.as_str().into()).await.unwrap().arn;
    for id in [name.clone(), arn.to_string()] {
        assert_eq!(subject.get(GetSecretValue::new(&id)).await.unwrap(), "v", "{id}");
    }
}

/// Every operation on a secret that does not exist.
pub async fn unknown_things_are_not_found(subject: &Subject) {
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
    assert_error(store.delete_secret(cx, DeleteSecret::new(&name)).await, not_found, text);
    assert_error(store.restore_secret(cx, &id).await, not_found, text);
    assert_error(store.tag_resource(cx, &id, vec![Tag::new("k", "v")]).await, not_found, text);
    assert_error(store.untag_resource(cx, &id, vec!["k".into()]).await, not_found, text);
    let deleted = store.delete_secret(cx, DeleteSecret::new(&name).force()).await.expect("as AWS answers");
    assert_eq!(deleted.name, name);
}

/// Description and key change and stay; dates move forward with every change.
pub async fn metadata_is_updated_and_described(subject: &Subject) {
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

/// In the order they were added; an existing key gets the new value; absent keys are ignored; none left is an empty list.
pub async fn tags_are_added_changed_and_removed(subject: &Subject) {
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

/// Marked for deletion: unreadable, unchangeable, described with its date, not listed; then restored.
pub async fn deleted_secrets_can_be_restored(subject: &Subject) {
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
    let invalid = ErrorKind::InvalidRequest;
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
    assert_eq!(store.describe_secret(cx, &id).await.unwrap().deleted, Some(deleted.deletion_date));
    assert!(!all_names(subject, ListSecrets::new()).await.contains(&name));
    assert!(all_names(subject, ListSecrets::new().include_planned_deletion()).await.contains(&name));

    store.restore_secret(cx, &id).await.unwrap();
    store.restore_secret(cx, &id).await.expect("restoring what is not deleted is fine");
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "v");
    assert_eq!(store.describe_secret(cx, &id).await.unwrap().deleted, None);
}

/// Gone with its versions; a new secret of the name has another ARN and nothing of the old one.
pub async fn deletion_at_once_frees_the_name(subject: &Subject) {
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

async fn all_names(subject: &Subject, mut request: ListSecrets) -> Vec<String> {
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

/// Every order both ways; pages of any size together are the whole; tokens are bound to their query.
pub async fn lists_are_paged_and_sorted(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    let mut made = Vec::new();
    for value in ["a", "b", "c", "d", "e"] {
        made.push(subject.create("list", value).await);
    }
    // Changed last, though made first.
    subject.put(&made[0], 2, "changed").await;
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

/// Deprecated versions only when asked for; pages together are the whole.
pub async fn versions_are_listed_oldest_first(subject: &Subject) {
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

/// Names, lengths, tokens, tags: each refused with its own error, and nothing made.
pub async fn bad_input_is_named_and_changes_nothing(subject: &Subject) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = fresh("bad");
    let text = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    for bad in ["a b", "a*", "é", " a"] {
        assert_error(store.create_secret(cx, CreateSecret::new(bad)).await, ErrorKind::Validation, text);
        assert_error(store.get_secret_value(cx, GetSecretValue::new(bad)).await, ErrorKind::Validation, text);
    }
    let error = store.create_secret(cx, CreateSecret::new("")).await.unwrap_err();
    assert!(error.message().contains("at 'name'"), "{error}");
    let requests = [
        (CreateSecret::new(&name).description("d".repeat(2049)), ErrorKind::Validation),
        (CreateSecret::new(&name).token("short"), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).token("t".repeat(65)), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).tag("", "v"), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("k".repeat(129), "v"), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("k", "v".repeat(257)), ErrorKind::Validation),
        (CreateSecret::new(&name).tag("aws:k", "v"), ErrorKind::InvalidParameter),
        (CreateSecret::new(&name).tag("k", "v").tag("k", "w"), ErrorKind::InvalidParameter),
        (
            (0..51).fold(CreateSecret::new(&name), |r, n| r.tag(n.to_string(), "")),
            ErrorKind::InvalidParameter,
        ),
    ];
    for (request, kind) in requests {
        let request = request.value(SecretValue::text("v"));
        assert_eq!(store.create_secret(cx, request).await.expect_err("bad input").kind(), kind);
    }
    store.describe_secret(cx, &name.as_str().into()).await.expect_err("nothing was made");
}

/// Several threads put at once: every one succeeds, every version is there, one is current.
pub fn racing_puts_are_all_kept(subject: &Subject) {
    const THREADS: u32 = 4;
    const EACH: u32 = 8;
    let name = pollster::block_on(subject.create("racing", "0"));
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let name = &name;
            scope.spawn(move || {
                for n in 0..EACH {
                    pollster::block_on(subject.put(name, thread * 1000 + n, &format!("{thread}-{n}")));
                }
            });
        }
    });
    pollster::block_on(async {
        for thread in 1..=THREADS {
            for n in 0..EACH {
                let request = GetSecretValue::new(&name).version_id(token(thread * 1000 + n));
                assert_eq!(
                    subject.get(request).await.expect("a put that succeeded"),
                    format!("{thread}-{n}")
                );
            }
        }
        let labels = subject.labels(&name).await;
        let all: Vec<_> = labels.iter().flat_map(|(_, stages)| stages).collect();
        assert_eq!(all.len(), 2, "one current, one previous: {labels:?}");
    });
}
