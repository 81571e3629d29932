//! `PutSecretValue`.

use serde_json::json;
use strongroom_store::PutSecretValue;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{ROTATION_TOKEN, id, token, value};
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, Text, input, read};
use crate::operation::Operation;

input!(Input {
    secret_id: String, client_request_token: String, secret_string: Text, secret_binary: Blob,
    version_stages: Vec<String>,
} refused { RotationToken: ROTATION_TOKEN });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("PutSecretValue").on("SecretId").across_accounts().hides(&[
        "SecretString",
        "SecretBinary",
        "RotationToken",
    ]),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let secret = id(input.secret_id)?;
    let value = value(input.secret_string, input.secret_binary)?.ok_or_else(|| {
        ApiError::new("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
    })?;
    let mut request = PutSecretValue::new(secret, value);
    request.stages = input.version_stages.map(|stages| stages.into_iter().map(Into::into).collect());
    request.token = Some(token(input.client_request_token, || request.check_shape())?);
    let done = call.store.put_secret_value(call.cx, request).await?;
    let stages: Vec<&str> = done.stages.iter().map(|stage| stage.as_str()).collect();
    Answer::json(&json!({
        "ARN": done.arn.as_str(), "Name": done.name, "VersionId": done.version_id.as_str(), "VersionStages": stages,
    }))
}
