//! Optional arguments.

use crate::KeyRef;

/// How long a data key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DataKeySpec {
    /// 32 bytes.
    #[default]
    Aes256,
    /// 16 bytes.
    Aes128,
    /// This many bytes, 1 to 1024.
    Bytes(u16),
}

impl DataKeySpec {
    /// The number of bytes.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes128 => 16,
            Self::Bytes(count) => usize::from(count),
        }
    }

    /// Whether there would be none, which no service accepts.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

macro_rules! options {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// Grants that may not be known everywhere yet.
            pub grant_tokens: Vec<String>,
            /// Check everything, do nothing: success is answered with [`crate::ErrorKind::DryRun`].
            pub dry_run: bool,
        }

        impl $name {
            /// No options.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Adds a grant token.
            #[must_use]
            pub fn grant_token(mut self, token: impl Into<String>) -> Self {
                self.grant_tokens.push(token.into());
                self
            }

            /// Makes it a dry run.
            #[must_use]
            pub fn dry_run(mut self) -> Self {
                self.dry_run = true;
                self
            }
        }
    };
}

options!(
    /// Options of GenerateDataKey and GenerateDataKeyWithoutPlaintext.
    GenerateDataKeyOptions {
        /// How long the data key is. Default: 32 bytes.
        spec: DataKeySpec,
    }
);
options!(
    /// Options of Encrypt.
    EncryptOptions {}
);
options!(
    /// Options of Decrypt.
    DecryptOptions {
        /// The key the ciphertext must have been made with; the ciphertext itself names it when this is absent.
        key: Option<KeyRef>,
    }
);
options!(
    /// Options of ReEncrypt.
    ReEncryptOptions {
        /// The key the ciphertext must have been made with.
        source_key: Option<KeyRef>,
    }
);
options!(
    /// Options of GenerateMac.
    GenerateMacOptions {}
);

options!(
    /// Options of VerifyMac.
    VerifyMacOptions {}
);

options!(
    /// Options of DescribeKey.
    DescribeKeyOptions {}
);

impl GenerateDataKeyOptions {
    /// Sets the length of the data key.
    #[must_use]
    pub fn spec(mut self, spec: DataKeySpec) -> Self {
        self.spec = spec;
        self
    }
}

impl DecryptOptions {
    /// Demands that the ciphertext was made with this key.
    #[must_use]
    pub fn key(mut self, key: KeyRef) -> Self {
        self.key = Some(key);
        self
    }
}

impl ReEncryptOptions {
    /// Demands that the ciphertext was made with this key.
    #[must_use]
    pub fn source_key(mut self, key: KeyRef) -> Self {
        self.source_key = Some(key);
        self
    }
}
