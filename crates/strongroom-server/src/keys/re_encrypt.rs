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
    let input: Input = read(call.body)?;
    let ciphertext = required(input.ciphertext_blob, "ciphertextBlob")?.0;
    let elsewhere = input.destination_key_id.as_deref().and_then(|id| named::elsewhere(id, "kms", call.own));
    let destination = shapes::named(input.destination_key_id, "destinationKeyId")?;
    algorithm(input.source_encryption_algorithm.as_deref(), "sourceEncryptionAlgorithm")?;
    algorithm(input.destination_encryption_algorithm.as_deref(), "destinationEncryptionAlgorithm")?;
    let source_key = input.source_key_id.map(|id| shapes::named(Some(id), "sourceKeyId")).transpose()?;
    let from = context(input.source_encryption_context)?;
    let to = context(input.destination_encryption_context)?;
    let mut request = ReEncrypt::new(ciphertext.expose(), &destination)
        .source_context(&from)
        .context(&to)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    request.source_key = source_key.as_ref();
    let there = elsewhere.as_ref().unwrap_or(call.own);
    let output = if there == call.there {
        call.kms.re_encrypt(call.cx, request).await?
    } else {
        // Also for the caller's own account: a realm without a strongroom has no key to encrypt
        // under, and naming it does not create one.
        let found = across::room(call.rooms, there).await.map_err(|_| ApiError::internal())?;
        let keys = found.room().keys();
        let local = keys.local().map_err(|_| ApiError::internal())?;
        let decrypting = call.keys.local().map_err(|_| ApiError::internal())?;
        decrypting.re_encrypt_into(call.cx, local, request).await?
    };
    Answer::json(&json!({
        "CiphertextBlob": base64(&output.ciphertext).expose(),
        "SourceKeyId": output.source_key_arn.as_str(),
        "KeyId": output.key_arn.as_str(),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": output.source_key_material_id.as_deref(),
        "DestinationKeyMaterialId": output.key_material_id.as_deref(),
    }))
}
