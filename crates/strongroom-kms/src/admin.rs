//! Management of keys and aliases.

use async_trait::async_trait;
use strongroom_types::{Arn, CallContext, Timestamp};

use crate::{
    AliasName, CreateGrant, CreatedGrant, Error, ErrorKind, GrantFilter, GrantPage, GrantRef,
    ImportKeyMaterial, ImportParameters, ImportedMaterial, KeyId, KeyMetadata, KeyOrigin, KeyRef, KeySpec,
    KeyState, KeyTag, KeyUsage, Kms, Operation, PolicyNamePage, PutKeyPolicy, RotationPage, RotationStatus,
    TagPage, WrappingAlgorithm, WrappingKeySpec,
};

/// What CreateKey takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateKey {
    /// What the key is made of.
    pub spec: KeySpec,
    /// What it is for; may be absent for a symmetric key.
    pub usage: Option<KeyUsage>,
    /// At most 8,192 characters.
    pub description: String,
    /// Whether the key's id begins with `mrk-`.
    pub multi_region: bool,
    /// At most 50.
    pub tags: Vec<KeyTag>,
    /// Where the material comes from: made here, unless it is to be imported.
    pub origin: KeyOrigin,
    /// The key policy; when absent, one that leaves everything to the account.
    pub policy: Option<PutKeyPolicy>,
}

impl Default for CreateKey {
    fn default() -> Self {
        Self::new()
    }
}

impl CreateKey {
    /// A symmetric key for encrypting and decrypting.
    #[must_use]
    pub fn new() -> Self {
        Self {
            spec: KeySpec::SymmetricDefault,
            usage: None,
            description: String::new(),
            multi_region: false,
            tags: Vec::new(),
            origin: KeyOrigin::AwsKms,
            policy: None,
        }
    }

    /// A key for message authentication codes: one of the HMAC specs.
    #[must_use]
    pub fn hmac(spec: KeySpec) -> Self {
        Self { spec, usage: Some(KeyUsage::GenerateVerifyMac), ..Self::new() }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push(KeyTag::new(key, value));
        self
    }

    /// A key whose material will be imported; it waits for that in the state `PendingImport`.
    #[must_use]
    pub fn external() -> Self {
        Self { origin: KeyOrigin::External, ..Self::new() }
    }

    /// Sets the key policy.
    #[must_use]
    pub fn policy(mut self, policy: PutKeyPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Spec and usage must fit, and the tags be good.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Validation`] and [`crate::ErrorKind::Tag`] with AWS's texts.
    pub fn check(&self) -> Result<(), Error> {
        KeyTag::check(&self.tags)?;
        let text = match self.usage {
            None if self.spec == KeySpec::SymmetricDefault => return Ok(()),
            None => {
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
                    .to_owned()
            }
            Some(usage) if usage == self.spec.usage() => return Ok(()),
            Some(usage) => format!("KeyUsage {usage} is not compatible with KeySpec {}", self.spec),
        };
        Err(Error::new(ErrorKind::Validation, text))
    }

    /// Says what the key is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Makes it a multi-Region key.
    #[must_use]
    pub fn multi_region(mut self) -> Self {
        self.multi_region = true;
        self
    }
}

/// Which part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPage {
    /// At most this many entries; the operation's own default when absent.
    pub limit: Option<usize>,
    /// The marker that the page before gave.
    pub marker: Option<String>,
}

impl ListPage {
    /// The first page.
    #[must_use]
    pub fn first() -> Self {
        Self::default()
    }

    /// The page behind `marker`.
    #[must_use]
    pub fn after(marker: impl Into<String>) -> Self {
        Self { marker: Some(marker.into()), limit: None }
    }

    /// At most `limit` entries.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// A line of ListKeys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct KeyEntry {
    /// The key's id.
    pub id: KeyId,
    /// The key's ARN.
    pub arn: Arn,
}

/// A page of ListKeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<KeyEntry>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}

/// A line of ListAliases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct AliasEntry {
    /// The alias.
    pub name: AliasName,
    /// Its ARN.
    pub arn: Arn,
    /// The key it names; `None` for an alias that AWS predefines for a service whose key does not
    /// exist yet.
    pub target: Option<KeyId>,
    /// When it was made; `None` if `target` is.
    pub created: Option<Timestamp>,
    /// When it was last pointed to another key; `None` if `target` is.
    pub updated: Option<Timestamp>,
}

/// A page of ListAliases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct AliasPage {
    /// The aliases.
    pub aliases: Vec<AliasEntry>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}

/// What ScheduleKeyDeletion answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct ScheduledDeletion {
    /// The key.
    pub key_arn: Arn,
    /// When it will be deleted.
    pub deletion_date: Timestamp,
    /// Its state now.
    pub state: KeyState,
    /// The waiting period, in days.
    pub pending_window_days: u16,
}

fn unsupported(operation: Operation) -> Error {
    Error::new(ErrorKind::Unsupported, "").during(operation.name())
}

/// The management of keys. Management operations take a key's id or ARN. An alias is refused with
/// [`ErrorKind::InvalidArn`] before anything is looked up, as AWS does: resolve it first with
/// [`Kms::describe_key`].
///
/// Rotation by schedule, tags, key policies, grants and imported material have defaults that
/// refuse.
#[async_trait]
pub trait KmsAdmin: Kms {
    /// Creates a key. Not idempotent: every call creates another.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Validation`], [`crate::ErrorKind::AccessDenied`].
    async fn create_key(&self, cx: &CallContext, request: CreateKey) -> Result<KeyMetadata, Error>;

    /// All keys, those that AWS manages and those pending deletion included. 100 a page by default,
    /// at most 1,000.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidMarker`], [`crate::ErrorKind::Validation`].
    async fn list_keys(&self, cx: &CallContext, page: &ListPage) -> Result<KeyPage, Error>;

    /// Changes the description.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidState`],
    /// [`crate::ErrorKind::Validation`].
    async fn update_key_description(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        description: &str,
    ) -> Result<(), Error>;

    /// Makes a disabled key usable again. Repeating it is fine.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidState`].
    async fn enable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error>;

    /// Stops all use of a key. Repeating it is fine.
    ///
    /// # Errors
    /// As [`KmsAdmin::enable_key`].
    async fn disable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error>;

    /// Schedules the deletion of a key in `days` (7 to 30; 30 by default). Whatever only this key
    /// opens is lost then.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidState`] when a deletion is
    /// scheduled already, [`crate::ErrorKind::Validation`], [`crate::ErrorKind::AccessDenied`] for
    /// a key that AWS manages.
    async fn schedule_key_deletion(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        days: Option<u16>,
    ) -> Result<ScheduledDeletion, Error>;

    /// Cancels a scheduled deletion. The key is disabled afterwards.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidState`] when no deletion is
    /// scheduled.
    async fn cancel_key_deletion(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error>;

    /// Gives the key new material at once. Older material keeps decrypting. At most 25 times in a
    /// key's life.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Disabled`],
    /// [`crate::ErrorKind::InvalidState`], [`crate::ErrorKind::LimitExceeded`].
    async fn rotate_key_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error>;

    /// Rotates the key automatically every 365 days by default (90 to 2,560), for the first time
    /// one period from now. A repeated call changes the period.
    ///
    /// # Errors
    /// Those of key state; [`crate::ErrorKind::Validation`]; [`crate::ErrorKind::Unsupported`] for
    /// keys that do not rotate.
    async fn enable_key_rotation(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _period_days: Option<u16>,
    ) -> Result<(), Error> {
        Err(unsupported(Operation::EnableKeyRotation))
    }

    /// Stops automatic rotation; all material stays.
    ///
    /// # Errors
    /// As [`KmsAdmin::enable_key_rotation`].
    async fn disable_key_rotation(&self, _cx: &CallContext, _key: &KeyRef) -> Result<(), Error> {
        Err(unsupported(Operation::DisableKeyRotation))
    }

    /// Whether and when the key rotates automatically.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Unsupported`].
    async fn get_key_rotation_status(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
    ) -> Result<RotationStatus, Error> {
        Err(unsupported(Operation::GetKeyRotationStatus))
    }

    /// The rotations so far, oldest first; with `all`, the first material too. 100 a page by
    /// default, at most 1,000.
    ///
    /// # Errors
    /// As [`KmsAdmin::get_key_rotation_status`]; [`crate::ErrorKind::InvalidMarker`].
    async fn list_key_rotations(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _all: bool,
        _page: &ListPage,
    ) -> Result<RotationPage, Error> {
        Err(unsupported(Operation::ListKeyRotations))
    }

    /// Adds tags, or changes the values of existing ones.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Tag`], [`crate::ErrorKind::Validation`], those of key state.
    async fn tag_resource(&self, _cx: &CallContext, _key: &KeyRef, _tags: Vec<KeyTag>) -> Result<(), Error> {
        Err(unsupported(Operation::TagResource))
    }

    /// Removes tags; missing ones are ignored.
    ///
    /// # Errors
    /// As [`KmsAdmin::tag_resource`].
    async fn untag_resource(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _tag_keys: Vec<String>,
    ) -> Result<(), Error> {
        Err(unsupported(Operation::UntagResource))
    }

    /// The tags in the order they were added. 50 a page, which is also the maximum.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidMarker`],
    /// [`crate::ErrorKind::Validation`].
    async fn list_resource_tags(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _page: &ListPage,
    ) -> Result<TagPage, Error> {
        Err(unsupported(Operation::ListResourceTags))
    }

    /// Gives a key a name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::AlreadyExists`], [`crate::ErrorKind::NotAuthorized`] for
    /// `alias/aws/...`, [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::InvalidState`],
    /// [`crate::ErrorKind::LimitExceeded`], [`crate::ErrorKind::Validation`] for a name with a
    /// colon and for a target that is an alias.
    async fn create_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error>;

    /// Points an alias at another key.
    ///
    /// # Errors
    /// As [`KmsAdmin::create_alias`]; [`crate::ErrorKind::NotFound`] for an unknown alias,
    /// [`crate::ErrorKind::InvalidState`] when the keys are not for the same usage.
    async fn update_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error>;

    /// Removes an alias; the key is untouched.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::NotAuthorized`].
    async fn delete_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error>;

    /// Aliases, all or those of one key: 50 a page by default, at most 100. The full list includes
    /// those that AWS predefines for its services, even while their keys do not exist.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for an unknown key, [`crate::ErrorKind::InvalidMarker`],
    /// [`crate::ErrorKind::Validation`].
    async fn list_aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error>;

    /// The key policy as it was put. There is one, named `default`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for the key and for another name; [`ErrorKind::AccessDenied`].
    async fn get_key_policy(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _name: Option<&str>,
    ) -> Result<String, Error> {
        Err(unsupported(Operation::GetKeyPolicy))
    }

    /// Replaces the key policy.
    ///
    /// # Errors
    /// [`ErrorKind::MalformedPolicy`], also for one that its author could not change again;
    /// [`ErrorKind::LimitExceeded`] for more than 32 KiB; [`ErrorKind::NotFound`];
    /// [`ErrorKind::AccessDenied`].
    async fn put_key_policy(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _request: PutKeyPolicy,
    ) -> Result<(), Error> {
        Err(unsupported(Operation::PutKeyPolicy))
    }

    /// The names of the key's policies: `default`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidMarker`], [`ErrorKind::Validation`].
    async fn list_key_policies(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _page: &ListPage,
    ) -> Result<PolicyNamePage, Error> {
        Err(unsupported(Operation::ListKeyPolicies))
    }

    /// Lets a principal use a key. The repeat of a named request gives the same grant.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`], [`ErrorKind::InvalidArn`], [`ErrorKind::InvalidGrantToken`],
    /// [`ErrorKind::LimitExceeded`] for more than 50,000 of a key; those of key state;
    /// [`ErrorKind::DryRun`].
    async fn create_grant(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _request: CreateGrant,
    ) -> Result<CreatedGrant, Error> {
        Err(unsupported(Operation::CreateGrant))
    }

    /// The grants of a key. 50 a page by default, at most 100.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidGrantId`], [`ErrorKind::InvalidMarker`],
    /// [`ErrorKind::Validation`].
    async fn list_grants(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _filter: &GrantFilter,
        _page: &ListPage,
    ) -> Result<GrantPage, Error> {
        Err(unsupported(Operation::ListGrants))
    }

    /// The grants of all keys that a principal may retire. 50 a page by default, at most 100.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArn`], [`ErrorKind::InvalidMarker`], [`ErrorKind::Validation`].
    async fn list_retirable_grants(
        &self,
        _cx: &CallContext,
        _retiring: &str,
        _page: &ListPage,
    ) -> Result<GrantPage, Error> {
        Err(unsupported(Operation::ListRetirableGrants))
    }

    /// Ends a grant, called by somebody whom the grant itself permits to.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidGrantToken`], [`ErrorKind::InvalidGrantId`],
    /// [`ErrorKind::AccessDenied`], [`ErrorKind::DryRun`].
    async fn retire_grant(&self, _cx: &CallContext, _grant: &GrantRef, _dry_run: bool) -> Result<(), Error> {
        Err(unsupported(Operation::RetireGrant))
    }

    /// Ends a grant, called by somebody whom the key's policy permits to.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidGrantId`], [`ErrorKind::AccessDenied`],
    /// [`ErrorKind::DryRun`].
    async fn revoke_grant(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _grant_id: &str,
        _dry_run: bool,
    ) -> Result<(), Error> {
        Err(unsupported(Operation::RevokeGrant))
    }

    /// A public key to wrap material under, and a token that goes with it, both good for a day.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a key whose material is not imported; those of key state.
    async fn get_parameters_for_import(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _algorithm: WrappingAlgorithm,
        _spec: WrappingKeySpec,
    ) -> Result<ImportParameters, Error> {
        Err(unsupported(Operation::GetParametersForImport))
    }

    /// Imports material into a key that waits for it or lost it; the key is enabled afterwards.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidImportToken`], [`ErrorKind::ExpiredImportToken`],
    /// [`ErrorKind::IncorrectKeyMaterial`], [`ErrorKind::InvalidCiphertext`],
    /// [`ErrorKind::Validation`], [`ErrorKind::Unsupported`]; those of key state.
    async fn import_key_material(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _request: ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        Err(unsupported(Operation::ImportKeyMaterial))
    }

    /// Destroys imported material: that of one generation by its id, else the current one. The key
    /// then waits for an import.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], [`ErrorKind::NotFound`]; those of key state.
    async fn delete_imported_key_material(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _key_material_id: Option<&str>,
    ) -> Result<ImportedMaterial, Error> {
        Err(unsupported(Operation::DeleteImportedKeyMaterial))
    }
}
