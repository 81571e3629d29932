//! Resource policies.

use strongroom_store::{PolicyValidation, PutResourcePolicy, SecretId, SecretRef, ValidateResourcePolicy};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// The resource policy of one secret. Made by [`Strongroom::policy`].
///
/// ```
/// # use strongroom::{RootKey, Strongroom};
/// # pollster::block_on(async {
/// # let root = RootKey::from_bytes([1; 32]);
/// # let room = Strongroom::builder().memory().root_key(root).open().await?;
/// # room.create("prod/db").text("s3cret").send().await?;
/// let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*",
///   "Action": "secretsmanager:DeleteSecret", "Resource": "*"}}"#;
/// room.policy("prod/db").put(document).send().await?;
/// assert_eq!(room.policy("prod/db").get().await?.as_deref(), Some(document));
/// room.policy("prod/db").delete().await?;
/// # Ok::<_, strongroom::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SecretPolicy<R = Strongroom> {
    room: R,
    id: SecretId,
}

begins!(
    /// The resource policy of a secret: `room.policy("prod/db").put(document).send().await?`.
    policy(id: impl Into<SecretId>) -> SecretPolicy, |room| SecretPolicy { room, id: id.into() }
);

impl<R: Room> SecretPolicy<R> {
    /// Attaches a policy, a JSON document, in place of the one there is:
    /// `.put(document).block_public_policy().send()`.
    pub fn put(self, policy: impl Into<String>) -> PutPolicy<R> {
        PutPolicy::new(self.room, self.id, policy.into())
    }

    async fn run_get(self) -> Result<Option<String>, Error> {
        let room = self.room.room();
        Ok(room.store.get_resource_policy(room.context(), &self.id).await?.policy)
    }

    async fn run_delete(self) -> Result<SecretRef, Error> {
        let room = self.room.room();
        Ok(room.store.delete_resource_policy(room.context(), &self.id).await?)
    }
}

impl SecretPolicy<Strongroom> {
    /// The policy as it was attached; `None` if there is none.
    ///
    /// # Errors
    /// As [`SecretAdmin::get_resource_policy`](crate::SecretAdmin::get_resource_policy).
    pub async fn get(self) -> Result<Option<String>, Error> {
        self.run_get().await
    }

    /// Removes the policy; does nothing if there is none.
    ///
    /// # Errors
    /// As [`SecretAdmin::delete_resource_policy`](crate::SecretAdmin::delete_resource_policy).
    pub async fn delete(self) -> Result<SecretRef, Error> {
        self.run_delete().await
    }
}

#[cfg(feature = "blocking")]
impl SecretPolicy<crate::blocking_room::Strongroom> {
    /// The policy as it was attached; `None` if there is none.
    ///
    /// # Errors
    /// As [`SecretAdmin::get_resource_policy`](crate::SecretAdmin::get_resource_policy).
    pub fn get(self) -> Result<Option<String>, Error> {
        pollster::block_on(self.run_get())
    }

    /// Removes the policy; does nothing if there is none.
    ///
    /// # Errors
    /// As [`SecretAdmin::delete_resource_policy`](crate::SecretAdmin::delete_resource_policy).
    pub fn delete(self) -> Result<SecretRef, Error> {
        pollster::block_on(self.run_delete())
    }
}

/// Attaches a resource policy to a secret. Begun by [`SecretPolicy::put`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct PutPolicy<R = Strongroom> {
    room: R,
    request: PutResourcePolicy,
}

impl<R: Room> PutPolicy<R> {
    pub(crate) fn new(room: R, id: SecretId, policy: String) -> Self {
        Self { room, request: PutResourcePolicy::new(id, policy) }
    }

    /// Refuses a policy that grants access to everyone.
    pub fn block_public_policy(mut self) -> Self {
        self.request = self.request.block_public_policy();
        self
    }

    async fn run(self) -> Result<SecretRef, Error> {
        let room = self.room.room();
        Ok(room.store.put_resource_policy(room.context(), self.request).await?)
    }
}

sends!(PutPolicy => SecretRef,
    /// Attaches the policy in place of the one there is.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::put_resource_policy`].
);

/// Reports what is wrong with a resource policy, without attaching it. Begun by
/// [`Strongroom::validate_policy`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct ValidatePolicy<R = Strongroom> {
    room: R,
    request: ValidateResourcePolicy,
}

begins!(
    /// Reports what is wrong with a resource policy, without attaching it:
    /// `room.validate_policy(document).secret("prod/db").send().await?`.
    validate_policy(policy: impl Into<String>) -> ValidatePolicy, |room| {
        ValidatePolicy::new(room, policy.into())
    }
);

impl<R: Room> ValidatePolicy<R> {
    pub(crate) fn new(room: R, policy: String) -> Self {
        Self { room, request: ValidateResourcePolicy::new(policy) }
    }

    /// Validates it as a policy of this secret.
    pub fn secret(mut self, id: impl Into<SecretId>) -> Self {
        self.request = self.request.secret(id);
        self
    }

    async fn run(self) -> Result<PolicyValidation, Error> {
        let room = self.room.room();
        Ok(room.store.validate_resource_policy(room.context(), self.request).await?)
    }
}

sends!(ValidatePolicy => PolicyValidation,
    /// Validates the policy.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::validate_resource_policy`].
);
