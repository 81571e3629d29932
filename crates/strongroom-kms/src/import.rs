//! Imported key material.

use strongroom_types::{Arn, Timestamp};

use crate::key::words;
use crate::{Error, ErrorKind};

words!(
    /// How imported key material is wrapped.
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
    /// The wrapping key.
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
    /// Whether imported material expires.
    ExpirationModel {
        /// It expires at [`ImportKeyMaterial::valid_to`].
        Expires = "KEY_MATERIAL_EXPIRES",
        /// It does not expire.
        DoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
);

words!(
    /// The kind of imported material.
    ImportType {
        /// Material that the key has had before. For a key's first material, both values are
        /// accepted.
        ExistingKeyMaterial = "EXISTING_KEY_MATERIAL",
        /// Material that the key has not had, for its next rotation.
        NewKeyMaterial = "NEW_KEY_MATERIAL",
    }
);

/// The response of GetParametersForImport.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ImportParameters {
    /// The key.
    pub key_arn: Arn,
    /// The import token that belongs to this public key.
    pub import_token: Vec<u8>,
    /// The public key, as DER SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// The expiry of both.
    pub valid_to: Timestamp,
}

/// The request of ImportKeyMaterial.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportKeyMaterial {
    /// From [`ImportParameters`].
    pub import_token: Vec<u8>,
    /// The material, wrapped under the public key of the same parameters.
    pub encrypted_key_material: Vec<u8>,
    /// Whether the material expires.
    pub expiration: ExpirationModel,
    /// When it expires; at most 365 days from now.
    pub valid_to: Option<Timestamp>,
    /// Whether the key has had this material before.
    pub kind: Option<ImportType>,
    /// Its description; at most 256 characters.
    pub description: Option<String>,
    /// The id of the material, if the key has had it before.
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
    /// Material that does not expire. In AWS's API, it expires by default.
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

    /// Material that expires at `date`.
    #[must_use]
    pub fn expires(mut self, date: Timestamp) -> Self {
        (self.expiration, self.valid_to) = (ExpirationModel::Expires, Some(date));
        self
    }

    /// Sets the kind of material.
    #[must_use]
    pub fn kind(mut self, kind: ImportType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Requires the material to have this id.
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

/// The response of ImportKeyMaterial and DeleteImportedKeyMaterial.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ImportedMaterial {
    /// The key.
    pub key_arn: Arn,
    /// The material.
    pub key_material_id: Option<String>,
}
