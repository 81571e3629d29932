//! Deleting.

use strongroom_store::{DeleteSecret, SecretDeleted, SecretId};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Deletes a secret. Begun by [`Strongroom::delete`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Delete<R = Strongroom> {
    room: R,
    request: DeleteSecret,
}

begins!(
    /// Deletes a secret after a recovery window of 30 days, or as many as you say:
    /// `room.delete("prod/db").recovery_window_days(7).send().await?`.
    delete(id: impl Into<SecretId>) -> Delete, |room| Delete::new(room, id.into())
);

impl<R: Room> Delete<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: DeleteSecret::new(id) }
    }

    /// How long the secret can still be restored: 7 to 30 days, by default 30.
    pub fn recovery_window_days(mut self, days: i64) -> Self {
        self.request = self.request.recovery_window_days(days);
        self
    }

    /// Deletes it at once; it cannot be restored.
    pub fn without_recovery(mut self) -> Self {
        self.request = self.request.force();
        self
    }

    async fn run(self) -> Result<SecretDeleted, Error> {
        let room = self.room.room();
        Ok(room.store.delete_secret(room.context(), self.request).await?)
    }
}

sends!(Delete => SecretDeleted,
    /// Marks the secret for deletion, or deletes it.
    ///
    /// # Errors
    /// As [`crate::SecretAdmin::delete_secret`].
);
