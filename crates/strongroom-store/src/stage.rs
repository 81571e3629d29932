//! Staging labels.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A staging label of a version: one of the three that Secrets Manager moves itself, or one of the
/// user's own.
///
/// ```
/// use strongroom_store::Stage;
/// assert_eq!(Stage::PREVIOUS.as_str(), "AWSPREVIOUS");
/// assert_eq!(Stage::from("canary"), Stage::new("canary"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stage(Cow<'static, str>);

impl Stage {
    /// `AWSCURRENT`: the version that readers get.
    pub const CURRENT: Self = Self(Cow::Borrowed("AWSCURRENT"));
    /// `AWSPREVIOUS`: the version that was current before.
    pub const PREVIOUS: Self = Self(Cow::Borrowed("AWSPREVIOUS"));
    /// `AWSPENDING`: the version that a rotation is preparing.
    pub const PENDING: Self = Self(Cow::Borrowed("AWSPENDING"));

    /// A label, 1 to 256 characters; the length is checked by the store.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self(Cow::Owned(label.into()))
    }

    /// The label's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Stage {
    type Err = Infallible;

    /// As [`Stage::new`].
    fn from_str(label: &str) -> Result<Self, Infallible> {
        Ok(Self::new(label))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for Stage {
    fn from(label: T) -> Self {
        Self::new(label)
    }
}
