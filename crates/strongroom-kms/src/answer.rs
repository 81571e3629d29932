//! Answers of the cryptographic operations. None derives what would leak.

use std::sync::Arc;

use strongroom_envelope::SecretBytes;
use strongroom_types::Arn;

use crate::MacAlgorithm;

/// A data key in both forms.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct DataKeyPair {
    /// The data key; wipes itself.
    pub plaintext: SecretBytes,
    /// The data key as the key service wrapped it; at most 6,144 bytes.
    pub ciphertext: Vec<u8>,
    /// The key that wrapped it.
    pub key_arn: Arn,
    /// The material of that key, where the service tells.
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
    /// The material of that key, where the service tells.
    pub key_material_id: Option<Arc<str>>,
}

/// What Encrypt made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Ciphertext {
    /// The ciphertext; at most 6,144 bytes.
    pub ciphertext: Vec<u8>,
    /// The key that was used.
    pub key_arn: Arn,
    /// Its material, where the service tells.
    pub key_material_id: Option<Arc<str>>,
}

/// What Decrypt made.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Decrypted {
    /// The plaintext; wipes itself.
    pub plaintext: SecretBytes,
    /// The key that was used.
    pub key_arn: Arn,
    /// Its material, where the service tells.
    pub key_material_id: Option<Arc<str>>,
}

/// What GenerateMac made, or VerifyMac found good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct Mac {
    /// The code; 28 to 64 bytes.
    pub mac: Vec<u8>,
    /// How it was made.
    pub algorithm: MacAlgorithm,
    /// The key that made it.
    pub key_arn: Arn,
}

/// What ReEncrypt made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ReEncrypted {
    /// The ciphertext under the destination key.
    pub ciphertext: Vec<u8>,
    /// The key it was under before.
    pub source_key_arn: Arn,
    /// The key it is under now.
    pub key_arn: Arn,
    /// The source key's material, where the service tells.
    pub source_key_material_id: Option<Arc<str>>,
    /// The destination key's material, where the service tells.
    pub key_material_id: Option<Arc<str>>,
}
