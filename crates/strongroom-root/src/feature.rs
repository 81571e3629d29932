//! What a store holds beyond the plain form of its format, by name.
//!
//! Since format 2 a program that stores something new does not raise the format. It names a
//! [`Feature`], and the store's own record lists the features that the store uses. A program that
//! does not know one of them either ignores it or refuses the store, whichever the feature says.

use std::fmt;

use crate::{Error, ErrorKind};

/// The features that this version of Strongroom knows.
///
/// A feature is added here by the change that first stores what it stands for, and never removed.
pub(crate) const KNOWN: &[Feature] = &[];

/// The longest name of a feature.
const LONGEST_NAME: usize = 64;
/// The longest version that a feature names.
const LONGEST_VERSION: usize = 32;

/// Something that a store may use and that older programs do not know: see
/// [`TrustedBatch::uses`](crate::TrustedBatch::uses).
///
/// ```
/// use strongroom_root::Feature;
///
/// /// Programs that do not know it must not touch the store.
/// const REPLICATION: Feature = Feature::required("replication", "0.4.0");
/// /// Programs that do not know it lose nothing and break nothing.
/// const HINTS: Feature = Feature::optional("hints", "0.4.0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feature {
    name: &'static str,
    since: &'static str,
    need: Need,
}

/// What a feature asks of programs that do not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Need {
    Required,
    Optional,
}

impl Feature {
    /// A feature that a program must know to use the store. `since` is the version that brought it:
    /// programs that do not know the feature name it in their refusal.
    #[must_use]
    pub const fn required(name: &'static str, since: &'static str) -> Self {
        Self { name, since, need: Need::Required }
    }

    /// A feature that other programs keep and ignore.
    #[must_use]
    pub const fn optional(name: &'static str, since: &'static str) -> Self {
        Self { name, since, need: Need::Optional }
    }

    /// Its name: 1 to 64 small letters, digits and `-`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The version that brought it: at most 32 letters, digits and `.-+`.
    #[must_use]
    pub const fn since(&self) -> &'static str {
        self.since
    }

    /// Whether programs that do not know it must refuse the store.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        matches!(self.need, Need::Required)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if is_name(self.name) && is_version(self.since) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "a feature's name has 1 to 64 small letters, digits and -, its version at most 32 letters, digits and .-+",
        )
        .with("feature", self.name))
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

pub(crate) fn is_version(version: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    version.len() <= LONGEST_VERSION && version.bytes().all(plain)
}

/// The store requires a feature that this program does not know.
pub(crate) fn unknown(name: &str, since: &str) -> Error {
    let brought = if since.is_empty() {
        "a newer version of Strongroom".to_owned()
    } else {
        format!("Strongroom {since}")
    };
    let text = format!(
        "the store requires the feature \"{name}\", which came with {brought}; this version does not know it"
    );
    Error::new(ErrorKind::Incompatible, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_plain_words() {
        for good in ["a", "replication", "kms-2", &"a".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "A", "a b", "a\n", "ä", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(
            is_version("")
                && is_version("0.4.0-rc.1+x")
                && !is_version("0.4\n")
                && !is_version(&"1".repeat(33))
        );
        assert!(Feature::required("fine", "0.4.0").check().is_ok());
        assert!(Feature::optional("Not fine", "0.4.0").check().is_err());
    }

    #[test]
    fn every_feature_of_this_version_is_well_named_and_named_once() {
        for (n, feature) in KNOWN.iter().enumerate() {
            feature.check().unwrap();
            assert!(KNOWN[..n].iter().all(|other| other.name != feature.name), "{feature}");
        }
    }

    #[test]
    fn a_refusal_names_the_feature_and_the_version_that_brought_it() {
        assert_eq!(
            unknown("replication", "0.4.0").to_string(),
            "the store requires the feature \"replication\", which came with Strongroom 0.4.0; this version does not know it"
        );
        assert!(unknown("replication", "").to_string().contains("a newer version of Strongroom"));
    }
}
