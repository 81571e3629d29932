//! `ListKeyRotations`.

use serde_json::{Value, json};
use strongroom_kms::Rotation;

use super::call::{KeysCall, KeysOperation};
use super::shapes::{key, listed, page};
use super::words::INCLUDE_KEY_MATERIAL;
use crate::answer::{Answer, ApiError, object, seconds};
use crate::input::{input, read};
use crate::operation::Operation;

input!(Input { key_id: String, include_key_material: String, limit: i64, marker: String });

pub(super) const OPERATION: KeysOperation =
    KeysOperation::new(Operation::of::<Input>("ListKeyRotations").on("KeyId"), |call| Box::pin(run(call)));

async fn run(call: KeysCall<'_>) -> Result<Answer, ApiError> {
    let input: Input = read(call.body)?;
    let all = match input.include_key_material {
        Some(word) => INCLUDE_KEY_MATERIAL.read(&word, |word| Some(word == "ALL_KEY_MATERIAL"))?,
        None => false,
    };
    let found = call
        .kms
        .list_key_rotations(call.cx, &key(input.key_id)?, all, &page(input.limit, input.marker)?)
        .await?;
    listed("Rotations", found.rotations.iter().map(entry).collect(), found.next_marker)
}

fn entry(rotation: &Rotation) -> Value {
    let imported = rotation.imported.as_ref();
    let state = match (rotation.current, rotation.pending) {
        (true, _) => "CURRENT",
        (false, true) => "PENDING_ROTATION",
        _ => "NON_CURRENT",
    };
    object(vec![
        ("KeyId", Some(json!(rotation.key_arn.as_str()))),
        ("KeyMaterialId", Some(json!(rotation.key_material_id))),
        ("KeyMaterialState", Some(json!(state))),
        (
            "KeyMaterialDescription",
            imported.and_then(|imported| imported.description.as_ref()).map(|text| json!(text)),
        ),
        (
            "ImportState",
            imported.map(|imported| json!(if imported.present { "IMPORTED" } else { "PENDING_IMPORT" })),
        ),
        (
            "ExpirationModel",
            imported.map(|imported| {
                json!(if imported.valid_to.is_some() {
                    "KEY_MATERIAL_EXPIRES"
                } else {
                    "KEY_MATERIAL_DOES_NOT_EXPIRE"
                })
            }),
        ),
        ("ValidTo", imported.and_then(|imported| imported.valid_to).map(seconds)),
        ("RotationDate", rotation.date.map(seconds)),
        ("RotationType", rotation.kind.map(|kind| json!(kind.as_str()))),
    ])
}
