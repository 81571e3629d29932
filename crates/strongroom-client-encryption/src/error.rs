//! The key service's failures in the words of a secret store.

use strongroom_kms::ErrorKind as Kms;
use strongroom_store::{Error, ErrorKind};

/// What both directions have in common.
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
        told.with("refused by", "the key service that seals").with("reason", &error)
    } else {
        told
    };
    told.because(error)
}

/// No data key was made.
pub(crate) fn encryption(error: strongroom_kms::Error) -> Error {
    let kind = either(&error).unwrap_or(ErrorKind::EncryptionFailure);
    refused(kind, "the value was not sealed: its key cannot be used", error)
}

/// A data key was not opened. A damaged value, one of another secret and a wrong key are not told apart.
pub(crate) fn decryption(error: strongroom_kms::Error) -> Error {
    match error.kind() {
        Kms::InvalidCiphertext | Kms::IncorrectKey => not_opened(),
        _ => match either(&error) {
            Some(kind) => refused(kind, "the value was not opened: its key cannot be used", error),
            None => not_opened().because(error),
        },
    }
}

/// The one answer to every value that does not open.
pub(crate) fn not_opened() -> Error {
    Error::new(ErrorKind::DecryptionFailure, "what is stored does not open as this version of this secret")
}

/// A step of sealing failed for want of random bytes, or a key service's answer was too long.
pub(crate) fn sealing(error: strongroom_envelope::Error) -> Error {
    Error::new(ErrorKind::Internal, "the value could not be sealed").because(error)
}
