//! Secrets as fields of types that are deserialized, but never serialized.
//!
//! * The buffer of an owned string or byte buffer is taken over; borrowed ones are copied into
//!   memory that wipes itself.
//! * An error says what was expected and nothing else. The deserializer's own error is dropped,
//!   because it quotes what it found (``invalid type: integer `1234` ``).
//!
//! Internal buffers of the deserializer cannot be wiped. serde_json unescapes a string with `\` in
//! it into an internal buffer that is never wiped, and does so with every string when it reads from
//! a stream. `#[serde(flatten)]` and untagged and internally tagged enums collect the whole
//! document in serde's memory first. The `toml` crate quotes the line of the document in its
//! errors.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::{SecretBytes, SecretText, wipe};

/// The maximum capacity to reserve for a sequence based on its claimed length.
const MOST_AHEAD: usize = 4096;

/// Deserializes text: a string of JSON, TOML or YAML. Needs the feature `serde`.
///
/// ```
/// use strongroom_envelope::SecretText;
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Config { user: String, password: SecretText }
///
/// let config: Config = serde_json::from_str(r#"{"user":"app","password":"s3cret"}"#)?;
/// assert_eq!(config.password.expose(), "s3cret");
/// assert_eq!(format!("{config:?}"), r#"Config { user: "app", password: SecretText([redacted]) }"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A secret is not `Serialize`, so a type that holds one is not written anywhere by accident:
///
/// ```compile_fail
/// fn write(value: &impl serde::Serialize) {}
/// write(&strongroom_envelope::SecretText::copy_from("s3cret"));
/// ```
impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = deserializer.deserialize_string(TextVisitor);
        read.map_err(|_| {
            D::Error::custom("a secret text cannot be read: expected a string (what is there is not shown)")
        })
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_char<E: Error>(self, value: char) -> Result<SecretText, E> {
        let mut buffer = [0; 4];
        let text = SecretText::copy_from(value.encode_utf8(&mut buffer));
        wipe(&mut buffer);
        Ok(text)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
        Ok(SecretText::copy_from(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretText, E> {
        Ok(SecretText::from_string(text))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SecretText, E> {
        SecretText::from_utf8(SecretBytes::copy_from(bytes)).map_err(E::custom)
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<SecretText, E> {
        SecretText::from_utf8(SecretBytes::from_vec(bytes)).map_err(E::custom)
    }
}

/// Deserializes bytes, or a sequence of numbers up to 255. A string gives the bytes of its text.
/// Needs the feature `serde`.
impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = deserializer.deserialize_byte_buf(BytesVisitor);
        read.map_err(|_| {
            let text = "secret bytes cannot be read: expected bytes, a string, or a sequence of numbers up to 255 (what is there is not shown)";
            D::Error::custom(text)
        })
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = SecretBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretBytes, E> {
        Ok(SecretBytes::copy_from(text.as_bytes()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretBytes, E> {
        Ok(SecretBytes::from_vec(text.into_bytes()))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SecretBytes, E> {
        Ok(SecretBytes::copy_from(bytes))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<SecretBytes, E> {
        Ok(SecretBytes::from_vec(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<SecretBytes, A::Error> {
        let ahead = sequence.size_hint().unwrap_or(0).min(MOST_AHEAD);
        let mut bytes = SecretBytes::with_capacity(ahead);
        while let Some(byte) = sequence.next_element::<u8>()? {
            bytes.extend_from_slice(&[byte]);
        }
        Ok(bytes)
    }
}
