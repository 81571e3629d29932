//! Credentials that were looked up recently.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_envelope::SecretBytes;
use strongroom_types::CallContext;

/// What an access key stands for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// What requests are signed with.
    pub secret: SecretBytes,
    /// Who calls with it.
    pub context: CallContext,
}

/// Credentials that were looked up recently. Wiped when they are dropped.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<HashMap<String, Recent>>);

pub(crate) struct Recent {
    /// How often this process had changed the directory, before they were read.
    pub(crate) commits: u64,
    pub(crate) asked: Instant,
    pub(crate) found: Arc<Credentials>,
}

/// The most credentials to keep.
const MOST_AT_HAND: usize = 256;
/// How long another process's changes may go unnoticed. This process's are noticed at once.
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
