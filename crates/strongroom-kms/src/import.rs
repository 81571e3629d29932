//! Key material that is brought along.

use strongroom_types::{Arn, Timestamp};

use crate::key::words;
use crate::{Error, ErrorKind};

words!(
    /// How key material is wrapped for its way in.
    WrappingAlgorithm {
        /// RSA-OAEP with SHA-256.
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        /// RSA-OAEP with SHA-1.
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        /// An AES key under RSA-OAEP with SHA-256, the material under that key (RFC 5649).
        RsaAesKeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
        /// The same with SHA-1.
        RsaAesKeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
    }
);

words!(
    /// The key that wraps it.
    WrappingKeySpec {
        /// 2,048 bits.
        Rsa2048 = "RSA_2048",
        /// 3,072 bits.
        Rsa3072 = "RSA_3072",
        /// 4,096 bits.
        Rsa4096 = "RSA_4096",
    }
);

words!(
    /// Whether imported material goes at a date.
    ExpirationModel {
        /// It does, at [`ImportKeyMaterial::valid_to`].
        Expires = "KEY_MATERIAL_EXPIRES",
        /// It stays.
        DoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
);

words!(
    /// Which material is imported.
    ImportType {
        /// Material that the key has had before. What a key has first is new to it, and may be
        /// called so or not.
        ExistingKeyMaterial = "EXISTING_KEY_MATERIAL",
        /// Material that the key has not had, for its next rotation.
        NewKeyMaterial = "NEW_KEY_MATERIAL",
    }
);

/// What GetParametersForImport answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ImportParameters {
    /// The key.
    pub key_arn: Arn,
    /// Goes with what is wrapped under this public key.
    pub import_token: Vec<u8>,
    /// The public key, as DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// Until when both are good.
    pub valid_to: Timestamp,
}

/// What ImportKeyMaterial takes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportKeyMaterial {
    /// From [`ImportParameters`].
    pub import_token: Vec<u8>,
    /// The material, wrapped under the public key of the same parameters.
    pub encrypted_key_material: Vec<u8>,
    /// Whether the material goes at a date.
    pub expiration: ExpirationModel,
    /// When it goes; at most 365 days from now.
    pub valid_to: Option<Timestamp>,
    /// Whether it is material that the key has had.
    pub kind: Option<ImportType>,
    /// What is said of it; at most 256 characters.
    pub description: Option<String>,
    /// The id that the material has here, where the key has had it.
    pub key_material_id: Option<String>,
}

impl std::fmt::Debug for ImportKeyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportKeyMaterial")
            .field("expiration", &self.expiration)
            .field("valid_to", &self.valid_to)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl ImportKeyMaterial {
    /// Material that stays. AWS's API takes it to expire by default.
    #[must_use]
    pub fn new(import_token: impl Into<Vec<u8>>, encrypted_key_material: impl Into<Vec<u8>>) -> Self {
        Self {
            import_token: import_token.into(),
            encrypted_key_material: encrypted_key_material.into(),
            expiration: ExpirationModel::DoesNotExpire,
            valid_to: None,
            kind: None,
            description: None,
            key_material_id: None,
        }
    }

    /// Material that goes at `date`.
    #[must_use]
    pub fn expires(mut self, date: Timestamp) -> Self {
        (self.expiration, self.valid_to) = (ExpirationModel::Expires, Some(date));
        self
    }

    /// Says what the key has had.
    #[must_use]
    pub fn kind(mut self, kind: ImportType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Says what it is.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Demands that it is the material of this id.
    #[must_use]
    pub fn key_material_id(mut self, id: impl Into<String>) -> Self {
        self.key_material_id = Some(id.into());
        self
    }

    /// Dates and model must fit.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`].
    pub fn check(&self, now: Timestamp) -> Result<(), Error> {
        const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
        let text = match (self.expiration, self.valid_to) {
            (ExpirationModel::Expires, None) => {
                "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
            }
            // The other texts are unconfirmed.
            (ExpirationModel::DoesNotExpire, Some(_)) => {
                "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
            }
            (ExpirationModel::Expires, Some(date)) if date <= now => "The validTo date must be in the future",
            (ExpirationModel::Expires, Some(date))
                if date.as_millis().saturating_sub(now.as_millis()) > YEAR =>
            {
                "The validTo date must be at most 365 days from now"
            }
            _ if self.description.as_ref().is_some_and(|text| text.chars().count() > 256) => {
                "1 validation error detected: Value at 'keyMaterialDescription' failed to satisfy constraint: Member must have length less than or equal to 256"
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Validation, text))
    }
}

/// What ImportKeyMaterial and DeleteImportedKeyMaterial answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ImportedMaterial {
    /// The key.
    pub key_arn: Arn,
    /// The material.
    pub key_material_id: Option<String>,
}
