//! `RotateKeyOnDemand`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{arn_of, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("RotateKeyOnDemand").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    arn_of(&call.kms.rotate_key_on_demand(call.cx, &key(input.key_id)?).await?)
}
