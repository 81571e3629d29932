//! The one error type of the facade.

use strongroom_iam::ErrorKind as Identity;
use strongroom_kms::ErrorKind as Key;
use strongroom_root::ErrorKind as Root;
use strongroom_store::ErrorKind as Secret;
use strongroom_types::{ErrorClass, ParseError, Retry, error_type};

/// What can go wrong. [`Error::code`] is the AWS code of the case, the `is_...` methods of
/// [`Error`] answer what a program asks most, and `Display` is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A secret operation failed, with the store's kind.
    Secret(Secret),
    /// A key operation failed, with the key service's kind.
    Key(Key),
    /// An operation on users, roles or their policies failed, with the directory's kind.
    Identity(Identity),
    /// Opening, a root or a backup failed, with the kind of the root of trust.
    Root(Root),
    /// The builder lacks a setting, or has two that exclude each other. The text names the call.
    Setup,
    /// A text, such as a region or an ARN, does not have its form. The text quotes it.
    Parse,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::Secret(kind) => kind.code(),
            Self::Key(kind) => kind.code(),
            Self::Identity(kind) => kind.code(),
            Self::Root(kind) => kind.code(),
            Self::Setup => "InvalidParameterException",
            Self::Parse => "ValidationException",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Secret(kind) => kind.retry(),
            Self::Key(kind) => kind.retry(),
            Self::Identity(kind) => kind.retry(),
            Self::Root(kind) => kind.retry(),
            Self::Setup | Self::Parse => Retry::Never,
        }
    }
}

error_type!(
    /// A failure of a strongroom. Holds names, ids and paths; never a value or a key.
    Error of ErrorKind
);

impl Error {
    /// Whether the secret, version, key, user or role does not exist, or there is no strongroom at
    /// the place.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// let value = match room.get("prod/db").send().await {
    ///     Ok(secret) => Some(secret.into_text()?),
    ///     Err(error) if error.is_not_found() => None,
    ///     Err(error) => return Err(error),
    /// };
    /// # assert!(value.is_none());
    /// # Ok(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Secret(Secret::NotFound)
                | ErrorKind::Key(Key::NotFound)
                | ErrorKind::Identity(Identity::NoSuchEntity)
                | ErrorKind::Root(Root::NoStore)
        )
    }

    /// Whether the name is taken: of a secret, an alias, a user, role or policy. Not for a request
    /// token that was used for another value.
    #[must_use]
    pub fn is_exists(&self) -> bool {
        match self.kind() {
            ErrorKind::Secret(Secret::Exists) => !is_about_a_token(self.message()),
            ErrorKind::Key(Key::AlreadyExists) | ErrorKind::Identity(Identity::AlreadyExists) => true,
            _ => false,
        }
    }

    /// Whether the caller lacks a permission.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Secret(Secret::AccessDenied)
                | ErrorKind::Key(Key::AccessDenied)
                | ErrorKind::Identity(Identity::AccessDenied)
        )
    }

    /// Whether the store or key service refused for being too busy, and nothing was changed.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Secret(Secret::Throttled)
                | ErrorKind::Key(Key::Throttled)
                | ErrorKind::Identity(Identity::Throttled)
                | ErrorKind::Root(Root::Busy)
        )
    }

    /// Whether the secret is marked for deletion. Until it is purged,
    /// [`restore`](crate::Strongroom::restore) takes that back.
    #[must_use]
    pub fn is_marked_for_deletion(&self) -> bool {
        self.kind() == ErrorKind::Secret(Secret::MarkedForDeletion)
    }
}

fn is_about_a_token(message: &str) -> bool {
    message.starts_with("You can't use ClientRequestToken")
}

/// What people can do about it, where the text does not say.
fn advice(kind: ErrorKind, message: &str) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Root(Root::WrongRoot) => "open it with a root that it knows, or with its recovery code",
        ErrorKind::Root(Root::RootMissing) => {
            "bring the key back from where it is kept; a new one cannot open what is stored"
        }
        ErrorKind::Root(Root::RealmMismatch) => "leave out account and region to take those of the store",
        ErrorKind::Root(Root::Tampered) | ErrorKind::Secret(Secret::Tampered) => {
            "run verify() to see what is damaged, and restore a backup"
        }
        ErrorKind::Secret(Secret::Exists) if is_about_a_token(message) => {
            "a token belongs to one value; take a fresh one for another"
        }
        ErrorKind::Secret(Secret::Exists) => "use put() or update() for a secret that exists",
        ErrorKind::Secret(Secret::DecryptionFailure) => {
            "check the state of the secret's key; if it is enabled, run verify()"
        }
        ErrorKind::Secret(Secret::EncryptionFailure) => "check the state of the secret's key",
        ErrorKind::Secret(Secret::AccessDenied) => {
            "ask the owner for iam().explain(), which says what is missing"
        }
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

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::new(ErrorKind::Parse, error.to_string())
    }
}

impl From<strongroom_policy::ParseError> for Error {
    fn from(error: strongroom_policy::ParseError) -> Self {
        Self::new(ErrorKind::Parse, error.to_string())
    }
}

impl From<strongroom_envelope::Error> for Error {
    fn from(error: strongroom_envelope::Error) -> Self {
        use strongroom_envelope::ErrorKind as Sealing;
        match error.kind() {
            // What a caller gave, such as an encryption context.
            Sealing::Malformed | Sealing::TooLarge => {
                Self::from_frame(error.into_frame().map_kind(ErrorKind::Parse))
            }
            _ => strongroom_root::Error::from(error).into(),
        }
    }
}
