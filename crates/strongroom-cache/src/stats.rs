//! A cache's statistics.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::counter::Counter;

#[derive(Default)]
pub(crate) struct Counts {
    /// Not counting those of handles.
    pub(crate) hits: Counter,
    pub(crate) misses: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) stale: AtomicU64,
}

/// Statistics of a [`crate::Cached`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that were answered from the cache.
    pub hits: u64,
    /// Reads that waited for the store.
    pub misses: u64,
    /// Reads that returned a cached failure: no such secret, or the store's last failure.
    pub refused: u64,
    /// Values that were refreshed in the background.
    pub refreshes: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Reads that returned a value past its time to live because the store was down.
    pub stale: u64,
    /// Values in the cache.
    pub entries: usize,
    /// The total length of the values, in bytes.
    pub bytes: usize,
    /// The age of the oldest value that can be served.
    pub oldest: Duration,
    /// Pending reads to report, distinct by caller, query and version.
    pub reads_waiting: usize,
    /// Reads that could not be reported, because the store refused them or too many were pending.
    pub reads_lost: u64,
}
