//! The operations of Secrets Manager.

use serde::Serialize;
use serde_json::{Value, json};
use strongroom_store::{
    BatchGetSecretValue, CreateSecret, DeleteSecret, Filter, GetRandomPassword, GetSecretValue,
    ListSecretVersionIds, ListSecrets, PutResourcePolicy, PutSecretValue, SecretAdmin, SecretId,
    SecretMetadata, SecretValue, SecretVersion, SortBy, SortOrder, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, VersionId, VersionMetadata,
};
use strongroom_types::{CallContext, Realm};

use crate::across;
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{Blob, Refusal, Text, base64, input, read, required};
use crate::rooms::Rooms;

/// Operations that AWS has and this server has not.
const NOT_HERE: [&str; 8] = [
    "AssociateCrossAccountReplica",
    "CancelRotateSecret",
    "DisassociateCrossAccountReplica",
    "ListResourcePolicies",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RotateSecret",
    "StopReplicationToReplica",
];

input!(TagInput { key: String, value: String });
input!(FilterInput { key: String, values: Vec<String> });

const REPLICAS: Refusal = Refusal::new("InvalidParameterException", "it does not replicate secrets");
const PARTNER: Refusal =
    Refusal::new("InvalidParameterException", "there are no external secrets that a partner manages");
const ROTATION_TOKEN: Refusal =
    Refusal::new("InvalidParameterException", "it runs no rotation whose token it could verify");

/// The one resource policy of a secret is called `default`.
fn is_default(policy_name: Option<&str>) -> bool {
    matches!(policy_name, None | Some("" | "default"))
}

/// Only the default policy can be put or deleted, on AWS too.
fn only_default(policy_name: Option<&str>) -> Result<(), ApiError> {
    if is_default(policy_name) {
        return Ok(());
    }
    Err(ApiError::new("InvalidParameterException", "PolicyName must be default."))
}

fn tags(given: Vec<TagInput>) -> Vec<Tag> {
    given
        .into_iter()
        .map(|tag| Tag::new(tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect()
}

fn filters(given: Vec<FilterInput>) -> Result<Vec<Filter>, ApiError> {
    // AWS counts the places of a list from 1.
    let read = |(index, filter): (usize, FilterInput)| {
        Filter::from_texts(index + 1, filter.key.as_deref(), filter.values.unwrap_or_default())
    };
    given.into_iter().enumerate().map(read).collect::<Result<_, _>>().map_err(ApiError::from)
}

fn value(text: Option<Text>, bytes: Option<Blob>) -> Result<Option<SecretValue>, ApiError> {
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

/// The token of a request that writes. AWS's clients make one for each request; requests written by
/// hand need one too. A missing token is reported before the secret is looked up, but after the
/// request's shape is checked.
fn token(
    given: Option<String>,
    check_shape: impl FnOnce() -> Result<(), strongroom_store::Error>,
) -> Result<VersionId, ApiError> {
    match given {
        Some(token) => Ok(token.into()),
        None => Err(check_shape().map_or_else(ApiError::from, |()| no_token("InvalidRequestException"))),
    }
}

fn no_token(code: &str) -> ApiError {
    ApiError::new(code, "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
}

fn id(given: Option<String>) -> Result<SecretId, ApiError> {
    required(given, "secretId").map(SecretId::from)
}

/// A value with what is around it. Text and bytes are borrowed: the answer is written into memory that wipes itself.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ValueOutput<'a> {
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

fn with_output<T>(version: &SecretVersion, then: impl FnOnce(&ValueOutput<'_>) -> T) -> T {
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

fn tag_list(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect()
}

fn described(secret: &SecretMetadata, stages: &str) -> Value {
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

fn version_told(version: &VersionMetadata) -> Value {
    let stages: Vec<&str> = version.stages.iter().map(|stage| stage.as_str()).collect();
    object(vec![
        ("VersionId", Some(json!(version.version_id.as_str()))),
        ("VersionStages", (!stages.is_empty()).then(|| json!(stages))),
        ("LastAccessedDate", version.last_accessed.map(seconds)),
        ("CreatedDate", Some(seconds(version.created))),
        ("KmsKeyIds", (!version.kms_key_ids.is_empty()).then(|| json!(version.kms_key_ids))),
    ])
}

/// Runs an operation. What it is called has been taken from the request's target.
pub(crate) async fn run(
    store: &dyn SecretAdmin,
    across: (&Rooms, &Realm),
    cx: &CallContext,
    operation: &str,
    body: &[u8],
) -> Result<Answer, ApiError> {
    match operation {
        "CreateSecret" => create(store, cx, body).await,
        "PutSecretValue" => put(store, cx, body).await,
        "UpdateSecret" => update(store, cx, body).await,
        "GetSecretValue" => get(store, cx, body).await,
        "BatchGetSecretValue" => batch(store, across, cx, body).await,
        "GetRandomPassword" => password(store, cx, body).await,
        "DescribeSecret" => {
            input!(Input { secret_id: String });
            let found = store.describe_secret(cx, &id(read::<Input>(body)?.secret_id)?).await?;
            Answer::json(&described(&found, "VersionIdsToStages"))
        }
        "ListSecrets" => list(store, cx, body).await,
        "ListSecretVersionIds" => versions(store, cx, body).await,
        "UpdateSecretVersionStage" => {
            input!(Input {
                secret_id: String,
                version_stage: String,
                remove_from_version_id: String,
                move_to_version_id: String
            });
            let asked: Input = read(body)?;
            let stage = required(asked.version_stage, "versionStage")?;
            let mut request = UpdateSecretVersionStage::new(id(asked.secret_id)?, stage);
            request.remove_from = asked.remove_from_version_id.map(Into::into);
            request.move_to = asked.move_to_version_id.map(Into::into);
            let done = store.update_secret_version_stage(cx, request).await?;
            Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
        }
        "DeleteSecret" => {
            input!(Input {
                secret_id: String,
                recovery_window_in_days: i64,
                force_delete_without_recovery: bool
            });
            let asked: Input = read(body)?;
            let mut request = DeleteSecret::new(id(asked.secret_id)?);
            request.recovery_window_days = asked.recovery_window_in_days;
            request.force = asked.force_delete_without_recovery.unwrap_or(false);
            let done = store.delete_secret(cx, request).await?;
            let date = seconds(done.deletion_date);
            Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name, "DeletionDate": date}))
        }
        "RestoreSecret" => {
            input!(Input { secret_id: String });
            let done = store.restore_secret(cx, &id(read::<Input>(body)?.secret_id)?).await?;
            Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
        }
        "TagResource" => {
            input!(Input { secret_id: String, tags: Vec<TagInput> });
            let asked: Input = read(body)?;
            let (secret, given) = (id(asked.secret_id)?, tags(required(asked.tags, "tags")?));
            store.tag_resource(cx, &secret, given).await?;
            Ok(Answer::empty())
        }
        "UntagResource" => {
            input!(Input { secret_id: String, tag_keys: Vec<String> });
            let asked: Input = read(body)?;
            let (secret, keys) = (id(asked.secret_id)?, required(asked.tag_keys, "tagKeys")?);
            store.untag_resource(cx, &secret, keys).await?;
            Ok(Answer::empty())
        }
        "PutResourcePolicy" => {
            input!(Input {
                secret_id: String,
                resource_policy: String,
                policy_name: String,
                block_public_policy: bool,
            });
            let asked: Input = read(body)?;
            only_default(asked.policy_name.as_deref())?;
            let mut request = PutResourcePolicy::new(
                id(asked.secret_id)?,
                required(asked.resource_policy, "resourcePolicy")?,
            );
            request.block_public_policy = asked.block_public_policy.unwrap_or(false);
            let done = store.put_resource_policy(cx, request).await?;
            Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
        }
        "GetResourcePolicy" => {
            input!(Input { secret_id: String, policy_name: String });
            let asked: Input = read(body)?;
            let found = store.get_resource_policy(cx, &id(asked.secret_id)?).await?;
            if !is_default(asked.policy_name.as_deref()) {
                let text = "Secrets Manager can't find the specified resource policy.";
                return Err(ApiError::new("ResourceNotFoundException", text));
            }
            Answer::json(&object(vec![
                ("ARN", Some(json!(found.arn.as_str()))),
                ("Name", Some(json!(found.name))),
                ("ResourcePolicy", found.policy.map(|policy| json!(policy))),
            ]))
        }
        "DeleteResourcePolicy" => {
            input!(Input { secret_id: String, policy_name: String });
            let asked: Input = read(body)?;
            only_default(asked.policy_name.as_deref())?;
            let done = store.delete_resource_policy(cx, &id(asked.secret_id)?).await?;
            Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
        }
        "ValidateResourcePolicy" => {
            input!(Input { secret_id: String, resource_policy: String });
            let asked: Input = read(body)?;
            let mut request = ValidateResourcePolicy::new(required(asked.resource_policy, "resourcePolicy")?);
            request.id = asked.secret_id.map(Into::into);
            let found = store.validate_resource_policy(cx, request).await?;
            let errors: Vec<Value> = found
                .findings
                .iter()
                .map(|one| json!({"CheckName": one.check, "ErrorMessage": one.message}))
                .collect();
            Answer::json(&json!({"PolicyValidationPassed": found.passed, "ValidationErrors": errors}))
        }
        other if NOT_HERE.contains(&other) => {
            if other == "RotateSecret" {
                input!(Input { secret_id: String, client_request_token: String });
                let asked: Input = read(body)?;
                id(asked.secret_id)?;
                asked.client_request_token.ok_or_else(|| no_token("InvalidParameterException"))?;
            }
            let text = format!("The operation {other} is not available at this endpoint.");
            Err(ApiError { status: 501, ..ApiError::new("UnknownOperationException", text) })
        }
        // As AWS, which says no more.
        _ => Err(ApiError::new("UnknownOperationException", "")),
    }
}

async fn create(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        name: String, client_request_token: String, description: String, kms_key_id: String, secret_string: Text,
        secret_binary: Blob, tags: Vec<TagInput>,
    } refused {
        AddReplicaRegions: REPLICAS, CrossAccountPrimaryARN: REPLICAS, Type: PARTNER,
    } ignored {
        // What would be overwritten are secrets in the Regions of AddReplicaRegions.
        ForceOverwriteReplicaSecret: bool,
    });
    let asked: Input = read(body)?;
    let mut request = CreateSecret::new(required(asked.name, "name")?);
    request.description = asked.description;
    request.kms_key_id = asked.kms_key_id;
    request.value = value(asked.secret_string, asked.secret_binary)?;
    request.tags = tags(asked.tags.unwrap_or_default());
    // Without a value there is no version that the token could name.
    if asked.client_request_token.is_some() || request.value.is_some() {
        request.token = Some(token(asked.client_request_token, || request.check_shape())?);
    }
    let made = store.create_secret(cx, request).await?;
    Answer::json(&object(vec![
        ("ARN", Some(json!(made.arn.as_str()))),
        ("Name", Some(json!(made.name))),
        ("VersionId", made.version_id.map(|version| json!(version.as_str()))),
    ]))
}

async fn put(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        secret_id: String, client_request_token: String, secret_string: Text, secret_binary: Blob,
        version_stages: Vec<String>,
    } refused { RotationToken: ROTATION_TOKEN });
    let asked: Input = read(body)?;
    let secret = id(asked.secret_id)?;
    let value = value(asked.secret_string, asked.secret_binary)?.ok_or_else(|| {
        ApiError::new("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
    })?;
    let mut request = PutSecretValue::new(secret, value);
    request.stages = asked.version_stages.map(|stages| stages.into_iter().map(Into::into).collect());
    request.token = Some(token(asked.client_request_token, || request.check_shape())?);
    let done = store.put_secret_value(cx, request).await?;
    let stages: Vec<&str> = done.stages.iter().map(|stage| stage.as_str()).collect();
    Answer::json(&json!({
        "ARN": done.arn.as_str(), "Name": done.name, "VersionId": done.version_id.as_str(), "VersionStages": stages,
    }))
}

async fn update(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        secret_id: String,
        client_request_token: String,
        description: String,
        kms_key_id: String,
        secret_string: Text,
        secret_binary: Blob,
    } refused { Type: PARTNER });
    let asked: Input = read(body)?;
    let mut request = UpdateSecret::new(id(asked.secret_id)?);
    request.description = asked.description;
    request.kms_key_id = asked.kms_key_id;
    request.value = value(asked.secret_string, asked.secret_binary)?;
    request.token = Some(token(asked.client_request_token, || request.check_shape())?);
    let done = store.update_secret(cx, request).await?;
    Answer::json(&object(vec![
        ("ARN", Some(json!(done.arn.as_str()))),
        ("Name", Some(json!(done.name))),
        ("VersionId", done.version_id.map(|version| json!(version.as_str()))),
    ]))
}

async fn get(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input { secret_id: String, version_id: String, version_stage: String });
    let asked: Input = read(body)?;
    let mut request = GetSecretValue::new(id(asked.secret_id)?);
    request.version_id = asked.version_id.map(Into::into);
    request.stage = asked.version_stage.map(Into::into);
    let found = store.get_secret_value(cx, request).await?;
    with_output(&found, |value| Answer::json(value))
}

async fn batch(
    store: &dyn SecretAdmin,
    (rooms, own): (&Rooms, &Realm),
    cx: &CallContext,
    body: &[u8],
) -> Result<Answer, ApiError> {
    input!(Input { secret_id_list: Vec<String>, filters: Vec<FilterInput>, max_results: i64, next_token: String });
    let asked: Input = read(body)?;
    let mut request = BatchGetSecretValue::of(asked.secret_id_list.unwrap_or_default());
    request.filters = filters(asked.filters.unwrap_or_default())?;
    (request.max_results, request.next_token) = (asked.max_results, asked.next_token);
    let mut page = store.batch_get_secret_value(cx, request).await?;
    across::complete(rooms, cx, own, &mut page).await?;
    // Written value by value, so that none is copied into memory that nobody wipes.
    let mut text = strongroom_envelope::SecretBytes::copy_from(br#"{"SecretValues":["#);
    for (index, version) in page.values.iter().enumerate() {
        if index > 0 {
            text.extend_from_slice(b",");
        }
        with_output(version, |value| serde_json::to_writer(&mut text, value))
            .map_err(|_| ApiError::internal())?;
    }
    let failed = |failure: strongroom_store::BatchFailure| json!({"SecretId": failure.id.as_str(), "ErrorCode": failure.error.code(), "Message": failure.error.message()});
    let errors: Vec<Value> = page.errors.into_iter().map(failed).collect();
    text.extend_from_slice(format!(r#"],"Errors":{}"#, json!(errors)).as_bytes());
    if let Some(token) = page.next_token {
        text.extend_from_slice(format!(r#","NextToken":{}"#, json!(token)).as_bytes());
    }
    text.extend_from_slice(b"}");
    Ok(Answer(text))
}

async fn password(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        password_length: i64,
        exclude_characters: String,
        exclude_numbers: bool,
        exclude_punctuation: bool,
        exclude_uppercase: bool,
        exclude_lowercase: bool,
        include_space: bool,
        require_each_included_type: bool,
    });
    let asked: Input = read(body)?;
    let mut request = GetRandomPassword::new();
    request.length = asked.password_length;
    request.exclude_characters = asked.exclude_characters.unwrap_or_default();
    request.exclude_numbers = asked.exclude_numbers.unwrap_or(false);
    request.exclude_punctuation = asked.exclude_punctuation.unwrap_or(false);
    request.exclude_uppercase = asked.exclude_uppercase.unwrap_or(false);
    request.exclude_lowercase = asked.exclude_lowercase.unwrap_or(false);
    request.include_space = asked.include_space.unwrap_or(false);
    request.require_each_included_type = asked.require_each_included_type.unwrap_or(true);
    let made = store.get_random_password(cx, request).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output<'a> {
        random_password: &'a str,
    }
    Answer::json(&Output { random_password: made.expose() })
}

async fn list(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input {
        include_planned_deletion: bool, max_results: i64, next_token: String, filters: Vec<FilterInput>,
        sort_order: String, sort_by: String,
    });
    let asked: Input = read(body)?;
    let mut request = ListSecrets::new();
    request.include_planned_deletion = asked.include_planned_deletion.unwrap_or(false);
    (request.max_results, request.next_token) = (asked.max_results, asked.next_token);
    request.filters = filters(asked.filters.unwrap_or_default())?;
    request.sort_order = match asked.sort_order.as_deref() {
        None | Some("asc") => SortOrder::Ascending,
        Some("desc") => SortOrder::Descending,
        Some(other) => return Err(ApiError::not_of("sortOrder", other, "asc, desc")),
    };
    request.sort_by = match asked.sort_by.as_deref() {
        None | Some("created-date") => SortBy::CreatedDate,
        Some("last-accessed-date") => SortBy::LastAccessedDate,
        Some("last-changed-date") => SortBy::LastChangedDate,
        Some("name") => SortBy::Name,
        Some(other) => {
            let words = "created-date, last-accessed-date, last-changed-date, name";
            return Err(ApiError::not_of("sortBy", other, words));
        }
    };
    let page = store.list_secrets(cx, request).await?;
    let secrets: Vec<Value> =
        page.secrets.iter().map(|secret| described(secret, "SecretVersionsToStages")).collect();
    Answer::json(&object(vec![
        ("SecretList", Some(json!(secrets))),
        ("NextToken", page.next_token.map(|token| json!(token))),
    ]))
}

async fn versions(store: &dyn SecretAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    input!(Input { secret_id: String, max_results: i64, next_token: String, include_deprecated: bool });
    let asked: Input = read(body)?;
    let mut request = ListSecretVersionIds::new(id(asked.secret_id)?);
    (request.max_results, request.next_token) = (asked.max_results, asked.next_token);
    request.include_deprecated = asked.include_deprecated.unwrap_or(false);
    let page = store.list_secret_version_ids(cx, request).await?;
    let versions: Vec<Value> = page.versions.iter().map(version_told).collect();
    Answer::json(&object(vec![
        ("Versions", Some(json!(versions))),
        ("NextToken", page.next_token.map(|token| json!(token))),
        ("ARN", Some(json!(page.arn.as_str()))),
        ("Name", Some(json!(page.name))),
    ]))
}
