//! The one error type of this crate.

use strongroom_types::{ErrorClass, Retry, error_type};

/// What can go wrong with a secret. [`Error::code`] is the AWS code of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such secret, version, stage or value.
    NotFound,
    /// The name is taken, or the token was used for another value.
    Exists,
    /// A parameter is wrong.
    InvalidParameter,
    /// The secret's state does not allow it.
    InvalidRequest,
    /// A member violates its constraint.
    Validation,
    /// A quota is used up: versions, labels, tags.
    LimitExceeded,
    /// A page token is not one that was given out for this query.
    InvalidNextToken,
    /// A policy document that is none, or names principals that cannot be, or shuts its author out.
    MalformedPolicy,
    /// A policy document that lets anybody in, where that was to be refused.
    PublicPolicy,
    /// The caller may not.
    AccessDenied,
    /// The caller's session is over.
    ExpiredToken,
    /// The key service would not make a data key.
    EncryptionFailure,
    /// The value does not open: disabled key, damaged bytes, wrong context. Which of the last two, nobody is told.
    DecryptionFailure,
    /// The value is not what was asked for: not text, not JSON, no such field. Never quotes the value.
    NotOfThisForm,
    /// This store cannot do it.
    Unsupported,
    /// What is stored was damaged, or changed by somebody without the root.
    Tampered,
    /// Others were faster too many times, or too many requests. Nothing was changed.
    Throttled,
    /// The change may or may not have taken effect, whole; the same token makes a repeat safe.
    OutcomeUnknown,
    /// The store was re-keyed or replaced by another process; open it again.
    StoreChanged,
    /// Whatever else failed inside, storage among it.
    Internal,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::NotFound => "ResourceNotFoundException",
            Self::Exists => "ResourceExistsException",
            Self::InvalidParameter | Self::NotOfThisForm => "InvalidParameterException",
            Self::InvalidRequest | Self::Unsupported => "InvalidRequestException",
            Self::Validation => "ValidationException",
            Self::LimitExceeded => "LimitExceededException",
            Self::InvalidNextToken => "InvalidNextTokenException",
            Self::MalformedPolicy => "MalformedPolicyDocumentException",
            Self::PublicPolicy => "PublicPolicyException",
            Self::AccessDenied => "AccessDeniedException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::EncryptionFailure => "EncryptionFailure",
            Self::DecryptionFailure => "DecryptionFailure",
            Self::Throttled => "ThrottlingException",
            Self::Tampered | Self::OutcomeUnknown | Self::StoreChanged | Self::Internal => {
                "InternalServiceError"
            }
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
    /// A failure of a secret operation. Holds names, ARNs, version ids and labels; never a value.
    Error of ErrorKind
);
