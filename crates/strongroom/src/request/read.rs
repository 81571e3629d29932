//! Reading values.

use strongroom_store::{GetSecretValue, SecretId, SecretVersion, Stage, VersionId};

use super::{Room, begins, sends};
use crate::{Error, Strongroom};

/// Reads a value. Begun by [`Strongroom::get`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent"]
pub struct Get<R = Strongroom> {
    room: R,
    request: GetSecretValue,
}

begins!(
    /// Reads a value, by name, ARN, or ARN without its suffix: `room.get("prod/db").send().await?`.
    get(id: impl Into<SecretId>) -> Get, |room| Get::new(room, id.into())
);

impl<R: Room> Get<R> {
    pub(crate) fn new(room: R, id: SecretId) -> Self {
        Self { room, request: GetSecretValue::new(id) }
    }

    /// The version with this label; without version and label, the current one.
    pub fn stage(mut self, stage: impl Into<Stage>) -> Self {
        self.request = self.request.stage(stage);
        self
    }

    /// This version, labelled or not. If a label is given too, it must be on this version.
    pub fn version(mut self, version: impl Into<VersionId>) -> Self {
        self.request = self.request.version_id(version);
        self
    }

    async fn run(self) -> Result<SecretVersion, Error> {
        let room = self.room.room();
        Ok(room.store.get_secret_value(room.context(), self.request).await?)
    }
}

sends!(Get => SecretVersion,
    /// Reads the value.
    ///
    /// # Errors
    /// As [`crate::SecretStore::get_secret_value`].
);
