//! `CreateSecret`.

use serde_json::json;
use strongroom_store::CreateSecret;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{PARTNER, REPLICAS, TagInput, tags, token, value};
use crate::answer::{Answer, ApiError, object};
use crate::input::{Blob, Text, input, read, required};
use crate::operation::Operation;

input!(Input {
    name: String, client_request_token: String, description: String, kms_key_id: String, secret_string: Text,
    secret_binary: Blob, tags: Vec<TagInput>,
} refused {
    AddReplicaRegions: REPLICAS, CrossAccountPrimaryARN: REPLICAS, Type: PARTNER,
} ignored {
    // Only has an effect together with AddReplicaRegions, which is refused.
    ForceOverwriteReplicaSecret: bool,
});

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("CreateSecret").on("Name").hides(&["SecretString", "SecretBinary"]),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = CreateSecret::new(required(input.name, "name")?);
    request.description = input.description;
    request.kms_key_id = input.kms_key_id;
    request.value = value(input.secret_string, input.secret_binary)?;
    request.tags = tags(input.tags.unwrap_or_default());
    // Without a value there is no version to identify, so no token is needed.
    if input.client_request_token.is_some() || request.value.is_some() {
        request.token = Some(token(input.client_request_token, || request.check_shape())?);
    }
    let output = call.store.create_secret(call.cx, request).await?;
    Answer::json(&object(vec![
        ("ARN", Some(json!(output.arn.as_str()))),
        ("Name", Some(json!(output.name))),
        ("VersionId", output.version_id.map(|version| json!(version.as_str()))),
    ]))
}
