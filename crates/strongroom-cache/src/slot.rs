//! The value that handles show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use strongroom_store::SecretVersion;
use strongroom_types::Timestamp;

use crate::reads::Tally;

/// The value that a handle shows, kept in sync with the cache's entry.
pub(crate) struct Slot {
    pub(crate) shown: ArcSwapOption<Shown>,
}

pub(crate) struct Shown {
    pub(crate) version: Arc<SecretVersion>,
    pub(crate) since: Timestamp,
    /// When the value is refreshed in the background, and when it is no longer served.
    pub(crate) ahead: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) tally: Arc<Tally>,
    /// Whether a reader has already triggered the refresh.
    pub(crate) asked: AtomicBool,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self { shown: ArcSwapOption::empty() }
    }

    /// Lets the next reader trigger a refresh again.
    pub(crate) fn ask_again(&self) {
        if let Some(shown) = &*self.shown.load() {
            shown.asked.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn show(&self, shown: Option<Shown>) {
        self.shown.store(shown.map(Arc::new));
    }
}
