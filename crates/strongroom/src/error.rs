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
            Self::Root(kind) => kind.code(),
            Self::Setup => "InvalidParameterException",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Secret(kind) => kind.retry(),
            Self::Key(kind) => kind.retry(),
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
fn advice(kind: ErrorKind) -> Option<&'static str> {
    use strongroom_root::ErrorKind as Root;
    use strongroom_store::ErrorKind as Secret;
    Some(match kind {
        ErrorKind::Root(Root::WrongRoot) => {
            "open it with the root key it was made with, or with its recovery code"
        }
        ErrorKind::Root(Root::RootMissing) => {
            "bring the key back from where it is kept; a new one cannot open what is stored"
        }
        ErrorKind::Root(Root::RealmMismatch) => "leave out account and region to take those of the store",
        ErrorKind::Root(Root::Tampered) | ErrorKind::Secret(Secret::Tampered) => {
            "run verify() to see what is damaged, and restore a backup"
        }
        ErrorKind::Secret(Secret::Exists) => "use put() or update() for a secret that exists",
        ErrorKind::Secret(Secret::DecryptionFailure) => {
            "check the state of the secret's key; if it is enabled, run verify()"
        }
        ErrorKind::Secret(Secret::Throttled | Secret::OutcomeUnknown) => "try again with the same token",
        _ => return None,
    })
}

fn facade(kind: ErrorKind, message: &str, operation: Option<&'static str>) -> Error {
    let mut error = Error::new(kind, message.to_owned());
    if let Some(operation) = operation {
        error = error.during(operation);
    }
    match advice(kind) {
        Some(advice) => error.with("help", advice),
        None => error,
    }
}

impl From<strongroom_store::Error> for Error {
    fn from(error: strongroom_store::Error) -> Self {
        facade(ErrorKind::Secret(error.kind()), error.message(), error.operation()).because(error)
    }
}

impl From<strongroom_kms::Error> for Error {
    fn from(error: strongroom_kms::Error) -> Self {
        facade(ErrorKind::Key(error.kind()), error.message(), error.operation()).because(error)
    }
}

impl From<strongroom_root::Error> for Error {
    fn from(error: strongroom_root::Error) -> Self {
        facade(ErrorKind::Root(error.kind()), error.message(), error.operation()).because(error)
    }
}
