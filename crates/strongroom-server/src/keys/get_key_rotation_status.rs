//! `GetKeyRotationStatus`.

use serde_json::json;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("GetKeyRotationStatus").on("KeyId").across_accounts(),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let status = call.kms.get_key_rotation_status(call.cx, &key(input.key_id)?).await?;
    Answer::json(&object(vec![
        ("KeyRotationEnabled", Some(json!(status.enabled))),
        ("KeyId", Some(json!(status.key_arn.as_str()))),
        ("RotationPeriodInDays", status.period_days.map(|days| json!(days))),
        ("NextRotationDate", status.next_rotation.map(seconds)),
    ]))
}
