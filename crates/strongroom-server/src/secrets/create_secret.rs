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
    // What would be overwritten are secrets in the Regions of AddReplicaRegions.
    ForceOverwriteReplicaSecret: bool,
});

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("CreateSecret").on("Name").hides(&["SecretString", "SecretBinary"]),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    let mut request = CreateSecret::new(required(asked.name, "name")?);
    request.description = asked.description;
    request.kms_key_id = asked.kms_key_id;
    request.value = value(asked.secret_string, asked.secret_binary)?;
    request.tags = tags(asked.tags.unwrap_or_default());
    // Without a value there is no version that the token could name.
    if asked.client_request_token.is_some() || request.value.is_some() {
        request.token = Some(token(asked.client_request_token, || request.check_shape())?);
    }
    let made = call.store.create_secret(call.cx, request).await?;
    Answer::json(&object(vec![
        ("ARN", Some(json!(made.arn.as_str()))),
        ("Name", Some(json!(made.name))),
        ("VersionId", made.version_id.map(|version| json!(version.as_str()))),
    ]))
}
