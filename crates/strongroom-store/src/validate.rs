//! The constraints of requests, checked together and reported together, as AWS does.

use std::collections::HashSet;

use crate::id::check_name;
use crate::{Error, ErrorKind, SecretId, SecretValue, Stage, Tag, VersionId};

/// Collects violated constraints and reports them in AWS's grammar:
///
/// ```text
/// 2 validation errors detected: Value '' at 'name' failed to satisfy constraint: ...; Value at ...
/// ```
///
/// Only the first ten are reported, so that a response is not many times as long as its request.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

/// How many violations are reported.
const MOST: usize = 10;

impl Violations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, value: Option<&str>, path: &str, constraint: impl std::fmt::Display) {
        if self.0.len() == MOST {
            return;
        }
        let shown = value.map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'"));
        self.0.push(format!("{shown} at '{path}' failed to satisfy constraint: {constraint}"));
    }

    /// The length of `value` in characters must be `least` to `most`.
    pub fn length(&mut self, path: &str, value: &str, least: usize, most: usize) {
        let len = value.chars().count();
        if len < least {
            self.add(
                Some(value),
                path,
                format_args!("Member must have length greater than or equal to {least}"),
            );
        } else if len > most {
            self.add(Some(value), path, format_args!("Member must have length less than or equal to {most}"));
        }
    }

    /// The number must be `least` to `most`.
    pub fn number(&mut self, path: &str, value: i64, least: i64, most: i64) {
        if value < least {
            self.add(
                Some(&value.to_string()),
                path,
                format_args!("Member must have value greater than or equal to {least}"),
            );
        } else if value > most {
            self.add(
                Some(&value.to_string()),
                path,
                format_args!("Member must have value less than or equal to {most}"),
            );
        }
    }

    /// A list must have `least` to `most` members.
    pub fn count(&mut self, path: &str, len: usize, least: usize, most: usize) {
        if len < least {
            self.add(None, path, format_args!("Member must have length greater than or equal to {least}"));
        } else if len > most {
            self.add(None, path, format_args!("Member must have length less than or equal to {most}"));
        }
    }

    /// `value` is not of the form that `pattern` describes.
    pub fn pattern(&mut self, path: &str, value: &str, pattern: &str) {
        self.add(
            Some(value),
            path,
            format_args!("Member must satisfy regular expression pattern: {pattern}"),
        );
    }

    /// `value` is not one of the member's allowed values.
    pub fn unknown_word(&mut self, path: &str, value: &str, known: &[&str]) {
        let known = known.join(", ");
        self.add(Some(value), path, format_args!("Member must satisfy enum value set: [{known}]"));
    }

    /// A secret value has 1 to 65,536 bytes. The value itself is never shown.
    pub fn value(&mut self, value: &SecretValue) {
        self.value_within(value, SecretValue::MAX_LEN);
    }

    /// Like [`Violations::value`], for a store with a lower limit.
    pub fn value_within(&mut self, value: &SecretValue, most: usize) {
        let path = if value.is_text() { "secretString" } else { "secretBinary" };
        if value.is_empty() {
            self.add(None, path, "Member must have length greater than or equal to 1");
        } else if value.len() > most {
            self.add(None, path, format_args!("Member must have length less than or equal to {most}"));
        }
    }

    /// A secret id has 1 to 2,048 characters.
    pub fn secret_id(&mut self, id: &SecretId) {
        self.length("secretId", id.as_str(), 1, 2048);
    }

    /// Labels: 1 to 20 of them, each 1 to 256 characters.
    pub fn stages(&mut self, path: &str, stages: &[Stage]) {
        if stages.is_empty() {
            self.add(Some("[]"), path, "Member must have length greater than or equal to 1");
        } else if stages.len() > 20 {
            let shown = stages.iter().map(Stage::as_str).collect::<Vec<_>>().join(", ");
            self.add(Some(&format!("[{shown}]")), path, "Member must have length less than or equal to 20");
        }
        for (index, stage) in stages.iter().enumerate() {
            self.length(&format!("{path}.{}.member", index + 1), stage.as_str(), 1, 256);
        }
    }

    /// One label, 1 to 256 characters.
    pub fn stage(&mut self, stage: &Stage) {
        self.length("versionStage", stage.as_str(), 1, 256);
    }

    /// Tags: keys of 1 to 128 characters, values of 0 to 256.
    pub fn tags(&mut self, tags: &[Tag]) {
        for (index, tag) in tags.iter().enumerate() {
            self.length(&format!("tags.{}.member.key", index + 1), &tag.key, 1, 128);
            self.length(&format!("tags.{}.member.value", index + 1), &tag.value, 0, 256);
        }
    }

    /// Fails if there were violations.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] naming every violation, in the order they were found.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let noun = if self.0.len() == 1 { "error" } else { "errors" };
        Err(Error::new(
            ErrorKind::Validation,
            format!("{} validation {noun} detected: {}", self.0.len(), self.0.join("; ")),
        ))
    }
}

/// Checks the characters of a new secret's name. Only services can create names with `!`.
///
/// # Errors
/// [`ErrorKind::Validation`] with AWS's text.
pub fn new_name(name: &str) -> Result<(), Error> {
    check_name(if name.contains('!') { "" } else { name })
}

/// A request token has 32 to 64 characters.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`].
pub fn token(token: &VersionId) -> Result<(), Error> {
    if (32..=64).contains(&token.as_str().chars().count()) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidParameter, "ClientRequestToken must be 32-64 characters long."))
}

/// Tags of one request: no key twice, none of AWS's.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] naming the key.
pub fn tag_keys(tags: &[Tag]) -> Result<(), Error> {
    let mut known = HashSet::new();
    for tag in tags {
        if !known.insert(&tag.key) {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("Tag keys must be unique. Duplicate key: {}", tag.key),
            ));
        }
        if tag.key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("Tag keys that begin with aws: are reserved. Reserved key: {}", tag.key),
            ));
        }
    }
    Ok(())
}

/// The maximum number of tags of a secret.
pub const MAX_TAGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_violations_are_told_together() {
        let mut violations = Violations::new();
        violations.length("name", "", 1, 512);
        violations.value(&SecretValue::text("x".repeat(65_537)));
        violations.number("maxResults", 101, 1, 100);
        assert_eq!(
            violations.finish().unwrap_err().message(),
            "3 validation errors detected: \
             Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536; \
             Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"
        );
        assert!(Violations::new().finish().is_ok());
        let mut violations = Violations::new();
        (0..1000).for_each(|_| violations.number("maxResults", 101, 1, 100));
        assert!(violations.finish().unwrap_err().message().starts_with("10 validation errors detected: "));
    }

    #[test]
    fn boundary_sizes_pass() {
        let mut violations = Violations::new();
        violations.length("name", &"x".repeat(512), 1, 512);
        violations.value(&SecretValue::text("x".repeat(65_536)));
        violations.value(&SecretValue::binary(vec![0]));
        violations.stages("versionStages", &vec![Stage::new("x".repeat(256)); 20]);
        violations.finish().unwrap();
        let mut violations = Violations::new();
        violations.value(&SecretValue::binary(Vec::new()));
        assert_eq!(
            violations.finish().unwrap_err().message(),
            "1 validation error detected: Value at 'secretBinary' failed to satisfy constraint: Member must have length greater than or equal to 1"
        );
    }

    #[test]
    fn tokens_have_32_to_64_characters() {
        for (len, good) in [(31, false), (32, true), (64, true), (65, false)] {
            assert_eq!(token(&VersionId::new("t".repeat(len))).is_ok(), good);
        }
    }

    #[test]
    fn tag_keys_are_unique_and_not_of_aws() {
        assert!(tag_keys(&[Tag::new("a", ""), Tag::new("A", "")]).is_ok());
        assert!(tag_keys(&[Tag::new("a", ""), Tag::new("a", "")]).is_err());
        assert!(tag_keys(&[Tag::new("AWS:x", "")]).is_err());
    }
}
