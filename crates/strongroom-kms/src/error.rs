//! The error type of this crate.

use strongroom_types::{ErrorClass, Retry, error_type, fault_kinds};

/// What can go wrong at a key service. [`Error::code`] is the AWS code of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such key or alias.
    NotFound,
    /// An alias of this name exists.
    AlreadyExists,
    /// The key is disabled.
    Disabled,
    /// The key's state does not allow the operation.
    InvalidState,
    /// The ciphertext is damaged or foreign, or its context differs. The error does not say which.
    InvalidCiphertext,
    /// The code is not that of the message under this key.
    InvalidMac,
    /// The key named in the request is not the one that encrypted the ciphertext.
    IncorrectKey,
    /// The key's usage or spec does not allow the operation.
    InvalidKeyUsage,
    /// The caller has no permission, or must not learn whether the key exists.
    AccessDenied,
    /// The caller's session has expired.
    ExpiredToken,
    /// A member of the request violates its constraint.
    Validation,
    /// An ARN is malformed.
    InvalidArn,
    /// An alias name is malformed.
    InvalidAliasName,
    /// The alias name is reserved for AWS.
    NotAuthorized,
    /// The tags of a request are wrong.
    Tag,
    /// A key policy is malformed, or cannot be put.
    MalformedPolicy,
    /// A grant token was never issued.
    InvalidGrantToken,
    /// A grant's id is malformed.
    InvalidGrantId,
    /// An import token was never issued for this key.
    InvalidImportToken,
    /// An import token is too old.
    ExpiredImportToken,
    /// The material is not the material that the key had.
    IncorrectKeyMaterial,
    /// A page marker was never issued.
    InvalidMarker,
    /// A quota is exceeded.
    LimitExceeded,
    /// The operation is not valid for this key, or this implementation does not have it.
    Unsupported,
    /// The request would have succeeded, but was a dry run.
    DryRun,
    /// Another change came first; nothing was applied.
    Conflict,
    /// Too many requests.
    Throttled,
    /// A dependency did not answer in time.
    DependencyTimeout,
    /// The change took effect as a whole or not at all; which is unknown. Check before you repeat
    /// it.
    OutcomeUnknown,
    /// The store was re-keyed or replaced by another process; open it again.
    StoreChanged,
    /// Any other internal failure, including storage.
    Internal,
    /// A stored record is damaged, or was changed without the root key.
    Tampered,
}

impl ErrorClass for ErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::NotFound => "NotFoundException",
            Self::AlreadyExists => "AlreadyExistsException",
            Self::Disabled => "DisabledException",
            Self::InvalidState => "KMSInvalidStateException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::InvalidMac => "KMSInvalidMacException",
            Self::IncorrectKey => "IncorrectKeyException",
            Self::InvalidKeyUsage => "InvalidKeyUsageException",
            Self::AccessDenied => "AccessDeniedException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::Validation => "ValidationException",
            Self::InvalidArn => "InvalidArnException",
            Self::InvalidAliasName => "InvalidAliasNameException",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::Tag => "TagException",
            Self::MalformedPolicy => "MalformedPolicyDocumentException",
            Self::InvalidGrantToken => "InvalidGrantTokenException",
            Self::InvalidGrantId => "InvalidGrantIdException",
            Self::InvalidImportToken => "InvalidImportTokenException",
            Self::ExpiredImportToken => "ExpiredImportTokenException",
            Self::IncorrectKeyMaterial => "IncorrectKeyMaterialException",
            Self::InvalidMarker => "InvalidMarkerException",
            Self::LimitExceeded => "LimitExceededException",
            Self::Unsupported => "UnsupportedOperationException",
            Self::DryRun => "DryRunOperationException",
            Self::Conflict => "ConflictException",
            Self::Throttled => "ThrottlingException",
            Self::DependencyTimeout => "DependencyTimeoutException",
            Self::OutcomeUnknown | Self::StoreChanged | Self::Internal | Self::Tampered => {
                "KMSInternalException"
            }
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Conflict
            | Self::Throttled
            | Self::DependencyTimeout
            | Self::OutcomeUnknown
            | Self::Internal => Retry::Later,
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
    Conflict = Conflict,
    Busy = Throttled,
} else Internal);

error_type!(
    /// A failure of a key service. Holds key ids, ARNs and aliases; never plaintext, ciphertext or
    /// key material.
    Error of ErrorKind
);

impl From<strongroom_envelope::Error> for Error {
    fn from(error: strongroom_envelope::Error) -> Self {
        use strongroom_envelope::ErrorKind as Envelope;
        match error.kind() {
            // All failures to open look alike, so the cause is dropped.
            Envelope::Decryption
            | Envelope::Malformed
            | Envelope::UnsupportedSuite
            | Envelope::UnsupportedVersion => Self::new(ErrorKind::InvalidCiphertext, ""),
            Envelope::TooLarge => Self::new(ErrorKind::Validation, error.message().to_owned()),
            _ => Self::new(ErrorKind::Internal, "a cryptographic step failed").because(error),
        }
    }
}
