//! `GenerateDataKeyWithoutPlaintext`.

use strongroom_kms::GenerateDataKey;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{RECIPIENT, key};
use super::shapes_crypto::{Output, context, data_key_spec};
use crate::answer::{Answer, ApiError};
use crate::input::{Context, base64, input, read};
use crate::operation::Operation;

input!(Input {
    key_id: String, encryption_context: Context, number_of_bytes: i64, key_spec: String,
    grant_tokens: Vec<String>, dry_run: bool,
} refused {
    // Not in AWS's model of this operation, which returns no plaintext. Refused all the same.
    Recipient: RECIPIENT
});

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("GenerateDataKeyWithoutPlaintext")
        .on("KeyId")
        .across_accounts()
        .hides(&["GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let key = key(input.key_id)?;
    let spec = data_key_spec(input.key_spec, input.number_of_bytes)?;
    let context = context(input.encryption_context)?;
    let request = GenerateDataKey::new(&key)
        .context(&context)
        .spec(spec)
        .grant_tokens(input.grant_tokens.unwrap_or_default())
        .with_dry_run(input.dry_run.unwrap_or(false));
    let output = call.kms.generate_data_key_without_plaintext(call.cx, request).await?;
    Answer::json(&Output {
        key_id: output.key_arn.as_str(),
        ciphertext_blob: Some(base64(&output.ciphertext).expose()),
        key_material_id: output.key_material_id.as_deref(),
        ..Output::default()
    })
}
