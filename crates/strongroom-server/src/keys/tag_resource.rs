//! `TagResource`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{TagInput, done, key, tags};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, tags: Vec<TagInput> });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("TagResource").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, given) = (key(input.key_id)?, tags(required(input.tags, "tags")?)?);
    done(call.kms.tag_resource(call.cx, &key, given).await)
}
