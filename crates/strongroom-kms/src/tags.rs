//! Tags of keys.

use std::collections::HashSet;

use crate::{Error, ErrorKind};

/// A tag of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a pair")]
pub struct KeyTag {
    /// 1 to 128 characters.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}

impl KeyTag {
    /// The maximum number of tags of a key.
    pub const MAX: usize = 50;

    /// A tag with this key and value.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    /// Checks the tags of one request.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for lengths; [`ErrorKind::Tag`] for duplicates, AWS's own and too
    /// many.
    pub fn check(tags: &[Self]) -> Result<(), Error> {
        // Only the first ten are reported, so that an answer is not many times as long as its
        // request.
        let mut violated = Vec::new();
        for (index, tag) in tags.iter().enumerate() {
            let members = [("tagKey", &tag.key, 1, 128), ("tagValue", &tag.value, 0, 256)];
            for (member, text, least, most) in members {
                let bound = match text.chars().count() {
                    len if len < least => format!("greater than or equal to {least}"),
                    len if len > most => format!("less than or equal to {most}"),
                    _ => continue,
                };
                if violated.len() == 10 {
                    break;
                }
                violated.push(format!(
                    "Value '{text}' at 'tags.{}.member.{member}' failed to satisfy constraint: Member must have length {bound}",
                    index + 1
                ));
            }
        }
        if !violated.is_empty() {
            let noun = if violated.len() == 1 { "error" } else { "errors" };
            let text = format!("{} validation {noun} detected: {}", violated.len(), violated.join("; "));
            return Err(Error::new(ErrorKind::Validation, text));
        }
        let wrong = |text: &'static str| Err(Error::new(ErrorKind::Tag, text));
        let mut known = HashSet::new();
        for tag in tags {
            if !known.insert(&tag.key) {
                return wrong("Duplicate tag keys");
            }
            if tag.key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
                return wrong("Tags beginning with aws: are reserved");
            }
        }
        if tags.len() > Self::MAX { wrong("Too many tags") } else { Ok(()) }
    }
}

/// A page of ListResourceTags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct TagPage {
    /// The tags in the order they were added.
    pub tags: Vec<KeyTag>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_tag_has_its_error() {
        let text = |tags: &[KeyTag]| {
            let error = KeyTag::check(tags).unwrap_err();
            (error.kind(), error.message().to_owned())
        };
        fn tag(key: impl Into<String>, value: impl Into<String>) -> KeyTag {
            KeyTag::new(key, value)
        }
        KeyTag::check(&[tag("k".repeat(128), "v".repeat(256)), tag("a", "")]).unwrap();
        assert_eq!(text(&[tag("a", "1"), tag("a", "2")]), (ErrorKind::Tag, "Duplicate tag keys".into()));
        for reserved in ["aws:a", "AWS:a"] {
            let told = (ErrorKind::Tag, "Tags beginning with aws: are reserved".into());
            assert_eq!(text(&[tag(reserved, "")]), told);
        }
        let many: Vec<_> = (0..51).map(|n| tag(n.to_string(), String::new())).collect();
        assert_eq!(text(&many), (ErrorKind::Tag, "Too many tags".into()));
        let (kind, told) = text(&[tag("k".repeat(129), "v".repeat(257))]);
        assert_eq!(kind, ErrorKind::Validation);
        assert!(told.starts_with("2 validation errors detected: "), "{told}");
        assert!(told.contains("'tags.1.member.tagKey'") && told.contains("'tags.1.member.tagValue'"));
        let told = text(&vec![tag("", ""); 1000]).1;
        assert!(told.starts_with("10 validation errors detected: ") && told.len() < 2000, "{told}");
        assert!(text(&[tag("", "")]).1.contains("greater than or equal to 1"));
    }
}
