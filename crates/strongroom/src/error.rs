//! The one error type of the facade.

use strongroom_types::{ErrorClass, Retry, error_type};

/// What can go wrong. For the AWS code of the case see [`Error::code`]; for people see `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A secret operation failed: the kind of the store.
    Secret(strongroom_store::ErrorKind),
    /// A key operation failed: the kind of the key service.
    Key(strongroom_kms::ErrorKind),
    /// An operation on users, roles and their policies failed: the kind of the directory.
    Identity(strongroom_iam::ErrorKind),
    /// Opening, a root, a backup failed: the kind of the root of trust.
    Root(strongroom_root::ErrorKind),
    /// The builder was not given enough, or two things that exclude each other. The text says which call is missing.
    Setup,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::Secret(kind) => kind.code(),
            Self::Key(kind) => kind.code(),
            Self::Identity(kind) => kind.code(),
            Self::Root(kind) => kind.code(),
            Self::Setup => "InvalidParameterException",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Secret(kind) => kind.retry(),
            Self::Key(kind) => kind.retry(),
            Self::Identity(kind) => kind.retry(),
            Self::Root(kind) => kind.retry(),
            Self::Setup => Retry::Never,
        }
    }
}

error_type!(
    /// A failure of a strongroom. Holds names, ids and paths; never a value or a key.
    Error of ErrorKind
);

/// What people can do about it, where that is not plain from the text.
fn advice(kind: ErrorKind, message: &str) -> Option<&'static str> {
    use strongroom_root::ErrorKind as Root;
    use strongroom_store::ErrorKind as Secret;
    Some(match kind {
        ErrorKind::Root(Root::WrongRoot) => "open it with a root it knows, or with its recovery code",
        ErrorKind::Root(Root::RootMissing) => {
            "bring the key back from where it is kept; a new one cannot open what is stored"
        }
        ErrorKind::Root(Root::RealmMismatch) => "leave out account and region to take those of the store",
        ErrorKind::Root(Root::Tampered) | ErrorKind::Secret(Secret::Tampered) => {
            "run verify() to see what is damaged, and restore a backup"
        }
        ErrorKind::Secret(Secret::Exists) if message.starts_with("You can't use ClientRequestToken") => {
            "a token belongs to one value; take a fresh one for another"
        }
        ErrorKind::Secret(Secret::Exists) => "use put() or update() for a secret that exists",
        ErrorKind::Secret(Secret::DecryptionFailure) => {
            "check the state of the secret's key; if it is enabled, run verify()"
        }
        ErrorKind::Secret(Secret::EncryptionFailure) => "check the state of the secret's key",
        ErrorKind::Secret(Secret::AccessDenied) => "ask the owner for explain(), which says what is missing",
        ErrorKind::Secret(Secret::Throttled | Secret::OutcomeUnknown) => {
            "try again; with a token() of your own the repeat is safe"
        }
        _ => return None,
    })
}

fn facade<K: ErrorClass>(kind: ErrorKind, frame: strongroom_types::Frame<K>) -> Error {
    let advice = advice(kind, frame.message());
    let error = Error::from_frame(frame.map_kind(kind));
    match advice {
        Some(advice) => error.with("help", advice),
        None => error,
    }
}

impl From<strongroom_store::Error> for Error {
    fn from(error: strongroom_store::Error) -> Self {
        facade(ErrorKind::Secret(error.kind()), error.into_frame())
    }
}

impl From<strongroom_kms::Error> for Error {
    fn from(error: strongroom_kms::Error) -> Self {
        facade(ErrorKind::Key(error.kind()), error.into_frame())
    }
}

impl From<strongroom_root::Error> for Error {
    fn from(error: strongroom_root::Error) -> Self {
        facade(ErrorKind::Root(error.kind()), error.into_frame())
    }
}

impl From<strongroom_iam::Error> for Error {
    fn from(error: strongroom_iam::Error) -> Self {
        facade(ErrorKind::Identity(error.kind()), error.into_frame())
    }
}
