//! How secrets and versions are named.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_types::{Arn, Realm};

use crate::{Error, ErrorKind};

/// The name of a secret in a request: its name, its ARN, or its ARN without the six-character
/// suffix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretId(String);

impl SecretId {
    /// Any text; it is interpreted when it is resolved.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Resolves the text in `realm`.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] with AWS's text for an invalid name; [`ErrorKind::NotFound`]
    /// for an ARN of another account, region or service.
    pub fn target(&self, realm: &Realm) -> Result<Target, Error> {
        if !self.0.starts_with("arn:") {
            check_name(&self.0)?;
            return Ok(Target::Name(self.0.clone()));
        }
        let arn = Arn::parse(&self.0).map_err(|_| Error::not_found())?;
        let resource = arn.resource().strip_prefix("secret:").unwrap_or_default();
        if arn != realm.arn("secretsmanager", &format!("secret:{resource}")) || resource.is_empty() {
            return Err(Error::not_found());
        }
        // A resource that ends in a hyphen and six alphanumerics is a complete ARN, even if a
        // secret's name happens to look like that.
        match resource.rsplit_once('-') {
            Some((name, suffix))
                if suffix.len() == SecretArn::SUFFIX && suffix.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                Ok(Target::Arn { name: name.to_owned(), suffix: suffix.to_owned() })
            }
            _ => Ok(Target::Name(resource.to_owned())),
        }
    }
}

impl FromStr for SecretId {
    type Err = Infallible;

    /// As [`SecretId::new`].
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for SecretId {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl Error {
    /// AWS's error for an unknown secret.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "Secrets Manager can't find the specified secret.")
    }
}

/// Checks the characters of a name. Only services create names with `!`.
///
/// # Errors
/// [`ErrorKind::Validation`] with AWS's text.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&b);
    if !name.is_empty() && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Validation,
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

/// A resolved [`SecretId`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The secret of this name.
    Name(String),
    /// The secret of this name, provided its suffix is this one.
    Arn {
        /// The name.
        name: String,
        /// Six letters and digits.
        suffix: String,
    },
}

impl Target {
    /// The secret's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Arn { name, .. } => name,
        }
    }
}

/// The ARN of a secret: `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<suffix>`.
#[derive(Debug)]
pub struct SecretArn;

impl SecretArn {
    /// The characters of the suffix.
    pub const SUFFIX: usize = 6;

    /// The ARN of the secret `name` with this suffix.
    #[must_use]
    pub fn of(realm: &Realm, name: &str, suffix: &str) -> Arn {
        realm.arn("secretsmanager", &format!("secret:{name}-{suffix}"))
    }

    /// Whether `given` is this ARN, or this ARN without its hyphen and suffix, as requests can name
    /// a secret.
    #[must_use]
    pub fn is(arn: &str, given: &str) -> bool {
        let left_out = |suffix: &str| suffix.len() == Self::SUFFIX + 1 && suffix.starts_with('-');
        arn == given || (given.starts_with("arn:") && arn.strip_prefix(given).is_some_and(left_out))
    }

    /// A suffix of six letters and digits from random bytes; `None` when too few of them can be
    /// used without bias.
    #[must_use]
    pub fn suffix(random: &[u8]) -> Option<String> {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        // 248 is the largest multiple of 62 in a byte; what is above would favour the first
        // letters.
        let suffix: String = random
            .iter()
            .filter(|byte| **byte < 248)
            .take(Self::SUFFIX)
            .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]))
            .collect();
        (suffix.len() == Self::SUFFIX).then_some(suffix)
    }
}

/// The id of a version. In Secrets Manager, it is the request token that created the version: 32 to
/// 64 characters, usually a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(String);

impl VersionId {
    /// Any text; each store has its own format.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A random version id of the form that Secrets Manager uses.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if the operating system returns no
    /// random bytes.
    pub fn random() -> Result<Self, Error> {
        let none = |error| {
            Error::new(ErrorKind::Internal, "the operating system returned no random bytes").because(error)
        };
        strongroom_envelope::random_uuid().map(Self).map_err(none)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Self> for VersionId {
    fn from(version: &Self) -> Self {
        version.clone()
    }
}

impl FromStr for VersionId {
    type Err = Infallible;

    /// As [`VersionId::new`].
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for VersionId {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<Target, Error> {
        SecretId::new(text).target(&Realm::default())
    }

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

    #[test]
    fn names_and_arns_mean_what_aws_says() {
        assert_eq!(target("prod/db").unwrap(), Target::Name("prod/db".into()));
        // Name and suffix without `arn:` is just another name.
        assert_eq!(target("db-AbCdEf").unwrap(), Target::Name("db-AbCdEf".into()));
        let full = target(&format!("{ARN}prod/db-AbCdEf")).unwrap();
        assert_eq!(full, Target::Arn { name: "prod/db".into(), suffix: "AbCdEf".into() });
        assert_eq!(target(&format!("{ARN}prod/db")).unwrap(), Target::Name("prod/db".into()));
        // The trap: a name that itself ends in a hyphen and six alphanumerics.
        assert_eq!(
            target(&format!("{ARN}x-a1b2c3")).unwrap(),
            Target::Arn { name: "x".into(), suffix: "a1b2c3".into() }
        );
        assert_eq!(target(&format!("{ARN}x-a1b2")).unwrap().name(), "x-a1b2");
        assert_eq!(target(&format!("{ARN}x-a1b2c3-")).unwrap().name(), "x-a1b2c3-");
    }

    #[test]
    fn names_that_cannot_be_are_refused_before_anything_else() {
        for bad in ["", " a", "a ", "a b", "a*", "a?", "a\\b", "ä", "a\n"] {
            assert_eq!(target(bad).unwrap_err().kind(), ErrorKind::Validation, "{bad:?}");
        }
        assert!(target("rds!cluster-1234").is_ok());
    }

    #[test]
    fn foreign_arns_are_not_found() {
        for other in [
            "arn:aws:secretsmanager:eu-west-1:000000000000:secret:a-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf",
            "arn:aws:kms:us-east-1:000000000000:key/a",
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:",
            "arn:broken",
        ] {
            assert_eq!(
                target(other).unwrap_err().message(),
                "Secrets Manager can't find the specified secret."
            );
        }
    }

    #[test]
    fn an_arn_may_be_given_without_its_suffix() {
        let full = format!("{ARN}prod/db-AbCdEf");
        assert!(SecretArn::is(&full, &full) && SecretArn::is(&full, &format!("{ARN}prod/db")));
        for other in
            ["prod/db", "", &format!("{ARN}prod/d"), &format!("{ARN}prod/db-"), &format!("{full}-AbCdEf")]
        {
            assert!(!SecretArn::is(&full, other), "{other}");
        }
    }

    #[test]
    fn suffixes_are_six_letters_and_digits() {
        assert_eq!(SecretArn::suffix(&[0, 25, 26, 61, 62, 247]).unwrap(), "AZa9A9");
        assert_eq!(SecretArn::suffix(&[248, 255, 0, 0, 0, 0, 0, 0]).unwrap(), "AAAAAA");
        assert_eq!(SecretArn::suffix(&[255; 12]), None);
    }
}
