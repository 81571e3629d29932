//! `ListKeyPolicies`.

use serde_json::Value;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{key, listed, page};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, limit: i64, marker: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListKeyPolicies").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let found =
        call.kms.list_key_policies(call.cx, &key(input.key_id)?, &page(input.limit, input.marker)?).await?;
    listed("PolicyNames", found.names.into_iter().map(Value::from).collect(), found.next_marker)
}
