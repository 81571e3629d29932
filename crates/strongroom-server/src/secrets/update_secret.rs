//! `UpdateSecret`.

use serde_json::json;
use strongroom_store::UpdateSecret;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{PARTNER, id, token, value};
use crate::answer::{Answer, ApiError, object};
use crate::input::{Blob, Text, input, read};
use crate::operation::Operation;

input!(Input {
    secret_id: String,
    client_request_token: String,
    description: String,
    kms_key_id: String,
    secret_string: Text,
    secret_binary: Blob,
} refused { Type: PARTNER });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("UpdateSecret")
        .on("SecretId")
        .across_accounts()
        .hides(&["SecretString", "SecretBinary"]),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = UpdateSecret::new(id(input.secret_id)?);
    request.description = input.description;
    request.kms_key_id = input.kms_key_id;
    request.value = value(input.secret_string, input.secret_binary)?;
    request.token = Some(token(input.client_request_token, || request.check_shape())?);
    let done = call.store.update_secret(call.cx, request).await?;
    Answer::json(&object(vec![
        ("ARN", Some(json!(done.arn.as_str()))),
        ("Name", Some(json!(done.name))),
        ("VersionId", done.version_id.map(|version| json!(version.as_str()))),
    ]))
}
