//! `GetKeyPolicy`.

use serde_json::json;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, policy_name: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("GetKeyPolicy").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let policy = call.kms.get_key_policy(call.cx, &key(input.key_id)?, input.policy_name.as_deref()).await?;
    Answer::json(&json!({"Policy": policy, "PolicyName": "default"}))
}
