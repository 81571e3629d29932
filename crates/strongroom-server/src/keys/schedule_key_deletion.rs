//! `ScheduleKeyDeletion`.

use serde_json::json;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use crate::answer::{Answer, ApiError, seconds};
use crate::input::{input, read, within};
use crate::operation::Operation;

input!(Input { key_id: String, pending_window_in_days: i64 });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ScheduleKeyDeletion").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let days = input.pending_window_in_days.map(|days| within(days, "pendingWindowInDays", 1, 365));
    let days = days.transpose()?;
    let planned = call.kms.schedule_key_deletion(call.cx, &key(input.key_id)?, days).await?;
    Answer::json(&json!({
        "KeyId": planned.key_arn.as_str(), "DeletionDate": seconds(planned.deletion_date),
        "KeyState": planned.state.as_str(), "PendingWindowInDays": planned.pending_window_days,
    }))
}
