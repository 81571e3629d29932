//! The conformance suite of [`SecretStore`](strongroom_store::SecretStore) and [`SecretAdmin`].
//!
//! What a store declares it cannot do
//! ([`capabilities`](strongroom_store::SecretStore::capabilities)) is not asked of it, or must be
//! refused. A store without an admin part goes into a [`Fixture`] through
//! [`AnyStore`](strongroom_store::AnyStore); a read-only store has a suite of its own,
//! [`read_only`].

pub mod batch;
pub mod counted;
pub mod lists;
pub mod policies;
pub mod read_only;
pub mod secrets;
pub mod stages;
pub mod values;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use strongroom_store::{
    CreateSecret, Error, ErrorKind, GetSecretValue, PutSecretValue, SecretAdmin, SecretValue, Stage,
    UpdateSecretVersionStage, VersionId,
};
use strongroom_types::CallContext;

/// What the suite works with: a store and a caller who may use it. The suite makes secrets of names
/// that begin with `conformance/` and leaves some behind.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Fixture {
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
    Fut: Future<Output = Fixture>,
{
    let can = make().await.store.capabilities();
    assert!(can.writes, "the store declares that it only reads: run store::read_only::conformance");
    if !(can.free_stages && can.token_is_version_id) {
        return counts_its_versions(make).await;
    }
    values::a_secret_is_made_and_read(&make().await).await;
    values::values_of_all_kinds_and_sizes_come_back(&make().await).await;
    values::versions_are_read_by_id_and_stage(&make().await).await;
    values::a_repeat_with_the_same_token_changes_nothing(&make().await).await;
    values::bad_input_is_named_and_changes_nothing(&make().await).await;
    stages::a_put_moves_current_and_previous(&make().await).await;
    stages::labels_named_in_a_put_move_alone(&make().await).await;
    stages::a_rollback_swaps_the_two_labels(&make().await).await;
    stages::refused_moves_change_nothing(&make().await).await;
    stages::twenty_labels_are_the_most(&make().await).await;
    secrets::secrets_are_found_by_name_and_arn(&make().await).await;
    secrets::unknown_things_are_not_found(&make().await).await;
    secrets::errors_name_the_call_and_its_secret(&make().await).await;
    secrets::metadata_is_updated_and_described(&make().await).await;
    if can.admin {
        secrets::tags_are_added_changed_and_removed(&make().await).await;
        secrets::deleted_secrets_can_be_restored(&make().await).await;
        secrets::deletion_at_once_frees_the_name(&make().await).await;
        lists::pages_are_stable_while_secrets_come_and_go(&make().await).await;
    } else {
        secrets::an_admin_part_that_is_not_there_is_refused(&make().await).await;
    }
    lists::lists_are_paged_and_sorted(&make().await).await;
    lists::filters_choose_secrets(&make().await).await;
    lists::versions_are_listed_oldest_first(&make().await).await;
    lists::reads_are_dated(&make().await).await;
    lists::served_reads_are_dated(&make().await).await;
    batch::several_values_are_read_at_once(&make().await).await;
    batch::values_are_found_by_filters(&make().await).await;
    batch::passwords_are_as_asked_for(&make().await).await;
    policies::policies_are_kept_and_checked(&make().await).await;
    values::racing_puts_are_all_kept(&make().await);
}

/// For stores that count their versions.
async fn counts_its_versions<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Fixture>,
{
    counted::a_secret_is_made_and_read(&make().await).await;
    counted::values_of_all_sizes_come_back(&make().await).await;
    counted::the_newest_version_is_the_current_one(&make().await).await;
    counted::what_it_cannot_do_is_refused(&make().await).await;
    counted::own_labels_move(&make().await).await;
    if make().await.store.capabilities().admin {
        counted::unknown_things_are_not_found(&make().await).await;
        counted::metadata_is_kept(&make().await).await;
        counted::deletion_at_once_frees_the_name(&make().await).await;
    } else {
        secrets::an_admin_part_that_is_not_there_is_refused(&make().await).await;
    }
    counted::lists_are_paged(&make().await).await;
    counted::several_values_are_read_at_once(&make().await).await;
    batch::passwords_are_as_asked_for(&make().await).await;
    counted::racing_puts_are_all_kept(&make().await);
}

/// A name nobody used before.
pub(super) fn fresh(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("conformance/{what}-{}-{:06}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn token(n: u32) -> VersionId {
    VersionId::new(format!("00000000-0000-4000-8000-{n:012}"))
}

pub(super) fn stages(stages: &[&str]) -> BTreeSet<Stage> {
    stages.iter().map(|stage| Stage::new(*stage)).collect()
}

pub(super) fn assert_error<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, text: &str) {
    let error = result.expect_err(text);
    assert_eq!((error.kind(), error.message()), (kind, text));
}

impl Fixture {
    pub(super) async fn create(&self, what: &str, value: &str) -> String {
        let name = fresh(what);
        let request = CreateSecret::new(&name).value(SecretValue::text(value)).token(token(1));
        self.store.create_secret(&self.cx, request).await.expect("a new secret");
        name
    }

    pub(super) async fn put(&self, name: &str, n: u32, value: &str) {
        let request = PutSecretValue::new(name, SecretValue::text(value)).token(token(n));
        self.store.put_secret_value(&self.cx, request).await.expect("a new value");
    }

    pub(super) async fn get(&self, request: GetSecretValue) -> Result<String, Error> {
        let version = self.store.get_secret_value(&self.cx, request).await?;
        Ok(version.expose_text().expect("text").to_owned())
    }

    pub(super) async fn labels(&self, name: &str) -> Vec<(VersionId, BTreeSet<Stage>)> {
        let described = self.store.describe_secret(&self.cx, &name.into()).await.unwrap();
        described.versions.into_iter().collect()
    }

    pub(super) async fn refuse(&self, request: UpdateSecretVersionStage, kind: ErrorKind) -> String {
        let error =
            self.store.update_secret_version_stage(&self.cx, request).await.expect_err("a refused move");
        assert_eq!(error.kind(), kind, "{error}");
        error.message().to_owned()
    }
}
