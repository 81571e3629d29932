//! Managing parameters: deletion and tags.

use async_trait::async_trait;
use aws_sdk_ssm::types::ResourceTypeForTagging;
use strongroom_store::{
    DeleteSecret, Error, ErrorKind, SecretAdmin, SecretDeleted, SecretId, SecretRef, Tag,
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

#[async_trait]
impl SecretAdmin for ParameterStore {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        const NAME: &str = "DeleteSecret";
        own_store(cx, NAME)?;
        if !request.force || request.recovery_window_days.is_some() {
            return Err(unsupported(
                NAME,
                "Parameter Store deletes at once and without a way back: say force()",
            ));
        }
        let parameter = self.names.of(&request.id).map_err(|error| error.during(NAME))?;
        let call = self.client.delete_parameter().name(&parameter);
        if let Err(failed) = call.send().await.map_err(|failed| error(NAME, true, failed)) {
            // What is not there is deleted.
            if failed.kind() != ErrorKind::NotFound {
                return Err(failed);
            }
        }
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(SecretDeleted { arn, name, deletion_date: SystemClock.now() })
    }

    async fn restore_secret(&self, _cx: &CallContext, _id: &SecretId) -> Result<SecretRef, Error> {
        Err(unsupported("RestoreSecret", "Parameter Store deletes without a way back"))
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
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

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
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
