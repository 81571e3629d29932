//! A shared store is a store, so that a decorator takes any.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_types::CallContext;

use crate::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret, Error, GetRandomPassword,
    GetSecretValue, ListSecretVersionIds, ListSecrets, PolicyValidation, PutResourcePolicy, PutSecretValue,
    ResourcePolicy, SecretAdmin, SecretCreated, SecretDeleted, SecretId, SecretMetadata, SecretPage,
    SecretRef, SecretStore, SecretUpdated, SecretVersion, ServedReads, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretStore + ?Sized> SecretStore for Arc<S> {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        (**self).create_secret(cx, request).await
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        (**self).get_secret_value(cx, request).await
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        (**self).put_secret_value(cx, request).await
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        (**self).update_secret(cx, request).await
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        (**self).update_secret_version_stage(cx, request).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        (**self).describe_secret(cx, id).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        (**self).list_secrets(cx, request).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        (**self).list_secret_version_ids(cx, request).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        (**self).batch_get_secret_value(cx, request).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        (**self).get_random_password(cx, request).await
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        (**self).report_reads(cx, reads).await
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretAdmin + ?Sized> SecretAdmin for Arc<S> {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        (**self).delete_secret(cx, request).await
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        (**self).restore_secret(cx, id).await
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        (**self).tag_resource(cx, id, tags).await
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        (**self).untag_resource(cx, id, keys).await
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        (**self).put_resource_policy(cx, request).await
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        (**self).get_resource_policy(cx, id).await
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        (**self).delete_resource_policy(cx, id).await
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        (**self).validate_resource_policy(cx, request).await
    }
}
