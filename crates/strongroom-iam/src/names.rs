//! Names, paths, tags, documents: what they may be, and unique ids.

use strongroom_envelope::{SecretBytes, SecretText, random_array};
use strongroom_policy::Policy;

use crate::{Error, ErrorKind};

/// The most tags of a user or role.
const MAX_TAGS: usize = 50;

pub(crate) fn invalid(what: &str, constraint: impl std::fmt::Display) -> Error {
    let text = format!(
        "1 validation error detected: Value at '{what}' failed to satisfy constraint: Member must {constraint}"
    );
    Error::new(ErrorKind::Validation, text)
}

/// A user's or role's name (at most 64 characters), or a policy's (128).
pub(crate) fn check_name(what: &str, name: &str, most: usize) -> Result<(), Error> {
    if name.is_empty() {
        return Err(invalid(what, "have length greater than or equal to 1"));
    }
    if name.chars().count() > most {
        return Err(invalid(what, format_args!("have length less than or equal to {most}")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        return Err(invalid(what, "satisfy regular expression pattern: [\\w+=,.@-]+"));
    }
    Ok(())
}

/// `/`, or `/teams/orders/`.
pub(crate) fn check_path(path: &str) -> Result<(), Error> {
    let inside = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && inside {
        return Ok(());
    }
    Err(invalid("path", "begin and end with / and have at most 512 characters"))
}

pub(crate) fn check_tags(tags: &[(String, String)]) -> Result<(), Error> {
    let mut known = std::collections::HashSet::new();
    for (index, (key, value)) in tags.iter().enumerate() {
        let plain = |text: &str| {
            text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
        };
        let reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        if key.is_empty() || key.chars().count() > 128 || !plain(key) || reserved {
            return Err(invalid(
                &format!("tags.{}.member.key", index + 1),
                "have 1 to 128 plain characters and not begin with aws:",
            ));
        }
        if value.chars().count() > 256 || !plain(value) {
            return Err(invalid(
                &format!("tags.{}.member.value", index + 1),
                "have at most 256 plain characters",
            ));
        }
        if !known.insert(key.to_ascii_lowercase()) {
            return Err(Error::new(
                ErrorKind::Validation,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(Error::new(ErrorKind::LimitExceeded, "An identity can have at most 50 tags."));
    }
    Ok(())
}

/// A document without what does not count for its size.
pub(crate) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

pub(crate) fn check_size(document: &str, most: usize, quota: &str) -> Result<(), Error> {
    if size(document) > most {
        let text = format!("Cannot exceed quota for {quota}: {most}");
        return Err(Error::new(ErrorKind::LimitExceeded, text));
    }
    Ok(())
}

pub(crate) fn malformed(error: strongroom_policy::ParseError) -> Error {
    Error::new(ErrorKind::MalformedPolicy, error.to_string())
}

/// A document without principals that is kept already.
pub(crate) fn parse_kept(document: &str) -> Result<Policy, Error> {
    Policy::kept_identity(document).map_err(malformed)
}

/// A document without principals.
pub(crate) fn parse(document: &str) -> Result<Policy, Error> {
    Policy::identity(document).map_err(malformed)
}

/// A secret of so many letters and digits.
pub(crate) fn random_letters(len: usize) -> Result<SecretText, Error> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let random: [u8; 64] =
        random_array().map_err(|error| Error::new(ErrorKind::Internal, "no random bytes").because(error))?;
    let letters = random.iter().take(len).map(|byte| LETTERS[usize::from(byte % 64)]);
    let bytes = SecretBytes::from(letters.collect::<Vec<u8>>());
    SecretText::from_utf8(bytes)
        .map_err(|error| Error::new(ErrorKind::Internal, "letters are no text").because(error))
}

/// A fresh unique id: `AIDA`, `AROA` or `ANPA` and seventeen letters and digits.
pub(crate) fn unique_id(prefix: &str) -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random: [u8; 17] =
        random_array().map_err(|error| Error::new(ErrorKind::Internal, "no random bytes").because(error))?;
    let letters = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(prefix.chars().chain(letters).collect())
}
