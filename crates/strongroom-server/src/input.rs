//! Reads a request's input.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use strongroom_envelope::{EncryptionContext, SecretBytes, SecretText};
use strongroom_store::json_text;

use crate::answer::{ApiError, violation};

/// Declares an operation's input, or a structure within one, with every member of AWS's service
/// model.
///
/// The members in the first braces are read; all are optional. A `refused` member would change the
/// request in a way that this server does not implement, so ignoring it would be wrong; each has
/// its [`Refusal`]. An `ignored` member has no effect here, but its type is checked. Members that
/// are not in the model are skipped, as on AWS. `tests/members.rs` walks the models and finds any
/// member that is in none of the three groups.
macro_rules! input {
    (
        $vis:vis $name:ident { $($field:ident: $type:ty),* $(,)? }
        $(refused { $($refused:ident: $refusal:expr),* $(,)? })?
        $(ignored { $($ignored:ident: $ignored_type:ty),* $(,)? })?
    ) => {
        #[derive(Default, serde::Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        #[allow(non_snake_case, reason = "refused members are named as in errors")]
        $vis struct $name {
            $($field: Option<$type>,)*
            $($($refused: $crate::input::Given,)*)?
            $($(#[allow(dead_code, reason = "only its type matters")] $ignored: Option<$ignored_type>,)*)?
        }

        impl $crate::input::Members for $name {
            const NAMES: &'static [&'static str] = &[
                $(stringify!($field),)*
                $($(stringify!($refused),)*)?
                $($(stringify!($ignored),)*)?
            ];

            fn check(&self) -> Result<(), $crate::answer::ApiError> {
                $($($refusal.check(stringify!($refused), self.$refused)?;)*)?
                $($crate::input::Members::check(&self.$field)?;)*
                Ok(())
            }
        }
    };
}
pub(crate) use input;

/// A type that may contain refused members.
pub(crate) trait Members {
    /// The members of a structure, as field names or wire names.
    const NAMES: &'static [&'static str] = &[];

    /// Refuses members that ask for something that this server does not implement.
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }
}

impl Members for String {}
impl Members for bool {}
impl Members for i64 {}
impl Members for f64 {}
impl Members for Text {}
impl Members for Blob {}
impl Members for Context {}

impl<T: Members> Members for Option<T> {
    fn check(&self) -> Result<(), ApiError> {
        self.as_ref().map_or(Ok(()), T::check)
    }
}

impl<T: Members> Members for Vec<T> {
    fn check(&self) -> Result<(), ApiError> {
        self.iter().try_for_each(T::check)
    }
}

/// The error for a member that asks for something that this server does not implement.
pub(crate) struct Refusal {
    code: &'static str,
    why: &'static str,
    /// Whether to refuse an empty value too.
    always: bool,
}

impl Refusal {
    /// Refuses any value except those that ask for nothing: `null`, `false`, or an empty string,
    /// list or structure.
    pub(crate) const fn new(code: &'static str, why: &'static str) -> Self {
        Self { code, why, always: false }
    }

    /// Refuses any value except `null`, for members that must not be ignored even if empty.
    pub(crate) const fn always(code: &'static str, why: &'static str) -> Self {
        Self { code, why, always: true }
    }

    /// Returns the error if the member was given.
    pub(crate) fn check(&self, member: &str, given: Given) -> Result<(), ApiError> {
        match given {
            Given::Nothing => Ok(()),
            Given::Empty if !self.always => Ok(()),
            _ => {
                let text = format!("{member} is not supported at this endpoint: {}.", self.why);
                Err(ApiError::new(self.code, text))
            }
        }
    }
}

/// Whether a refused member was given. Does not store the value, which may be secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given {
    /// Missing, or `null`.
    #[default]
    Nothing,
    /// Present, but asks for nothing.
    Empty,
    /// Present, and asks for something.
    Something,
}

impl Given {
    fn of(something: bool) -> Self {
        if something { Self::Something } else { Self::Empty }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Given;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Given, E> {
                Ok(Given::Nothing)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Given, E> {
                Ok(Given::of(value))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Given, E> {
                Ok(Given::Something)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Given, E> {
                Ok(Given::Something)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Given, E> {
                Ok(Given::Something)
            }

            fn visit_str<E>(self, value: &str) -> Result<Given, E> {
                Ok(Given::of(!value.is_empty()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
                let mut found = Given::Empty;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    found = Given::Something;
                }
                Ok(found)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut found = Given::Empty;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    found = Given::Something;
                }
                Ok(found)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Parses a body, and refuses members that are not supported.
pub(crate) fn read<T: DeserializeOwned + Members>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    // The error gives line and column but no values, which may be secret.
    let input: T = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = if error.is_data() { "a member is of another type" } else { "it is not JSON" };
        ApiError::new("SerializationException", format!("The request cannot be read at {place}: {what}"))
    })?;
    input.check()?;
    Ok(input)
}

pub(crate) fn required<T>(value: Option<T>, member: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::null(member))
}

/// A secret string, parsed from the body directly into memory that is wiped on drop.
pub(crate) struct Text(pub(crate) SecretText);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        json_text(raw.get()).map(Self).ok_or_else(|| D::Error::custom("not a string"))
    }
}

/// Secret bytes in base64, wiped on drop.
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

/// An encryption context.
#[derive(Default)]
pub(crate) struct Context(BTreeMap<String, String>);

impl Context {
    pub(crate) fn read(self) -> Result<EncryptionContext, ApiError> {
        EncryptionContext::from_pairs(self.0).map_err(|error| ApiError::validation(error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = BTreeMap::<String, Written>::deserialize(deserializer)?;
        Ok(Self(pairs.into_iter().map(|(name, value)| (name, value.0)).collect()))
    }
}

/// A string where AWS accepts numbers and booleans too. They stand for their literal text: `1.0` is
/// not `1`.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get()).map(Self).map_err(D::Error::custom),
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => Ok(Self(raw.get().to_owned())),
            _ => Err(D::Error::custom("not a text")),
        }
    }
}

/// Encodes as base64, in memory that is wiped on drop.
pub(crate) fn base64(bytes: &[u8]) -> SecretText {
    let mut out = vec![0; bytes.len().div_ceil(3) * 4];
    let written = STANDARD.encode_slice(bytes, &mut out).unwrap_or_default();
    out.truncate(written);
    SecretText::from_utf8(SecretBytes::from(out)).unwrap_or_else(|_| SecretText::from_string(String::new()))
}

/// Checks that a number is within bounds, before it is converted to the smaller type.
pub(crate) fn within(number: i64, member: &str, least: u16, most: u16) -> Result<u16, ApiError> {
    let bound = match u16::try_from(number) {
        Ok(small) if (least..=most).contains(&small) => return Ok(small),
        _ if number < i64::from(least) => format!("greater than or equal to {least}"),
        _ => format!("less than or equal to {most}"),
    };
    Err(ApiError::validation(violation(&format!(" '{number}'"), member, &format!("have value {bound}"))))
}
