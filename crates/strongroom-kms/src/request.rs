//! Requests of the operations of [`crate::Kms`].
//!
//! Required members are arguments of `new`, optional ones have a builder method each. A request
//! borrows keys, contexts and bytes from the caller, so creating one copies nothing, and a
//! decorator can clone it to repeat a call. Members that AWS adds later become optional fields.

use std::fmt;

use strongroom_envelope::EncryptionContext;

use crate::{KeyRef, MacAlgorithm};

/// The context of a request that names none.
static NO_CONTEXT: EncryptionContext = EncryptionContext::new();

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

    /// Whether the length is zero, which every service refuses.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Bytes in `Debug` output: only their number.
struct Length(usize);

impl Length {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.len())
    }
}

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0)
    }
}

/// A request, its `Debug` and its builder methods for grant tokens. Fields in `hidden` are shown by
/// their length alone.
macro_rules! request {
    (
        $(#[$meta:meta])* $name:ident {
            hidden { $($(#[$hidden_meta:meta])* $hidden:ident,)* }
            shown { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        #[non_exhaustive]
        pub struct $name<'a> {
            $($(#[$hidden_meta])* pub $hidden: &'a [u8],)*
            $($(#[$field_meta])* pub $field: $type,)*
            /// Tokens of grants that may not have propagated everywhere yet, at most ten.
            pub grant_tokens: Vec<String>,
        }

        impl $name<'_> {
            /// Adds a grant token.
            #[must_use]
            pub fn grant_token(mut self, token: impl Into<String>) -> Self {
                self.grant_tokens.push(token.into());
                self
            }

            /// Sets [`Self::grant_tokens`].
            #[must_use]
            pub fn grant_tokens(mut self, tokens: Vec<String>) -> Self {
                self.grant_tokens = tokens;
                self
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $(shown.field(stringify!($hidden), &Length::of(self.$hidden));)*
                $(shown.field(stringify!($field), &self.$field);)*
                shown.field("grant_tokens", &self.grant_tokens.len()).finish()
            }
        }
    };
}

macro_rules! dry_run {
    ($($name:ident)*) => {$(
        impl $name<'_> {
            /// Checks everything and does nothing: the answer to a request that would have
            /// succeeded is [`crate::ErrorKind::DryRun`].
            #[must_use]
            pub fn dry_run(self) -> Self {
                self.with_dry_run(true)
            }

            /// Sets [`Self::dry_run`].
            #[must_use]
            pub fn with_dry_run(mut self, dry_run: bool) -> Self {
                self.dry_run = dry_run;
                self
            }
        }
    )*};
}

dry_run!(GenerateDataKey Encrypt Decrypt ReEncrypt GenerateMac VerifyMac);

request!(
    /// GenerateDataKey and GenerateDataKeyWithoutPlaintext.
    GenerateDataKey {
        hidden {}
        shown {
            /// The key that wraps the data key.
            key: &'a KeyRef,
            /// Authenticated, not stored; empty unless set.
            context: &'a EncryptionContext,
            /// How long the data key is: 32 bytes unless set.
            spec: DataKeySpec,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> GenerateDataKey<'a> {
    /// A data key of 32 bytes under `key`.
    #[must_use]
    pub fn new(key: &'a KeyRef) -> Self {
        Self {
            key,
            context: &NO_CONTEXT,
            spec: DataKeySpec::default(),
            dry_run: false,
            grant_tokens: Vec::new(),
        }
    }

    /// Sets the encryption context.
    #[must_use]
    pub fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = context;
        self
    }

    /// Sets the length of the data key.
    #[must_use]
    pub fn spec(mut self, spec: DataKeySpec) -> Self {
        self.spec = spec;
        self
    }
}

request!(
    /// Encrypt.
    Encrypt {
        hidden {
            /// 1 to 4,096 bytes. `Debug` shows their number only.
            plaintext,
        }
        shown {
            /// The key that encrypts.
            key: &'a KeyRef,
            /// Authenticated, not stored; empty unless set.
            context: &'a EncryptionContext,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> Encrypt<'a> {
    /// Encrypts `plaintext` under `key`.
    #[must_use]
    pub fn new(key: &'a KeyRef, plaintext: &'a [u8]) -> Self {
        Self { plaintext, key, context: &NO_CONTEXT, dry_run: false, grant_tokens: Vec::new() }
    }

    /// Sets the encryption context.
    #[must_use]
    pub fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = context;
        self
    }
}

request!(
    /// Decrypt.
    Decrypt {
        hidden {
            /// A ciphertext of Encrypt, GenerateDataKey or ReEncrypt; 1 to 6,144 bytes.
            ciphertext,
        }
        shown {
            /// The key that must have encrypted the ciphertext; any unless set.
            key: Option<&'a KeyRef>,
            /// The context used for encryption; empty unless set.
            context: &'a EncryptionContext,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> Decrypt<'a> {
    /// Decrypts `ciphertext`, which names its key.
    #[must_use]
    pub fn new(ciphertext: &'a [u8]) -> Self {
        Self { ciphertext, key: None, context: &NO_CONTEXT, dry_run: false, grant_tokens: Vec::new() }
    }

    /// Sets the encryption context.
    #[must_use]
    pub fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = context;
        self
    }

    /// Requires that the ciphertext was encrypted with this key.
    #[must_use]
    pub fn key(mut self, key: &'a KeyRef) -> Self {
        self.key = Some(key);
        self
    }
}

request!(
    /// ReEncrypt.
    ReEncrypt {
        hidden {
            /// A ciphertext of Encrypt, GenerateDataKey or ReEncrypt; 1 to 6,144 bytes.
            ciphertext,
        }
        shown {
            /// The key that must have encrypted the ciphertext; any unless set.
            source_key: Option<&'a KeyRef>,
            /// The context used for encryption; empty unless set.
            source_context: &'a EncryptionContext,
            /// The key to encrypt under: AWS's `DestinationKeyId`.
            key: &'a KeyRef,
            /// The context of the new ciphertext, AWS's `DestinationEncryptionContext`; empty
            /// unless set.
            context: &'a EncryptionContext,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> ReEncrypt<'a> {
    /// Decrypts `ciphertext` and encrypts the plaintext again under `key`.
    #[must_use]
    pub fn new(ciphertext: &'a [u8], key: &'a KeyRef) -> Self {
        Self {
            ciphertext,
            source_key: None,
            source_context: &NO_CONTEXT,
            key,
            context: &NO_CONTEXT,
            dry_run: false,
            grant_tokens: Vec::new(),
        }
    }

    /// Requires that the ciphertext was encrypted with this key.
    #[must_use]
    pub fn source_key(mut self, key: &'a KeyRef) -> Self {
        self.source_key = Some(key);
        self
    }

    /// Sets the context used for encryption.
    #[must_use]
    pub fn source_context(mut self, context: &'a EncryptionContext) -> Self {
        self.source_context = context;
        self
    }

    /// Sets the context of the new ciphertext.
    #[must_use]
    pub fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = context;
        self
    }
}

request!(
    /// DescribeKey.
    DescribeKey {
        hidden {}
        shown {
            /// Which key.
            key: &'a KeyRef,
        }
    }
);

impl<'a> DescribeKey<'a> {
    /// Describes `key`.
    #[must_use]
    pub fn new(key: &'a KeyRef) -> Self {
        Self { key, grant_tokens: Vec::new() }
    }
}

request!(
    /// GenerateMac.
    GenerateMac {
        hidden {
            /// 1 to 4,096 bytes. `Debug` shows their number only.
            message,
        }
        shown {
            /// An HMAC key.
            key: &'a KeyRef,
            /// The algorithm, which must fit the key.
            algorithm: MacAlgorithm,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> GenerateMac<'a> {
    /// The code of `message` under `key`.
    #[must_use]
    pub fn new(key: &'a KeyRef, message: &'a [u8], algorithm: MacAlgorithm) -> Self {
        Self { message, key, algorithm, dry_run: false, grant_tokens: Vec::new() }
    }
}

request!(
    /// VerifyMac.
    VerifyMac {
        hidden {
            /// 1 to 4,096 bytes. `Debug` shows their number only.
            message,
            /// The code to verify; 1 to 6,144 bytes. `Debug` shows their number only.
            mac,
        }
        shown {
            /// The HMAC key that generated the code.
            key: &'a KeyRef,
            /// The algorithm, which must fit the key.
            algorithm: MacAlgorithm,
            /// Check the request without executing it.
            dry_run: bool,
        }
    }
);

impl<'a> VerifyMac<'a> {
    /// Verifies that `mac` is the code of `message` under `key`.
    #[must_use]
    pub fn new(key: &'a KeyRef, message: &'a [u8], mac: &'a [u8], algorithm: MacAlgorithm) -> Self {
        Self { message, mac, key, algorithm, dry_run: false, grant_tokens: Vec::new() }
    }
}

/// GenerateRandom.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GenerateRandom {
    /// How many, 1 to 1,024.
    pub bytes: u16,
}

impl GenerateRandom {
    /// This many random bytes.
    #[must_use]
    pub fn new(bytes: u16) -> Self {
        Self { bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_shows_its_bytes() {
        let key = KeyRef::parse("alias/k").unwrap();
        let requests: [&dyn fmt::Debug; 5] = [
            &Encrypt::new(&key, b"hunter2").grant_token("hunter2"),
            &Decrypt::new(b"hunter2"),
            &ReEncrypt::new(b"hunter2", &key),
            &GenerateMac::new(&key, b"hunter2", MacAlgorithm::HmacSha256),
            &VerifyMac::new(&key, b"hunter2", b"hunter2", MacAlgorithm::HmacSha256),
        ];
        let as_numbers = format!("{:?}", b"hunter2");
        for request in requests {
            let shown = format!("{request:?}");
            assert!(shown.contains("<7 bytes>"), "{shown}");
            assert!(!shown.contains("hunter2") && !shown.contains(&as_numbers[1..]), "{shown}");
        }
    }

    #[test]
    fn what_is_not_set_is_empty() {
        let key = KeyRef::parse("alias/k").unwrap();
        let request = GenerateDataKey::new(&key);
        assert_eq!((request.spec.len(), request.dry_run), (32, false));
        assert!(request.context.is_empty() && request.grant_tokens.is_empty());
        let request = Decrypt::new(b"x").key(&key).dry_run();
        assert!(request.key == Some(&key) && request.dry_run);
    }
}
