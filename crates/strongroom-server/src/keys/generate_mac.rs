//! `GenerateMac`.

use serde_json::json;
use strongroom_kms::GenerateMac;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use super::shapes_crypto::mac_algorithm;
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, base64, input, read, required};
use crate::operation::Operation;

input!(Input { key_id: String, message: Blob, mac_algorithm: String, grant_tokens: Vec<String>, dry_run: bool });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("GenerateMac").on("KeyId").across_accounts().hides(&["Message", "GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, message) = (key(input.key_id)?, required(input.message, "message")?.0);
    let algorithm = mac_algorithm(input.mac_algorithm)?;
    let request = GenerateMac::new(&key, message.expose(), algorithm)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    let output = call.kms.generate_mac(call.cx, request).await?;
    Answer::json(&json!({
        "KeyId": output.key_arn.as_str(), "MacAlgorithm": output.algorithm.as_str(),
        "Mac": base64(&output.mac).expose(),
    }))
}
