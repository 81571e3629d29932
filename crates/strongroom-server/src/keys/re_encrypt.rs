//! `ReEncrypt`.

use serde_json::json;
use strongroom_kms::ReEncrypt;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{self, DRY_RUN_MODIFIERS};
use super::shapes_crypto::{algorithm, context};
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, Context, base64, input, read, required};
use crate::operation::Operation;
use crate::{across, named};

input!(Input {
    ciphertext_blob: Blob, source_encryption_context: Context, source_key_id: String, destination_key_id: String,
    destination_encryption_context: Context, source_encryption_algorithm: String,
    destination_encryption_algorithm: String, grant_tokens: Vec<String>, dry_run: bool,
} refused { DryRunModifiers: DRY_RUN_MODIFIERS });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("ReEncrypt")
        .on("SourceKeyId")
        .across_accounts()
        .hides(&["CiphertextBlob", "GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    let ciphertext = required(asked.ciphertext_blob, "ciphertextBlob")?.0;
    let elsewhere = asked.destination_key_id.as_deref().and_then(|id| named::elsewhere(id, "kms", call.own));
    let destination = shapes::named(asked.destination_key_id, "destinationKeyId")?;
    algorithm(asked.source_encryption_algorithm.as_deref(), "sourceEncryptionAlgorithm")?;
    algorithm(asked.destination_encryption_algorithm.as_deref(), "destinationEncryptionAlgorithm")?;
    let source_key = asked.source_key_id.map(|id| shapes::named(Some(id), "sourceKeyId")).transpose()?;
    let from = context(asked.source_encryption_context)?;
    let to = context(asked.destination_encryption_context)?;
    let mut request = ReEncrypt::new(ciphertext.expose(), &destination)
        .source_context(&from)
        .context(&to)
        .grant_tokens(asked.grant_tokens.unwrap_or_default())
        .with_dry_run(asked.dry_run.unwrap_or(false));
    request.source_key = source_key.as_ref();
    let there = elsewhere.as_ref().unwrap_or(call.own);
    let made = if there == call.there {
        call.kms.re_encrypt(call.cx, request).await?
    } else {
        // Also of the caller's own account: a region without a strongroom has no key to encrypt
        // under, and gets none by being named.
        let found = across::room(call.rooms, there).await.map_err(|_| ApiError::internal())?;
        let keys = found.room().keys();
        let local = keys.local().map_err(|_| ApiError::internal())?;
        let decrypting = call.keys.local().map_err(|_| ApiError::internal())?;
        decrypting.re_encrypt_into(call.cx, local, request).await?
    };
    Answer::json(&json!({
        "CiphertextBlob": base64(&made.ciphertext).expose(),
        "SourceKeyId": made.source_key_arn.as_str(),
        "KeyId": made.key_arn.as_str(),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": made.source_key_material_id.as_deref(),
        "DestinationKeyMaterialId": made.key_material_id.as_deref(),
    }))
}
