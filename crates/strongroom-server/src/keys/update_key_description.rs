//! `UpdateKeyDescription`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, description: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("UpdateKeyDescription").on("KeyId"), |call| {
        Box::pin(run(call))
    });

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, description) = (key(input.key_id)?, required(input.description, "description")?);
    done(call.kms.update_key_description(call.cx, &key, &description).await)
}
