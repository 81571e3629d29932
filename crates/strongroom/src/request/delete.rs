//! Deleting.

use strongroom_store::{DeleteSecret, SecretDeleted, SecretId};

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Deletes a secret. Begun by [`Strongroom::delete`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Delete<R = Strongroom> {
    room: R,
    request: DeleteSecret,
}

impl<R: Room> Delete<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: DeleteSecret::new(id) }
    }

    /// How long the secret can still be restored: 7 to 30 days, 30 when absent.
    pub fn recovery_window_days(mut self, days: i64) -> Self {
        self.request = self.request.recovery_window_days(days);
        self
    }

    /// At once, without a way back.
    pub fn without_recovery(mut self) -> Self {
        self.request = self.request.force();
        self
    }

    async fn run(self) -> Result<SecretDeleted, Error> {
        let room = self.room.room();
        Ok(room.secrets().delete_secret(room.context(), self.request).await?)
    }
}

sends!(Delete => SecretDeleted,
    /// Marks the secret for deletion, or deletes it.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::delete_secret`].
);
