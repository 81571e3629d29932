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
    let asked: Input = read(call.body)?;
    let (key, description) = (key(asked.key_id)?, required(asked.description, "description")?);
    done(call.kms.update_key_description(call.cx, &key, &description).await)
}
