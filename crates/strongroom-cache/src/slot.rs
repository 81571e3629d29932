//! What handles show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use strongroom_store::SecretVersion;
use strongroom_types::Timestamp;

use crate::reads::Tally;

/// What a handle shows, kept in step with the cache's entry.
pub(crate) struct Slot {
    pub(crate) shown: ArcSwapOption<Shown>,
}

pub(crate) struct Shown {
    pub(crate) version: Arc<SecretVersion>,
    pub(crate) since: Timestamp,
    /// From when on it is fetched again meanwhile, and from when on it is not served.
    pub(crate) ahead: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) tally: Arc<Tally>,
    /// Somebody has seen that it is to be fetched again.
    pub(crate) asked: AtomicBool,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self { shown: ArcSwapOption::empty() }
    }

    /// Lets who sees what is shown have it fetched again.
    pub(crate) fn ask_again(&self) {
        if let Some(shown) = &*self.shown.load() {
            shown.asked.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn show(&self, shown: Option<Shown>) {
        self.shown.store(shown.map(Arc::new));
    }
}
