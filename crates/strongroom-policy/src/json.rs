//! A JSON parser that tracks positions for error messages.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ParseError;

/// A value within the text of a document.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    text: &'a str,
    raw: &'a str,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ParseError> {
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Ok(Self { text, raw: raw.get() }),
            Err(error) => {
                let line = error.line().max(1);
                Err(ParseError::new(line, "", syntax(text, line, error.column(), &error)))
            }
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    pub(crate) fn line(self) -> usize {
        let offset = (self.raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    pub(crate) fn error(self, element: &str, reason: impl Into<String>) -> ParseError {
        let mut reason = reason.into();
        // The cause may be an invisible character.
        if self.kind() == Kind::Text
            && !reason.contains("(U+")
            && let Some(odd) = self.raw.chars().find(|c| is_odd(*c))
        {
            reason = format!("{reason}; it holds {}", describe(odd));
        }
        ParseError::new(self.line(), element, reason)
    }

    fn within(self, raw: &'a RawValue) -> Self {
        Self { text: self.text, raw: raw.get() }
    }

    /// The members of an object. Duplicates are an error.
    pub(crate) fn members(self, element: &str) -> Result<Vec<(String, Self)>, ParseError> {
        if self.kind() != Kind::Object {
            return Err(self.error(element, "must be an object"));
        }
        let members = serde_json::Deserializer::from_str(self.raw)
            .deserialize_map(Members)
            .map_err(|error| self.error(element, error.to_string()))?;
        let mut seen = HashSet::with_capacity(members.len());
        for (name, raw) in &members {
            if !seen.insert(name) {
                return Err(self.within(raw).error(&path(element, name), "stands twice"));
            }
        }
        Ok(members.into_iter().map(|(name, raw)| (name, self.within(raw))).collect())
    }

    /// The elements of a list. Any other value is a list of one.
    pub(crate) fn list(self, element: &str) -> Result<Vec<Self>, ParseError> {
        if self.kind() != Kind::Array {
            return Ok(vec![self]);
        }
        let list: Vec<&RawValue> =
            serde_json::from_str(self.raw).map_err(|error| self.error(element, error.to_string()))?;
        if list.is_empty() {
            return Err(self.error(element, "must not be empty"));
        }
        Ok(list.into_iter().map(|raw| self.within(raw)).collect())
    }

    /// A text.
    pub(crate) fn string(self, element: &str) -> Result<String, ParseError> {
        if self.kind() != Kind::Text {
            return Err(self.error(element, "must be a text"));
        }
        serde_json::from_str(self.raw).map_err(|error| self.error(element, error.to_string()))
    }

    /// A text, or the text of a number or boolean.
    pub(crate) fn scalar(self, element: &str) -> Result<String, ParseError> {
        match self.kind() {
            Kind::Text => self.string(element),
            Kind::Number | Kind::Bool => Ok(self.raw.to_owned()),
            _ => Err(self.error(element, "must be a text, a number or a boolean")),
        }
    }

    /// One text or a list of texts.
    pub(crate) fn strings(self, element: &str) -> Result<Vec<String>, ParseError> {
        self.list(element)?.into_iter().map(|one| one.string(element)).collect()
    }
}

/// `parent.name`, or only the name.
pub(crate) fn path(parent: &str, name: &str) -> String {
    // The name is user input, so it is shortened.
    let name: String = name.chars().take(64).collect();
    if parent.is_empty() { name } else { format!("{parent}.{name}") }
}

/// Describes a JSON syntax error. The usual cause is typographic quotation marks copied from a web
/// page.
fn syntax(text_of: &str, line: usize, column: usize, error: &serde_json::Error) -> String {
    let odd = text_of.lines().nth(line - 1).and_then(|line| {
        let at = column.saturating_sub(1);
        line.char_indices().find(|(start, c)| *start <= at && at < start + c.len_utf8()).map(|(_, c)| c)
    });
    match odd {
        Some(odd) if !odd.is_ascii() && !error.is_eof() => {
            format!("{} does not belong into JSON", describe(odd))
        }
        _ => {
            let text = error.to_string();
            // Drop the position at the end; our error has its own.
            let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned();
            // A string that ends with another kind of quotation mark than it began with continues.
            let ahead = text_until(text_of, line, column).chars().find(|c| is_odd(*c));
            match ahead {
                Some(odd) => format!("is not JSON: {text}; before that stands {}", describe(odd)),
                None => format!("is not JSON: {text}"),
            }
        }
    }
}

/// A text up to a position.
fn text_until(text: &str, line: usize, column: usize) -> &str {
    let begin =
        line.checked_sub(2).and_then(|line| text.match_indices('\n').nth(line)).map_or(0, |(end, _)| end + 1);
    let mut end = begin.saturating_add(column).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether a character is not what it looks like.
pub(crate) fn is_odd(c: char) -> bool {
    name_of(c).is_some()
}

/// Describes a character that is not what it looks like; common ones by name.
pub(crate) fn describe(odd: char) -> String {
    let name = name_of(odd).unwrap_or("the character");
    let code = u32::from(odd);
    if odd.is_control() || name == INVISIBLE {
        format!("{name} U+{code:04X}")
    } else {
        format!("{name} {odd} (U+{code:04X})")
    }
}

const INVISIBLE: &str = "an invisible character";

fn name_of(odd: char) -> Option<&'static str> {
    Some(match odd {
        '\u{2018}' | '\u{2019}' | '\u{201A}' => "a typographic apostrophe",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{00AB}' | '\u{00BB}' => "a typographic quotation mark",
        '\u{2013}' => "an en-dash",
        '\u{2014}' => "an em-dash",
        '\u{2010}' | '\u{2011}' | '\u{2212}' => "a typographic hyphen",
        '\u{00A0}' | '\u{202F}' => "a no-break space",
        '\u{200B}' | '\u{FEFF}' | '\u{200C}' | '\u{200D}' => INVISIBLE,
        _ => return None,
    })
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let text = "{\n \"a\": 1,\n \"b\": [\n  true,\n  \"x\"]\n}";
        let node = Node::parse(text).unwrap();
        let members = node.members("").unwrap();
        assert_eq!((members[0].1.line(), members[0].1.kind()), (2, Kind::Number));
        let list = members[1].1.list("b").unwrap();
        assert_eq!((list[0].line(), list[1].line()), (4, 5));
        assert_eq!(list[0].scalar("b").unwrap(), "true");
    }

    #[test]
    fn what_is_not_json_is_named() {
        let error = |text: &str| Node::parse(text).err().unwrap().to_string();
        assert_eq!(
            error("{\n  \u{201C}Version\u{201D}: 1}"),
            "line 2: a typographic quotation mark \u{201C} (U+201C) does not belong into JSON"
        );
        assert_eq!(error("{\n\"a\": }"), "line 2: is not JSON: expected value");
        assert_eq!(
            error("{\n\"a\": \"b\u{201D},\n\"c\": 1}"),
            "line 2: is not JSON: control character (\\u0000-\\u001F) found while parsing a string; before that stands a typographic quotation mark \u{201D} (U+201D)"
        );
        let twice = Node::parse("{\"a\":1,\n\"a\":2}").unwrap().members("x").err().unwrap();
        assert_eq!(twice.to_string(), "line 2, x.a: stands twice");
    }
}
