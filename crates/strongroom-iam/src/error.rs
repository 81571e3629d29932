//! The one error type of this crate.

use strongroom_policy::{AuthorizerError, AuthorizerErrorKind};
use strongroom_root::ErrorKind as Root;
use strongroom_types::{ErrorClass, Retry, error_type};

/// What can go wrong with identities. [`Error::code`] is the AWS code of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such user, role or policy.
    NoSuchEntity,
    /// The name is taken.
    AlreadyExists,
    /// What is to be deleted still has policies, or is still attached.
    DeleteConflict,
    /// A policy document that is none: the text names line, element and reason.
    MalformedPolicy,
    /// A quota is used up: the size of policies, the number of policies or tags.
    LimitExceeded,
    /// A name, path, tag or duration is not of its form.
    Validation,
    /// The input is well-formed but cannot be meant: the same tag twice, an ARN that names no
    /// policy.
    InvalidInput,
    /// The caller may not.
    AccessDenied,
    /// The caller's session is over.
    ExpiredToken,
    /// What is stored was damaged, or changed by somebody without the root.
    Tampered,
    /// Others were faster too many times. Nothing was changed.
    Throttled,
    /// The change may or may not have taken effect, whole.
    OutcomeUnknown,
    /// The store was re-keyed or replaced by another process; open it again.
    StoreChanged,
    /// Whatever else failed inside, storage among it.
    Internal,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::NoSuchEntity => "NoSuchEntity",
            Self::AlreadyExists => "EntityAlreadyExists",
            Self::DeleteConflict => "DeleteConflict",
            Self::MalformedPolicy => "MalformedPolicyDocument",
            Self::LimitExceeded => "LimitExceeded",
            Self::Validation => "ValidationError",
            Self::InvalidInput => "InvalidInput",
            Self::AccessDenied => "AccessDenied",
            Self::ExpiredToken => "ExpiredToken",
            Self::Throttled => "Throttling",
            Self::Tampered | Self::OutcomeUnknown | Self::StoreChanged | Self::Internal => "ServiceFailure",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Throttled | Self::OutcomeUnknown | Self::Internal => Retry::Later,
            _ => Retry::Never,
        }
    }
}

error_type!(
    /// A failure of an operation on identities. Holds names and ARNs.
    Error of ErrorKind
);

/// Storage failed.
pub(crate) fn storage(error: strongroom_root::Error) -> Error {
    let kind = match error.kind() {
        Root::Tampered => ErrorKind::Tampered,
        Root::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        Root::Busy | Root::Conflict => ErrorKind::Throttled,
        Root::StoreChanged | Root::Incompatible => ErrorKind::StoreChanged,
        _ => ErrorKind::Internal,
    };
    Error::from_frame(error.into_frame().map_kind(kind))
}

/// For those who ask about callers.
pub(crate) fn to_authorizer(error: Error) -> AuthorizerError {
    let kind = match error.kind() {
        ErrorKind::AccessDenied => AuthorizerErrorKind::InvalidCaller,
        ErrorKind::ExpiredToken => AuthorizerErrorKind::ExpiredSession,
        ErrorKind::Tampered => AuthorizerErrorKind::Tampered,
        ErrorKind::StoreChanged => AuthorizerErrorKind::StoreChanged,
        ErrorKind::Throttled => AuthorizerErrorKind::Throttled,
        _ => AuthorizerErrorKind::Internal,
    };
    AuthorizerError::from_frame(error.into_frame().map_kind(kind))
}

pub(crate) fn from_authorizer(error: AuthorizerError) -> Error {
    let kind = match error.kind() {
        AuthorizerErrorKind::InvalidCaller => ErrorKind::AccessDenied,
        AuthorizerErrorKind::ExpiredSession => ErrorKind::ExpiredToken,
        AuthorizerErrorKind::Tampered => ErrorKind::Tampered,
        AuthorizerErrorKind::StoreChanged => ErrorKind::StoreChanged,
        AuthorizerErrorKind::Throttled => ErrorKind::Throttled,
        _ => ErrorKind::Internal,
    };
    Error::from_frame(error.into_frame().map_kind(kind))
}
