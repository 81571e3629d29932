//! Parses a JSON text into a type without leaving copies behind.
//!
//! Strings without escapes are borrowed from the text. serde_json unescapes a string with a
//! backslash into a buffer that it reuses for all strings and frees without wiping. So the reader
//! first unescapes a filler, which grows the buffer to its final size so that it never moves, and
//! unescapes the filler again after the text, which overwrites the buffer.

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, Visitor};
use strongroom_envelope::SecretBytes;

/// The error in a text, and its position.
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The parsed value. After an error, the last string with an escape can remain in memory.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    let wrong = |error: &serde_json::Error, lines_before: usize| Wrong {
        line: error.line().saturating_sub(lines_before),
        column: error.column(),
    };
    if !text.contains('\\') {
        return serde_json::from_str(text).map_err(|error| wrong(&error, 0));
    }
    let mut input = SecretBytes::with_capacity(3 * text.len() + 16);
    pad(&mut input, text.len());
    input.extend_from_slice(text.as_bytes());
    input.extend_from_slice(b"\n");
    pad(&mut input, text.len());
    let mut reader = serde_json::Deserializer::from_slice(input.expose());
    let mut read = || {
        reader.deserialize_str(Pad)?;
        let value = T::deserialize(&mut reader)?;
        reader.deserialize_str(Pad)?;
        reader.end().map(|()| value)
    };
    read().map_err(|error| wrong(&error, 1))
}

/// A line with a string that is unescaped to more than `len` bytes.
fn pad(input: &mut SecretBytes, len: usize) {
    input.extend_from_slice(b"\"\\n");
    input.extend_from_slice(&vec![b'0'; len]);
    input.extend_from_slice(b"\"\n");
}

/// Accepts a string and discards it.
struct Pad;

impl Visitor<'_> for Pad {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the end of the text")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[a-z\"\\\\\n\u{e9}\u{1f600}]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..5)
                    .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_it_reads_is_what_serde_json_reads(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let read: Value = parse(&text.unwrap()).map_err(|wrong| TestCaseError::fail(wrong.line.to_string()))?;
            prop_assert_eq!(read, value);
        }

        #[test]
        fn what_it_refuses_is_what_serde_json_refuses(text in "[\\\\\"{}\\[\\]:,0a n\n]{0,24}") {
            let (ours, theirs) = (parse::<Value>(&text), serde_json::from_str::<Value>(&text));
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", text);
        }
    }

    #[test]
    fn a_place_is_told_as_it_is_in_the_text() {
        let place = |text: &str| {
            parse::<std::collections::BTreeMap<String, String>>(text).err().map(|w| (w.line, w.column))
        };
        for text in ["{\n\"a\": \"x\",\n \"b\": 5}", "{\n\"a\": \"\\n\",\n \"b\": 5}"] {
            assert_eq!(place(text).map(|(line, _)| line), Some(3), "{text}");
        }
        assert_eq!(place("{\"a\": \"\\n\"}"), None);
        for text in
            ["{\"a\": \"\\n\"} \"b\"", "{\"a\": \"\\n\"} x", "{\"a\": \"\\n\"", "\"\\n\" {\"a\": \"b\"}"]
        {
            assert!(place(text).is_some(), "{text}");
        }
    }
}
