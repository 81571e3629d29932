//! `UpdateSecretVersionStage`.

use serde_json::json;
use strongroom_store::UpdateSecretVersionStage;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::id;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: String,
    move_to_version_id: String
});

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("UpdateSecretVersionStage").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let stage = required(input.version_stage, "versionStage")?;
    let mut request = UpdateSecretVersionStage::new(id(input.secret_id)?, stage);
    request.remove_from = input.remove_from_version_id.map(Into::into);
    request.move_to = input.move_to_version_id.map(Into::into);
    let done = call.store.update_secret_version_stage(call.cx, request).await?;
    Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
}
