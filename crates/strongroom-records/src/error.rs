//! The one error type of this crate.

use strongroom_types::{ErrorClass, Retry, error_type};

use crate::Key;

/// What can go wrong with storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A precondition of a commit did not hold. Nothing of it was applied; read again and decide again.
    Conflict,
    /// Somebody else holds the storage; nothing was applied.
    Busy,
    /// A commit's connection or storage failed at a moment when it may or may not have taken effect, whole.
    OutcomeUnknown,
    /// A key, value, batch or scan is beyond the declared [`crate::Limits`]; nothing was applied.
    TooLarge,
    /// A batch that names a key twice.
    InvalidBatch,
    /// The storage was written by a newer program, or is of another kind altogether.
    Incompatible,
    /// The storage is damaged.
    Corrupt,
    /// A path the caller gave cannot be used: it exists, does not exist, or is of another kind.
    InvalidPath,
    /// This backend cannot do it.
    Unsupported,
    /// The storage failed: disk full, permissions, I/O. Nothing was applied.
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
    /// A failure of storage. Holds keys and paths, never values.
    Error of ErrorKind
);

impl Error {
    /// The precondition on `key` did not hold.
    #[must_use]
    pub fn conflict(key: &Key) -> Self {
        Self::new(ErrorKind::Conflict, "the record was changed by somebody else").with("record", key)
    }
}
