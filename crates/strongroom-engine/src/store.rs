//! The engine as a `SecretStore`.

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_store::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret, Error, GetRandomPassword,
    GetSecretValue, ListSecretVersionIds, ListSecrets, Operation, PolicyValidation, PutResourcePolicy,
    PutSecretValue, ResourcePolicy, SecretAdmin, SecretCreated, SecretDeleted, SecretId, SecretMetadata,
    SecretPage, SecretRef, SecretStore, SecretUpdated, SecretVersion, ServedReads, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage, batch_get,
};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::permission::{About, RequestFacts};

#[async_trait]
impl SecretStore for Engine {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        self.create(cx, request).await.map_err(|error| error.during("CreateSecret"))
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        self.get(cx, request).await.map_err(|error| error.during("GetSecretValue"))
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        self.put(cx, request).await.map_err(|error| error.during("PutSecretValue"))
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        self.update(cx, request).await.map_err(|error| error.during("UpdateSecret"))
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        self.move_stage(cx, request).await.map_err(|error| error.during("UpdateSecretVersionStage"))
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.describe(cx, id).await.map_err(|error| error.during("DescribeSecret"))
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.list(cx, request).await.map_err(|error| error.during("ListSecrets"))
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.list_versions(cx, request).await.map_err(|error| error.during("ListSecretVersionIds"))
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        let operation = Operation::BatchGetSecretValue;
        let permitted = self.permit(cx, operation, About::Nothing, &RequestFacts::nothing()).await;
        permitted.map_err(|error| error.during("BatchGetSecretValue"))?;
        batch_get(self, cx, request).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        let permitted =
            self.permit(cx, Operation::GetRandomPassword, About::Nothing, &RequestFacts::nothing()).await;
        permitted.and_then(|()| request.generate()).map_err(|error| error.during("GetRandomPassword"))
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        self.take_reads(cx, reads).await.map_err(|error| error.during("ReportReads"))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.max_versions = self.inner.limits.versions;
        capabilities.served_reads = true;
        capabilities
    }
}

#[async_trait]
impl SecretAdmin for Engine {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        self.delete(cx, request).await.map_err(|error| error.during("DeleteSecret"))
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.restore(cx, id).await.map_err(|error| error.during("RestoreSecret"))
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        self.tag(cx, id, tags).await.map_err(|error| error.during("TagResource"))
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        self.untag(cx, id, keys).await.map_err(|error| error.during("UntagResource"))
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        self.put_policy(cx, request).await.map_err(|error| error.during("PutResourcePolicy"))
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        self.policy(cx, id).await.map_err(|error| error.during("GetResourcePolicy"))
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.delete_policy(cx, id).await.map_err(|error| error.during("DeleteResourcePolicy"))
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        self.validate_policy(cx, request).await.map_err(|error| error.during("ValidateResourcePolicy"))
    }
}
