//! `UntagResource`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key, length};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, tag_keys: Vec<String> });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("UntagResource").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, keys) = (key(input.key_id)?, required(input.tag_keys, "tagKeys")?);
    for (tag, place) in keys.iter().zip(1..) {
        length(tag, &format!("tagKeys.{place}.member"), 1, 128)?;
    }
    done(call.kms.untag_resource(call.cx, &key, keys).await)
}
