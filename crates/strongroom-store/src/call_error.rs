//! Errors name the call that failed.

use crate::{Error, Operation};

/// The maximum length of a name in errors.
const SHOWN: usize = 512;

impl Error {
    /// Names the operation that was called, and the secret that the call named unless an inner
    /// layer has named one. A store does this once at the end of each of its methods, so that every
    /// error names the operation and the secret.
    #[must_use]
    pub fn of_call(self, operation: Operation, secret: Option<&str>) -> Self {
        let error = self.during(operation.name());
        match secret {
            Some(secret) if error.context("secret").is_none() => error.with("secret", shown(secret)),
            _ => error,
        }
    }
}

/// A name as errors show it: without control characters, and shortened.
fn shown(name: &str) -> String {
    let shown: String = name.escape_debug().take(SHOWN).collect();
    if shown.is_empty() { "''".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_call_and_its_secret() {
        let inner = Error::not_found().during("DescribeKey");
        let error = inner.of_call(Operation::GetSecretValue, Some("prod/db"));
        let text = "GetSecretValue: Secrets Manager can't find the specified secret. (secret: prod/db)";
        assert_eq!((error.to_string().as_str(), error.operation()), (text, Some("GetSecretValue")));
        // A secret named by an inner layer is more precise.
        let error = Error::not_found().with("secret", "other").of_call(Operation::ListSecrets, Some("s"));
        assert_eq!(error.context("secret"), Some("other"));
    }

    #[test]
    fn a_hostile_name_neither_fills_nor_breaks_a_log() {
        let shown = |name: &str| {
            let error = Error::not_found().of_call(Operation::GetSecretValue, Some(name));
            error.context("secret").unwrap().to_owned()
        };
        assert_eq!(shown("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
        assert_eq!(shown(&"x".repeat(1_000_000)).len(), SHOWN);
        assert_eq!(shown(""), "''");
    }

    #[test]
    fn a_secret_marked_for_deletion_is_its_own_kind_under_the_code_of_aws() {
        let error = Error::marked_for_deletion().of_call(Operation::PutSecretValue, Some("prod/db"));
        assert!(error.is_marked_for_deletion() && error.code() == "InvalidRequestException");
        assert_eq!(
            error.to_string(),
            "PutSecretValue: You can't perform this operation on the secret because it was marked for \
             deletion. (help: restore() takes it back, secret: prod/db)"
        );
    }
}
