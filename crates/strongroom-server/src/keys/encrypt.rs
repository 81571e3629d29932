//! `Encrypt`.

use strongroom_kms::Encrypt;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use super::shapes_crypto::{Output, algorithm, context};
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, Context, base64, input, read, required};
use crate::operation::Operation;

input!(Input {
    key_id: String, plaintext: Blob, encryption_context: Context, grant_tokens: Vec<String>,
    encryption_algorithm: String, dry_run: bool,
});

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("Encrypt").on("KeyId").across_accounts().hides(&["Plaintext", "GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let (key, plaintext) = (key(input.key_id)?, required(input.plaintext, "plaintext")?.0);
    algorithm(input.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
    let context = context(input.encryption_context)?;
    let request = Encrypt::new(&key, plaintext.expose())
        .context(&context)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    let output = call.kms.encrypt(call.cx, request).await?;
    Answer::json(&Output {
        key_id: output.key_arn.as_str(),
        ciphertext_blob: Some(base64(&output.ciphertext).expose()),
        encryption_algorithm: Some("SYMMETRIC_DEFAULT"),
        ..Output::default()
    })
}
