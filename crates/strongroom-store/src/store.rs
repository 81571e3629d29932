//! The joint itself.

use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_types::CallContext;

use crate::{
    BatchGetSecretValue, BatchPage, CreateSecret, DeleteSecret, Error, ErrorKind, GetRandomPassword,
    GetSecretValue, ListSecretVersionIds, ListSecrets, Operation, PolicyValidation, PutResourcePolicy,
    PutSecretValue, ResourcePolicy, SecretCreated, SecretDeleted, SecretId, SecretMetadata, SecretPage,
    SecretRef, SecretUpdated, SecretValue, SecretVersion, ServedReads, Tag, UpdateSecret,
    UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage, batch,
};

/// What an implementation can and cannot do. Asking for what it cannot is [`crate::ErrorKind::Unsupported`], never a silent
/// omission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether secrets can be created and changed. A read-only store declares `false` and refuses
    /// writes.
    pub writes: bool,
    /// Whether the store has the admin part, [`SecretAdmin`]: deletion and tags, and, where
    /// declared, recovery windows and policies.
    pub admin: bool,
    /// The longest value, in bytes.
    pub max_value_len: usize,
    /// How many versions of a secret are kept.
    pub max_versions: usize,
    /// Whether values may be bytes that are no text.
    pub binary_values: bool,
    /// Whether a secret may begin without a value.
    pub empty_secrets: bool,
    /// Whether the caller's token becomes the version id and makes repeats safe; stores that count versions themselves say no, and refuse
    /// tokens.
    pub token_is_version_id: bool,
    /// Whether versions may carry labels of the user's own.
    pub custom_stages: bool,
    /// Whether `AWSCURRENT`, `AWSPREVIOUS` and `AWSPENDING` can be given to any version, and a put may say which labels it moves; stores
    /// where the newest version is always the current one say no.
    pub free_stages: bool,
    /// Whether deletion has a recovery window.
    pub recovery_window: bool,
    /// Whether listings take filters and sort by every key.
    pub filters: bool,
    /// Whether it tells when values were last read.
    pub last_accessed: bool,
    /// Whether it takes reports of reads that a cache has served ([`SecretStore::report_reads`]).
    pub served_reads: bool,
    /// Whether secrets have resource policies.
    pub resource_policies: bool,
}

impl Capabilities {
    /// Everything Secrets Manager can, which nobody can tell of reads that it has not served.
    #[must_use]
    pub fn full() -> Self {
        Self {
            writes: true,
            admin: true,
            max_value_len: SecretValue::MAX_LEN,
            max_versions: 100,
            binary_values: true,
            empty_secrets: true,
            token_is_version_id: true,
            custom_stages: true,
            free_stages: true,
            recovery_window: true,
            filters: true,
            last_accessed: true,
            served_reads: false,
            resource_policies: true,
        }
    }

    /// The capabilities of a read-only store ([`ReadOnly`](crate::ReadOnly)); its version ids are
    /// its own.
    #[must_use]
    pub fn read_only() -> Self {
        Self {
            writes: false,
            admin: false,
            token_is_version_id: false,
            recovery_window: false,
            last_accessed: false,
            resource_policies: false,
            ..Self::full()
        }
    }
}

/// What keeps secrets: reading and writing values, versions and stages.
///
/// Object-safe; users hold `Arc<dyn SecretStore>`. Each change is atomic (value and labels move together or not at all) and
/// durable when it returns. A repeat with the same token and value changes nothing and answers the same; with another value
/// it is [`crate::ErrorKind::Exists`]. A dropped future leaves the state before or after.
///
/// Common errors: [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Validation`],
/// [`crate::ErrorKind::MarkedForDeletion`], [`crate::ErrorKind::AccessDenied`],
/// [`crate::ErrorKind::Tampered`], [`crate::ErrorKind::Throttled`], [`crate::ErrorKind::Internal`].
/// An error names the operation that was called and, where it named one, the secret
/// ([`Error::of_call`]).
#[async_trait]
pub trait SecretStore: Send + Sync + Debug {
    /// Makes a secret, with or without a first value.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Exists`], [`crate::ErrorKind::EncryptionFailure`], the common ones.
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error>;

    /// Reads a version's value.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DecryptionFailure`], the common ones.
    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error>;

    /// Stores a new version.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Exists`], [`crate::ErrorKind::LimitExceeded`], [`crate::ErrorKind::EncryptionFailure`], the
    /// common ones.
    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error>;

    /// Changes description, key or value.
    ///
    /// # Errors
    /// As [`SecretStore::put_secret_value`].
    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error>;

    /// Moves, attaches or removes a label.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`], [`crate::ErrorKind::LimitExceeded`], the common ones.
    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error>;

    /// Everything but the value; also of a secret that is marked for deletion.
    ///
    /// # Errors
    /// The common ones.
    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error>;

    /// A page of secrets.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidNextToken`], the common ones.
    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error>;

    /// A page of a secret's versions that have a value, oldest first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidNextToken`], the common ones.
    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error>;

    /// Reads the current values of up to 20 secrets. What a single secret fails with stands in the answer.
    ///
    /// Provided: lists and reads one by one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`] unless secrets are named or filters given, but not both;
    /// [`crate::ErrorKind::InvalidNextToken`], the common ones that concern no single secret.
    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        batch::get(self, cx, request).await
    }

    /// Makes a random password.
    ///
    /// Provided: [`GetRandomPassword::generate`].
    ///
    /// # Errors
    /// As [`GetRandomPassword::generate`].
    async fn get_random_password(
        &self,
        _cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        request.generate().map_err(|error| error.of_call(Operation::GetRandomPassword, None))
    }

    /// Takes reads into account that a cache in front of this store has served: a secret was used on the day of the last of them. What the caller may not
    /// read any more, and what is not there any more, is passed over. How many reads it took.
    ///
    /// Provided: refuses, as a store must where [`Capabilities::served_reads`] is not set.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`]; [`crate::ErrorKind::Throttled`], [`crate::ErrorKind::Internal`] and others of the store's that concern no
    /// single secret: then the same reads may be reported again, which changes nothing more.
    async fn report_reads(&self, _cx: &CallContext, _reads: &[ServedReads]) -> Result<u64, Error> {
        let text = "this store takes no reports of reads that it has not served";
        Err(Error::new(ErrorKind::Unsupported, text).of_call(Operation::ReportReads, None))
    }

    /// What this store can do.
    fn capabilities(&self) -> Capabilities;
}

fn no_admin(operation: Operation, id: &SecretId) -> Error {
    let text = "this store has no admin part: it cannot delete or restore secrets, or change their tags";
    Error::new(ErrorKind::Unsupported, text).of_call(operation, Some(id.as_str()))
}

fn no_policies(operation: Operation, id: Option<&SecretId>) -> Error {
    let text = "this store has no resource policies";
    Error::new(ErrorKind::Unsupported, text).of_call(operation, id.map(SecretId::as_str))
}

/// The rest: deletion, tags, resource policies. Rotation and replication join here. Every method
/// has a default that refuses, so for a store without an admin part `impl SecretAdmin for MyStore
/// {}` is enough; it sets [`Capabilities::admin`] to false.
#[async_trait]
pub trait SecretAdmin: SecretStore {
    /// Marks a secret for deletion after a recovery window, or deletes it at once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`] for the window, the common ones;
    /// [`crate::ErrorKind::Unsupported`] unless the store has an admin part. Deleting an unknown
    /// secret at once succeeds.
    async fn delete_secret(&self, _cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        Err(no_admin(Operation::DeleteSecret, &request.id))
    }

    /// Takes a planned deletion back; fine when there is none.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has an admin part.
    async fn restore_secret(&self, _cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        Err(no_admin(Operation::RestoreSecret, id))
    }

    /// Adds tags, or changes the values of those there are.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`] or [`crate::ErrorKind::LimitExceeded`] for the tags,
    /// the common ones; [`crate::ErrorKind::Unsupported`] unless the store has an admin part.
    async fn tag_resource(&self, _cx: &CallContext, id: &SecretId, _tags: Vec<Tag>) -> Result<(), Error> {
        Err(no_admin(Operation::TagResource, id))
    }

    /// Removes tags; those that are not there are ignored.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has an admin part.
    async fn untag_resource(
        &self,
        _cx: &CallContext,
        id: &SecretId,
        _keys: Vec<String>,
    ) -> Result<(), Error> {
        Err(no_admin(Operation::UntagResource, id))
    }

    /// Gives a secret a policy in place of the one it has.
    ///
    /// # Errors
    /// [`crate::ErrorKind::MalformedPolicy`], [`crate::ErrorKind::PublicPolicy`], the common ones;
    /// [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn put_resource_policy(
        &self,
        _cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        Err(no_policies(Operation::PutResourcePolicy, Some(&request.id)))
    }

    /// The policy of a secret.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn get_resource_policy(&self, _cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        Err(no_policies(Operation::GetResourcePolicy, Some(id)))
    }

    /// Takes a secret's policy away; fine when there is none.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn delete_resource_policy(&self, _cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        Err(no_policies(Operation::DeleteResourcePolicy, Some(id)))
    }

    /// What is wrong with a policy; stores nothing.
    ///
    /// # Errors
    /// [`crate::ErrorKind::MalformedPolicy`] for what is no policy at all, the common ones;
    /// [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn validate_resource_policy(
        &self,
        _cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        Err(no_policies(Operation::ValidateResourcePolicy, request.id.as_ref()))
    }
}
