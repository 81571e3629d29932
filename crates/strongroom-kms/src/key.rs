//! What a key is.

use strongroom_types::{AccountId, Arn, Timestamp};

use crate::KeyId;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// The word as AWS writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the word as AWS writes it.
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

words!(
    /// The state of a key.
    KeyState {
        /// Can be used.
        Enabled = "Enabled",
        /// Cannot be used until it is enabled.
        Disabled = "Disabled",
        /// Will be deleted at its deletion date; can still be saved.
        PendingDeletion = "PendingDeletion",
        /// Waits for imported key material.
        PendingImport = "PendingImport",
    }
);

words!(
    /// What a key is made of.
    KeySpec {
        /// A 256-bit AES-GCM key.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
    }
);

words!(
    /// What a key is for.
    KeyUsage {
        /// Encrypting and decrypting.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
    }
);

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
    /// Where the key material comes from.
    KeyOrigin {
        /// Made by the key service.
        AwsKms = "AWS_KMS",
    }
);

/// What DescribeKey tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyMetadata {
    /// The key's id.
    pub id: KeyId,
    /// The key's ARN.
    pub arn: Arn,
    /// The account the key belongs to.
    pub account: AccountId,
    /// When the key was made.
    pub created: Timestamp,
    /// What its maker said of it; may be empty.
    pub description: String,
    /// Its state.
    pub state: KeyState,
    /// When it will be deleted, while that is planned.
    pub deletion_date: Option<Timestamp>,
    /// What it is made of.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Who manages it.
    pub manager: KeyManager,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// The material that encrypts now, where the service tells: 64 hexadecimal digits.
    pub current_key_material_id: Option<String>,
}

impl KeyMetadata {
    /// An enabled symmetric customer key of this id, for implementations to fill.
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
        }
    }
}
