//! The admin part of a store.

use async_trait::async_trait;
use strongroom_types::CallContext;

use crate::{
    DeleteSecret, Error, ErrorKind, Operation, PolicyValidation, PutResourcePolicy, ResourcePolicy,
    SecretDeleted, SecretId, SecretRef, SecretStore, Tag, ValidateResourcePolicy,
};

fn no_admin(operation: Operation, id: &SecretId) -> Error {
    let text = "this store has no admin part: it cannot delete or restore secrets, or change their tags";
    Error::new(ErrorKind::Unsupported, text).of_call(operation, Some(id.as_str()))
}

fn no_policies(operation: Operation, id: Option<&SecretId>) -> Error {
    let text = "this store has no resource policies";
    Error::new(ErrorKind::Unsupported, text).of_call(operation, id.map(SecretId::as_str))
}

/// The rest: deletion, tags, resource policies. Every method has a default that fails with
/// [`crate::ErrorKind::Unsupported`], so a store without an admin part needs only `impl SecretAdmin
/// for MyStore {}`; it sets [`Capabilities::admin`](crate::Capabilities::admin) to `false`.
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

    /// Cancels a scheduled deletion. Succeeds if there is none.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has an admin part.
    async fn restore_secret(&self, _cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        Err(no_admin(Operation::RestoreSecret, id))
    }

    /// Adds tags, or changes the values of existing ones.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidParameter`] or [`crate::ErrorKind::LimitExceeded`] for the tags,
    /// the common ones; [`crate::ErrorKind::Unsupported`] unless the store has an admin part.
    async fn tag_resource(&self, _cx: &CallContext, id: &SecretId, _tags: Vec<Tag>) -> Result<(), Error> {
        Err(no_admin(Operation::TagResource, id))
    }

    /// Removes tags. Ignores tags that the secret does not have.
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

    /// Sets the policy of a secret, replacing the one it has.
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

    /// Returns the policy of a secret.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn get_resource_policy(&self, _cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        Err(no_policies(Operation::GetResourcePolicy, Some(id)))
    }

    /// Removes a secret's policy. Succeeds if there is none.
    ///
    /// # Errors
    /// The common ones; [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn delete_resource_policy(&self, _cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        Err(no_policies(Operation::DeleteResourcePolicy, Some(id)))
    }

    /// Checks a policy without storing it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::MalformedPolicy`] for a document that cannot be parsed, the common ones;
    /// [`crate::ErrorKind::Unsupported`] unless the store has policies.
    async fn validate_resource_policy(
        &self,
        _cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        Err(no_policies(Operation::ValidateResourcePolicy, request.id.as_ref()))
    }
}
