//! `VerifyMac`.

use serde_json::json;
use strongroom_kms::VerifyMac;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use super::shapes_crypto::mac_algorithm;
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, input, read, required};
use crate::operation::Operation;

input!(Input {
    key_id: String, message: Blob, mac: Blob, mac_algorithm: String, grant_tokens: Vec<String>, dry_run: bool,
});

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("VerifyMac").on("KeyId").across_accounts().hides(&[
        "Message",
        "Mac",
        "GrantTokens",
    ]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, message) = (key(input.key_id)?, required(input.message, "message")?.0);
    let mac = required(input.mac, "mac")?.0;
    let algorithm = mac_algorithm(input.mac_algorithm)?;
    let request = VerifyMac::new(&key, message.expose(), mac.expose(), algorithm)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    let good = call.kms.verify_mac(call.cx, request).await?;
    Answer::json(&json!({
        "KeyId": good.key_arn.as_str(), "MacAlgorithm": good.algorithm.as_str(), "MacValid": true,
    }))
}
