//! The engine as a `SecretStore`.

use std::pin::pin;

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

use crate::call::{About, Parameters};
use crate::engine::Engine;
use crate::permission::Gate;
use crate::read::{Lister, Reader};
use crate::write::{Deleter, HeadWriter, ResourcePolicies, Writer};

#[async_trait]
impl SecretStore for Engine {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        let call = self.call(cx, Operation::CreateSecret, Some(request.name.as_str()), &request);
        self.perform(&call, pin!(Writer(&self.parts).create(&call, &request))).await
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        let call = self.call(cx, Operation::GetSecretValue, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(Reader(&self.parts).get(&call, &request))).await
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        let call = self.call(cx, Operation::PutSecretValue, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(Writer(&self.parts).put(&call, &request))).await
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        let call = self.call(cx, Operation::UpdateSecret, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(Writer(&self.parts).update(&call, &request))).await
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        let call = self.call(cx, Operation::UpdateSecretVersionStage, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(HeadWriter(&self.parts).move_stage(&call, &request))).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        let call = self.call(cx, Operation::DescribeSecret, Some(id.as_str()), Parameters::default());
        self.perform(&call, pin!(Reader(&self.parts).describe(&call, id))).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        let call = self.call(cx, Operation::ListSecrets, None, Parameters::default());
        self.perform(&call, pin!(Lister(&self.parts).list(&call, &request))).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        let id = Some(request.id.as_str());
        let call = self.call(cx, Operation::ListSecretVersionIds, id, Parameters::default());
        self.perform(&call, pin!(Lister(&self.parts).list_versions(&call, &request))).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        let parameters = Parameters { filters: !request.filters.is_empty(), ..Parameters::default() };
        let call = self.call(cx, Operation::BatchGetSecretValue, None, parameters);
        let read = async {
            Gate(&self.parts).allow(&call, About::Nothing).await?;
            // Each listing and each read of it is a call of its own.
            batch_get(self, cx, request).await
        };
        self.perform(&call, pin!(read)).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        let call = self.call(cx, Operation::GetRandomPassword, None, Parameters::default());
        self.perform(&call, pin!(Reader(&self.parts).random_password(&call, &request))).await
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        let call = self.call(cx, Operation::ReportReads, None, Parameters::default());
        self.perform(&call, pin!(Reader(&self.parts).take_reads(&call, reads))).await
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.max_versions = self.parts.limits.versions;
        capabilities.served_reads = true;
        capabilities
    }
}

#[async_trait]
impl SecretAdmin for Engine {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        let call = self.call(cx, Operation::DeleteSecret, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(Deleter(&self.parts).delete(&call, &request))).await
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        let call = self.call(cx, Operation::RestoreSecret, Some(id.as_str()), Parameters::default());
        self.perform(&call, pin!(Deleter(&self.parts).restore(&call, id))).await
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        let call = self.call(cx, Operation::TagResource, Some(id.as_str()), tags.as_slice());
        self.perform(&call, pin!(HeadWriter(&self.parts).tag(&call, id, &tags))).await
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        let call = self.call(cx, Operation::UntagResource, Some(id.as_str()), keys.as_slice());
        self.perform(&call, pin!(HeadWriter(&self.parts).untag(&call, id, &keys))).await
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        let call = self.call(cx, Operation::PutResourcePolicy, Some(request.id.as_str()), &request);
        self.perform(&call, pin!(ResourcePolicies(&self.parts).put(&call, &request))).await
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        let call = self.call(cx, Operation::GetResourcePolicy, Some(id.as_str()), Parameters::default());
        self.perform(&call, pin!(ResourcePolicies(&self.parts).get(&call, id))).await
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        let call = self.call(cx, Operation::DeleteResourcePolicy, Some(id.as_str()), Parameters::default());
        self.perform(&call, pin!(ResourcePolicies(&self.parts).delete(&call, id))).await
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        let call = self.call(
            cx,
            Operation::ValidateResourcePolicy,
            request.id.as_ref().map(SecretId::as_str),
            &request,
        );
        self.perform(&call, pin!(ResourcePolicies(&self.parts).validate(&call, &request))).await
    }
}
