//! Errors of other crates as errors of a secret store.

use strongroom_kms::ErrorKind as Kms;
use strongroom_store::{Error, ErrorKind};

/// Storage failed.
pub(crate) fn storage(error: strongroom_root::Error) -> Error {
    error.into_frame().pass_on()
}

/// What encryption and decryption have in common.
fn either(error: &strongroom_kms::Error) -> Option<Error> {
    let kind = match error.kind() {
        Kms::AccessDenied => {
            return Some(Error::new(ErrorKind::AccessDenied, "Access to KMS is not allowed"));
        }
        // Over since the engine asked.
        Kms::ExpiredToken => return Some(Error::new(ErrorKind::ExpiredToken, error.message().to_owned())),
        Kms::Throttled | Kms::Conflict => ErrorKind::Throttled,
        Kms::Internal | Kms::DependencyTimeout => ErrorKind::Internal,
        Kms::Tampered => ErrorKind::Tampered,
        Kms::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        Kms::StoreChanged => ErrorKind::StoreChanged,
        _ => return None,
    };
    Some(Error::new(kind, "the key service failed"))
}

/// The key service did not make or wrap a data key.
pub(crate) fn encryption(error: strongroom_kms::Error) -> Error {
    let mapped = either(&error).unwrap_or_else(|| match error.kind() {
        // The text and `Invalid keyId` behind it were seen on AWS by users (terraform-provider-aws
        // #13303), `Invalid arn` and a region too; for the other texts of the key service it is
        // taken to be the same.
        Kms::NotFound | Kms::InvalidArn | Kms::InvalidAliasName | Kms::Validation => {
            let text = format!("The operation failed because of an invalid KMS key: {}", error.message());
            Error::new(ErrorKind::InvalidParameter, text)
        }
        _ => Error::new(
            ErrorKind::EncryptionFailure,
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.",
        ),
    });
    mapped.because(error)
}

/// The key service did not decrypt a data key. The source says whether the key is disabled, pending
/// deletion or deleted; it does not distinguish a damaged ciphertext from a wrong context.
pub(crate) fn decryption(error: strongroom_kms::Error) -> Error {
    match error.kind() {
        Kms::InvalidCiphertext | Kms::IncorrectKey => not_opened(),
        _ => either(&error).unwrap_or_else(not_opened).because(error),
    }
}

/// The one answer for every value that cannot be decrypted.
pub(crate) fn not_opened() -> Error {
    Error::new(
        ErrorKind::DecryptionFailure,
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    )
}

/// A sealing step failed, for instance because the operating system returned no random bytes.
pub(crate) fn sealing(error: strongroom_envelope::Error) -> Error {
    Error::new(ErrorKind::Internal, "the value could not be sealed").because(error)
}

/// A record was written by somebody with the root key, but the engine cannot have written it.
pub(crate) fn damaged(key: &strongroom_records::Key, why: &'static str) -> Error {
    Error::new(ErrorKind::Tampered, "the record is not what Strongroom wrote")
        .with("record", key)
        .with("because", why)
}
