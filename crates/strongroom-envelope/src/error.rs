//! The one error type of this crate.

use strongroom_types::{ErrorClass, Retry, error_type};

/// What can go wrong with an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not an envelope, or not in its one canonical form. The text says which part.
    Malformed,
    /// A version of the format that this program does not know.
    UnsupportedVersion,
    /// A suite that this program does not know.
    UnsupportedSuite,
    /// A part is longer than the format allows. The text says which.
    TooLarge,
    /// The data key or wrapping key has reached its usage limit; use another.
    LimitReached,
    /// The bytes did not open: wrong key, wrong context or changed bytes. The error does not say
    /// which.
    Decryption,
    /// The operating system returned no random bytes.
    Randomness,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::Malformed | Self::UnsupportedVersion | Self::UnsupportedSuite | Self::Decryption => {
                "InvalidCiphertextException"
            }
            Self::TooLarge => "ValidationException",
            Self::LimitReached => "LimitExceededException",
            Self::Randomness => "KMSInternalException",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Randomness => Retry::Later,
            _ => Retry::Never,
        }
    }
}

error_type!(
    /// A failure to parse, seal or open. Never holds plaintext, key or ciphertext bytes.
    Error of ErrorKind
);

impl Error {
    pub(crate) fn malformed(what: &'static str) -> Self {
        Self::new(ErrorKind::Malformed, what)
    }

    /// The same error for every failure to open.
    pub(crate) fn decryption() -> Self {
        Self::new(ErrorKind::Decryption, "the ciphertext does not open with this key and context")
    }
}
