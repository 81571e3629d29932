//! Responses of the cryptographic operations. None derives a trait that would leak secrets.

use std::sync::Arc;

use strongroom_envelope::SecretBytes;
use strongroom_types::Arn;

use crate::MacAlgorithm;

/// A data key in both forms.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct DataKeyPair {
    /// The data key, in self-wiping memory.
    pub plaintext: SecretBytes,
    /// The data key as the key service wrapped it; at most 6,144 bytes.
    pub ciphertext: Vec<u8>,
    /// The key that wrapped it.
    pub key_arn: Arn,
    /// The id of that key's material, if the service reports it.
    pub key_material_id: Option<Arc<str>>,
}

/// A data key in wrapped form only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct WrappedDataKey {
    /// The data key as the key service wrapped it.
    pub ciphertext: Vec<u8>,
    /// The key that wrapped it.
    pub key_arn: Arn,
    /// The id of that key's material, if the service reports it.
    pub key_material_id: Option<Arc<str>>,
}

/// The response of Encrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Ciphertext {
    /// The ciphertext; at most 6,144 bytes.
    pub ciphertext: Vec<u8>,
    /// The key that was used.
    pub key_arn: Arn,
    /// The id of its material, if the service reports it.
    pub key_material_id: Option<Arc<str>>,
}

/// The response of Decrypt.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Decrypted {
    /// The plaintext, in self-wiping memory.
    pub plaintext: SecretBytes,
    /// The key that was used.
    pub key_arn: Arn,
    /// The id of its material, if the service reports it.
    pub key_material_id: Option<Arc<str>>,
}

/// The response of GenerateMac and VerifyMac.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Mac {
    /// The code; 28 to 64 bytes.
    pub mac: Vec<u8>,
    /// The algorithm.
    pub algorithm: MacAlgorithm,
    /// The key that generated it.
    pub key_arn: Arn,
}

/// The response of ReEncrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ReEncrypted {
    /// The ciphertext under the destination key.
    pub ciphertext: Vec<u8>,
    /// The key it was under before.
    pub source_key_arn: Arn,
    /// The key it is under now.
    pub key_arn: Arn,
    /// The id of the source key's material, if the service reports it.
    pub source_key_material_id: Option<Arc<str>>,
    /// The id of the destination key's material, if the service reports it.
    pub key_material_id: Option<Arc<str>>,
}
