//! Versions of managed policies. One of them, the default, is in effect.

use strongroom_policy::Context;
use strongroom_types::{CallContext, Timestamp};

use crate::managed_policies::{MAX_MANAGED, no_policy};
use crate::names::{check_size, parse};
use crate::presets;
use crate::record::{PolicyRecord, VersionRecord};
use crate::{Error, ErrorKind, ManagedPolicies};

/// The maximum number of versions of a policy, including the default.
const MOST: usize = 5;

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyVersion {
    /// `v1`, `v2` and so on. Numbers are never reused.
    pub id: String,
    /// The document.
    pub document: String,
    /// When it was created.
    pub created: Timestamp,
    /// Whether this is the default version, the one in effect.
    pub is_default: bool,
}

fn no_version(arn: &str, version: &str) -> Error {
    let text = format!("Policy {arn} version {version} does not exist or is not attachable.");
    Error::new(ErrorKind::NoSuchEntity, text)
}

impl PolicyRecord {
    /// All versions, newest first, as AWS lists them.
    pub(crate) fn all_versions(&self) -> Vec<PolicyVersion> {
        let version_of = |number: u32, document: &str, created: i64, is_default: bool| PolicyVersion {
            id: format!("v{number}"),
            document: document.to_owned(),
            created: Timestamp::from_millis(created),
            is_default,
        };
        let mut all: Vec<_> = self
            .versions
            .iter()
            .map(|other| (other.number, version_of(other.number, &other.document, other.created, false)))
            .collect();
        let created = self.version_created.unwrap_or(self.created);
        all.push((self.version, version_of(self.version, &self.document, created, true)));
        all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        all.into_iter().map(|(_, version)| version).collect()
    }

    /// Moves the default version to the others.
    fn step_back(&mut self) {
        let document = std::mem::take(&mut self.document);
        let created = self.version_created.unwrap_or(self.created);
        let unknown = std::mem::take(&mut self.version_members);
        self.versions.push(VersionRecord { number: self.version, created, document, unknown });
        self.versions.sort_by_key(|version| version.number);
    }

    fn step_forward(&mut self, version: VersionRecord, now: i64) {
        self.version = version.number;
        self.version_created = Some(version.created);
        self.document = version.document;
        self.version_members = version.unknown;
        self.updated = now;
    }

    fn position(&self, version: &str) -> Option<usize> {
        self.versions.iter().position(|known| format!("v{}", known.number) == version)
    }
}

/// All versions of a policy, newest first. A preset has one.
pub(crate) fn versions_of(arn: &str, record: Option<PolicyRecord>) -> Result<Vec<PolicyVersion>, Error> {
    if let Some(known) = presets::known(arn) {
        return Ok(vec![PolicyVersion {
            id: "v1".to_owned(),
            document: known.document.to_owned(),
            created: Timestamp::from_millis(known.created),
            is_default: true,
        }]);
    }
    Ok(record.ok_or_else(|| no_policy(arn))?.all_versions())
}

impl ManagedPolicies<'_> {
    /// The versions of a managed policy, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn versions(self, cx: &CallContext, arn: &str) -> Result<Vec<PolicyVersion>, Error> {
        let listed = async {
            let found = self.0.permit_policy(cx, "ListPolicyVersions", arn, &Context::new()).await?;
            versions_of(arn, found.map(|found| found.record))
        };
        listed.await.map_err(|error: Error| error.during("ListPolicyVersions"))
    }

    /// A version of a managed policy.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn version(self, cx: &CallContext, arn: &str, version: &str) -> Result<PolicyVersion, Error> {
        let read = async {
            let found = self.0.permit_policy(cx, "GetPolicyVersion", arn, &Context::new()).await?;
            let all = versions_of(arn, found.map(|found| found.record))?;
            all.into_iter().find(|known| known.id == version).ok_or_else(|| no_version(arn, version))
        };
        read.await.map_err(|error: Error| error.during("GetPolicyVersion"))
    }

    /// Gives a managed policy a new default version with this document, in place of the present
    /// default version, which is discarded. It takes effect at once for every user and role with
    /// the policy.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; as [`ManagedPolicies::create`] for the document.
    pub async fn update(self, cx: &CallContext, arn: &str, document: &str) -> Result<(), Error> {
        let now = self.0.now().as_millis();
        let changed = self.change(cx, "CreatePolicyVersion", arn, Context::new(), |record| {
            check_size(document, MAX_MANAGED, "PolicySize")?;
            parse(document)?;
            record.latest += 1;
            let number = record.latest;
            record.step_forward(VersionRecord::new(number, now, document), now);
            Ok(())
        });
        changed.await.map_err(|error| error.during("CreatePolicyVersion"))
    }

    /// Adds a version to a managed policy. It takes effect only once it is the default.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::LimitExceeded`] beyond five versions; as
    /// [`ManagedPolicies::create`] for the document.
    pub async fn create_version(
        self,
        cx: &CallContext,
        arn: &str,
        document: &str,
        set_as_default: bool,
    ) -> Result<PolicyVersion, Error> {
        let now = self.0.now().as_millis();
        let made = self.change(cx, "CreatePolicyVersion", arn, Context::new(), |record| {
            check_size(document, MAX_MANAGED, "PolicySize")?;
            parse(document)?;
            if record.versions.len() + 1 >= MOST {
                let text = format!(
                    "A managed policy can have up to {MOST} versions. Before you create a new version, you must delete an existing version."
                );
                return Err(Error::new(ErrorKind::LimitExceeded, text));
            }
            record.latest += 1;
            let version = VersionRecord::new(record.latest, now, document);
            if set_as_default {
                record.step_back();
                record.step_forward(version, now);
            } else {
                record.versions.push(version);
            }
            Ok(PolicyVersion {
                id: format!("v{}", record.latest),
                document: document.to_owned(),
                created: Timestamp::from_millis(now),
                is_default: set_as_default,
            })
        });
        made.await.map_err(|error| error.during("CreatePolicyVersion"))
    }

    /// Makes a version the default. It takes effect at once for every user and role with the
    /// policy.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn set_default_version(self, cx: &CallContext, arn: &str, version: &str) -> Result<(), Error> {
        let now = self.0.now().as_millis();
        let changed = self.change(cx, "SetDefaultPolicyVersion", arn, Context::new(), |record| {
            if format!("v{}", record.version) == version {
                return Ok(());
            }
            let place = record.position(version).ok_or_else(|| no_version(arn, version))?;
            let chosen = record.versions.remove(place);
            record.step_back();
            record.step_forward(chosen, now);
            Ok(())
        });
        changed.await.map_err(|error| error.during("SetDefaultPolicyVersion"))
    }

    /// Deletes a version that is not the default.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::DeleteConflict`] for the default version.
    pub async fn delete_version(self, cx: &CallContext, arn: &str, version: &str) -> Result<(), Error> {
        let deleted = self.change(cx, "DeletePolicyVersion", arn, Context::new(), |record| {
            if format!("v{}", record.version) == version {
                let text = "Cannot delete the default version of a policy.";
                return Err(Error::new(ErrorKind::DeleteConflict, text));
            }
            let place = record.position(version).ok_or_else(|| no_version(arn, version))?;
            record.versions.remove(place);
            Ok(())
        });
        deleted.await.map_err(|error| error.during("DeletePolicyVersion"))
    }
}
