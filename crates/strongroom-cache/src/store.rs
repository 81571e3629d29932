//! The store traits: reads are served from the cache; writes go through and invalidate it.

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_store::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret, Error, GetRandomPassword,
    GetSecretValue, ListSecretVersionIds, ListSecrets, PolicyValidation, PutResourcePolicy, PutSecretValue,
    ResourcePolicy, SecretAdmin, SecretCreated, SecretDeleted, SecretId, SecretMetadata, SecretPage,
    SecretRef, SecretStore, SecretUpdated, SecretVersion, ServedReads, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage, batch_get,
};
use strongroom_types::CallContext;

use crate::cached::Cached;

/// A write in flight. When it ends, with any outcome or by being dropped, its secret's entries are
/// removed.
struct Writing<'a, S: SecretStore + 'static> {
    cached: &'a Cached<S>,
    names: Vec<String>,
    /// Adds the secret's name and ARN from the store's response.
    all: bool,
}

impl<S: SecretStore + 'static> Drop for Writing<'_, S> {
    fn drop(&mut self) {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        self.cached.written(&names, self.all);
    }
}

/// Makes a write, and removes its secret's entries under all its names.
macro_rules! write {
    ($self:ident, $id:expr, $call:expr) => {{
        let mut writing = Writing { cached: $self, names: vec![$id.into()], all: false };
        let answer = $call.await;
        if let Ok(output) = &answer {
            writing.names.extend([output.name.clone(), output.arn.to_string()]);
            writing.all = true;
        }
        answer
    }};
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretStore + 'static> SecretStore for Cached<S> {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        write!(self, request.name.as_str(), self.inner().create_secret(cx, request))
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        // The value is a handle; only the name and labels are copied.
        self.read(cx, request).await.map(|held| SecretVersion::clone(&held))
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        write!(self, request.id.as_str(), self.inner().put_secret_value(cx, request))
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        write!(self, request.id.as_str(), self.inner().update_secret(cx, request))
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        write!(self, request.id.as_str(), self.inner().update_secret_version_stage(cx, request))
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.inner().describe_secret(cx, id).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.inner().list_secrets(cx, request).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.inner().list_secret_version_ids(cx, request).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        // Named secrets are served one by one; filters go to the store.
        if request.filters.is_empty() {
            batch_get(self, cx, request).await
        } else {
            self.inner().batch_get_secret_value(cx, request).await
        }
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        self.inner().get_random_password(cx, request).await
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        self.inner().report_reads(cx, reads).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretAdmin + 'static> SecretAdmin for Cached<S> {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        write!(self, request.id.as_str(), self.inner().delete_secret(cx, request))
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        write!(self, id.as_str(), self.inner().restore_secret(cx, id))
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        // Permissions can depend on tags.
        let _writing = Writing { cached: self, names: vec![id.as_str().into()], all: false };
        self.inner().tag_resource(cx, id, tags).await
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        let _writing = Writing { cached: self, names: vec![id.as_str().into()], all: false };
        self.inner().untag_resource(cx, id, keys).await
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        write!(self, request.id.as_str(), self.inner().put_resource_policy(cx, request))
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        self.inner().get_resource_policy(cx, id).await
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        write!(self, id.as_str(), self.inner().delete_resource_policy(cx, id))
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        self.inner().validate_resource_policy(cx, request).await
    }
}
