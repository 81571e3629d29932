//! `PutResourcePolicy`.

use serde_json::json;
use strongroom_store::PutResourcePolicy;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, only_default};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { secret_id: String, resource_policy: String, policy_name: String, block_public_policy: bool });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("PutResourcePolicy").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    only_default(input.policy_name.as_deref())?;
    let mut request =
        PutResourcePolicy::new(id(input.secret_id)?, required(input.resource_policy, "resourcePolicy")?);
    request.block_public_policy = input.block_public_policy.unwrap_or(false);
    let done = call.store.put_resource_policy(call.cx, request).await?;
    Answer::json(&json!({"ARN": done.arn.as_str(), "Name": done.name}))
}
