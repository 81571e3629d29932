//! This crate's error type.

use strongroom_types::{ErrorClass, Retry, error_type};

use crate::Key;

/// The kind of a storage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A precondition of a commit did not hold. Nothing was applied. Read again and decide again.
    Conflict,
    /// Another process has locked the storage. Nothing was applied.
    Busy,
    /// The connection or storage failed during a commit. Either the whole batch was applied or none
    /// of it.
    OutcomeUnknown,
    /// A key, value, batch or scan exceeds the declared [`crate::Limits`]. Nothing was applied.
    TooLarge,
    /// The batch names a key twice.
    InvalidBatch,
    /// The storage was written by a newer version or by another program.
    Incompatible,
    /// The storage is damaged.
    Corrupt,
    /// A path that the caller gave cannot be used: it exists, does not exist, or is of the wrong
    /// type.
    InvalidPath,
    /// The backend does not support the operation.
    Unsupported,
    /// The storage failed, for example because of a full disk, permissions or I/O errors. Nothing
    /// was applied.
    Unavailable,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "LimitExceededException",
            Self::Unsupported => "UnsupportedOperationException",
            _ => "InternalServiceError",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Conflict | Self::Busy | Self::OutcomeUnknown | Self::Unavailable => Retry::Later,
            _ => Retry::Never,
        }
    }
}

error_type!(
    /// A storage error. Contains keys and paths, never values.
    Error of ErrorKind
);

impl Error {
    /// The precondition on `key` did not hold.
    #[must_use]
    pub fn conflict(key: &Key) -> Self {
        Self::new(ErrorKind::Conflict, "the record was changed concurrently").with("record", key)
    }
}
