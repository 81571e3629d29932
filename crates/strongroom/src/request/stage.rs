//! Moving labels.

use strongroom_store::{SecretId, SecretRef, Stage, UpdateSecretVersionStage, VersionId};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Moves, attaches or removes a label. Begun by [`Strongroom::move_stage`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct MoveStage<R = Strongroom> {
    room: R,
    request: UpdateSecretVersionStage,
}

begins!(
    /// Moves a label: `room.move_stage("prod/db", "canary").to(&version).send().await?`.
    move_stage(id: impl Into<SecretId>, stage: impl Into<Stage>) -> MoveStage, |room| {
        MoveStage::new(room, id.into(), stage.into())
    }
);

impl<R: Room> MoveStage<R> {
    pub(crate) fn new(room: R, id: SecretId, stage: Stage) -> Self {
        Self { room, request: UpdateSecretVersionStage::new(id, stage) }
    }

    /// Removes it from this version, which must have it. Required to move a label from one version
    /// to another.
    pub fn from(mut self, version: impl Into<VersionId>) -> Self {
        self.request = self.request.remove_from(version);
        self
    }

    /// Attaches it to this version. Moving [`Stage::CURRENT`] also moves [`Stage::PREVIOUS`].
    pub fn to(mut self, version: impl Into<VersionId>) -> Self {
        self.request = self.request.move_to(version);
        self
    }

    async fn run(self) -> Result<SecretRef, Error> {
        let room = self.room.room();
        Ok(room.store.update_secret_version_stage(room.context(), self.request).await?)
    }
}

sends!(MoveStage => SecretRef,
    /// Moves the label.
    ///
    /// # Errors
    /// As [`crate::SecretStore::update_secret_version_stage`].
);
