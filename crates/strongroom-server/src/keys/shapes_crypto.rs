//! Shapes of operations that encrypt, decrypt, and compute MACs.

use serde::Serialize;
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{DataKeySpec, MacAlgorithm};

use super::words::{DATA_KEY_SPEC, MAC_ALGORITHM, encryption_algorithm};
use crate::answer::ApiError;
use crate::input::{Context, required, within};

/// A response with a plaintext or a ciphertext, written into memory that is wiped on drop.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output<'a> {
    pub(super) key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ciphertext_blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encryption_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_material_id: Option<&'a str>,
}

pub(super) fn context(given: Option<Context>) -> Result<EncryptionContext, ApiError> {
    given.unwrap_or_default().read()
}

pub(super) fn algorithm(given: Option<&str>, member: &'static str) -> Result<(), ApiError> {
    let Some(given) = given else { return Ok(()) };
    encryption_algorithm(member).check(given)?;
    if given == "SYMMETRIC_DEFAULT" {
        return Ok(());
    }
    let text = format!("{given} is not an encryption algorithm of this key.");
    Err(ApiError::new("InvalidKeyUsageException", text))
}

pub(super) fn data_key_spec(spec: Option<String>, bytes: Option<i64>) -> Result<DataKeySpec, ApiError> {
    let read = |word: &str| match word {
        "AES_256" => Some(DataKeySpec::Aes256),
        "AES_128" => Some(DataKeySpec::Aes128),
        _ => None,
    };
    match (spec, bytes) {
        (Some(spec), None) => DATA_KEY_SPEC.read(&spec, read),
        (None, Some(bytes)) => within(bytes, "numberOfBytes", 1, 1024).map(DataKeySpec::Bytes),
        _ => Err(ApiError::validation("Please specify either number of bytes or key spec.")),
    }
}

pub(super) fn mac_algorithm(given: Option<String>) -> Result<MacAlgorithm, ApiError> {
    MAC_ALGORITHM.read(&required(given, "macAlgorithm")?, MacAlgorithm::from_word)
}
