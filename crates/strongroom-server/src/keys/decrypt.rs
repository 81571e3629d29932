//! `Decrypt`.

use strongroom_kms::Decrypt;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{DRY_RUN_MODIFIERS, RECIPIENT, key};
use super::shapes_crypto::{Output, algorithm, context};
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, Context, base64, input, read, required};
use crate::operation::Operation;

input!(Input {
    ciphertext_blob: Blob, encryption_context: Context, grant_tokens: Vec<String>, key_id: String,
    encryption_algorithm: String, dry_run: bool,
} refused { Recipient: RECIPIENT, DryRunModifiers: DRY_RUN_MODIFIERS });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("Decrypt").on("KeyId").across_accounts().hides(&["CiphertextBlob", "GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let ciphertext = required(input.ciphertext_blob, "ciphertextBlob")?.0;
    algorithm(input.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
    let demanded = input.key_id.map(|id| key(Some(id))).transpose()?;
    let context = context(input.encryption_context)?;
    let mut request = Decrypt::new(ciphertext.expose())
        .context(&context)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    request.key = demanded.as_ref();
    let opened = call.kms.decrypt(call.cx, request).await?;
    Answer::json(&Output {
        key_id: opened.key_arn.as_str(),
        plaintext: Some(base64(opened.plaintext.expose()).expose()),
        encryption_algorithm: Some("SYMMETRIC_DEFAULT"),
        key_material_id: opened.key_material_id.as_deref(),
        ..Output::default()
    })
}
