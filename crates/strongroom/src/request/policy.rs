//! Resource policies.

use strongroom_store::{PolicyValidation, PutResourcePolicy, SecretId, SecretRef, ValidateResourcePolicy};

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Gives a secret a resource policy. Begun by [`Strongroom::put_policy`].
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

    /// Refuses a policy that lets anybody in.
    pub fn block_public_policy(mut self) -> Self {
        self.request = self.request.block_public_policy();
        self
    }

    async fn run(self) -> Result<SecretRef, Error> {
        let room = self.room.room();
        Ok(room.secrets().put_resource_policy(room.context(), self.request).await?)
    }
}

sends!(PutPolicy => SecretRef,
    /// Puts the policy in place of the one there is.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::put_resource_policy`].
);

/// Says what would be wrong with a resource policy, and puts nothing. Begun by [`Strongroom::validate_policy`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct ValidatePolicy<R = Strongroom> {
    room: R,
    request: ValidateResourcePolicy,
}

impl<R: Room> ValidatePolicy<R> {
    pub(crate) fn new(room: R, policy: String) -> Self {
        Self { room, request: ValidateResourcePolicy::new(policy) }
    }

    /// As a policy of this secret.
    pub fn secret(mut self, id: impl Into<SecretId>) -> Self {
        self.request = self.request.secret(id);
        self
    }

    async fn run(self) -> Result<PolicyValidation, Error> {
        let room = self.room.room();
        Ok(room.secrets().validate_resource_policy(room.context(), self.request).await?)
    }
}

sends!(ValidatePolicy => PolicyValidation,
    /// Looks at the policy.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::validate_resource_policy`].
);
