//! Keys and their metadata.

use strongroom_types::{AccountId, Arn, Timestamp};

use crate::{Error, ErrorKind, ExpirationModel, KeyId};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// The value in AWS's spelling.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Parses AWS's spelling.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

words!(
    /// The state of a key.
    KeyState {
        /// Can be used.
        Enabled = "Enabled",
        /// Cannot be used until it is enabled.
        Disabled = "Disabled",
        /// Will be deleted at its deletion date, unless the deletion is cancelled.
        PendingDeletion = "PendingDeletion",
        /// Waits for imported key material.
        PendingImport = "PendingImport",
    }
);

words!(
    /// The type of key material.
    KeySpec {
        /// A 256-bit AES-GCM key.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        /// 28 bytes for HMAC with SHA-224.
        Hmac224 = "HMAC_224",
        /// 32 bytes for HMAC with SHA-256.
        Hmac256 = "HMAC_256",
        /// 48 bytes for HMAC with SHA-384.
        Hmac384 = "HMAC_384",
        /// 64 bytes for HMAC with SHA-512.
        Hmac512 = "HMAC_512",
    }
);

words!(
    /// The usage of a key.
    KeyUsage {
        /// Encrypting and decrypting.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        /// Generating and verifying message authentication codes.
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        /// Signing, which only asymmetric keys do.
        SignVerify = "SIGN_VERIFY",
        /// Agreeing on secrets, which only asymmetric keys do.
        KeyAgreement = "KEY_AGREEMENT",
        /// Encapsulating secrets, which only asymmetric keys do.
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
    }
);

words!(
    /// The algorithm of a message authentication code.
    MacAlgorithm {
        /// 48 bytes, under a key of [`KeySpec::Hmac384`].
        HmacSha384 = "HMAC_SHA_384",
        /// 32 bytes, under a key of [`KeySpec::Hmac256`].
        HmacSha256 = "HMAC_SHA_256",
        /// 28 bytes, under a key of [`KeySpec::Hmac224`].
        HmacSha224 = "HMAC_SHA_224",
        /// 64 bytes, under a key of [`KeySpec::Hmac512`].
        HmacSha512 = "HMAC_SHA_512",
    }
);

impl KeySpec {
    /// All specs that AWS has, including those that are not supported here, in the order of its
    /// service model.
    pub const WORDS: [&'static str; 20] = [
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
        "ML_DSA_44",
        "ML_DSA_65",
        "ML_DSA_87",
        "ECC_NIST_EDWARDS25519",
        "ML_KEM_512",
        "ML_KEM_768",
        "ML_KEM_1024",
    ];

    /// Parses a spec from a request.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for the asymmetric specs that AWS has, by name;
    /// [`ErrorKind::Validation`] for others.
    pub fn parse(word: &str) -> Result<Self, Error> {
        if let Some(spec) = Self::from_word(word) {
            return Ok(spec);
        }
        if Self::WORDS.contains(&word) {
            let text = format!("KeySpec {word} is not supported: only symmetric and HMAC keys are");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        Err(not_of("keySpec", word, &Self::WORDS))
    }

    /// The usage of keys of this spec.
    #[must_use]
    pub fn usage(self) -> KeyUsage {
        if self == Self::SymmetricDefault { KeyUsage::EncryptDecrypt } else { KeyUsage::GenerateVerifyMac }
    }

    /// The algorithm of an HMAC key.
    #[must_use]
    pub fn mac_algorithm(self) -> Option<MacAlgorithm> {
        match self {
            Self::SymmetricDefault => None,
            Self::Hmac224 => Some(MacAlgorithm::HmacSha224),
            Self::Hmac256 => Some(MacAlgorithm::HmacSha256),
            Self::Hmac384 => Some(MacAlgorithm::HmacSha384),
            Self::Hmac512 => Some(MacAlgorithm::HmacSha512),
        }
    }

    /// The length of the key material, in bytes.
    #[must_use]
    pub fn material_len(self) -> usize {
        match self {
            Self::Hmac224 => 28,
            Self::SymmetricDefault | Self::Hmac256 => 32,
            Self::Hmac384 => 48,
            Self::Hmac512 => 64,
        }
    }
}

impl MacAlgorithm {
    /// All algorithms, in the order in which AWS lists them in errors.
    pub const WORDS: [&'static str; 4] = ["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"];

    /// Parses an algorithm from a request.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] with AWS's text.
    pub fn parse(word: &str) -> Result<Self, Error> {
        Self::from_word(word).ok_or_else(|| not_of("macAlgorithm", word, &Self::WORDS))
    }
}

fn not_of(member: &str, word: &str, words: &[&str]) -> Error {
    let shown: String = word.chars().take(256).collect();
    let text = format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
        words.join(", ")
    );
    Error::new(ErrorKind::Validation, text)
}

words!(
    /// Who manages a key.
    KeyManager {
        /// The account.
        Customer = "CUSTOMER",
        /// An AWS service, on the account's behalf.
        Aws = "AWS",
    }
);

words!(
    /// The origin of key material.
    KeyOrigin {
        /// Generated by the key service.
        AwsKms = "AWS_KMS",
        /// Imported.
        External = "EXTERNAL",
    }
);

/// The response of DescribeKey.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyMetadata {
    /// The key's id.
    pub id: KeyId,
    /// The key's ARN.
    pub arn: Arn,
    /// The account the key belongs to.
    pub account: AccountId,
    /// When the key was created.
    pub created: Timestamp,
    /// Its description; can be empty.
    pub description: String,
    /// Its state.
    pub state: KeyState,
    /// When it will be deleted, if a deletion is scheduled.
    pub deletion_date: Option<Timestamp>,
    /// The type of its material.
    pub spec: KeySpec,
    /// Its usage.
    pub usage: KeyUsage,
    /// Who manages it.
    pub manager: KeyManager,
    /// The origin of its material.
    pub origin: KeyOrigin,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// The id of the material that encrypts now, if the service reports it: 64 hexadecimal digits.
    pub current_key_material_id: Option<String>,
    /// Whether imported material expires; only while there is such material.
    pub expiration: Option<ExpirationModel>,
    /// When imported material expires.
    pub valid_to: Option<Timestamp>,
}

words!(
    /// The role of a multi-Region key in its region.
    MultiRegionKeyType {
        /// The primary key, which is replicated.
        Primary = "PRIMARY",
        /// A replica of the primary key.
        Replica = "REPLICA",
    }
);

/// The related keys that share a multi-Region key's id and material.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MultiRegionConfiguration {
    /// The role of this key.
    pub kind: MultiRegionKeyType,
    /// The primary key; its ARN says its region.
    pub primary: Arn,
    /// The others.
    pub replicas: Vec<Arn>,
}

impl KeyMetadata {
    /// The configuration of a multi-Region key. Keys are not replicated yet: each is the primary
    /// one, without replicas.
    #[must_use]
    pub fn multi_region_configuration(&self) -> Option<MultiRegionConfiguration> {
        self.multi_region.then(|| MultiRegionConfiguration {
            kind: MultiRegionKeyType::Primary,
            primary: self.arn.clone(),
            replicas: Vec::new(),
        })
    }
}

impl KeyMetadata {
    /// An enabled symmetric customer key with this id, for implementations to complete.
    #[must_use]
    pub fn new(id: KeyId, arn: Arn, account: AccountId, created: Timestamp) -> Self {
        Self {
            multi_region: id.as_str().starts_with("mrk-"),
            id,
            arn,
            account,
            created,
            description: String::new(),
            state: KeyState::Enabled,
            deletion_date: None,
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            manager: KeyManager::Customer,
            origin: KeyOrigin::AwsKms,
            current_key_material_id: None,
            expiration: None,
            valid_to: None,
        }
    }
}
