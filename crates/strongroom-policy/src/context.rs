//! The facts of a request.

use std::collections::BTreeMap;

/// The condition keys of a request with their values. Names are compared ignoring case. A key that
/// does not apply is absent, which differs from an empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Values>);

/// The values of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// The value of a single-valued key.
    One(String),
    /// The values of a multivalued key, such as `aws:TagKeys`.
    Many(Vec<String>),
}

impl Context {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of one value, or replaces it. Write numbers in decimal, dates in ISO 8601 or as
    /// seconds since 1970, and booleans as `true` and `false`.
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

    /// Like [`Context::with`].
    pub fn set(&mut self, key: impl AsRef<str>, value: impl Into<String>) {
        self.0.insert(key.as_ref().to_ascii_lowercase(), Values::One(value.into()));
    }

    /// Like [`Context::set`], unless the key is present: of names that differ only in case, the
    /// first wins.
    pub fn set_first(&mut self, key: impl AsRef<str>, value: impl Into<String>) {
        self.0.entry(key.as_ref().to_ascii_lowercase()).or_insert_with(|| Values::One(value.into()));
    }

    /// Like [`Context::with_many`].
    pub fn set_many<T: Into<String>>(&mut self, key: impl AsRef<str>, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(Into::into).collect();
        self.0.insert(key.as_ref().to_ascii_lowercase(), Values::Many(values));
    }

    /// Removes a key, if present.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(&key.to_ascii_lowercase());
    }

    /// Adds all keys of another context, replacing existing ones.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(key, values)| (key.clone(), values.clone())));
    }

    /// Adds the keys of another context that are not present here.
    pub(crate) fn add_missing(&mut self, other: &Self) {
        for (key, values) in &other.0 {
            self.0.entry(key.clone()).or_insert_with(|| values.clone());
        }
    }

    /// The values of a key, or `None` if it is absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.folded(&key.to_ascii_lowercase()).map(Values::as_slice)
    }

    /// The values of a key given in lower case.
    pub(crate) fn folded(&self, key: &str) -> Option<&Values> {
        self.0.get(key)
    }

    /// The value of a single-valued key, given in lower case; `None` for a multivalued one.
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
