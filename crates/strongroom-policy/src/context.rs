//! The facts of a request.

use std::collections::BTreeMap;

/// The condition keys of a request with their values. Names are compared without case; a key that does not apply is not in it,
/// which is not the same as an empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Values>);

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// The value of a key that has one.
    One(String),
    /// The values of a key that may have several, such as `aws:TagKeys`.
    Many(Vec<String>),
}

impl Context {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of one value, or replaces it. Numbers in decimal, moments as ISO-8601 or seconds since 1970, booleans as
    /// `true` and `false`.
    #[must_use]
    pub fn with(mut self, key: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Adds a key of several values, or replaces it.
    #[must_use]
    pub fn with_many<T: Into<String>>(
        mut self,
        key: impl AsRef<str>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.set_many(key, values);
        self
    }

    /// As [`Context::with`].
    pub fn set(&mut self, key: impl AsRef<str>, value: impl Into<String>) {
        self.0.insert(key.as_ref().to_ascii_lowercase(), Values::One(value.into()));
    }

    /// As [`Context::set`], unless the key is there: of names that differ in nothing but case, the first stands.
    pub fn set_first(&mut self, key: impl AsRef<str>, value: impl Into<String>) {
        self.0.entry(key.as_ref().to_ascii_lowercase()).or_insert_with(|| Values::One(value.into()));
    }

    /// As [`Context::with_many`].
    pub fn set_many<T: Into<String>>(&mut self, key: impl AsRef<str>, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(Into::into).collect();
        self.0.insert(key.as_ref().to_ascii_lowercase(), Values::Many(values));
    }

    /// Takes a key away; fine where it is missing.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(&key.to_ascii_lowercase());
    }

    /// Takes over all keys of another.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(key, values)| (key.clone(), values.clone())));
    }

    /// Takes over the keys of another that are not here.
    pub(crate) fn add_missing(&mut self, other: &Self) {
        for (key, values) in &other.0 {
            self.0.entry(key.clone()).or_insert_with(|| values.clone());
        }
    }

    /// The values of a key, or `None` where it is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.folded(&key.to_ascii_lowercase()).map(Values::as_slice)
    }

    /// By a name in small letters.
    pub(crate) fn folded(&self, key: &str) -> Option<&Values> {
        self.0.get(key)
    }

    /// The one value of a key, by a name in small letters. A key of several has none.
    pub(crate) fn single_folded(&self, key: &str) -> Option<&str> {
        match self.0.get(key) {
            Some(Values::One(value)) => Some(value),
            _ => None,
        }
    }
}

impl Values {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}
