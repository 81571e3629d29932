//! `DeleteSecret`.

use serde_json::json;
use strongroom_store::DeleteSecret;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::id;
use crate::answer::{Answer, ApiError, seconds};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, recovery_window_in_days: i64, force_delete_without_recovery: bool });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("DeleteSecret").on("SecretId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = DeleteSecret::new(id(input.secret_id)?);
    request.recovery_window_days = input.recovery_window_in_days;
    request.force = input.force_delete_without_recovery.unwrap_or(false);
    let done = call.store.delete_secret(call.cx, request).await?;
    let date = seconds(done.deletion_date);
    Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name, "DeletionDate": date}))
}
