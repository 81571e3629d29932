//! `ImportKeyMaterial`.

use serde_json::json;
use strongroom_kms::{ExpirationModel, ImportKeyMaterial, ImportType};
use strongroom_types::Timestamp;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use super::words::{EXPIRATION_MODEL, IMPORT_TYPE};
use crate::answer::{Answer, ApiError, object};
use crate::input::{Blob, input, read, required};
use crate::operation::Operation;

input!(Input {
    key_id: String,
    import_token: Blob,
    encrypted_key_material: Blob,
    valid_to: f64,
    expiration_model: String,
    import_type: String,
    key_material_description: String,
    key_material_id: String,
});

pub(super) const OPERATION: KeysOperation = KeysOperation::new(
    Operation::of::<Input>("ImportKeyMaterial").on("KeyId").hides(&["ImportToken", "EncryptedKeyMaterial"]),
    |call| Box::pin(run(call)),
);

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let key = key(input.key_id)?;
    let token = required(input.import_token, "importToken")?.0;
    let material = required(input.encrypted_key_material, "encryptedKeyMaterial")?.0;
    let mut request = ImportKeyMaterial::new(token.expose(), material.expose());
    if let Some(model) = input.expiration_model {
        request.expiration = EXPIRATION_MODEL.read(&model, ExpirationModel::from_word)?;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "seconds since 1970; larger values saturate, far in the future"
    )]
    let moment = |seconds: f64| Timestamp::from_millis((seconds * 1000.0) as i64);
    request.valid_to = input.valid_to.map(moment);
    if let Some(kind) = input.import_type {
        request.kind = Some(IMPORT_TYPE.read(&kind, ImportType::from_word)?);
    }
    request.description = input.key_material_description;
    request.key_material_id = input.key_material_id;
    let done = call.kms.import_key_material(call.cx, &key, request).await?;
    Answer::json(&object(vec![
        ("KeyId", Some(json!(done.key_arn.as_str()))),
        ("KeyMaterialId", done.key_material_id.map(|id| json!(id))),
    ]))
}
