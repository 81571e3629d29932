//! `ListSecretVersionIds`.

use serde_json::{Value, json};
use strongroom_store::{ListSecretVersionIds, VersionMetadata};

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::id;
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, max_results: i64, next_token: String, include_deprecated: bool });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("ListSecretVersionIds").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = ListSecretVersionIds::new(id(input.secret_id)?);
    (request.max_results, request.next_token) = (input.max_results, input.next_token);
    request.include_deprecated = input.include_deprecated.unwrap_or(false);
    let page = call.store.list_secret_version_ids(call.cx, request).await?;
    let versions: Vec<Value> = page.versions.iter().map(entry).collect();
    Answer::json(&object(vec![
        ("Versions", Some(json!(versions))),
        ("NextToken", page.next_token.map(|token| json!(token))),
        ("ARN", Some(json!(page.arn.as_str()))),
        ("Name", Some(json!(page.name))),
    ]))
}

fn entry(version: &VersionMetadata) -> Value {
    let stages: Vec<&str> = version.stages.iter().map(|stage| stage.as_str()).collect();
    object(vec![
        ("VersionId", Some(json!(version.version_id.as_str()))),
        ("VersionStages", (!stages.is_empty()).then(|| json!(stages))),
        ("LastAccessedDate", version.last_accessed.map(seconds)),
        ("CreatedDate", Some(seconds(version.created))),
        ("KmsKeyIds", (!version.kms_key_ids.is_empty()).then(|| json!(version.kms_key_ids))),
    ])
}
