//! What a cache has done so far.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::counter::Counter;

#[derive(Default)]
pub(crate) struct Counts {
    /// But for those of handles.
    pub(crate) hits: Counter,
    pub(crate) misses: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) stale: AtomicU64,
}

/// What a [`crate::Cached`] has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that were answered from the cache.
    pub hits: u64,
    /// Reads that waited for the store.
    pub misses: u64,
    /// Reads that were answered with a remembered failure: no such secret, or the store's last
    /// failure.
    pub refused: u64,
    /// Values that were refreshed in the background.
    pub refreshes: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Reads that were answered with an older value because the store was down.
    pub stale: u64,
    /// Values in the cache.
    pub entries: usize,
    /// Their bytes.
    pub bytes: usize,
    /// The age of the oldest one that may be served.
    pub oldest: Duration,
    /// Different reads, by caller, question and version, that wait to be reported.
    pub reads_waiting: usize,
    /// Reads that could not be reported: the store refused, or too many waited.
    pub reads_lost: u64,
}
