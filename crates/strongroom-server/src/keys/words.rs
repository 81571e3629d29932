//! The enum values of KMS's members: all of AWS's, in the order of AWS's error messages where that
//! was recorded, otherwise in the order of its service model. `tests/members.rs` compares them with
//! the models.

use strongroom_kms::{KeySpec, MacAlgorithm};

use crate::answer::{ApiError, violation};

/// A member and its enum values.
pub(crate) struct Words {
    member: &'static str,
    words: &'static [&'static str],
}

pub(crate) const KEY_SPEC: Words = Words { member: "keySpec", words: &KeySpec::WORDS };
pub(crate) const OLD_KEY_SPEC: Words = Words {
    member: "customerMasterKeySpec",
    words: &[
        "RSA_2048",
        "RSA_3072",
        "RSA_4096",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "SYMMETRIC_DEFAULT",
        "HMAC_224",
        "HMAC_256",
        "HMAC_384",
        "HMAC_512",
        "SM2",
    ],
};
pub(crate) const KEY_USAGE: Words = Words {
    member: "keyUsage",
    words: &[
        "SIGN_VERIFY",
        "ENCRYPT_DECRYPT",
        "GENERATE_VERIFY_MAC",
        "KEY_AGREEMENT",
        "ENCAPSULATE_DECAPSULATE",
    ],
};
pub(crate) const ORIGIN: Words =
    Words { member: "origin", words: &["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"] };
pub(crate) const DATA_KEY_SPEC: Words = Words { member: "keySpec", words: &["AES_256", "AES_128"] };
pub(crate) const MAC_ALGORITHM: Words = Words { member: "macAlgorithm", words: &MacAlgorithm::WORDS };
pub(crate) const GRANT_OPERATIONS: Words = Words {
    member: "operations",
    words: &[
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
        "Sign",
        "Verify",
        "GetPublicKey",
        "CreateGrant",
        "RetireGrant",
        "DescribeKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateMac",
        "VerifyMac",
        "DeriveSharedSecret",
        "Encapsulate",
        "Decapsulate",
    ],
};
pub(crate) const RESOURCE_OWNERS: Words =
    Words { member: "resourceOwners", words: &["SELF", "OTHER_ACCOUNTS_VIA_RAM"] };
pub(crate) const INCLUDE_KEY_MATERIAL: Words =
    Words { member: "includeKeyMaterial", words: &["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"] };
pub(crate) const WRAPPING_ALGORITHM: Words = Words {
    member: "wrappingAlgorithm",
    words: &[
        "RSAES_PKCS1_V1_5",
        "RSAES_OAEP_SHA_1",
        "RSAES_OAEP_SHA_256",
        "RSA_AES_KEY_WRAP_SHA_1",
        "RSA_AES_KEY_WRAP_SHA_256",
        "SM2PKE",
    ],
};
pub(crate) const WRAPPING_KEY_SPEC: Words =
    Words { member: "wrappingKeySpec", words: &["RSA_2048", "RSA_3072", "RSA_4096", "SM2"] };
pub(crate) const EXPIRATION_MODEL: Words =
    Words { member: "expirationModel", words: &["KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"] };
pub(crate) const IMPORT_TYPE: Words =
    Words { member: "importType", words: &["NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL"] };

/// The encryption algorithm, whose member has one of three names.
pub(crate) const fn encryption_algorithm(member: &'static str) -> Words {
    Words { member, words: &["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"] }
}

impl Words {
    /// Parses a value. Values that AWS has but this server does not support are refused as such;
    /// values that AWS does not have get AWS's error.
    pub(crate) fn read<T>(&self, given: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ApiError> {
        self.check(given)?;
        read(given).ok_or_else(|| self.unsupported(given))
    }

    /// Like [`Words::read`], for a list.
    pub(crate) fn read_all<T>(
        &self,
        given: &[String],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        if given.iter().any(|one| !self.words.contains(&one.as_str())) {
            let list: String = given.join(", ").chars().take(256).collect();
            let set = self.words.join(", ");
            let must = format!("satisfy constraint: [Member must satisfy enum value set: [{set}]]");
            return Err(ApiError::validation(violation(&format!(" '[{list}]'"), self.member, &must)));
        }
        given.iter().map(|one| read(one).ok_or_else(|| self.unsupported(one))).collect()
    }

    /// Refuses values that AWS does not have.
    pub(crate) fn check(&self, given: &str) -> Result<(), ApiError> {
        if self.words.contains(&given) {
            return Ok(());
        }
        Err(ApiError::not_of(self.member, given, &self.words.join(", ")))
    }

    fn unsupported(&self, given: &str) -> ApiError {
        let text = format!("The value {given} of {} is not supported at this endpoint.", self.member);
        ApiError::new("UnsupportedOperationException", text)
    }
}
