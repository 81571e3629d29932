//! The one error type of this crate.

use strongroom_policy::AuthorizerError;
use strongroom_types::{ErrorClass, Retry, error_type, fault_kinds};

/// What can go wrong with identities. [`Error::code`] is the AWS code of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such user, role or policy.
    NoSuchEntity,
    /// The name is taken.
    AlreadyExists,
    /// The identity still has policies, or the policy is still attached.
    DeleteConflict,
    /// Not a valid policy document. The text names line, element and reason.
    MalformedPolicy,
    /// A quota is exceeded: the size of policies, or the number of policies or tags.
    LimitExceeded,
    /// A name, path, tag or duration is malformed.
    Validation,
    /// The input is well-formed but makes no sense: the same tag key twice, or an ARN that is not a
    /// policy's.
    InvalidInput,
    /// The caller is not authorized.
    AccessDenied,
    /// The caller's session has expired.
    ExpiredToken,
    /// A stored record is damaged, or was changed without the root key.
    Tampered,
    /// Too many concurrent changes. Nothing was changed.
    Throttled,
    /// The change took effect as a whole or not at all; which is unknown.
    OutcomeUnknown,
    /// The store was re-keyed or replaced by another process; open it again.
    StoreChanged,
    /// Any other internal failure, including storage.
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

fault_kinds!(ErrorKind {
    InvalidCaller = AccessDenied,
    ExpiredSession = ExpiredToken,
    Tampered = Tampered,
    StoreChanged = StoreChanged,
    OutcomeUnknown = OutcomeUnknown,
    Busy = Throttled,
} into { Conflict = Throttled } else Internal);

error_type!(
    /// A failure of an operation on identities. Holds names and ARNs.
    Error of ErrorKind
);

/// Storage failed.
pub(crate) fn storage(error: strongroom_root::Error) -> Error {
    error.into_frame().pass_on()
}

/// Converts an error for callers of the [`Authorizer`](strongroom_policy::Authorizer).
pub(crate) fn to_authorizer(error: Error) -> AuthorizerError {
    error.into_frame().pass_on()
}

pub(crate) fn from_authorizer(error: AuthorizerError) -> Error {
    error.into_frame().pass_on()
}
