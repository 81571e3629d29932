//! Reading what a request says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_store::json_text;

use crate::answer::ApiError;

/// Declares the members of an operation's input, all of which may be missing. Unknown ones are ignored.
macro_rules! input {
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Default, serde::Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        struct $name { $($field: Option<$type>,)* }
    };
}
pub(crate) use input;

/// Reads a body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    // What is wrong is told by line and column; values stay out of it.
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = if error.is_data() { "a member is of another type" } else { "it is not JSON" };
        ApiError::new("SerializationException", format!("The request cannot be read at {place}: {what}"))
    })
}

pub(crate) fn required<T>(value: Option<T>, member: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::null(member))
}

/// A text that is wiped. It goes from the body straight into memory that wipes itself.
pub(crate) struct Text(pub(crate) SecretText);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        json_text(raw.get()).map(Self).ok_or_else(|| D::Error::custom("not a string"))
    }
}

/// Bytes in base64, wiped.
#[derive(Default)]
pub(crate) struct Blob(pub(crate) SecretBytes);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let mut bytes = SecretBytes::zeroed(base64::decoded_len_estimate(text.expose().len()));
        let length = STANDARD
            .decode_slice(text.expose(), bytes.expose_mut())
            .map_err(|_| D::Error::custom("not base64"))?;
        bytes.truncate(length);
        Ok(Self(bytes))
    }
}

/// Base64, for answers that are wiped.
pub(crate) fn base64(bytes: &[u8]) -> SecretText {
    let mut out = vec![0; bytes.len().div_ceil(3) * 4];
    let written = STANDARD.encode_slice(bytes, &mut out).unwrap_or_default();
    out.truncate(written);
    SecretText::from_utf8(SecretBytes::from(out)).unwrap_or_else(|_| SecretText::from_string(String::new()))
}

/// A number as the service has it, or one that its own check refuses.
pub(crate) fn small(number: i64) -> u16 {
    u16::try_from(number.max(0)).unwrap_or(u16::MAX)
}
