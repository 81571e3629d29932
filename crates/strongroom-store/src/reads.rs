//! Reads that somebody else has served.

use strongroom_types::Timestamp;

use crate::{GetSecretValue, VersionId};

/// Reads of one version by one caller that were served without asking the store: by a cache in front of it, which reports them
/// afterwards ([`crate::SecretStore::report_reads`]), so that a secret that is read a thousand times a second never looks unused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedReads {
    /// What was asked for.
    pub request: GetSecretValue,
    /// The version that was served.
    pub version_id: VersionId,
    /// How often; at least once.
    pub count: u64,
    /// When none of them was before.
    pub first: Timestamp,
    /// When the last of them was.
    pub last: Timestamp,
}

impl ServedReads {
    /// One read, at this moment.
    #[must_use]
    pub fn one(request: GetSecretValue, version_id: VersionId, at: Timestamp) -> Self {
        Self { request, version_id, count: 1, first: at, last: at }
    }

    /// Adds so many, the last of them at `last`.
    pub fn add(&mut self, count: u64, last: Timestamp) {
        self.count = self.count.saturating_add(count);
        self.last = self.last.max(last);
    }
}
