//! `DisableKey`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("DisableKey").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    done(call.kms.disable_key(call.cx, &key(input.key_id)?).await)
}
