//! `EnableKeyRotation`.

use super::call::{KeysCall, KeysOperation};
use super::shapes::{done, key};
use crate::answer::{Answer, ApiError};
use crate::input::{input, read, within};
use crate::operation::Operation;

input!(Input { key_id: String, rotation_period_in_days: i64 });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("EnableKeyRotation").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let days = input.rotation_period_in_days.map(|days| within(days, "rotationPeriodInDays", 90, 2560));
    let days = days.transpose()?;
    done(call.kms.enable_key_rotation(call.cx, &key(input.key_id)?, days).await)
}
