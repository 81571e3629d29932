//! Reads that a cache has served.

use strongroom_types::Timestamp;

use crate::{GetSecretValue, VersionId};

/// Reads of one version by one caller that a cache has served without asking the store. The cache
/// reports them afterwards ([`crate::SecretStore::report_reads`]), so that a secret that is read a
/// thousand times a second does not look unused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedReads {
    /// The request.
    pub request: GetSecretValue,
    /// The version that was served.
    pub version_id: VersionId,
    /// The number of reads, at least 1.
    pub count: u64,
    /// A time not later than the first read.
    pub first: Timestamp,
    /// The time of the last read.
    pub last: Timestamp,
}

impl ServedReads {
    /// One read at this time.
    #[must_use]
    pub fn one(request: GetSecretValue, version_id: VersionId, at: Timestamp) -> Self {
        Self { request, version_id, count: 1, first: at, last: at }
    }

    /// Adds `count` reads, the last of them at `last`.
    pub fn add(&mut self, count: u64, last: Timestamp) {
        self.count = self.count.saturating_add(count);
        self.last = self.last.max(last);
    }
}
