//! `PutKeyPolicy`.

use strongroom_kms::PutKeyPolicy;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input {
    key_id: String,
    policy_name: String,
    policy: String,
    bypass_policy_lockout_safety_check: bool
});

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("PutKeyPolicy").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let mut put = PutKeyPolicy::new(required(input.policy, "policy")?);
    put.name = input.policy_name;
    put.bypass_lockout_check = input.bypass_policy_lockout_safety_check.unwrap_or(false);
    done(call.kms.put_key_policy(call.cx, &key(input.key_id)?, put).await)
}
