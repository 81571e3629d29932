//! A value from a cache.

use std::sync::Arc;
use std::time::Duration;

use strongroom_store::SecretVersion;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The store, for this read or one at the same time.
    Store,
    /// The cache, within the time to live.
    Cache,
    /// The cache, after the time to live, because the store is down.
    Stale,
}

/// A handle to a cached value, not a copy.
#[derive(Clone, Debug)]
pub struct CachedSecret {
    version: Arc<SecretVersion>,
    age: Duration,
    source: Source,
}

impl CachedSecret {
    pub(crate) fn new(version: Arc<SecretVersion>, age: Duration, source: Source) -> Self {
        Self { version, age, source }
    }

    pub(crate) fn into_version(self) -> Arc<SecretVersion> {
        self.version
    }

    /// The maximum possible age, counted from when the value was requested.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Where the value came from.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }
}

impl std::ops::Deref for CachedSecret {
    type Target = SecretVersion;

    fn deref(&self) -> &SecretVersion {
        &self.version
    }
}
