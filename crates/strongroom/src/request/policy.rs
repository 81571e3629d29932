//! Resource policies.

use strongroom_store::{PutResourcePolicy, SecretAdmin, SecretId, SecretRef};

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
        Ok(room.engine().put_resource_policy(room.context(), self.request).await?)
    }
}

sends!(PutPolicy => SecretRef,
    /// Puts the policy in place of the one there is.
    ///
    /// # Errors
    /// As [`SecretAdmin::put_resource_policy`].
);
