//! The trait [`SecretStore`].

use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_types::CallContext;

use crate::{
    BatchFailure, BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, Error, ErrorKind,
    GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets, Operation, PutSecretValue,
    SecretCreated, SecretId, SecretMetadata, SecretPage, SecretRef, SecretUpdated, SecretVersion,
    ServedReads, SortBy, UpdateSecret, UpdateSecretVersionStage, ValuePut, VersionPage,
};

/// A store of secrets: reads and writes values, versions and stages.
///
/// Object-safe; users hold `Arc<dyn SecretStore>`. Each change is atomic (value and labels move
/// together or not at all) and durable when it returns. Repeating a call with the same token and
/// value changes nothing and returns the same result; with another value it fails with
/// [`crate::ErrorKind::Exists`]. If a future is dropped, the change either happens as a whole or
/// not at all.
///
/// Common errors: [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Validation`],
/// [`crate::ErrorKind::MarkedForDeletion`], [`crate::ErrorKind::AccessDenied`],
/// [`crate::ErrorKind::Tampered`], [`crate::ErrorKind::Throttled`], [`crate::ErrorKind::Internal`].
/// An error names the operation that was called and, where it named one, the secret
/// ([`Error::of_call`]).
#[async_trait]
pub trait SecretStore: Send + Sync + Debug {
    /// Creates a secret, with or without a first value.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Exists`], [`crate::ErrorKind::EncryptionFailure`], the common ones.
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error>;

    /// Reads a version's value.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DecryptionFailure`], the common ones.
    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error>;

    /// Stores a new version.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Exists`], [`crate::ErrorKind::LimitExceeded`],
    /// [`crate::ErrorKind::EncryptionFailure`], the common ones.
    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error>;

    /// Changes description, key or value.
    ///
    /// # Errors
    /// As [`SecretStore::put_secret_value`].
    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error>;

    /// Moves, attaches or removes a label.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`], [`crate::ErrorKind::LimitExceeded`], the common
    /// ones.
    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error>;

    /// Returns everything but the value, even for a secret that is marked for deletion.
    ///
    /// # Errors
    /// The common ones.
    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error>;

    /// A page of secrets.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidNextToken`], the common ones.
    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error>;

    /// A page of a secret's versions that have a value, oldest first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidNextToken`], the common ones.
    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error>;

    /// Reads the current values of up to 20 secrets. The failure of a single secret is part of the
    /// result.
    ///
    /// The default lists and reads one by one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`] unless secrets are named or filters given, but not
    /// both; [`crate::ErrorKind::InvalidNextToken`], the common ones that concern no single secret.
    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        batch_get(self, cx, request).await
    }

    /// Generates a random password.
    ///
    /// The default is [`GetRandomPassword::generate`].
    ///
    /// # Errors
    /// As [`GetRandomPassword::generate`].
    async fn get_random_password(
        &self,
        _cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        request.generate().map_err(|error| error.of_call(Operation::GetRandomPassword, None))
    }

    /// Records reads that a cache in front of this store has served: a secret was used on the day
    /// of the last of them. Skips secrets that no longer exist or that the caller can no longer
    /// read. Returns the number of reads that it recorded.
    ///
    /// The default fails, as a store must if [`Capabilities::served_reads`] is not set.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`]; [`crate::ErrorKind::Throttled`],
    /// [`crate::ErrorKind::Internal`] and others that concern no single secret. The same reads can
    /// then be reported again, which changes nothing more.
    async fn report_reads(&self, _cx: &CallContext, _reads: &[ServedReads]) -> Result<u64, Error> {
        let text = "this store takes no reports of reads that it has not served";
        Err(Error::new(ErrorKind::Unsupported, text).of_call(Operation::ReportReads, None))
    }

    /// The capabilities of this store.
    fn capabilities(&self) -> Capabilities;
}

/// Lists and reads one by one. This is the default of [`SecretStore::batch_get_secret_value`]; a
/// store that overrides it can call this function.
///
/// # Errors
/// As [`SecretStore::batch_get_secret_value`].
pub async fn batch_get<S: SecretStore + ?Sized>(
    store: &S,
    cx: &CallContext,
    request: BatchGetSecretValue,
) -> Result<BatchPage, Error> {
    let named = |error: Error| error.of_call(Operation::BatchGetSecretValue, None);
    request.check_shape().map_err(named)?;
    let mut page = BatchPage::default();
    let mut ids = request.ids;
    if !request.filters.is_empty() {
        let mut list =
            ListSecrets::new().max_results(request.max_results.unwrap_or(BatchGetSecretValue::MAX));
        (list.filters, list.next_token) = (request.filters, request.next_token);
        // No order is guaranteed. With a filter on names, sorting by name is the cheapest.
        if list.filters.iter().any(|filter| filter.name_prefixes().is_some()) {
            list.sort_by = SortBy::Name;
        }
        let listed = store.list_secrets(cx, list).await.map_err(named)?;
        page.next_token = listed.next_token;
        // Read by ARN: a secret that is deleted and created again in between is another one.
        ids = listed.secrets.into_iter().map(|secret| SecretId::from(String::from(secret.arn))).collect();
    }
    for id in ids {
        match store.get_secret_value(cx, GetSecretValue::new(id.clone())).await {
            Ok(value) => page.values.push(value),
            Err(error) if concerns_one(error.kind()) => page.errors.push(BatchFailure { id, error }),
            Err(error) => return Err(named(error)),
        }
    }
    Ok(page)
}

/// Whether a failure concerns a single secret. All do, unless the store itself was replaced. A key
/// service that is down or busy fails only the secrets under its keys.
fn concerns_one(kind: ErrorKind) -> bool {
    kind != ErrorKind::StoreChanged
}
