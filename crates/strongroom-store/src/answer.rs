//! The responses of the operations.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_types::{Arn, Timestamp};

use crate::{Error, SecretArn, SecretId, SecretValue, Stage, Tag, VersionId};

/// The secret that an operation changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretRef {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: String,
}

/// The response of CreateSecret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretCreated {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// Its first version, if it was given a value.
    pub version_id: Option<VersionId>,
}

/// The response of UpdateSecret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretUpdated {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// The new version, if a value was given.
    pub version_id: Option<VersionId>,
}

/// The response of PutSecretValue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ValuePut {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// The new version.
    pub version_id: VersionId,
    /// Its labels.
    pub stages: BTreeSet<Stage>,
}

/// The response of GetSecretValue: one version with its value.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretVersion {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// The version.
    pub version_id: VersionId,
    /// The value.
    pub value: SecretValue,
    /// The version's labels; empty when it is deprecated.
    pub stages: BTreeSet<Stage>,
    /// When the version was created.
    pub created: Timestamp,
}

impl SecretVersion {
    /// The text, in self-wiping memory. Copies nothing unless something else, such as a cache,
    /// holds the value too.
    ///
    /// # Errors
    /// As [`SecretValue::into_text`], with the secret's name.
    pub fn into_text(self) -> Result<SecretText, Error> {
        let Self { name, version_id, value, .. } = self;
        value.into_text().map_err(|error| about(error, &name, &version_id))
    }

    /// The bytes, including those of a text, in self-wiping memory. Copies nothing unless something
    /// else holds the value too.
    #[must_use]
    pub fn into_bytes(self) -> SecretBytes {
        self.value.into_bytes()
    }

    /// Parses the text as JSON into the caller's type, and drops the text. Fields that are
    /// [`SecretText`] or [`SecretBytes`] stay in self-wiping memory; wiping other fields is up to
    /// the caller.
    ///
    /// # Errors
    /// As [`SecretValue::parse_json`], with the secret's name and never its value.
    pub fn into_json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.json()
    }

    /// Like [`SecretVersion::into_json`], but keeps the value.
    ///
    /// # Errors
    /// As [`SecretVersion::into_json`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.value.parse_json().map_err(|error| about(error, &self.name, &self.version_id))
    }

    /// As [`SecretValue::field`].
    ///
    /// # Errors
    /// As [`SecretValue::field`], with the secret's name.
    pub fn field(&self, name: &str) -> Result<SecretText, Error> {
        self.value.field(name).map_err(|error| about(error, &self.name, &self.version_id))
    }

    /// As [`SecretValue::expose_text`].
    ///
    /// # Errors
    /// As [`SecretValue::expose_text`], with the secret's name.
    pub fn expose_text(&self) -> Result<&str, Error> {
        self.value.expose_text().map_err(|error| about(error, &self.name, &self.version_id))
    }

    /// As [`SecretValue::expose_bytes`].
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.value.expose_bytes()
    }
}

/// Adds the version to an error.
fn about(error: Error, name: &str, version: &VersionId) -> Error {
    error.with("secret", name).with("version", version)
}

/// Everything known about a secret except its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretMetadata {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The key new values are encrypted under; absent for the managed key.
    pub kms_key_id: Option<String>,
    /// Its tags in the order they were added; `None` if it never had one.
    pub tags: Option<Vec<Tag>>,
    /// When it was created.
    pub created: Timestamp,
    /// When it, its labels or its metadata were last changed; strictly increasing.
    pub last_changed: Timestamp,
    /// The day, UTC, on which a value was last read; absent when none ever was.
    pub last_accessed: Option<Timestamp>,
    /// When its deletion was requested; absent unless it is marked for deletion. Only DeleteSecret
    /// returns the end of the recovery window: [`SecretDeleted::deletion_date`].
    pub deleted: Option<Timestamp>,
    /// The service that manages it, such as `rds`; absent for a customer's own.
    pub owning_service: Option<String>,
    /// The region of the primary; absent unless the secret is replicated.
    pub primary_region: Option<String>,
    /// The versions with labels.
    pub versions: BTreeMap<VersionId, BTreeSet<Stage>>,
}

impl SecretMetadata {
    /// The minimal metadata of a secret, for implementations to complete.
    #[must_use]
    pub fn new(arn: Arn, name: String, created: Timestamp) -> Self {
        Self {
            arn,
            name,
            description: None,
            kms_key_id: None,
            tags: None,
            created,
            last_changed: created,
            last_accessed: None,
            deleted: None,
            owning_service: None,
            primary_region: None,
            versions: BTreeMap::new(),
        }
    }

    /// Adds a version that is the current one.
    #[must_use]
    pub fn with_current(mut self, version: impl Into<VersionId>) -> Self {
        self.versions.insert(version.into(), [Stage::CURRENT].into());
        self
    }

    /// Whether an id names this secret: by its name, its ARN, or its ARN without suffix.
    #[must_use]
    pub fn is_named(&self, id: &SecretId) -> bool {
        self.name == id.as_str() || SecretArn::is(self.arn.as_str(), id.as_str())
    }
}

/// A page of ListSecrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretPage {
    /// The secrets. A page can be short or empty although there are more.
    pub secrets: Vec<SecretMetadata>,
    /// Where the next page begins; `None` at the end.
    pub next_token: Option<String>,
}

/// A page of BatchGetSecretValue: what could be read, and why the rest could not.
#[derive(Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct BatchPage {
    /// The current values, in the order of the request or listing.
    pub values: Vec<SecretVersion>,
    /// The secrets that could not be read.
    pub errors: Vec<BatchFailure>,
    /// Where the next page begins; `None` at the end and without filters.
    pub next_token: Option<String>,
}

/// A secret that a batch could not read.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct BatchFailure {
    /// Its id as given; its ARN if it was found by filters.
    pub id: SecretId,
    /// Why: [`Error::code`] and [`Error::message`] are what AWS shows.
    pub error: Error,
}

/// The response of GetResourcePolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ResourcePolicy {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// The policy document as it was put; `None` when there is none.
    pub policy: Option<String>,
}

/// The response of ValidateResourcePolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct PolicyValidation {
    /// Whether there are no findings.
    pub passed: bool,
    /// The findings.
    pub findings: Vec<PolicyFinding>,
}

/// A problem of a well-formed policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct PolicyFinding {
    /// The check that reported it.
    pub check: String,
    /// The problem.
    pub message: String,
}

/// An entry of ListSecretVersionIds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionMetadata {
    /// The version.
    pub version_id: VersionId,
    /// Its labels; empty when it is deprecated.
    pub stages: BTreeSet<Stage>,
    /// When it was created.
    pub created: Timestamp,
    /// The day, UTC, on which its value was last read; absent when it never was.
    pub last_accessed: Option<Timestamp>,
    /// The keys it is encrypted under: `DefaultEncryptionKey` for the managed key, else ARNs.
    pub kms_key_ids: Vec<String>,
}

impl VersionMetadata {
    /// A version created at this time, for implementations to complete.
    #[must_use]
    pub fn new(version_id: VersionId, created: Timestamp) -> Self {
        Self { version_id, created, stages: BTreeSet::new(), last_accessed: None, kms_key_ids: Vec::new() }
    }
}

/// A page of ListSecretVersionIds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct VersionPage {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// The versions.
    pub versions: Vec<VersionMetadata>,
    /// Where the next page begins; `None` at the end.
    pub next_token: Option<String>,
}

/// The response of DeleteSecret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct SecretDeleted {
    /// The secret's ARN.
    pub arn: Arn,
    /// The secret's name.
    pub name: String,
    /// When it can no longer be restored.
    pub deletion_date: Timestamp,
}

#[cfg(test)]
mod tests {
    use strongroom_types::Realm;

    use super::*;
    use crate::ErrorKind;

    fn version(value: SecretValue) -> SecretVersion {
        SecretVersion {
            arn: SecretArn::of(&Realm::default(), "prod/db", "AbCdEf"),
            name: "prod/db".into(),
            version_id: VersionId::new("v7"),
            value,
            stages: [Stage::CURRENT].into(),
            created: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_type_of_the_callers_keeps_its_password_protected() {
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            user: String,
            password: SecretText,
        }
        let json = version(SecretValue::text(r#"{"user":"app","password":"hunter2"}"#));
        for config in [json.json::<Config>().unwrap(), json.into_json().unwrap()] {
            assert_eq!((config.user.as_str(), config.password.expose()), ("app", "hunter2"));
            assert!(!format!("{config:?}").contains("hunter2"));
        }
        assert_eq!(version(SecretValue::text("hunter2")).into_text().unwrap().expose(), "hunter2");
        assert_eq!(version(SecretValue::text("hunter2")).into_bytes().expose(), b"hunter2");
        assert_eq!(version(SecretValue::binary(vec![1])).into_bytes().expose(), [1]);
    }

    #[test]
    fn errors_name_the_secret_and_never_the_value() {
        let text = || version(SecretValue::text(r#"{"password":"hunter2"}"#));
        let binary = || version(SecretValue::binary(b"hunter2".to_vec()));
        for error in [
            text().json::<Vec<String>>().unwrap_err(),
            text().into_json::<std::collections::HashMap<String, u8>>().unwrap_err(),
            text().field("user").unwrap_err(),
            binary().into_text().unwrap_err(),
            binary().into_json::<String>().unwrap_err(),
            binary().expose_text().unwrap_err(),
            binary().field("password").unwrap_err(),
        ] {
            let shown = format!("{error} {error:?}");
            assert_eq!(error.kind(), ErrorKind::NotOfThisForm);
            assert!(shown.contains("secret: prod/db, version: v7") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
