//! A cache of recently used credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_envelope::SecretBytes;
use strongroom_types::CallContext;

/// The credentials behind an access key.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The secret that signs requests.
    pub secret: SecretBytes,
    /// The caller that the key belongs to.
    pub context: CallContext,
}

/// A cache of recently used credentials. Entries are wiped when they are dropped.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<HashMap<String, Recent>>);

pub(crate) struct Recent {
    /// The number of changes this process had made to the directory before the credentials were
    /// read.
    pub(crate) commits: u64,
    pub(crate) asked: Instant,
    pub(crate) found: Arc<Credentials>,
}

/// The maximum number of cached credentials.
const MOST_AT_HAND: usize = 256;
/// How long another process's changes may go unnoticed. This process's own are noticed at once.
const STALENESS: Duration = Duration::from_millis(100);

impl AtHand {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str, commits: u64) -> Option<Arc<Credentials>> {
        let all = self.lock();
        let recent = all.get(id)?;
        let fresh = recent.commits == commits && recent.asked.elapsed() < STALENESS;
        fresh.then(|| Arc::clone(&recent.found))
    }

    pub(crate) fn keep(&self, id: &str, recent: Recent) {
        let mut all = self.lock();
        if all.len() >= MOST_AT_HAND {
            all.clear();
        }
        all.insert(id.to_owned(), recent);
    }
}
