//! Managing parameters: deletion and tags.

use async_trait::async_trait;
use aws_sdk_ssm::types::ResourceTypeForTagging;
use strongroom_store::{
    DeleteSecret, Error, ErrorKind, Operation, SecretAdmin, SecretDeleted, SecretId, SecretRef, Tag,
};
use strongroom_types::{CallContext, Clock, SystemClock};

use super::{ParameterStore, sdk_tag, unsupported};
use crate::caller::own_store;
use crate::error::parameters::error;

impl ParameterStore {
    pub(super) async fn tags(&self, parameter: &str, operation: &'static str) -> Result<Vec<Tag>, Error> {
        let call = self
            .client
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(parameter);
        let answer = call.send().await.map_err(|failed| error(operation, false, failed))?;
        Ok(answer.tag_list.unwrap_or_default().into_iter().map(|tag| Tag::new(tag.key, tag.value)).collect())
    }
}

/// The operations. Their errors get the secret's name in the trait's methods below.
impl ParameterStore {
    async fn delete(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        const NAME: &str = "DeleteSecret";
        own_store(cx, NAME)?;
        if !request.force || request.recovery_window_days.is_some() {
            return Err(unsupported(NAME, "Parameter Store deletes at once and for good: call force()"));
        }
        let parameter = self.names.of(&request.id).map_err(|error| error.during(NAME))?;
        let call = self.client.delete_parameter().name(&parameter);
        if let Err(failed) = call.send().await.map_err(|failed| error(NAME, true, failed)) {
            // A missing parameter counts as deleted.
            if failed.kind() != ErrorKind::NotFound {
                return Err(failed);
            }
        }
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(SecretDeleted { arn, name, deletion_date: SystemClock.now() })
    }

    async fn tag(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        const NAME: &str = "TagResource";
        own_store(cx, NAME)?;
        let parameter = self.names.of(id).map_err(|error| error.during(NAME))?;
        let call = self
            .client
            .add_tags_to_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(parameter)
            .set_tags(Some(tags.into_iter().map(sdk_tag).collect::<Result<_, _>>()?));
        call.send().await.map_err(|failed| error(NAME, true, failed)).map(drop)
    }

    async fn untag(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        const NAME: &str = "UntagResource";
        own_store(cx, NAME)?;
        let parameter = self.names.of(id).map_err(|error| error.during(NAME))?;
        let call = self
            .client
            .remove_tags_from_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(parameter)
            .set_tag_keys(Some(keys));
        call.send().await.map_err(|failed| error(NAME, true, failed)).map(drop)
    }
}

#[async_trait]
impl SecretAdmin for ParameterStore {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        let secret = request.id.clone();
        let outcome = self.delete(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::DeleteSecret, Some(secret.as_str())))
    }

    async fn restore_secret(&self, _cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        let refused = unsupported("RestoreSecret", "Parameter Store deletes for good");
        Err(refused.of_call(Operation::RestoreSecret, Some(id.as_str())))
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        let tagged = self.tag(cx, id, tags).await;
        tagged.map_err(|error| error.of_call(Operation::TagResource, Some(id.as_str())))
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        let untagged = self.untag(cx, id, keys).await;
        untagged.map_err(|error| error.of_call(Operation::UntagResource, Some(id.as_str())))
    }
}
