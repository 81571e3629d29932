//! Input and output shapes that several operations share.

use serde::Serialize;
use serde_json::{Value, json};
use strongroom_store::{Filter, SecretId, SecretMetadata, SecretValue, SecretVersion, Tag, VersionId};

use crate::answer::{ApiError, object, seconds};
use crate::input::{Blob, Refusal, Text, base64, input, required};

input!(pub(super) TagInput { key: String, value: String });
input!(pub(super) FilterInput { key: String, values: Vec<String> });

pub(super) const REPLICAS: Refusal =
    Refusal::new("InvalidParameterException", "this server does not replicate secrets");
pub(super) const PARTNER: Refusal =
    Refusal::new("InvalidParameterException", "there are no secrets managed by a partner");
pub(super) const ROTATION_TOKEN: Refusal = Refusal::new(
    "InvalidParameterException",
    "this server runs no rotations, so it cannot verify a rotation token",
);

/// A secret has one resource policy, named `default`.
pub(super) fn is_default(policy_name: Option<&str>) -> bool {
    matches!(policy_name, None | Some("" | "default"))
}

/// As on AWS, only the default policy can be put or deleted.
pub(super) fn only_default(policy_name: Option<&str>) -> Result<(), ApiError> {
    if is_default(policy_name) {
        return Ok(());
    }
    Err(ApiError::new("InvalidParameterException", "PolicyName must be default."))
}

pub(super) fn tags(given: Vec<TagInput>) -> Vec<Tag> {
    given
        .into_iter()
        .map(|tag| Tag::new(tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect()
}

pub(super) fn filters(given: Vec<FilterInput>) -> Result<Vec<Filter>, ApiError> {
    // AWS numbers list items from 1.
    let read = |(index, filter): (usize, FilterInput)| {
        Filter::from_texts(index + 1, filter.key.as_deref(), filter.values.unwrap_or_default())
    };
    given.into_iter().enumerate().map(read).collect::<Result<_, _>>().map_err(ApiError::from)
}

pub(super) fn value(text: Option<Text>, bytes: Option<Blob>) -> Result<Option<SecretValue>, ApiError> {
    match (text, bytes) {
        (Some(_), Some(_)) => Err(ApiError::new(
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some(text), None) => Ok(Some(SecretValue::from_text(text.0))),
        (None, Some(bytes)) => Ok(Some(SecretValue::binary(bytes.0))),
        (None, None) => Ok(None),
    }
}

/// The idempotency token of a write. AWS's clients generate one for each request; handwritten
/// requests need one too. A missing token is reported after the request's shape is checked and
/// before the secret is looked up.
pub(super) fn token(
    given: Option<String>,
    check_shape: impl FnOnce() -> Result<(), strongroom_store::Error>,
) -> Result<VersionId, ApiError> {
    match given {
        Some(token) => Ok(token.into()),
        None => Err(check_shape().map_or_else(ApiError::from, |()| no_token("InvalidRequestException"))),
    }
}

pub(super) fn no_token(code: &str) -> ApiError {
    ApiError::new(code, "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
}

pub(super) fn id(given: Option<String>) -> Result<SecretId, ApiError> {
    required(given, "secretId").map(SecretId::from)
}

/// A secret value with its metadata. Text and bytes are borrowed: the response is written directly
/// into memory that is wiped on drop.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ValueOutput<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    version_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<&'a str>,
    version_stages: Vec<&'a str>,
    created_date: Value,
}

pub(super) fn with_output<T>(version: &SecretVersion, then: impl FnOnce(&ValueOutput<'_>) -> T) -> T {
    let binary = (!version.value.is_text()).then(|| base64(version.expose_bytes()));
    then(&ValueOutput {
        arn: version.arn.as_str(),
        name: &version.name,
        version_id: version.version_id.as_str(),
        secret_string: if binary.is_some() { None } else { version.expose_text().ok() },
        secret_binary: binary.as_ref().map(|text| text.expose()),
        version_stages: version.stages.iter().map(|stage| stage.as_str()).collect(),
        created_date: seconds(version.created),
    })
}

pub(super) fn tag_list(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect()
}

pub(super) fn described(secret: &SecretMetadata, stages: &str) -> Value {
    let versions: serde_json::Map<String, Value> = secret
        .versions
        .iter()
        .map(|(version, stages)| (version.to_string(), stages.iter().map(|stage| stage.as_str()).collect()))
        .collect();
    object(vec![
        ("ARN", Some(json!(secret.arn.as_str()))),
        ("Name", Some(json!(secret.name))),
        ("Description", secret.description.as_ref().map(|text| json!(text))),
        ("KmsKeyId", secret.kms_key_id.as_ref().map(|key| json!(key))),
        ("LastChangedDate", Some(seconds(secret.last_changed))),
        ("LastAccessedDate", secret.last_accessed.map(seconds)),
        ("DeletedDate", secret.deleted.map(seconds)),
        ("Tags", secret.tags.as_deref().map(tag_list)),
        (stages, (!versions.is_empty()).then_some(Value::Object(versions))),
        ("OwningService", secret.owning_service.as_ref().map(|service| json!(service))),
        ("CreatedDate", Some(seconds(secret.created))),
        ("PrimaryRegion", secret.primary_region.as_ref().map(|region| json!(region))),
    ])
}
