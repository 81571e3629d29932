//! `DeleteImportedKeyMaterial`.

use serde_json::json;

use super::call::{KeysCall, KeysOperation};
use super::shapes::key;
use crate::answer::{Answer, ApiError, object};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, key_material_id: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("DeleteImportedKeyMaterial").on("KeyId"), |call| {
        Box::pin(run(call))
    });

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let gone = call
        .kms
        .delete_imported_key_material(call.cx, &key(input.key_id)?, input.key_material_id.as_deref())
        .await?;
    Answer::json(&object(vec![
        ("KeyId", Some(json!(gone.key_arn.as_str()))),
        ("KeyMaterialId", gone.key_material_id.map(|id| json!(id))),
    ]))
}
