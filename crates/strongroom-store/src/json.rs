//! One field out of a JSON text, without copies of the others.

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use strongroom_envelope::{SecretBytes, SecretText};

use crate::{Error, ErrorKind};

fn wrong(text: &'static str) -> Error {
    Error::new(ErrorKind::NotOfThisForm, text)
}

/// The field `name` of the object in `text`: the content of a string, the JSON text of anything
/// else. The last one wins when the object names it twice, as in most JSON readers.
pub(crate) fn field(text: &str, name: &str) -> Result<SecretText, Error> {
    if !text.trim_start().starts_with('{') {
        return Err(wrong("the secret is not a JSON object").with("field", name));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader
        .deserialize_map(Pick(name))
        .and_then(|found| reader.end().map(|()| found))
        .map_err(|error| {
            wrong("the secret is not JSON")
                .with("field", name)
                .with("line", error.line())
                .with("column", error.column())
        })?
        .ok_or_else(|| wrong("the secret has no such field").with("field", name))?;
    match found.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => {
            unescape(inner).ok_or_else(|| wrong("the field is not valid text").with("field", name))
        }
        None => Ok(SecretText::copy_from(found.get())),
    }
}

/// Decodes a JSON string, such as `"a\\nb"` with its quotes, into memory that wipes itself, and
/// leaves no other copies. `None` if `json` is not a JSON string.
///
/// ```
/// let text = strongroom_store::json_text(r#""pass\u0077ord""#);
/// assert_eq!(text.unwrap().expose(), "password");
/// assert!(strongroom_store::json_text("5").is_none());
/// ```
#[must_use]
pub fn json_text(json: &str) -> Option<SecretText> {
    // Validates; nothing of it is copied.
    let raw: &RawValue = serde_json::from_str(json).ok()?;
    unescape(raw.get().strip_prefix('"')?.strip_suffix('"')?)
}

/// Visits an object and keeps a reference to one value; the others are skipped, never copied.
struct Pick<'n>(&'n str);

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// The content of a JSON string that the parser has accepted, unescaped straight into secret
/// memory.
fn unescape(inner: &str) -> Option<SecretText> {
    let mut out = SecretBytes::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        let plain = match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = || {
                    let unit = u32::from_str_radix(rest.get(..4)?, 16).ok();
                    rest = rest.get(4..)?;
                    unit
                };
                let mut code = unit()?;
                if (0xd800..0xdc00).contains(&code) {
                    rest = rest.strip_prefix("\\u")?;
                    let low = u32::from_str_radix(rest.get(..4)?, 16).ok()?;
                    rest = rest.get(4..)?;
                    code = 0x10000 + ((code - 0xd800) << 10) + low.checked_sub(0xdc00)?;
                }
                let mut buffer = [0; 4];
                out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
                strongroom_envelope::wipe(&mut buffer);
                continue;
            }
            _ => return None,
        };
        out.extend_from_slice(&[plain]);
    }
    out.extend_from_slice(rest.as_bytes());
    SecretText::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(text: &str, name: &str) -> Result<String, String> {
        field(text, name).map(|text| text.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn strings_come_unescaped_and_everything_else_as_it_stands() {
        let text = r#" {"a":"x","b":5432,"c":{"d":[1, 2]},"e":null,"f":"q\"\\\/\n\t\u00e9\ud83d\ude00","k\u0065y":"v"} "#;
        assert_eq!(get(text, "a").unwrap(), "x");
        assert_eq!(get(text, "b").unwrap(), "5432");
        assert_eq!(get(text, "c").unwrap(), r#"{"d":[1, 2]}"#);
        assert_eq!(get(text, "e").unwrap(), "null");
        assert_eq!(get(text, "f").unwrap(), "q\"\\/\n\té😀");
        assert_eq!(get(text, "key").unwrap(), "v");
        assert_eq!(get(r#"{"a":1,"a":2}"#, "a").unwrap(), "2");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for (text, said) in [
            ("hunter2", "not a JSON object"),
            ("[1]", "not a JSON object"),
            ("{'a': 'hunter2'}", "not JSON"),
            (r#"{"a":"hunter2""#, "not JSON"),
            (r#"{"a":"hunter2"} x"#, "not JSON"),
            (r#"{"b":"hunter2"}"#, "no such field"),
            (r#"{"a":"\ud800hunter2"}"#, "not valid text"),
        ] {
            let error = get(text, "a").unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_string_comes_back(value in ".*", name in ".{0,8}") {
            let text = serde_json::to_string(&std::collections::BTreeMap::from([(&name, &value)])).unwrap();
            prop_assert_eq!(get(&text, &name).unwrap(), value);
        }
    }
}
