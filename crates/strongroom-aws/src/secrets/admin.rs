//! Managing secrets: deletion, tags, resource policies.

use async_trait::async_trait;
use strongroom_store::{
    DeleteSecret, Error, Operation, PolicyFinding, PolicyValidation, PutResourcePolicy, ResourcePolicy,
    SecretAdmin, SecretDeleted, SecretId, SecretRef, Tag, ValidateResourcePolicy,
};
use strongroom_types::CallContext;

use super::{SecretsManagerStore, answers, own, tags};
use crate::error::secrets::error;

#[async_trait]
impl SecretAdmin for SecretsManagerStore {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        const OPERATION: Operation = Operation::DeleteSecret;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let call = self
            .client
            .delete_secret()
            .secret_id(request.id.as_str())
            .set_recovery_window_in_days(request.recovery_window_days)
            .set_force_delete_without_recovery(request.force.then_some(true));
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(request.id.as_str()), true, failed))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        Ok(SecretDeleted { arn, name, deletion_date: answers::created(answer.deletion_date)? })
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        const OPERATION: Operation = Operation::RestoreSecret;
        own(cx, OPERATION, Some(id.as_str()))?;
        let call = self.client.restore_secret().secret_id(id.as_str());
        let answer = call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), true, failed))?;
        answers::reference(answer.arn, answer.name)
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, given: Vec<Tag>) -> Result<(), Error> {
        const OPERATION: Operation = Operation::TagResource;
        own(cx, OPERATION, Some(id.as_str()))?;
        // An empty list is sent, not omitted.
        let given = tags(given).unwrap_or_default();
        let call = self.client.tag_resource().secret_id(id.as_str()).set_tags(Some(given));
        call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), true, failed)).map(drop)
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        const OPERATION: Operation = Operation::UntagResource;
        own(cx, OPERATION, Some(id.as_str()))?;
        let call = self.client.untag_resource().secret_id(id.as_str()).set_tag_keys(Some(keys));
        call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), true, failed)).map(drop)
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        const OPERATION: Operation = Operation::PutResourcePolicy;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let call = self
            .client
            .put_resource_policy()
            .secret_id(request.id.as_str())
            .resource_policy(request.policy)
            .block_public_policy(request.block_public_policy);
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(request.id.as_str()), true, failed))?;
        answers::reference(answer.arn, answer.name)
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        const OPERATION: Operation = Operation::GetResourcePolicy;
        own(cx, OPERATION, Some(id.as_str()))?;
        let call = self.client.get_resource_policy().secret_id(id.as_str());
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), false, failed))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        Ok(ResourcePolicy { arn, name, policy: answer.resource_policy })
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        const OPERATION: Operation = Operation::DeleteResourcePolicy;
        own(cx, OPERATION, Some(id.as_str()))?;
        let call = self.client.delete_resource_policy().secret_id(id.as_str());
        let answer = call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), true, failed))?;
        answers::reference(answer.arn, answer.name)
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        const OPERATION: Operation = Operation::ValidateResourcePolicy;
        own(cx, OPERATION, request.id.as_ref().map(SecretId::as_str))?;
        let call = self
            .client
            .validate_resource_policy()
            .set_secret_id(request.id.as_ref().map(|id| id.as_str().to_owned()))
            .resource_policy(request.policy);
        let answer = call
            .send()
            .await
            .map_err(|failed| error(OPERATION, request.id.as_ref().map(SecretId::as_str), false, failed))?;
        let finding = |told: aws_sdk_secretsmanager::types::ValidationErrorsEntry| PolicyFinding {
            check: told.check_name.unwrap_or_default(),
            message: told.error_message.unwrap_or_default(),
        };
        Ok(PolicyValidation {
            passed: answer.policy_validation_passed,
            findings: answer.validation_errors.unwrap_or_default().into_iter().map(finding).collect(),
        })
    }
}
