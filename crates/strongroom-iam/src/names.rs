//! Validation of names, paths, tags and documents, and generation of unique ids.

use strongroom_envelope::{SecretBytes, SecretText, random_array};
use strongroom_policy::{Context, Policy};

use crate::{Error, ErrorKind};

/// The maximum number of tags of a user or role.
const MAX_TAGS: usize = 50;

pub(crate) fn invalid(what: &str, constraint: impl std::fmt::Display) -> Error {
    let text = format!(
        "1 validation error detected: Value at '{what}' failed to satisfy constraint: Member must {constraint}"
    );
    Error::new(ErrorKind::Validation, text)
}

pub(crate) fn too_long(what: &str, most: usize) -> Error {
    invalid(what, format_args!("have length less than or equal to {most}"))
}

/// Checks the name of a user or role (at most 64 characters) or of a policy (128).
pub(crate) fn check_name(what: &str, name: &str, most: usize) -> Result<(), Error> {
    if name.is_empty() {
        return Err(invalid(what, "have length greater than or equal to 1"));
    }
    if name.chars().count() > most {
        return Err(too_long(what, most));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        let text = format!(
            "The specified value for {what} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        );
        return Err(Error::new(ErrorKind::Validation, text));
    }
    Ok(())
}

/// `/`, or `/teams/orders/`. Segments that lead elsewhere (`.` and `..`) are refused, as IAM
/// refuses them.
pub(crate) fn check_path(what: &str, path: &str) -> Result<(), Error> {
    if path.chars().count() > 512 {
        return Err(too_long(what, 512));
    }
    let inside = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    let elsewhere = path.split('/').any(|segment| matches!(segment, "." | ".."));
    let framed = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    if framed && inside && !elsewhere {
        return Ok(());
    }
    let text = format!(
        "The specified value for {what} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
    );
    Err(Error::new(ErrorKind::Validation, text))
}

/// Checks the path of a policy, where fewer characters are allowed.
pub(crate) fn check_policy_path(what: &str, path: &str) -> Result<(), Error> {
    check_path(what, path)?;
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".,+@=_-".contains(&byte))
    };
    let inner = path.strip_prefix('/').and_then(|path| path.strip_suffix('/'));
    if inner.is_none_or(|inner| inner.split('/').all(plain)) {
        return Ok(());
    }
    Err(invalid(what, r"satisfy regular expression pattern: ((/[A-Za-z0-9\.,\+@=_-]+)*)/"))
}

/// Checks a path prefix.
pub(crate) fn check_path_prefix(prefix: &str) -> Result<(), Error> {
    if prefix.chars().count() > 512 {
        return Err(too_long("pathPrefix", 512));
    }
    if prefix.starts_with('/') && prefix.bytes().all(|byte| (0x21..=0x7f).contains(&byte)) {
        return Ok(());
    }
    let text = "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.";
    Err(Error::new(ErrorKind::Validation, text))
}

pub(crate) fn check_description(description: Option<&str>) -> Result<(), Error> {
    if description.is_some_and(|text| text.chars().count() > 1000) {
        return Err(too_long("description", 1000));
    }
    Ok(())
}

pub(crate) fn check_tags(tags: &[(String, String)]) -> Result<(), Error> {
    if tags.len() > MAX_TAGS {
        return Err(too_long("tags", MAX_TAGS));
    }
    // Spaces are allowed; tabs and line breaks are control characters.
    let blank = |c: char| c.is_whitespace() && !c.is_control();
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || blank(c) || "_.:/=+-@".contains(c));
    let mut known = std::collections::HashSet::new();
    for (index, (key, value)) in tags.iter().enumerate() {
        let what = |part: &str| format!("tags.{}.member.{part}", index + 1);
        if key.is_empty() {
            return Err(invalid(&what("key"), "have length greater than or equal to 1"));
        }
        if key.chars().count() > 128 {
            return Err(too_long(&what("key"), 128));
        }
        if !plain(key) {
            let pattern = r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+";
            return Err(invalid(&what("key"), pattern));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            let text = "Invalid tag key. System tags (aws:...) cannot be set by callers.";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        if value.chars().count() > 256 {
            return Err(too_long(&what("value"), 256));
        }
        if !plain(value) {
            let pattern = r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*";
            return Err(invalid(&what("value"), pattern));
        }
        if !known.insert(key.to_ascii_lowercase()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(())
}

/// Adds tags to the existing ones, or changes their values.
pub(crate) fn merge_tags(known: &mut Vec<(String, String)>, tags: &[(String, String)]) -> Result<(), Error> {
    for (key, value) in tags {
        match known.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some(known) => *known = (key.clone(), value.clone()),
            None => known.push((key.clone(), value.clone())),
        }
    }
    if known.len() > MAX_TAGS {
        let text = format!("The number of tags has reached the maximum limit: {MAX_TAGS}");
        return Err(Error::new(ErrorKind::LimitExceeded, text));
    }
    Ok(())
}

/// A document's length in characters, not counting whitespace.
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

/// Parses a stored document without principals.
pub(crate) fn parse_kept(document: &str) -> Result<Policy, Error> {
    Policy::kept_identity(document).map_err(malformed)
}

/// Parses a document without principals.
pub(crate) fn parse(document: &str) -> Result<Policy, Error> {
    Policy::identity(document).map_err(malformed)
}

/// Generates a secret of this many letters and digits.
pub(crate) fn random_letters(len: usize) -> Result<SecretText, Error> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let random: [u8; 64] = random_array().map_err(|error| {
        Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
    })?;
    let letters = random.iter().take(len).map(|byte| LETTERS[usize::from(byte % 64)]);
    let bytes = SecretBytes::from(letters.collect::<Vec<u8>>());
    SecretText::from_utf8(bytes)
        .map_err(|error| Error::new(ErrorKind::Internal, "random letters are not valid UTF-8").because(error))
}

/// Generates a unique id: `AIDA`, `AROA` or `ANPA` and seventeen letters and digits.
pub(crate) fn unique_id(prefix: &str) -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random: [u8; 17] = random_array().map_err(|error| {
        Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
    })?;
    let letters = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(prefix.chars().chain(letters).collect())
}

/// The tags of a request, as condition keys.
pub(crate) fn tags_of(tags: &[(String, String)]) -> Context {
    let mut facts = Context::new();
    for (key, value) in tags {
        facts.set_first(format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        facts.set_many("aws:TagKeys", tags.iter().map(|(key, _)| key));
    }
    facts
}
