//! AWS Systems Manager Parameter Store as a secret store.

mod admin;
mod history;
mod labels;
mod list;
mod names;

use async_trait::async_trait;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, Tag as SdkTag};
use aws_types::SdkConfig;
use strongroom_envelope::SecretText;
use strongroom_store::{
    Capabilities, CreateSecret, Error, ErrorKind, GetSecretValue, ListSecretVersionIds, ListSecrets,
    Operation, PutSecretValue, SecretCreated, SecretId, SecretMetadata, SecretPage, SecretRef, SecretStore,
    SecretUpdated, SecretValue, SecretVersion, Stage, Tag, UpdateSecret, UpdateSecretVersionStage, ValuePut,
    VersionPage,
};
use strongroom_types::{Arn, CallContext, Realm};

use self::history::{History, MANAGED_KEY, not_secure, number, time, unreadable, version_id};
use self::names::Names;
use crate::caller::own_store;
use crate::error::parameters::{error, on_value};
use crate::tries::{OnlyIfRefused, Tries};

/// Sends a call that stores this value. Parameter Store has no request tokens, so a call that may
/// have taken effect is not retried: it could create a second version.
macro_rules! store_value {
    ($name:expr, $value:expr, $call:expr) => {{
        let once = aws_sdk_ssm::config::Builder::new().retry_classifier(OnlyIfRefused);
        let answer = $call.customize().config_override(once).send().await;
        answer.map_err(|failed| on_value($name, $value, failed))
    }};
}

/// The maximum size of a standard parameter in bytes.
const STANDARD: usize = 4096;

/// The maximum size of an advanced parameter in bytes.
const ADVANCED: usize = 8192;

/// AWS Systems Manager Parameter Store. Clones share the SDK's client.
///
/// A secret is a parameter of type `SecureString`. Features that Parameter Store lacks are declared
/// in [`Capabilities`] and refused:
///
/// | Secrets Manager | Parameter Store |
/// |---|---|
/// | name `prod/db` | parameter `/prod/db`; below [`ParameterStore::under`] `/app`: `/app/prod/db` |
/// | version id | the version number as text; a request token is refused |
/// | `AWSCURRENT`, `AWSPREVIOUS` | the newest version and the one before it; they cannot be moved. To roll back, put the old value again |
/// | `AWSPENDING`, labels in a put | refused |
/// | custom labels | labels, moved by UpdateSecretVersionStage; [at most ten per version][labels], of letters, digits and `_.-`, not beginning with a digit, `aws` or `ssm` |
/// | text, 65,536 bytes | text, [4,096 bytes in the standard tier and 8,192 in the advanced tier][tiers], which is used when needed and is charged for |
/// | secrets without a value; binary values | refused |
/// | description | changes only together with a value |
/// | deletion with a recovery window | refused; use [`DeleteSecret::force`](strongroom_store::DeleteSecret) |
/// | resource policies, filters other than by name prefix, sort orders | refused |
///
/// A read of the current value is one call and reports only the label `AWSCURRENT`. A list reports
/// what DescribeParameters returns, without tags and custom labels;
/// [`SecretStore::describe_secret`] reports everything. A write first checks that the parameter
/// exists, because Parameter Store would create it; a parameter deleted in between is created
/// again.
///
/// [labels]: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
/// [tiers]: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
#[derive(Clone, Debug)]
pub struct ParameterStore {
    client: aws_sdk_ssm::Client,
    names: Names,
}

impl ParameterStore {
    /// Uses the credentials, region, endpoint, retries and timeouts of a configuration. `realm` is
    /// its account and region.
    #[must_use]
    pub fn new(config: &SdkConfig, realm: Realm) -> Self {
        Self::from_client(aws_sdk_ssm::Client::new(config), realm)
    }

    /// Uses an existing client.
    #[must_use]
    pub fn from_client(client: aws_sdk_ssm::Client, realm: Realm) -> Self {
        let config = client.config().to_builder().interceptor(Tries).build();
        let client = aws_sdk_ssm::Client::from_conf(config);
        Self { client, names: Names { realm, base: String::new() } }
    }

    /// Restricts the store to the parameters below a path, such as `/app`. Secret names omit the
    /// path.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for an invalid path.
    pub fn under(mut self, path: &str) -> Result<Self, Error> {
        let path = path.trim_matches('/');
        // Paths follow the rules of names.
        self.names.base = String::new();
        let checked = self.names.new_name(path)?;
        self.names.base = format!("/{}", checked.trim_start_matches('/'));
        Ok(self)
    }

    fn reference(&self, parameter: &str) -> SecretRef {
        SecretRef { arn: self.names.arn(parameter), name: self.secret_name(parameter) }
    }

    fn secret_name(&self, parameter: &str) -> String {
        self.names.secret(parameter).unwrap_or_else(|| parameter.to_owned())
    }

    /// All versions of a parameter, without values.
    async fn history(&self, parameter: &str, operation: &'static str) -> Result<History, Error> {
        let (mut versions, mut token) = (Vec::new(), None);
        loop {
            let call = self
                .client
                .get_parameter_history()
                .name(parameter)
                .with_decryption(false)
                .max_results(50)
                .set_next_token(token.take());
            let answer = call.send().await.map_err(|failed| error(operation, false, failed))?;
            versions.extend(answer.parameters.unwrap_or_default());
            match answer.next_token {
                Some(next) => token = Some(next),
                None => return History::new(versions).map_err(|error| error.during(operation)),
            }
        }
    }

    /// Puts a new version of an existing parameter, repeating every attribute that an overwrite
    /// resets.
    async fn overwrite(
        &self,
        parameter: &str,
        value: &SecretValue,
        history: &History,
        description: Option<String>,
        key: Option<String>,
        operation: &'static str,
    ) -> Result<i64, Error> {
        let newest = history.newest();
        let text = fitting(value, operation)?;
        let call = self
            .client
            .put_parameter()
            .name(parameter)
            .r#type(ParameterType::SecureString)
            .overwrite(true)
            .value(text)
            .set_key_id(key.or_else(|| newest.key_id.clone()))
            .set_description(description.or_else(|| newest.description.clone()))
            .set_allowed_pattern(newest.allowed_pattern.clone())
            .set_data_type(newest.data_type.clone())
            .set_tier((text.len() > STANDARD).then_some(ParameterTier::Advanced));
        let answer = store_value!(operation, text, call)?;
        Ok(answer.version)
    }

    /// Reads and decrypts a version: the newest one without a selector.
    async fn read(
        &self,
        parameter: &str,
        selector: Option<&str>,
        operation: &'static str,
    ) -> Result<(Arn, i64, SecretValue, strongroom_types::Timestamp), Error> {
        let name =
            selector.map_or_else(|| parameter.to_owned(), |selector| format!("{parameter}:{selector}"));
        let call = self.client.get_parameter().name(name).with_decryption(true);
        let answer = call.send().await.map_err(|failed| error(operation, false, failed))?;
        let named = |error: Error| error.during(operation);
        let told = answer.parameter.ok_or_else(|| named(unreadable("Parameter")))?;
        // First, so that it is wiped whatever else the answer holds.
        let value = told.value.map(|text| SecretValue::from_text(SecretText::from_string(text)));
        if told.r#type != Some(ParameterType::SecureString) {
            return Err(named(not_secure()));
        }
        let value = value.ok_or_else(|| named(unreadable("Value")))?;
        let arn = told.arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
        let arn = arn.ok_or_else(|| named(unreadable("ARN")))?;
        Ok((arn, told.version, value, time(told.last_modified_date).map_err(named)?))
    }
}

fn unsupported(operation: &'static str, text: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, text).during(operation)
}

/// What no request of a value may have.
fn plain_request<T>(
    token: Option<&T>,
    stages: Option<&[Stage]>,
    operation: &'static str,
) -> Result<(), Error> {
    if token.is_some() {
        let text = "Parameter Store takes no request tokens: whether a write that failed took effect is seen by its versions";
        return Err(unsupported(operation, text));
    }
    if stages.is_some_and(|stages| stages != [Stage::CURRENT]) {
        let text = "Parameter Store makes every new version the current one, and labels it in a second call: put, then move the label";
        return Err(unsupported(operation, text));
    }
    Ok(())
}

/// The text of a value that Parameter Store has room for.
fn fitting<'v>(value: &'v SecretValue, operation: &'static str) -> Result<&'v str, Error> {
    if !value.is_text() {
        return Err(unsupported(
            operation,
            "Parameter Store keeps text, not bytes; ClientEncrypted keeps both in it",
        ));
    }
    let mut violations = strongroom_store::validate::Violations::new();
    violations.value_within(value, ADVANCED);
    violations.finish().map_err(|error| error.during(operation))?;
    value.expose_text()
}

fn sdk_tag(tag: Tag) -> Result<SdkTag, Error> {
    SdkTag::builder().key(tag.key).value(tag.value).build().map_err(|_| unreadable("Tags"))
}

/// The operations. Their errors get the secret's name in the trait's methods below.
impl ParameterStore {
    async fn create(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        const NAME: &str = "CreateSecret";
        own_store(cx, NAME)?;
        plain_request(request.token.as_ref(), None, NAME)?;
        let parameter = self.names.new_name(&request.name).map_err(|error| error.during(NAME))?;
        let Some(value) = &request.value else {
            return Err(unsupported(NAME, "Parameter Store has no parameters without a value"));
        };
        let text = fitting(value, NAME)?;
        let tags: Vec<SdkTag> = request.tags.into_iter().map(sdk_tag).collect::<Result<_, _>>()?;
        let call = self
            .client
            .put_parameter()
            .name(&parameter)
            .r#type(ParameterType::SecureString)
            .overwrite(false)
            .value(text)
            .set_key_id(request.kms_key_id)
            .set_description(request.description)
            .set_tags((!tags.is_empty()).then_some(tags))
            .tier(if text.len() > STANDARD { ParameterTier::Advanced } else { ParameterTier::Standard });
        let answer = store_value!(NAME, text, call)?;
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(SecretCreated { arn, name, version_id: Some(version_id(answer.version)) })
    }

    async fn get(&self, cx: &CallContext, request: GetSecretValue) -> Result<SecretVersion, Error> {
        const NAME: &str = "GetSecretValue";
        own_store(cx, NAME)?;
        let parameter = self.names.of(&request.id).map_err(|error| error.during(NAME))?;
        let name = self.secret_name(&parameter);
        if request.version_id.is_none() && request.stage.as_ref().is_none_or(|stage| *stage == Stage::CURRENT)
        {
            let (arn, version, value, created) = self.read(&parameter, None, NAME).await?;
            let stages = [Stage::CURRENT].into();
            return Ok(SecretVersion { arn, name, version_id: version_id(version), value, stages, created });
        }
        let labels = self.history(&parameter, NAME).await?.labels();
        let missing = |text: String| Error::new(ErrorKind::NotFound, text).during(NAME);
        let version = match (&request.version_id, &request.stage) {
            (Some(id), _) => id.clone(),
            (None, Some(stage)) => labels.holder(stage).cloned().ok_or_else(|| {
                missing(format!(
                    "Secrets Manager can't find the specified secret value for staging label: {stage}"
                ))
            })?,
            (None, None) => return Err(unreadable("VersionId")),
        };
        let Some(stages) = labels.of(&version) else {
            let text =
                format!("Secrets Manager can't find the specified secret value for VersionId: {version}");
            return Err(missing(text));
        };
        if request.stage.as_ref().is_some_and(|stage| !stages.contains(stage)) {
            let text = "You provided a VersionStage that is not associated to the provided VersionId.";
            return Err(Error::new(ErrorKind::InvalidRequest, text).during(NAME));
        }
        let (arn, _, value, created) = self.read(&parameter, Some(version.as_str()), NAME).await?;
        Ok(SecretVersion { arn, name, stages: stages.clone(), version_id: version, value, created })
    }

    async fn put(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        const NAME: &str = "PutSecretValue";
        own_store(cx, NAME)?;
        plain_request(request.token.as_ref(), request.stages.as_deref(), NAME)?;
        fitting(&request.value, NAME)?;
        let parameter = self.names.of(&request.id).map_err(|error| error.during(NAME))?;
        let history = self.history(&parameter, NAME).await?;
        let version = self.overwrite(&parameter, &request.value, &history, None, None, NAME).await?;
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(ValuePut { arn, name, version_id: version_id(version), stages: [Stage::CURRENT].into() })
    }

    async fn update(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        const NAME: &str = "UpdateSecret";
        own_store(cx, NAME)?;
        plain_request(request.token.as_ref(), None, NAME)?;
        let Some(value) = &request.value else {
            let text =
                "Parameter Store changes description and key with a new value only: give the value too";
            return Err(unsupported(NAME, text));
        };
        fitting(value, NAME)?;
        let parameter = self.names.of(&request.id).map_err(|error| error.during(NAME))?;
        let history = self.history(&parameter, NAME).await?;
        // An empty key id means the AWS managed key.
        let key = request.kms_key_id.map(|key| if key.is_empty() { MANAGED_KEY.to_owned() } else { key });
        let version = self.overwrite(&parameter, value, &history, request.description, key, NAME).await?;
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(SecretUpdated { arn, name, version_id: Some(version_id(version)) })
    }

    async fn describe(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        const NAME: &str = "DescribeSecret";
        own_store(cx, NAME)?;
        let named = |error: Error| error.during(NAME);
        let parameter = self.names.of(id).map_err(named)?;
        let history = self.history(&parameter, NAME).await?;
        let tags = self.tags(&parameter, NAME).await?;
        let SecretRef { arn, name } = self.reference(&parameter);
        // The first version may be gone: the oldest remaining one then dates the secret.
        let created = time(history.oldest().last_modified_date).map_err(named)?;
        let mut metadata = SecretMetadata::new(arn, name, created);
        metadata.last_changed = time(history.newest().last_modified_date).map_err(named)?;
        metadata.description = history.newest().description.clone().filter(|text| !text.is_empty());
        metadata.kms_key_id = history.key();
        metadata.tags = (!tags.is_empty()).then_some(tags);
        let labelled = history.versions().map_err(named)?.into_iter();
        let labelled = labelled.filter(|version| !version.stages.is_empty());
        metadata.versions = labelled.map(|version| (version.version_id, version.stages)).collect();
        Ok(metadata)
    }

    async fn list_versions(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        const NAME: &str = "ListSecretVersionIds";
        own_store(cx, NAME)?;
        let named = |error: Error| error.during(NAME);
        let mut violations = strongroom_store::validate::Violations::new();
        if let Some(most) = request.max_results {
            violations.number("maxResults", most, 1, 100);
        }
        violations.finish().map_err(named)?;
        // The token is the number of the last version on the previous page.
        let after = match request.next_token.as_deref() {
            None => 0,
            Some(token) => number(&token.into()).ok_or_else(|| {
                named(Error::new(ErrorKind::InvalidNextToken, "The NextToken value is invalid."))
            })?,
        };
        let parameter = self.names.of(&request.id).map_err(named)?;
        let mut versions = self.history(&parameter, NAME).await?.versions().map_err(named)?;
        versions.retain(|version| {
            let later = number(&version.version_id).is_some_and(|number| number > after);
            later && (request.include_deprecated || !version.stages.is_empty())
        });
        let most = usize::try_from(request.max_results.unwrap_or(100)).unwrap_or(100);
        let more = versions.len() > most;
        versions.truncate(most);
        let last = versions.last().map(|version| version.version_id.to_string());
        let SecretRef { arn, name } = self.reference(&parameter);
        Ok(VersionPage { arn, name, versions, next_token: last.filter(|_| more) })
    }
}

#[async_trait]
impl SecretStore for ParameterStore {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        let secret = request.name.clone();
        let outcome = self.create(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::CreateSecret, Some(secret.as_str())))
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        let secret = request.id.clone();
        let outcome = self.get(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::GetSecretValue, Some(secret.as_str())))
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        let secret = request.id.clone();
        let outcome = self.put(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::PutSecretValue, Some(secret.as_str())))
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        let secret = request.id.clone();
        let outcome = self.update(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::UpdateSecret, Some(secret.as_str())))
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        let secret = request.id.clone();
        let outcome = self.move_label(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::UpdateSecretVersionStage, Some(secret.as_str())))
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        let described = self.describe(cx, id).await;
        described.map_err(|error| error.of_call(Operation::DescribeSecret, Some(id.as_str())))
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.list(cx, request).await.map_err(|error| error.of_call(Operation::ListSecrets, None))
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        let secret = request.id.clone();
        let outcome = self.list_versions(cx, request).await;
        outcome.map_err(|error| error.of_call(Operation::ListSecretVersionIds, Some(secret.as_str())))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.max_value_len = ADVANCED;
        capabilities.binary_values = false;
        capabilities.empty_secrets = false;
        capabilities.token_is_version_id = false;
        capabilities.free_stages = false;
        capabilities.recovery_window = false;
        capabilities.filters = false;
        capabilities.last_accessed = false;
        capabilities.resource_policies = false;
        capabilities
    }
}
