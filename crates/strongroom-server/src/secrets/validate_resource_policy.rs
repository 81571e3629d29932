//! `ValidateResourcePolicy`.

use serde_json::{Value, json};
use strongroom_store::ValidateResourcePolicy;

use super::call::{SecretsCall, SecretsOperation};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { secret_id: String, resource_policy: String });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("ValidateResourcePolicy").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut request = ValidateResourcePolicy::new(required(input.resource_policy, "resourcePolicy")?);
    request.id = input.secret_id.map(Into::into);
    let found = call.store.validate_resource_policy(call.cx, request).await?;
    let errors: Vec<Value> = found
        .findings
        .iter()
        .map(|one| json!({"CheckName": one.check, "ErrorMessage": one.message}))
        .collect();
    Answer::json(&json!({"PolicyValidationPassed": found.passed, "ValidationErrors": errors}))
}
