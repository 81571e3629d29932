//! AWS Secrets Manager as a secret store.

mod admin;
mod answers;

use async_trait::async_trait;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{
    Filter as SdkFilter, FilterNameStringType, SortByType, SortOrderType, Tag as SdkTag,
};
use aws_types::SdkConfig;
use strongroom_envelope::SecretText;
use strongroom_store::{
    BatchFailure, BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, Error, ErrorKind, Filter,
    GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets, Operation, PutSecretValue,
    SecretCreated, SecretId, SecretMetadata, SecretPage, SecretRef, SecretStore, SecretUpdated, SecretValue,
    SecretVersion, SortBy, SortOrder, Tag, UpdateSecret, UpdateSecretVersionStage, ValuePut, VersionId,
    VersionPage,
};
use strongroom_types::CallContext;

use crate::caller::own_store;
use crate::error::secrets::{error, of_code};
use crate::tries::Tries;

/// AWS Secrets Manager. Clones share the SDK's client.
///
/// A request without a token gets a new one, which the SDK's retries reuse. An error of kind
/// [`ErrorKind::OutcomeUnknown`] carries the token in its context: repeating the request with it is
/// safe.
#[derive(Clone, Debug)]
pub struct SecretsManagerStore {
    client: aws_sdk_secretsmanager::Client,
}

impl SecretsManagerStore {
    /// Uses the credentials, region, endpoint, retries and timeouts of a configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self::from_client(aws_sdk_secretsmanager::Client::new(config))
    }

    /// Uses an existing client.
    #[must_use]
    pub fn from_client(client: aws_sdk_secretsmanager::Client) -> Self {
        let config = client.config().to_builder().interceptor(Tries).build();
        Self { client: aws_sdk_secretsmanager::Client::from_conf(config) }
    }
}

/// The `SecretString` and `SecretBinary` members of a value.
fn value(value: Option<&SecretValue>) -> Result<(Option<String>, Option<Blob>), Error> {
    Ok(match value {
        Some(value) if value.is_text() => (Some(value.expose_text()?.to_owned()), None),
        Some(value) => (None, Some(Blob::new(value.expose_bytes()))),
        None => (None, None),
    })
}

fn tags(tags: Vec<Tag>) -> Option<Vec<SdkTag>> {
    let tag = |tag: Tag| SdkTag::builder().key(tag.key).value(tag.value).build();
    (!tags.is_empty()).then(|| tags.into_iter().map(tag).collect())
}

fn filters(filters: Vec<Filter>) -> Option<Vec<SdkFilter>> {
    let filter = |filter: Filter| {
        let key = FilterNameStringType::from(filter.key.as_str());
        SdkFilter::builder().key(key).set_values(Some(filter.values)).build()
    };
    (!filters.is_empty()).then(|| filters.into_iter().map(filter).collect())
}

fn token(token: Option<VersionId>) -> Option<String> {
    token.map(|token| token.as_str().to_owned())
}

/// The given token, or a new one. It is ours rather than the SDK's so that errors can name it.
fn fresh(token: Option<VersionId>) -> Result<VersionId, Error> {
    token.map_or_else(VersionId::random, Ok)
}

/// Adds the token that makes a repeat safe to the error of a call whose outcome is unknown.
fn with_token(error: Error, token: &VersionId) -> Error {
    if error.kind() == ErrorKind::OutcomeUnknown { error.with("request token", token) } else { error }
}

/// Clamps a number to the SDK's range; the service refuses those outside its own.
fn number(number: Option<i64>) -> Option<i32> {
    number.map(|number| i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
}

/// Refuses callers other than the owner, before AWS is called.
fn own(cx: &CallContext, operation: Operation, secret: Option<&str>) -> Result<(), Error> {
    own_store(cx, operation.name()).map_err(|error| error.of_call(operation, secret))
}

#[async_trait]
impl SecretStore for SecretsManagerStore {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        const OPERATION: Operation = Operation::CreateSecret;
        own(cx, OPERATION, Some(&request.name))?;
        let token = fresh(request.token)?;
        let (text, binary) = value(request.value.as_ref())?;
        let call = self
            .client
            .create_secret()
            .name(request.name.as_str())
            .client_request_token(token.as_str())
            .set_description(request.description)
            .set_kms_key_id(request.kms_key_id)
            .set_secret_string(text)
            .set_secret_binary(binary)
            .set_tags(tags(request.tags));
        let answer = call
            .send()
            .await
            .map_err(|failed| error(OPERATION, Some(request.name.as_str()), true, failed))
            .map_err(|error| with_token(error, &token))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        Ok(SecretCreated { arn, name, version_id: answer.version_id.map(VersionId::new) })
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        const OPERATION: Operation = Operation::GetSecretValue;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let call = self
            .client
            .get_secret_value()
            .secret_id(request.id.as_str())
            .set_version_id(token(request.version_id))
            .set_version_stage(request.stage.map(|stage| stage.as_str().to_owned()));
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(request.id.as_str()), false, failed))?;
        answers::got(answer)
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        const OPERATION: Operation = Operation::PutSecretValue;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let token = fresh(request.token)?;
        let (text, binary) = value(Some(&request.value))?;
        let stages = |stages: Vec<strongroom_store::Stage>| {
            stages.iter().map(|stage| stage.as_str().to_owned()).collect()
        };
        let call = self
            .client
            .put_secret_value()
            .secret_id(request.id.as_str())
            .client_request_token(token.as_str())
            .set_secret_string(text)
            .set_secret_binary(binary)
            .set_version_stages(request.stages.map(stages));
        let answer = call
            .send()
            .await
            .map_err(|failed| error(OPERATION, Some(request.id.as_str()), true, failed))
            .map_err(|error| with_token(error, &token))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        let version_id = answers::version(answer.version_id)?;
        Ok(ValuePut { arn, name, version_id, stages: answers::stages(answer.version_stages) })
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        const OPERATION: Operation = Operation::UpdateSecret;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let token = fresh(request.token)?;
        let (text, binary) = value(request.value.as_ref())?;
        let call = self
            .client
            .update_secret()
            .secret_id(request.id.as_str())
            .client_request_token(token.as_str())
            .set_description(request.description)
            .set_kms_key_id(request.kms_key_id)
            .set_secret_string(text)
            .set_secret_binary(binary);
        let answer = call
            .send()
            .await
            .map_err(|failed| error(OPERATION, Some(request.id.as_str()), true, failed))
            .map_err(|error| with_token(error, &token))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        Ok(SecretUpdated { arn, name, version_id: answer.version_id.map(VersionId::new) })
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        const OPERATION: Operation = Operation::UpdateSecretVersionStage;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let call = self
            .client
            .update_secret_version_stage()
            .secret_id(request.id.as_str())
            .version_stage(request.stage.as_str())
            .set_remove_from_version_id(token(request.remove_from))
            .set_move_to_version_id(token(request.move_to));
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(request.id.as_str()), true, failed))?;
        answers::reference(answer.arn, answer.name)
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        const OPERATION: Operation = Operation::DescribeSecret;
        own(cx, OPERATION, Some(id.as_str()))?;
        let call = self.client.describe_secret().secret_id(id.as_str());
        answers::described(
            call.send().await.map_err(|failed| error(OPERATION, Some(id.as_str()), false, failed))?,
        )
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        const OPERATION: Operation = Operation::ListSecrets;
        own(cx, OPERATION, None)?;
        let sort_by = match request.sort_by {
            SortBy::LastChangedDate => SortByType::LastChangedDate,
            SortBy::Name => SortByType::Name,
            SortBy::LastAccessedDate => SortByType::LastAccessedDate,
            _ => SortByType::CreatedDate,
        };
        let sort_order = match request.sort_order {
            SortOrder::Descending => SortOrderType::Desc,
            _ => SortOrderType::Asc,
        };
        let call = self
            .client
            .list_secrets()
            .include_planned_deletion(request.include_planned_deletion)
            .set_max_results(number(request.max_results))
            .set_next_token(request.next_token)
            .set_filters(filters(request.filters))
            .sort_by(sort_by)
            .sort_order(sort_order);
        let answer = call.send().await.map_err(|failed| error(OPERATION, None, false, failed))?;
        let secrets = answer.secret_list.unwrap_or_default().into_iter().map(answers::listed);
        Ok(SecretPage { secrets: secrets.collect::<Result<_, _>>()?, next_token: answer.next_token })
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        const OPERATION: Operation = Operation::ListSecretVersionIds;
        own(cx, OPERATION, Some(request.id.as_str()))?;
        let call = self
            .client
            .list_secret_version_ids()
            .secret_id(request.id.as_str())
            .set_max_results(number(request.max_results))
            .set_next_token(request.next_token)
            .include_deprecated(request.include_deprecated);
        let answer =
            call.send().await.map_err(|failed| error(OPERATION, Some(request.id.as_str()), false, failed))?;
        let SecretRef { arn, name } = answers::reference(answer.arn, answer.name)?;
        let versions = answer.versions.unwrap_or_default().into_iter().map(answers::listed_version);
        Ok(VersionPage {
            arn,
            name,
            versions: versions.collect::<Result<_, _>>()?,
            next_token: answer.next_token,
        })
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        const OPERATION: Operation = Operation::BatchGetSecretValue;
        own(cx, OPERATION, None)?;
        let ids: Vec<String> = request.ids.iter().map(|id| id.as_str().to_owned()).collect();
        let call = self
            .client
            .batch_get_secret_value()
            .set_secret_id_list((!ids.is_empty()).then_some(ids))
            .set_filters(filters(request.filters))
            .set_max_results(number(request.max_results))
            .set_next_token(request.next_token);
        let answer = call.send().await.map_err(|failed| error(OPERATION, None, false, failed))?;
        let mut page = BatchPage { next_token: answer.next_token, ..BatchPage::default() };
        for told in answer.secret_values.unwrap_or_default() {
            page.values.push(answers::batched(told)?);
        }
        for failed in answer.errors.unwrap_or_default() {
            let error = of_code(failed.error_code.as_deref(), failed.message.unwrap_or_default());
            page.errors.push(BatchFailure { id: SecretId::new(failed.secret_id.unwrap_or_default()), error });
        }
        Ok(page)
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        const OPERATION: Operation = Operation::GetRandomPassword;
        own(cx, OPERATION, None)?;
        let call = self
            .client
            .get_random_password()
            .set_password_length(request.length)
            .set_exclude_characters(
                (!request.exclude_characters.is_empty()).then_some(request.exclude_characters),
            )
            .exclude_numbers(request.exclude_numbers)
            .exclude_punctuation(request.exclude_punctuation)
            .exclude_uppercase(request.exclude_uppercase)
            .exclude_lowercase(request.exclude_lowercase)
            .include_space(request.include_space)
            .require_each_included_type(request.require_each_included_type);
        let answer = call.send().await.map_err(|failed| error(OPERATION, None, false, failed))?;
        let missing = || {
            Error::new(ErrorKind::Internal, "AWS's answer is without its content").during(OPERATION.name())
        };
        answer.random_password.map(SecretText::from_string).ok_or_else(missing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::full()
    }
}
