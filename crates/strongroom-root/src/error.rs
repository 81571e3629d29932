//! The one error type of this crate.

use strongroom_records::ErrorKind as Storage;
use strongroom_types::{ErrorClass, Retry, error_type, fault_kinds};

/// What can go wrong with the root of a store or its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The root key does not open this store. Nothing was changed.
    WrongRoot,
    /// The store exists, its key does not: a key file or variable is missing.
    RootMissing,
    /// A key file, variable, passphrase or recovery code is not of its form. The text says what to do.
    RootInvalid,
    /// The service that wraps the root cannot be asked, or refuses: its reason is told, and is the source.
    RootUnavailable,
    /// The key file can be read by others. The text has the command that mends it.
    RootExposed,
    /// The store belongs to another account or region than the one asked for.
    RealmMismatch,
    /// The store was written by a newer program, requires a feature that this one does not know, or is
    /// of another kind altogether.
    Incompatible,
    /// A record is not what Strongroom wrote: changed, moved, cut or missing.
    Tampered,
    /// The last root cannot be removed; nor can one that does not exist.
    InvalidSlot,
    /// A precondition of a commit did not hold; nothing was applied.
    Conflict,
    /// The store key was changed by another process; open the store again.
    StoreChanged,
    /// The storage is held by somebody else; nothing was applied.
    Busy,
    /// The commit may or may not have taken effect, whole.
    OutcomeUnknown,
    /// There is no store here, and none was to be made.
    NoStore,
    /// A path the caller gave cannot be used: it exists, does not exist, or is of another kind.
    InvalidPath,
    /// This storage cannot do it, or the store's format has no place for it: upgrade the store.
    Unsupported,
    /// The storage failed.
    Storage,
    /// The operating system gave no random bytes, or a sealing step failed.
    Crypto,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        "InternalServiceError"
    }

    fn retry(self) -> Retry {
        match self {
            Self::RootUnavailable
            | Self::Conflict
            | Self::Busy
            | Self::OutcomeUnknown
            | Self::Storage
            | Self::Crypto => Retry::Later,
            _ => Retry::Never,
        }
    }
}

fault_kinds!(ErrorKind {
    Tampered = Tampered,
    OutcomeUnknown = OutcomeUnknown,
    Conflict = Conflict,
    Busy = Busy,
    StoreChanged = StoreChanged,
} from { Incompatible = StoreChanged } else Storage);

error_type!(
    /// A failure of the root or of a trusted record. Holds paths, names and keys of records; never key material.
    Error of ErrorKind
);

impl From<strongroom_records::Error> for Error {
    fn from(error: strongroom_records::Error) -> Self {
        let kind = match error.kind() {
            Storage::Conflict => ErrorKind::Conflict,
            Storage::Busy => ErrorKind::Busy,
            Storage::OutcomeUnknown => ErrorKind::OutcomeUnknown,
            Storage::Incompatible => ErrorKind::Incompatible,
            Storage::Corrupt => ErrorKind::Tampered,
            Storage::Unsupported => ErrorKind::Unsupported,
            Storage::InvalidPath => ErrorKind::InvalidPath,
            _ => ErrorKind::Storage,
        };
        Self::from_frame(error.into_frame().map_kind(kind))
    }
}

impl From<strongroom_envelope::Error> for Error {
    fn from(error: strongroom_envelope::Error) -> Self {
        Self::new(ErrorKind::Crypto, "sealing failed").because(error)
    }
}

pub(crate) fn tampered(key: &strongroom_records::Key, why: &'static str) -> Error {
    Error::new(ErrorKind::Tampered, "the record is not what Strongroom wrote")
        .with("record", key)
        .with("because", why)
}
