//! Moving labels.

use strongroom_store::{SecretId, SecretRef, Stage, UpdateSecretVersionStage, VersionId};

use super::{Room, sends};
use crate::{Error, Strongroom};

/// Moves, attaches or removes a label. Begun by [`Strongroom::move_stage`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct MoveStage<R = Strongroom> {
    room: R,
    request: UpdateSecretVersionStage,
}

impl<R: Room> MoveStage<R> {
    pub(crate) fn new(room: R, id: SecretId, stage: Stage) -> Self {
        Self { room, request: UpdateSecretVersionStage::new(id, stage) }
    }

    /// Takes it from this version, which must have it. Required when a version has it and another is to get it.
    pub fn from(mut self, version: impl Into<VersionId>) -> Self {
        self.request = self.request.remove_from(version);
        self
    }

    /// Gives it to this version. Moving [`Stage::CURRENT`] takes [`Stage::PREVIOUS`] along.
    pub fn to(mut self, version: impl Into<VersionId>) -> Self {
        self.request = self.request.move_to(version);
        self
    }

    async fn run(self) -> Result<SecretRef, Error> {
        let room = self.room.room();
        Ok(room.secrets().update_secret_version_stage(room.context(), self.request).await?)
    }
}

sends!(MoveStage => SecretRef,
    /// Makes the move.
    ///
    /// # Errors
    /// As [`crate::SecretStore::update_secret_version_stage`].
);
