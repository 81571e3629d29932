//! `RestoreSecret`.

use serde_json::json;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::id;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String });

pub(super) const OPERATION: SecretsOperation =
    SecretsOperation::new(Operation::of::<Input>("RestoreSecret").on("SecretId").across_accounts(), |call| {
        Box::pin(run(call))
    });

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let done = call.store.restore_secret(call.cx, &id(read::<Input>(call.body)?.secret_id)?).await?;
    Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
}
