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
    let asked: Input = read(call.body)?;
    let (key, message) = (key(asked.key_id)?, required(asked.message, "message")?.0);
    let algorithm = mac_algorithm(asked.mac_algorithm)?;
    let request = GenerateMac::new(&key, message.expose(), algorithm)
        .grant_tokens(asked.grant_tokens.unwrap_or_default())
        .with_dry_run(asked.dry_run.unwrap_or(false));
    let made = call.kms.generate_mac(call.cx, request).await?;
    Answer::json(&json!({
        "KeyId": made.key_arn.as_str(), "MacAlgorithm": made.algorithm.as_str(),
        "Mac": base64(&made.mac).expose(),
    }))
}
