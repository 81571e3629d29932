//! `DeleteResourcePolicy`.

use serde_json::json;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, only_default};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, policy_name: String });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("DeleteResourcePolicy").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    only_default(input.policy_name.as_deref())?;
    let done = call.store.delete_resource_policy(call.cx, &id(input.secret_id)?).await?;
    Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
}
