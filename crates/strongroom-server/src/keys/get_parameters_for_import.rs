//! `GetParametersForImport`.

use serde_json::json;
use strongroom_kms::{WrappingAlgorithm, WrappingKeySpec};

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use super::words::{WRAPPING_ALGORITHM, WRAPPING_KEY_SPEC};
use crate::answer::{Answer, ApiError, seconds};
use crate::input::{base64, input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, wrapping_algorithm: String, wrapping_key_spec: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("GetParametersForImport").on("KeyId"), |call| {
        Box::pin(run(call))
    });

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    let algorithm = required(asked.wrapping_algorithm, "wrappingAlgorithm")?;
    let algorithm = WRAPPING_ALGORITHM.read(&algorithm, WrappingAlgorithm::from_word)?;
    let spec = required(asked.wrapping_key_spec, "wrappingKeySpec")?;
    let spec = WRAPPING_KEY_SPEC.read(&spec, WrappingKeySpec::from_word)?;
    let made = call.kms.get_parameters_for_import(call.cx, &key(asked.key_id)?, algorithm, spec).await?;
    Answer::json(&json!({
        "KeyId": made.key_arn.as_str(), "ImportToken": base64(&made.import_token).expose(),
        "PublicKey": base64(&made.public_key).expose(), "ParametersValidTo": seconds(made.valid_to),
    }))
}
