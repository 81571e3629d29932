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
    let input: Input = read(call.body)?;
    let algorithm = required(input.wrapping_algorithm, "wrappingAlgorithm")?;
    let algorithm = WRAPPING_ALGORITHM.read(&algorithm, WrappingAlgorithm::from_word)?;
    let spec = required(input.wrapping_key_spec, "wrappingKeySpec")?;
    let spec = WRAPPING_KEY_SPEC.read(&spec, WrappingKeySpec::from_word)?;
    let output = call.kms.get_parameters_for_import(call.cx, &key(input.key_id)?, algorithm, spec).await?;
    Answer::json(&json!({
        "KeyId": output.key_arn.as_str(), "ImportToken": base64(&output.import_token).expose(),
        "PublicKey": base64(&output.public_key).expose(), "ParametersValidTo": seconds(output.valid_to),
    }))
}
