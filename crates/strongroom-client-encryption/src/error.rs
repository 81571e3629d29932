//! Maps the key service's errors to those of a secret store.

use strongroom_kms::ErrorKind as Kms;
use strongroom_store::{Error, ErrorKind};

/// Kinds that sealing and opening share.
fn either(error: &strongroom_kms::Error) -> Option<ErrorKind> {
    Some(match error.kind() {
        Kms::AccessDenied => ErrorKind::AccessDenied,
        Kms::ExpiredToken => ErrorKind::ExpiredToken,
        Kms::Throttled | Kms::Conflict => ErrorKind::Throttled,
        Kms::Internal | Kms::DependencyTimeout => ErrorKind::Internal,
        Kms::Tampered => ErrorKind::Tampered,
        Kms::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        Kms::StoreChanged => ErrorKind::StoreChanged,
        _ => return None,
    })
}

fn refused(kind: ErrorKind, text: &'static str, error: strongroom_kms::Error) -> Error {
    let told = Error::new(kind, text);
    let told = if kind == ErrorKind::AccessDenied {
        told.with("refused by", "the key service of the client-side encryption").with("reason", &error)
    } else {
        told
    };
    told.because(error)
}

/// No data key was generated.
pub(crate) fn encryption(error: strongroom_kms::Error) -> Error {
    let kind = either(&error).unwrap_or(ErrorKind::EncryptionFailure);
    refused(kind, "the value was not sealed: its key cannot be used", error)
}

/// A data key was not decrypted. A damaged value, a value of another secret and a wrong key give
/// the same error.
pub(crate) fn decryption(error: strongroom_kms::Error) -> Error {
    match error.kind() {
        Kms::InvalidCiphertext | Kms::IncorrectKey => not_opened(),
        _ => match either(&error) {
            Some(kind) => refused(kind, "the value was not opened: its key cannot be used", error),
            None => not_opened().because(error),
        },
    }
}

/// The error for every value that does not open.
pub(crate) fn not_opened() -> Error {
    Error::new(ErrorKind::DecryptionFailure, "the stored value does not open as this version of this secret")
}

/// Sealing failed: no random bytes, or the key service's response was too long.
pub(crate) fn sealing(error: strongroom_envelope::Error) -> Error {
    Error::new(ErrorKind::Internal, "the value could not be sealed").because(error)
}
