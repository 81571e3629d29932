//! `GetResourcePolicy`.

use serde_json::json;

use super::call::{SecretsCall, SecretsOperation};
use super::shapes::{id, is_default};
use crate::answer::{Answer, ApiError, object};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { secret_id: String, policy_name: String });

pub(super) const OPERATION: SecretsOperation = SecretsOperation::new(
    Operation::of::<Input>("GetResourcePolicy").on("SecretId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: SecretsCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let found = call.store.get_resource_policy(call.cx, &id(input.secret_id)?).await?;
    if !is_default(input.policy_name.as_deref()) {
        let text = "Secrets Manager can't find the specified resource policy.";
        return Err(ApiError::new("ResourceNotFoundException", text));
    }
    Answer::json(&object(vec![
        ("ARN", Some(json!(found.arn.as_str()))),
        ("Name", Some(json!(found.name))),
        ("ResourcePolicy", found.policy.map(|policy| json!(policy))),
    ]))
}
