//! The value of a secret.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use strongroom_envelope::{SecretBytes, SecretText};

use crate::{Error, ErrorKind, json, json_type};

/// The value of a secret: text or bytes, in memory that is wiped when the last handle is dropped.
///
/// A clone is another handle to the same bytes, not a copy. `Debug` shows only whether it is text
/// or bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue {
    text: bool,
    bytes: Arc<SecretBytes>,
}

impl SecretValue {
    /// The maximum length of a value, in bytes.
    pub const MAX_LEN: usize = 65_536;

    /// A text. The string's memory becomes the value's.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::from_text(SecretText::from_string(text.into()))
    }

    /// A text already in secret memory.
    #[must_use]
    pub fn from_text(text: SecretText) -> Self {
        Self { text: true, bytes: Arc::new(text.into_bytes()) }
    }

    /// Bytes. The vector's memory becomes the value's.
    #[must_use]
    pub fn binary(bytes: impl Into<SecretBytes>) -> Self {
        Self { text: false, bytes: Arc::new(bytes.into()) }
    }

    /// The JSON text of `value`, written straight into secret memory.
    ///
    /// # Errors
    /// [`ErrorKind::NotOfThisForm`] when `value` cannot be JSON (a map with keys that are not text,
    /// for example).
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let mut bytes = SecretBytes::new();
        serde_json::to_writer(&mut bytes, value)
            .map_err(|_| Error::new(ErrorKind::NotOfThisForm, "the value cannot be written as JSON"))?;
        Ok(Self { text: true, bytes: Arc::new(bytes) })
    }

    /// Whether it is a text (`SecretString`), not bytes (`SecretBinary`).
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.text
    }

    /// The bytes, including those of a text. The caller is responsible for where they go.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// The text. The caller is responsible for where it goes.
    ///
    /// # Errors
    /// [`ErrorKind::NotOfThisForm`] when the value is binary.
    pub fn expose_text(&self) -> Result<&str, Error> {
        if !self.text {
            return Err(not_text());
        }
        std::str::from_utf8(self.bytes.expose()).map_err(|_| not_text())
    }

    /// The text, as an owned value. Copies nothing unless there are other handles to it.
    ///
    /// # Errors
    /// [`ErrorKind::NotOfThisForm`] when the value is binary. It is wiped, unless there are other
    /// handles to it.
    pub fn into_text(self) -> Result<SecretText, Error> {
        if !self.text {
            return Err(not_text());
        }
        SecretText::from_utf8(self.into_bytes()).map_err(|_| not_text())
    }

    /// The bytes, including those of a text, as an owned value. Copies nothing unless there are
    /// other handles to it.
    #[must_use]
    pub fn into_bytes(self) -> SecretBytes {
        Arc::try_unwrap(self.bytes).unwrap_or_else(|shared| shared.duplicate())
    }

    /// Parses the text as JSON into the caller's type. Fields that are [`SecretText`] or
    /// [`SecretBytes`] stay in self-wiping memory; wiping other fields is up to the caller.
    ///
    /// # Errors
    /// [`ErrorKind::NotOfThisForm`] when it is not JSON, or not of that type. The error shows the
    /// position, never the content.
    pub fn parse_json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let text = self.expose_text()?;
        json_type::parse(text).map_err(|wrong| {
            // A type can reject the text before the parser notices that it is not JSON. serde's own
            // text can quote the value; line and column cannot.
            let (what, line, column) = match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => ("the secret is JSON, but not of the type asked for", wrong.line, wrong.column),
                Err(error) => ("the secret is not JSON", error.line(), error.column()),
            };
            Error::new(ErrorKind::NotOfThisForm, what).with("line", line).with("column", column)
        })
    }

    /// One field of a JSON object: the content of a string, the JSON text of anything else.
    ///
    /// # Errors
    /// [`ErrorKind::NotOfThisForm`] when the text is not a JSON object or has no such field. Never
    /// quotes the value.
    pub fn field(&self, name: &str) -> Result<SecretText, Error> {
        json::field(self.expose_text()?, name)
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes. No store accepts an empty value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

fn not_text() -> Error {
    Error::new(ErrorKind::NotOfThisForm, "the secret is binary, not text")
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text {
            "SecretValue(text, [redacted])"
        } else {
            "SecretValue(binary, [redacted])"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_kept_apart() {
        assert_eq!(SecretValue::text("a").expose_text().unwrap(), "a");
        assert_eq!(
            SecretValue::binary(vec![0xff]).expose_text().unwrap_err().kind(),
            ErrorKind::NotOfThisForm
        );
        assert_ne!(SecretValue::text("a"), SecretValue::binary(b"a".to_vec()));
        assert_eq!(SecretValue::json(&vec![1, 2]).unwrap().expose_text().unwrap(), "[1,2]");
    }

    #[test]
    fn a_value_is_handed_over_without_a_copy_unless_it_is_shared() {
        let value = SecretValue::text("a");
        let place = value.expose_bytes().as_ptr();
        let text = value.into_text().unwrap();
        assert_eq!((text.expose(), text.expose().as_ptr()), ("a", place));
        let kept = SecretValue::binary(vec![1]);
        assert_eq!(kept.clone().into_bytes().expose(), [1]);
        assert_eq!(kept.expose_bytes(), [1]);
        assert_eq!(SecretValue::text("a").into_bytes().expose(), b"a");
        assert_eq!(kept.into_text().unwrap_err().kind(), ErrorKind::NotOfThisForm);
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_another_type() {
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            #[allow(dead_code, reason = "only read")]
            password: SecretText,
        }
        let error = |text: &str| SecretValue::text(text).parse_json::<Config>().unwrap_err().to_string();
        for text in ["{\"password\":\"31415", "{\"password\":\"31415\"} x", "{'password':'31415'}", "31415x"]
        {
            let shown = error(text);
            assert!(
                shown.starts_with("the secret is not JSON") && !shown.contains("31415"),
                "{text}: {shown}"
            );
        }
        for text in ["{\"password\":31415}", "{\"password\":[\"31415\"]}", "{}", "\"31415\"", "31415"] {
            let shown = error(text);
            let other = "the secret is JSON, but not of the type asked for";
            assert!(shown.starts_with(other) && !shown.contains("31415"), "{text}: {shown}");
        }
    }

    #[test]
    fn nothing_leaks_through_debug_or_errors() {
        let value = SecretValue::text("{'password': 'hunter2'}");
        let shown = format!(
            "{value:?} {:?} {:?} {:?}",
            value.field("password").unwrap_err(),
            value.parse_json::<Vec<String>>().unwrap_err(),
            SecretValue::text("{\"a\":\"hunter2\"}")
                .parse_json::<std::collections::HashMap<String, u32>>()
                .unwrap_err(),
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
