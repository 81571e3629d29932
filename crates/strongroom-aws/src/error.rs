//! Maps the SDK's errors to ours.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::endpoint::error::ResolveEndpointError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::request_id::RequestId;

use crate::tries;

/// Why a call failed, for any service.
pub(crate) struct Failure {
    /// AWS's error code, if it answered.
    pub(crate) code: Option<String>,
    pub(crate) text: String,
    pub(crate) request_id: Option<String>,
    pub(crate) how: How,
    /// Whether an earlier attempt may have taken effect.
    #[cfg_attr(
        not(any(feature = "connect", feature = "secrets-manager", feature = "parameter-store")),
        allow(dead_code, reason = "no operation of the key service changes anything")
    )]
    pub(crate) uncertain: bool,
}

/// How far a call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// AWS refused it.
    Refused,
    /// It was not sent.
    NotSent,
    /// There are no usable credentials.
    NoCredentials,
    /// It may have taken effect: it timed out, the connection broke, or the response was
    /// unreadable.
    Unknown,
}

/// What is wrong with the credentials, if that is the cause.
fn credentials(error: &(dyn StdError + 'static)) -> Option<(&'static str, How)> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            return Some(match error {
                CredentialsError::CredentialsNotLoaded(_) => (
                    "no AWS credentials were found: in the environment, the profile, or from the container or instance",
                    How::NoCredentials,
                ),
                CredentialsError::InvalidConfiguration(_) => {
                    ("the AWS credentials are misconfigured", How::NoCredentials)
                }
                CredentialsError::ProviderTimedOut(_) => {
                    ("loading the AWS credentials timed out", How::NotSent)
                }
                _ => ("the AWS credentials could not be loaded", How::NotSent),
            });
        }
        cause = error.source();
    }
    None
}

/// Whether no endpoint could be resolved.
fn no_endpoint(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<ResolveEndpointError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Classifies the SDK's error. `answered` returns the service's code and message.
pub(crate) fn failure<E: StdError + 'static>(
    error: &SdkError<E, HttpResponse>,
    answered: impl FnOnce(&E) -> (Option<&str>, Option<&str>),
) -> Failure {
    let request_id = error.request_id().map(str::to_owned);
    let uncertain = tries::uncertain(error.raw_response());
    let (code, text, how) = match error {
        SdkError::ServiceError(refused) => {
            let (code, text) = answered(refused.err());
            let status = refused.raw().status();
            match code {
                // A 5xx without an error code: it may have taken effect.
                None if status.is_server_error() => {
                    (None, text.unwrap_or("AWS failed inside").to_owned(), How::Unknown)
                }
                // It succeeded, but its response is lost.
                None if status.is_success() => {
                    (None, "AWS's answer was not readable".to_owned(), How::Unknown)
                }
                code => (code.map(str::to_owned), text.unwrap_or_default().to_owned(), How::Refused),
            }
        }
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) if credentials(error).is_some() => {
            let (text, how) = credentials(error).unwrap_or(("", How::NotSent));
            (None, text.to_owned(), how)
        }
        SdkError::ConstructionFailure(_) => {
            (None, "the request could not be built: check region and endpoint".to_owned(), How::NotSent)
        }
        SdkError::TimeoutError(_) => (None, "AWS did not answer in time".to_owned(), How::Unknown),
        SdkError::DispatchFailure(failed) if failed.is_timeout() => {
            (None, "AWS did not answer in time".to_owned(), How::Unknown)
        }
        SdkError::DispatchFailure(_) if no_endpoint(error) => {
            let text = "the request has no endpoint: check region and endpoint, and whether they support FIPS and dual stack";
            (None, text.to_owned(), How::NotSent)
        }
        SdkError::DispatchFailure(failed) if failed.is_user() => {
            (None, "the request could not be sent: check credentials and endpoint".to_owned(), How::NotSent)
        }
        SdkError::DispatchFailure(_) => (None, "the connection to AWS failed".to_owned(), How::Unknown),
        _ => (None, "AWS's answer was not readable".to_owned(), How::Unknown),
    };
    Failure { code, text, request_id, how, uncertain }
}

/// The services' common codes have several names, by protocol and age. Returns the one that our
/// error kinds use.
fn common(code: &str) -> &str {
    match code {
        "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired" => "AccessDeniedException",
        "ExpiredToken" => "ExpiredTokenException",
        "SerializationException" => "ValidationException",
        "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => "ThrottlingException",
        code => code,
    }
}

/// Context of an error: AWS's code where it differs from ours, and the request id.
fn facts(
    own: &'static str,
    code: Option<String>,
    request_id: Option<String>,
) -> impl Iterator<Item = (&'static str, String)> {
    let code = code.filter(|code| code != own).map(|code| ("AWS's code", code));
    code.into_iter().chain(request_id.map(|id| ("request", id)))
}

#[cfg(any(feature = "connect", feature = "secrets-manager", feature = "parameter-store"))]
mod of_a_store {
    use strongroom_store::{Error, ErrorKind};

    use super::{Failure, How, facts};

    /// The kind of a store's failure, by AWS's code. With `changes`, a call that may have taken
    /// effect is [`ErrorKind::OutcomeUnknown`].
    pub(super) fn outcome(failure: &Failure, changes: bool, kind: impl Fn(&str) -> ErrorKind) -> ErrorKind {
        match (failure.code.as_deref().map(kind), failure.how) {
            _ if changes && failure.uncertain => ErrorKind::OutcomeUnknown,
            // An internal failure does not say how far the call got.
            (Some(ErrorKind::Internal), _) if changes => ErrorKind::OutcomeUnknown,
            (Some(kind), _) => kind,
            (None, How::Unknown) if changes => ErrorKind::OutcomeUnknown,
            (None, How::NoCredentials) => ErrorKind::AccessDenied,
            (None, _) => ErrorKind::Internal,
        }
    }

    /// The failure with AWS's text and the request id, and, if access was denied, by which service.
    pub(super) fn classified(
        kind: ErrorKind,
        failure: Failure,
        operation: &'static str,
        by: &'static str,
    ) -> Error {
        let Failure { code, text, request_id, how, .. } = failure;
        let mut error = Error::new(kind, text).during(operation);
        if kind == ErrorKind::AccessDenied && how != How::NoCredentials {
            error = error.with("refused by", by);
        }
        facts(error.code(), code, request_id).fold(error, |error, (name, value)| error.with(name, value))
    }
}

#[cfg(feature = "kms")]
pub(crate) mod kms {
    use std::error::Error as StdError;

    use aws_smithy_types::error::metadata::ProvideErrorMetadata;
    use strongroom_kms::{Error, ErrorKind};

    use super::{Failure, How, HttpResponse, SdkError, common, facts, failure};

    /// The kind for each of AWS's codes. A code that means several of our kinds, or none, is
    /// explained by its text.
    fn kind(code: &str) -> ErrorKind {
        match common(code) {
            "NotFoundException" => ErrorKind::NotFound,
            "AlreadyExistsException" => ErrorKind::AlreadyExists,
            "DisabledException" => ErrorKind::Disabled,
            "KMSInvalidStateException" => ErrorKind::InvalidState,
            "InvalidCiphertextException" => ErrorKind::InvalidCiphertext,
            "KMSInvalidMacException" => ErrorKind::InvalidMac,
            "IncorrectKeyException" => ErrorKind::IncorrectKey,
            "InvalidKeyUsageException" => ErrorKind::InvalidKeyUsage,
            "AccessDeniedException" => ErrorKind::AccessDenied,
            "ExpiredTokenException" => ErrorKind::ExpiredToken,
            "ValidationException" => ErrorKind::Validation,
            "InvalidArnException" => ErrorKind::InvalidArn,
            "InvalidAliasNameException" => ErrorKind::InvalidAliasName,
            "InvalidGrantTokenException" => ErrorKind::InvalidGrantToken,
            "InvalidMarkerException" => ErrorKind::InvalidMarker,
            "LimitExceededException" => ErrorKind::LimitExceeded,
            "UnsupportedOperationException" | "UnknownOperationException" => ErrorKind::Unsupported,
            "DryRunOperationException" => ErrorKind::DryRun,
            "ConflictException" => ErrorKind::Conflict,
            "ThrottlingException" => ErrorKind::Throttled,
            "DependencyTimeoutException" | "KeyUnavailableException" => ErrorKind::DependencyTimeout,
            _ => ErrorKind::Internal,
        }
    }

    /// An operation's failure, with AWS's text and the request id.
    pub(crate) fn error<E>(operation: &'static str, failed: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let Failure { code, text, request_id, how, .. } =
            failure(&failed, |refused| (refused.code(), refused.message()));
        let kind = match (&code, how) {
            (Some(code), _) => kind(code),
            // No operation of the key service changes state, so repeating is safe.
            (None, How::Unknown) => ErrorKind::DependencyTimeout,
            (None, How::NoCredentials) => ErrorKind::AccessDenied,
            (None, _) => ErrorKind::Internal,
        };
        // All decryption failures must look alike.
        let text = if kind == ErrorKind::InvalidCiphertext { String::new() } else { text };
        let error = Error::new(kind, text).during(operation);
        facts(error.code(), code, request_id).fold(error, |error, (name, value)| error.with(name, value))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// What the services share has the same code on both sides.
        #[test]
        fn codes_are_read_as_they_are_written() {
            for one in [
                ErrorKind::NotFound,
                ErrorKind::AlreadyExists,
                ErrorKind::Disabled,
                ErrorKind::InvalidState,
                ErrorKind::InvalidCiphertext,
                ErrorKind::InvalidMac,
                ErrorKind::IncorrectKey,
                ErrorKind::InvalidKeyUsage,
                ErrorKind::AccessDenied,
                ErrorKind::ExpiredToken,
                ErrorKind::Validation,
                ErrorKind::InvalidArn,
                ErrorKind::InvalidAliasName,
                ErrorKind::InvalidGrantToken,
                ErrorKind::InvalidMarker,
                ErrorKind::LimitExceeded,
                ErrorKind::Unsupported,
                ErrorKind::DryRun,
                ErrorKind::Conflict,
                ErrorKind::Throttled,
                ErrorKind::DependencyTimeout,
            ] {
                assert_eq!(kind(Error::new(one, "").code()), one);
            }
            assert_eq!(kind("SomethingNewException"), ErrorKind::Internal);
        }
    }
}

#[cfg(any(feature = "connect", feature = "secrets-manager"))]
pub(crate) mod secrets {
    use std::error::Error as StdError;

    use aws_smithy_types::error::metadata::ProvideErrorMetadata;
    use strongroom_store::{Error, ErrorKind};

    use super::of_a_store::{classified, outcome};
    use super::{HttpResponse, SdkError, common, failure};

    /// AWS's text when Secrets Manager allows a call but the key's policy does not.
    const KMS_DENIED: &str = "Access to KMS is not allowed";

    /// Tells a secret that is marked for deletion from the other states that do not allow an
    /// operation: AWS has one code for all of them.
    fn of_text(kind: ErrorKind, text: &str) -> ErrorKind {
        let marked = ["marked for deletion", "marked deleted", "scheduled for deletion"];
        let is_marked = marked.iter().any(|words| text.contains(words));
        if kind == ErrorKind::InvalidRequest && is_marked { ErrorKind::MarkedForDeletion } else { kind }
    }

    fn kind(code: &str) -> ErrorKind {
        match common(code) {
            "ResourceNotFoundException" => ErrorKind::NotFound,
            "ResourceExistsException" => ErrorKind::Exists,
            "InvalidParameterException" => ErrorKind::InvalidParameter,
            "InvalidRequestException" | "PreconditionNotMetException" => ErrorKind::InvalidRequest,
            "ValidationException" => ErrorKind::Validation,
            "LimitExceededException" => ErrorKind::LimitExceeded,
            "InvalidNextTokenException" => ErrorKind::InvalidNextToken,
            "MalformedPolicyDocumentException" => ErrorKind::MalformedPolicy,
            "PublicPolicyException" => ErrorKind::PublicPolicy,
            "AccessDeniedException" => ErrorKind::AccessDenied,
            "ExpiredTokenException" => ErrorKind::ExpiredToken,
            "EncryptionFailure" => ErrorKind::EncryptionFailure,
            "DecryptionFailure" => ErrorKind::DecryptionFailure,
            "UnknownOperationException" => ErrorKind::Unsupported,
            "ThrottlingException" => ErrorKind::Throttled,
            _ => ErrorKind::Internal,
        }
    }

    /// A failure that a response contains.
    #[cfg(feature = "secrets-manager")]
    pub(crate) fn of_code(code: Option<&str>, text: String) -> Error {
        Error::new(of_text(code.map_or(ErrorKind::Internal, kind), &text), text)
    }

    /// An operation's failure on a secret, with AWS's text and the request id. `changes`: the
    /// operation writes, so a failure may leave its outcome unknown.
    #[cfg(feature = "secrets-manager")]
    pub(crate) fn error<E>(
        operation: strongroom_store::Operation,
        secret: Option<&str>,
        changes: bool,
        failed: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        of("Secrets Manager", operation.name(), changes, failed).of_call(operation, secret)
    }

    /// A failure of STS.
    #[cfg(feature = "connect")]
    pub(crate) fn of_sts<E>(operation: &'static str, failed: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        of("STS", operation, false, failed)
    }

    fn of<E>(
        service: &'static str,
        operation: &'static str,
        changes: bool,
        failed: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let failure = failure(&failed, |refused| (refused.code(), refused.message()));
        let kind = of_text(outcome(&failure, changes, kind), &failure.text);
        let by = if failure.text.starts_with(KMS_DENIED) { "KMS" } else { service };
        classified(kind, failure, operation, by)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// What the services share has the same code on both sides.
        #[test]
        fn codes_are_read_as_they_are_written() {
            for one in [
                ErrorKind::NotFound,
                ErrorKind::Exists,
                ErrorKind::InvalidParameter,
                ErrorKind::InvalidRequest,
                ErrorKind::Validation,
                ErrorKind::LimitExceeded,
                ErrorKind::InvalidNextToken,
                ErrorKind::MalformedPolicy,
                ErrorKind::PublicPolicy,
                ErrorKind::AccessDenied,
                ErrorKind::ExpiredToken,
                ErrorKind::EncryptionFailure,
                ErrorKind::DecryptionFailure,
                ErrorKind::Throttled,
                ErrorKind::Internal,
            ] {
                assert_eq!(kind(Error::new(one, "").code()), one);
            }
            let marked = Error::marked_for_deletion();
            assert_eq!(of_text(kind(marked.code()), marked.message()), ErrorKind::MarkedForDeletion);
        }
    }
}

#[cfg(feature = "parameter-store")]
pub(crate) mod parameters {
    use std::error::Error as StdError;

    use aws_smithy_types::error::metadata::ProvideErrorMetadata;
    use strongroom_store::{Error, ErrorKind};

    use super::of_a_store::{classified, outcome};
    use super::{HttpResponse, SdkError, common, failure};

    fn kind(code: &str) -> ErrorKind {
        match common(code) {
            "ParameterNotFound" | "ParameterVersionNotFound" | "InvalidResourceId" => ErrorKind::NotFound,
            "ParameterAlreadyExists" => ErrorKind::Exists,
            "HierarchyLevelLimitExceededException"
            | "ParameterLimitExceeded"
            | "ParameterMaxVersionLimitExceeded"
            | "ParameterVersionLabelLimitExceeded"
            | "TooManyTagsError" => ErrorKind::LimitExceeded,
            "ParameterPatternMismatchException"
            | "InvalidFilterKey"
            | "InvalidFilterOption"
            | "InvalidFilterValue" => ErrorKind::InvalidParameter,
            "HierarchyTypeMismatchException" | "UnsupportedParameterType" => ErrorKind::InvalidRequest,
            "InvalidNextToken" => ErrorKind::InvalidNextToken,
            "ValidationException" => ErrorKind::Validation,
            "AccessDeniedException" => ErrorKind::AccessDenied,
            "ExpiredTokenException" => ErrorKind::ExpiredToken,
            "UnknownOperationException" => ErrorKind::Unsupported,
            "TooManyUpdates" | "ThrottlingException" => ErrorKind::Throttled,
            _ => ErrorKind::Internal,
        }
    }

    /// An operation's failure, with AWS's text and the request id. `changes`: the operation writes,
    /// so a failure may leave its outcome unknown.
    pub(crate) fn error<E>(operation: &'static str, changes: bool, failed: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        of(operation, changes, None, failed)
    }

    /// As [`error`], for a call that stores this value: a text that quotes the value is not shown.
    pub(crate) fn on_value<E>(
        operation: &'static str,
        value: &str,
        failed: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        of(operation, true, Some(value), failed)
    }

    fn of<E>(
        operation: &'static str,
        changes: bool,
        value: Option<&str>,
        failed: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let mut failure = failure(&failed, |refused| (refused.code(), refused.message()));
        let kind = outcome(&failure, changes, |code| match code {
            // The key is unusable or missing.
            "InvalidKeyId" if value.is_some() => ErrorKind::EncryptionFailure,
            "InvalidKeyId" => ErrorKind::DecryptionFailure,
            code => kind(code),
        });
        if value.is_some_and(|value| failure.text.contains(value)) {
            "AWS's text is not shown: it quotes the value".clone_into(&mut failure.text);
        }
        if kind == ErrorKind::NotFound && failure.text.is_empty() {
            "Parameter Store has no such parameter.".clone_into(&mut failure.text);
        }
        let by = if failure.text.contains("kms:") { "KMS" } else { "Parameter Store" };
        classified(kind, failure, operation, by)
    }
}
