//! The error type of this crate.

use strongroom_types::{ErrorClass, Retry, error_type, fault_kinds};

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
    /// The secret is marked for deletion. Until its recovery window ends, `RestoreSecret` cancels
    /// the deletion.
    MarkedForDeletion,
    /// A member violates its constraint.
    Validation,
    /// A quota is exceeded: versions, labels, tags.
    LimitExceeded,
    /// A page token was not issued for this query.
    InvalidNextToken,
    /// A policy document that cannot be parsed, names invalid principals or locks its author out.
    MalformedPolicy,
    /// A policy document that allows everyone, in a request that blocks public policies.
    PublicPolicy,
    /// The caller lacks a permission.
    AccessDenied,
    /// The caller's session has expired.
    ExpiredToken,
    /// The key service did not generate a data key.
    EncryptionFailure,
    /// The value cannot be decrypted: disabled key, damaged bytes or wrong context. The error does
    /// not say which of the last two.
    DecryptionFailure,
    /// The value does not have the requested form: not text, not JSON, no such field. Never quotes
    /// the value.
    NotOfThisForm,
    /// This store cannot do it.
    Unsupported,
    /// A stored record was damaged, or changed by someone without the root key.
    Tampered,
    /// Too many requests, too many concurrent changes, or the caller's deadline passed. Nothing was
    /// changed.
    Throttled,
    /// The change took effect as a whole or not at all; which is unknown. Repeating it with the
    /// same token is safe.
    OutcomeUnknown,
    /// The store was re-keyed or replaced by another process; open it again.
    StoreChanged,
    /// Any other internal failure, such as one of the storage.
    Internal,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::NotFound => "ResourceNotFoundException",
            Self::Exists => "ResourceExistsException",
            Self::InvalidParameter | Self::NotOfThisForm => "InvalidParameterException",
            Self::InvalidRequest | Self::MarkedForDeletion | Self::Unsupported => "InvalidRequestException",
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

fault_kinds!(ErrorKind {
    InvalidCaller = AccessDenied,
    ExpiredSession = ExpiredToken,
    Tampered = Tampered,
    StoreChanged = StoreChanged,
    OutcomeUnknown = OutcomeUnknown,
    Busy = Throttled,
} into { Conflict = Throttled } else Internal);

error_type!(
    /// A failure of a secret operation. Holds names, ARNs, version ids and labels; never a value.
    Error of ErrorKind
);

/// The remedy for a secret that is marked for deletion.
const RESTORE: &str = "restore() takes it back";

impl Error {
    /// AWS's error for an operation on a secret that is marked for deletion.
    #[must_use]
    pub fn marked_for_deletion() -> Self {
        Self::marked("You can't perform this operation on the secret because it was marked for deletion.")
    }

    /// A secret is marked for deletion, in AWS's words for the operation at hand.
    #[must_use]
    pub fn marked(message: &'static str) -> Self {
        Self::new(ErrorKind::MarkedForDeletion, message).with("help", RESTORE)
    }

    /// Whether the secret, version, stage or value does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether the name or the request token is taken.
    #[must_use]
    pub fn is_exists(&self) -> bool {
        self.kind() == ErrorKind::Exists
    }

    /// Whether the caller lacks a permission.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        self.kind() == ErrorKind::AccessDenied
    }

    /// Whether the secret is marked for deletion and can be restored.
    #[must_use]
    pub fn is_marked_for_deletion(&self) -> bool {
        self.kind() == ErrorKind::MarkedForDeletion
    }

    /// Whether the same call can succeed later, because there were too many at once.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.kind() == ErrorKind::Throttled
    }
}
