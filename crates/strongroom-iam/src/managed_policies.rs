//! Managed policies, which users and roles can share.

use std::collections::BTreeMap;

use strongroom_policy::Context;
use strongroom_records::Expect;
use strongroom_root::TrustedBatch;
use strongroom_types::{Arn, CallContext, Timestamp};

use crate::directory::{Directory, contended};
use crate::names::{
    check_description, check_name, check_policy_path, check_size, check_tags, merge_tags, parse, tags_of,
    unique_id,
};
use crate::presets;
use crate::record::{IdentityRecord, PolicyRecord, Stored};
use crate::{Error, ErrorKind, IdentityKind, IdentityRef};

/// The maximum length of a managed policy, in characters, not counting whitespace.
pub(crate) const MAX_MANAGED: usize = 6144;

/// A managed policy: a document that users and roles can share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedPolicy {
    /// The name. Unique in the account, ignoring case.
    pub name: String,
    /// The path: `/`, or `/teams/orders/`.
    pub path: String,
    /// The unique id: `ANPA...`.
    pub id: String,
    /// The ARN, by which it is attached.
    pub arn: Arn,
    /// The document of the default version, which is the one in effect.
    pub document: String,
    /// The default version: `v1`, `v2` and so on.
    pub version: String,
    /// The description.
    pub description: Option<String>,
    /// The tags, in the order they were added.
    pub tags: Vec<(String, String)>,
    /// When it was created.
    pub created: Timestamp,
    /// When the document was last changed.
    pub updated: Timestamp,
    /// How many times it is attached to a user or role, as a policy or as the boundary.
    pub attachments: u32,
    /// How many of these have it as their boundary.
    pub boundaries: u32,
}

/// A managed policy to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatePolicy {
    /// 1 to 128 letters, digits and `_+=,.@-`.
    pub name: String,
    /// The document.
    pub document: String,
    /// See [`ManagedPolicy::path`]; `/` when absent.
    pub path: Option<String>,
    /// The description, at most 1,000 characters.
    pub description: Option<String>,
    /// At most 50.
    pub tags: Vec<(String, String)>,
}

impl CreatePolicy {
    /// A policy with this name and document.
    #[must_use]
    pub fn new(name: impl Into<String>, document: impl Into<String>) -> Self {
        Self { name: name.into(), document: document.into(), ..Self::default() }
    }

    /// Sets the path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }
}

/// How a user or role uses a managed policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyUse {
    /// It is attached.
    Policy,
    /// It is the permissions boundary.
    Boundary,
}
pub(crate) use PolicyUse as Use;

/// A user or role that has a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyEntity {
    /// The user or role.
    pub identity: IdentityRef,
    /// Its unique id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// How it uses the policy.
    pub used: PolicyUse,
}

pub(crate) fn no_policy(arn: &str) -> Error {
    Error::new(ErrorKind::NoSuchEntity, format!("Policy {arn} was not found."))
}

/// How often presets are attached, and how often they are boundaries. No record stores these counts.
type PresetUses = BTreeMap<String, (u32, u32)>;

/// The account's managed policies. Returned by
/// [`Iam::managed_policies`](crate::Iam::managed_policies).
#[derive(Clone, Copy, Debug)]
pub struct ManagedPolicies<'a>(pub(crate) &'a Directory);

impl ManagedPolicies<'_> {
    /// Creates a managed policy.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::MalformedPolicy`], [`ErrorKind::Validation`],
    /// [`ErrorKind::LimitExceeded`] beyond 6,144 characters, not counting whitespace.
    pub async fn create(self, cx: &CallContext, request: CreatePolicy) -> Result<ManagedPolicy, Error> {
        let made = async {
            let CreatePolicy { name, document, path, description, tags } = request;
            let path = path.unwrap_or_else(|| "/".to_owned());
            check_name("policyName", &name, 128)?;
            check_policy_path("path", &path)?;
            check_description(description.as_deref())?;
            check_tags(&tags)?;
            let (arn, asked) = (self.0.layout.arn("policy", &path, &name), tags_of(&tags));
            self.0.permit_with(cx, "CreatePolicy", arn.as_str(), &asked).await?;
            if !tags.is_empty() {
                self.0.permit_with(cx, "TagPolicy", arn.as_str(), &asked).await?;
            }
            check_size(&document, MAX_MANAGED, "PolicySize")?;
            parse(&document)?;
            let now = self.0.now().as_millis();
            let record = PolicyRecord {
                name,
                path,
                id: unique_id("ANPA")?,
                created: now,
                updated: now,
                document,
                attachments: 0,
                boundaries: 0,
                description: description.filter(|text| !text.is_empty()),
                tags,
                version: 1,
                version_created: None,
                latest: 1,
                versions: Vec::new(),
                version_members: Default::default(),
                unknown: Default::default(),
            };
            let mut batch = self.0.inner.records.batch();
            self.0.put(&mut batch, &self.0.layout.policy(&record.name), &record, Expect::Absent)?;
            if self.0.commit(batch).await? {
                return Ok(self.0.to_policy(record));
            }
            let text =
                format!("A policy called {} already exists. Duplicate names are not allowed.", record.name);
            Err(Error::new(ErrorKind::AlreadyExists, text))
        };
        made.await.map_err(|error: Error| error.during("CreatePolicy"))
    }

    /// A managed policy, by its ARN.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn get(self, cx: &CallContext, arn: &str) -> Result<ManagedPolicy, Error> {
        let read = async {
            let found = self.0.permit_policy(cx, "GetPolicy", arn, &Context::new()).await?;
            if let Some(preset) = self.preset(arn, &self.preset_uses().await?) {
                return Ok(preset);
            }
            Ok(self.0.to_policy(found.ok_or_else(|| no_policy(arn))?.record))
        };
        read.await.map_err(|error: Error| error.during("GetPolicy"))
    }

    fn preset(self, arn: &str, uses: &PresetUses) -> Option<ManagedPolicy> {
        let known = presets::known(arn)?;
        let arn = Arn::parse(arn).ok()?;
        let (policies, boundaries) = uses.get(arn.as_str()).copied().unwrap_or_default();
        let made = Timestamp::from_millis(known.created);
        Some(ManagedPolicy {
            name: known.name.to_owned(),
            path: "/".to_owned(),
            id: known.id.to_owned(),
            arn,
            document: known.document.to_owned(),
            version: "v1".to_owned(),
            description: Some(known.description.to_owned()),
            tags: Vec::new(),
            created: made,
            updated: made,
            attachments: policies + boundaries,
            boundaries,
        })
    }

    async fn preset_uses(self) -> Result<PresetUses, Error> {
        let mut uses = PresetUses::new();
        for kind in [IdentityKind::User, IdentityKind::Role] {
            for record in self.0.all::<IdentityRecord>(&self.0.layout.identities(kind)).await? {
                for arn in record.attached {
                    uses.entry(arn).or_default().0 += 1;
                }
                if let Some(arn) = record.boundary {
                    uses.entry(arn).or_default().1 += 1;
                }
            }
        }
        Ok(uses)
    }

    /// The account's managed policies, by name.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn list(self, cx: &CallContext) -> Result<Vec<ManagedPolicy>, Error> {
        let listed = async {
            self.0.permit(cx, "ListPolicies", "*").await?;
            let all = self.0.all::<PolicyRecord>(&self.0.layout.policies()).await?;
            Ok(all.into_iter().map(|record| self.0.to_policy(record)).collect())
        };
        listed.await.map_err(|error: Error| error.during("ListPolicies"))
    }

    /// The managed policies that every account has, by name: those of [`presets`].
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn presets(self, cx: &CallContext) -> Result<Vec<ManagedPolicy>, Error> {
        let listed = async {
            self.0.permit(cx, "ListPolicies", "*").await?;
            self.all_presets().await
        };
        listed.await.map_err(|error: Error| error.during("ListPolicies"))
    }

    pub(crate) async fn all_presets(self) -> Result<Vec<ManagedPolicy>, Error> {
        let uses = self.preset_uses().await?;
        let own = self.0.layout.arn("policy", "/", "x");
        let partition = own.as_str().split(':').nth(1).unwrap_or("aws");
        let of_partition = |arn: &str| arn.replacen(":aws:", &format!(":{partition}:"), 1);
        Ok(presets::ALL.iter().filter_map(|known| self.preset(&of_partition(known.arn), &uses)).collect())
    }

    /// The users and roles that have a managed policy, and how they use it. Users come first, each
    /// kind sorted by name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn entities(self, cx: &CallContext, arn: &str) -> Result<Vec<PolicyEntity>, Error> {
        let listed = async {
            let found = self.0.permit_policy(cx, "ListEntitiesForPolicy", arn, &Context::new()).await?;
            if found.is_none() && presets::document(arn).is_none() {
                return Err(no_policy(arn));
            }
            let mut all = Vec::new();
            for kind in [IdentityKind::User, IdentityKind::Role] {
                for record in self.0.all::<IdentityRecord>(&self.0.layout.identities(kind)).await? {
                    let attached = record.attached.iter().any(|known| known == arn);
                    let uses = [
                        attached.then_some(PolicyUse::Policy),
                        (record.boundary.as_deref() == Some(arn)).then_some(PolicyUse::Boundary),
                    ];
                    for used in uses.into_iter().flatten() {
                        let identity = IdentityRef { kind, name: record.name.clone() };
                        let (id, path) = (record.id.clone(), record.path.clone());
                        all.push(PolicyEntity { identity, id, path, used });
                    }
                }
            }
            Ok(all)
        };
        listed.await.map_err(|error: Error| error.during("ListEntitiesForPolicy"))
    }

    /// Reads a managed policy's record, checks permission, changes the record and commits it;
    /// retries on a conflict.
    pub(crate) async fn change<T>(
        self,
        cx: &CallContext,
        action: &str,
        arn: &str,
        asked: Context,
        change: impl Fn(&mut PolicyRecord) -> Result<T, Error> + Send + Sync,
    ) -> Result<T, Error> {
        for () in self.0.attempts(cx) {
            let found = self.0.permit_policy(cx, action, arn, &asked).await?;
            let mut found = found.ok_or_else(|| no_policy(arn))?;
            let output = change(&mut found.record)?;
            let mut batch = self.0.inner.records.batch();
            let place = self.0.layout.policy(&found.record.name);
            self.0.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.0.commit(batch).await? {
                return Ok(output);
            }
        }
        Err(contended())
    }

    /// Adds tags to a managed policy, or changes their values.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::Validation`], [`ErrorKind::LimitExceeded`].
    pub async fn tag(self, cx: &CallContext, arn: &str, tags: &[(String, String)]) -> Result<(), Error> {
        let tagged = self.change(cx, "TagPolicy", arn, tags_of(tags), |record| {
            check_tags(tags)?;
            merge_tags(&mut record.tags, tags)
        });
        tagged.await.map_err(|error| error.during("TagPolicy"))
    }

    /// The tags of a managed policy, in the order they were added.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn tags(self, cx: &CallContext, arn: &str) -> Result<Vec<(String, String)>, Error> {
        let listed = async {
            let found = self.0.permit_policy(cx, "ListPolicyTags", arn, &Context::new()).await?;
            if presets::document(arn).is_some() {
                return Ok(Vec::new());
            }
            Ok(found.ok_or_else(|| no_policy(arn))?.record.tags)
        };
        listed.await.map_err(|error: Error| error.during("ListPolicyTags"))
    }

    /// Removes tags from a managed policy. Tags that it does not have are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn untag(self, cx: &CallContext, arn: &str, keys: &[String]) -> Result<(), Error> {
        let mut asked = Context::new();
        asked.set_many("aws:TagKeys", keys);
        let untagged = self.change(cx, "UntagPolicy", arn, asked, |record| {
            record.tags.retain(|(known, _)| !keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
            Ok(())
        });
        untagged.await.map_err(|error| error.during("UntagPolicy"))
    }

    /// Deletes a managed policy that is no longer attached, along with its default version.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::DeleteConflict`] while it is attached, or has
    /// other versions.
    pub async fn delete(self, cx: &CallContext, arn: &str) -> Result<(), Error> {
        let named = |error: Error| error.during("DeletePolicy");
        for () in self.0.attempts(cx) {
            let found =
                self.0.permit_policy(cx, "DeletePolicy", arn, &Context::new()).await.map_err(named)?;
            let found = found.ok_or_else(|| named(no_policy(arn)))?;
            let conflict = |text: &'static str| Err(named(Error::new(ErrorKind::DeleteConflict, text)));
            if found.record.attachments > 0 {
                return conflict("Cannot delete a policy attached to entities.");
            }
            if !found.record.versions.is_empty() {
                return conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
                );
            }
            let mut batch = self.0.inner.records.batch();
            batch.delete(&self.0.layout.policy(&found.record.name), Expect::At(found.revision));
            if self.0.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(contended()))
    }
}

impl Directory {
    pub(crate) fn to_policy(&self, record: PolicyRecord) -> ManagedPolicy {
        ManagedPolicy {
            arn: self.layout.arn("policy", &record.path, &record.name),
            version: format!("v{}", record.version),
            name: record.name,
            path: record.path,
            id: record.id,
            document: record.document,
            description: record.description,
            tags: record.tags,
            created: Timestamp::from_millis(record.created),
            updated: Timestamp::from_millis(record.updated),
            attachments: record.attachments,
            boundaries: record.boundaries,
        }
    }

    /// The managed policy with this ARN, if it exists in this account.
    pub(crate) async fn managed(&self, arn: &str) -> Result<Option<Stored<PolicyRecord>>, Error> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let found: Option<Stored<PolicyRecord>> = self.read(&self.layout.policy(name)).await?;
        Ok(found.filter(|found| {
            self.layout.arn("policy", &found.record.path, &found.record.name).as_str() == arn
        }))
    }

    /// Checks permission on a managed policy, tags included, and reads it.
    pub(crate) async fn permit_policy(
        &self,
        cx: &CallContext,
        action: &str,
        arn: &str,
        asked: &Context,
    ) -> Result<Option<Stored<PolicyRecord>>, Error> {
        let found = self.managed(arn).await?;
        let mut asked = asked.clone();
        for (key, value) in found.iter().flat_map(|found| &found.record.tags) {
            asked.set_first(format!("aws:ResourceTag/{key}"), value);
            asked.set_first(format!("iam:ResourceTag/{key}"), value);
        }
        self.permit_with(cx, action, arn, &asked).await?;
        Ok(found)
    }

    /// Counts a use of a managed policy in `batch`, which then fails if the policy changes
    /// concurrently.
    pub(crate) async fn count_use(
        &self,
        batch: &mut TrustedBatch,
        arn: &str,
        used: PolicyUse,
        by: i32,
    ) -> Result<(), Error> {
        if presets::document(arn).is_some() {
            return Ok(());
        }
        let Some(mut policy) = self.managed(arn).await? else {
            let text = format!("Policy {arn} does not exist or is not attachable.");
            return if by > 0 { Err(Error::new(ErrorKind::NoSuchEntity, text)) } else { Ok(()) };
        };
        policy.record.attachments = policy.record.attachments.saturating_add_signed(by);
        if used == PolicyUse::Boundary {
            policy.record.boundaries = policy.record.boundaries.saturating_add_signed(by);
        }
        let place = self.layout.policy(&policy.record.name);
        self.put(batch, &place, &policy.record, Expect::At(policy.revision))
    }
}
