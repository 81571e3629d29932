//! `GenerateDataKey`.

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
} refused { Recipient: RECIPIENT });

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("GenerateDataKey").on("KeyId").across_accounts().hides(&["GrantTokens"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let asked: Input = read(call.body)?;
    let key = key(asked.key_id)?;
    let spec = data_key_spec(asked.key_spec, asked.number_of_bytes)?;
    let context = context(asked.encryption_context)?;
    let request = GenerateDataKey::new(&key)
        .context(&context)
        .spec(spec)
        .grant_tokens(asked.grant_tokens.unwrap_or_default())
        .with_dry_run(asked.dry_run.unwrap_or(false));
    let made = call.kms.generate_data_key(call.cx, request).await?;
    Answer::json(&Output {
        key_id: made.key_arn.as_str(),
        ciphertext_blob: Some(base64(&made.ciphertext).expose()),
        plaintext: Some(base64(made.plaintext.expose()).expose()),
        key_material_id: made.key_material_id.as_deref(),
        ..Output::default()
    })
}
