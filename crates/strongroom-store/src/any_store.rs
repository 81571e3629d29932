//! A store with or without its admin part.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_types::CallContext;

use crate::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, Error, GetRandomPassword, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutSecretValue, SecretAdmin, SecretCreated, SecretId, SecretMetadata,
    SecretPage, SecretRef, SecretStore, SecretUpdated, SecretVersion, ServedReads, UpdateSecret,
    UpdateSecretVersionStage, ValuePut, VersionPage,
};

/// Any store, for functions that take one: a [`SecretAdmin`], or an `Arc<dyn SecretStore>`, whose
/// admin operations then fail with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
///
/// ```
/// # use std::sync::Arc;
/// use strongroom_store::{AnyStore, SecretAdmin, SecretStore};
///
/// fn keep(store: impl Into<AnyStore>) -> Arc<dyn SecretAdmin> {
///     store.into().into_admin()
/// }
/// # fn try_it(plain: Arc<dyn SecretStore>, admin: Arc<dyn SecretAdmin>) {
/// keep(admin);
/// keep(plain); // deletion, tags and policies are refused with Unsupported
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AnyStore(Arc<dyn SecretAdmin>);

impl AnyStore {
    /// The store. Operations that it does not have fail with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    #[must_use]
    pub fn into_admin(self) -> Arc<dyn SecretAdmin> {
        self.0
    }
}

impl From<Arc<dyn SecretAdmin>> for AnyStore {
    fn from(store: Arc<dyn SecretAdmin>) -> Self {
        Self(store)
    }
}

impl<S: SecretAdmin + 'static> From<Arc<S>> for AnyStore {
    fn from(store: Arc<S>) -> Self {
        Self(store)
    }
}

impl From<Arc<dyn SecretStore>> for AnyStore {
    fn from(store: Arc<dyn SecretStore>) -> Self {
        Self(Arc::new(Plain(store)))
    }
}

/// A store that has no admin part.
#[derive(Debug)]
struct Plain(Arc<dyn SecretStore>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SecretStore for Plain {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        self.0.create_secret(cx, request).await
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        self.0.get_secret_value(cx, request).await
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        self.0.put_secret_value(cx, request).await
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        self.0.update_secret(cx, request).await
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        self.0.update_secret_version_stage(cx, request).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.0.describe_secret(cx, id).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.0.list_secrets(cx, request).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.0.list_secret_version_ids(cx, request).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        self.0.batch_get_secret_value(cx, request).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        self.0.get_random_password(cx, request).await
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        self.0.report_reads(cx, reads).await
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.0.capabilities();
        (capabilities.admin, capabilities.recovery_window) = (false, false);
        capabilities.resource_policies = false;
        capabilities
    }
}

/// Uses the provided methods, which fail with `Unsupported`.
impl SecretAdmin for Plain {}
