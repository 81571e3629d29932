//! The state that clones of a cached store share.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_store::{Error, SecretVersion};
use strongroom_types::{Clock, Timestamp};

use crate::cache_policy::CachePolicy;
use crate::entries::Entries;
use crate::flight::Flights;
use crate::question::Question;
use crate::stats::Counts;
use crate::vault::Vault;

/// A background task.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns background tasks, for example `move |task| drop(runtime.spawn(task))` with a
/// `tokio::runtime::Handle`. It is called on the thread of any read, so `tokio::spawn` alone would
/// panic outside of a runtime. With the feature `tokio`, use `spawn_on_tokio`.
pub type Spawn = Arc<dyn Fn(Task) + Send + Sync>;

pub(crate) struct Shared<S> {
    pub(crate) inner: S,
    pub(crate) policy: CachePolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spawn: Option<Spawn>,
    pub(crate) entries: Mutex<Entries>,
    /// Calls in flight, with their outcome, and whether the store was called for it.
    pub(crate) calls: Flights<(Question, u64), Option<(Fetched, bool)>>,
    pub(crate) counts: Counts,
    pub(crate) vault: Option<Vault>,
    /// Whether the store accepts reports of reads.
    pub(crate) takes_reads: bool,
}

/// The outcome of a fetch for all its participants, and the time of its request.
pub(crate) type Fetched = Result<(Arc<SecretVersion>, Timestamp), Error>;

impl<S> Shared<S> {
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
