//! A request's form: members by name, list items as `Tags.member.1.Key`.

use std::collections::BTreeMap;

use crate::answer::ApiError;

/// A parsed form. Each member occurs once.
pub(super) struct Form(BTreeMap<String, String>);

/// AWS's error for a form that cannot be parsed.
pub(super) fn malformed(text: impl Into<String>) -> ApiError {
    ApiError::new("MalformedInput", text)
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let mut members = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body).into_owned() {
            if let Some((name, _)) = members.get_key_value(&name) {
                return Err(malformed(format!("{name} is given twice.")));
            }
            members.insert(name, value);
        }
        Ok(Self(members))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A member whose presence has been checked.
    pub(super) fn must(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name).ok_or_else(ApiError::internal)
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The full names of the members; for a list, the name of each part.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain => Ok(Some(number)),
            _ => Err(malformed(format!("The value of {name} is not an integer."))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(malformed(format!("The value of {name} is neither true nor false."))),
        }
    }

    /// The items of a list, each with its parts: `""` for the item itself, `Key` for
    /// `Tags.member.1.Key`.
    fn items(&self, name: &str) -> Result<Vec<BTreeMap<&str, &str>>, ApiError> {
        let mut items: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
        for (member, value) in &self.0 {
            let Some(rest) = member.strip_prefix(name) else { continue };
            match rest.strip_prefix('.') {
                // How clients encode an empty list.
                None if rest.is_empty() && value.is_empty() => {}
                None if rest.is_empty() => {
                    return Err(malformed(format!("{name} is a list: {name}.member.1 and so on.")));
                }
                // Another member whose name has this prefix.
                None => {}
                Some(place) => {
                    let place = place.strip_prefix("member.").unwrap_or_default();
                    let (number, part) = place.split_once('.').unwrap_or((place, ""));
                    let index = number.parse().ok().filter(|index: &usize| index.to_string() == number);
                    let index = index.filter(|index| *index > 0);
                    let index = index.ok_or_else(|| malformed(format!("{member} is no place in a list.")))?;
                    items.entry(index).or_default().insert(part, value);
                }
            }
        }
        if let Some(gap) = items.keys().zip(1..).find_map(|(index, place)| (*index != place).then_some(place))
        {
            return Err(malformed(format!("{name}.member.{gap} is missing.")));
        }
        Ok(items.into_values().collect())
    }

    /// A list of strings.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let mut texts = Vec::new();
        for (item, place) in self.items(name)?.into_iter().zip(1..) {
            match (item.get(""), item.len()) {
                (Some(text), 1) => texts.push((*text).to_owned()),
                _ => return Err(malformed(format!("{name}.member.{place} is not a text."))),
            }
        }
        Ok(texts)
    }

    /// A list of key-value pairs.
    pub(super) fn tags(&self, name: &str) -> Result<Vec<(String, String)>, ApiError> {
        let mut tags = Vec::new();
        for (item, place) in self.items(name)?.into_iter().zip(1..) {
            let part = |part: &str| {
                item.get(part).copied().map(str::to_owned).ok_or_else(|| {
                    let text =
                        format!("The request must contain the parameter {name}.member.{place}.{part}.");
                    ApiError::new("MissingParameter", text)
                })
            };
            tags.push((part("Key")?, part("Value")?));
            if item.len() != 2 {
                return Err(malformed(format!("{name}.member.{place} is not a tag.")));
            }
        }
        Ok(tags)
    }
}
