//! What housekeeping did so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a housekeeper did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HousekeepingStats {
    /// How often it looked at a strongroom.
    pub ticks: u64,
    /// How many of those failed.
    pub failures: u64,
    /// Secrets, keys and imported material that were purged.
    pub purged: u64,
    /// How often the wall clock was found to have jumped.
    pub clock_jumps: u64,
    /// Nothing is purged now because the clock has jumped.
    pub purging_stopped: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) ticks: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) purged: AtomicU64,
    pub(crate) clock_jumps: AtomicU64,
}

impl Counts {
    pub(crate) fn stats(&self, purging_stopped: bool) -> HousekeepingStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        HousekeepingStats {
            ticks: read(&self.ticks),
            failures: read(&self.failures),
            purged: read(&self.purged),
            clock_jumps: read(&self.clock_jumps),
            purging_stopped,
        }
    }
}

#[cfg(feature = "metrics")]
impl HousekeepingStats {
    /// Sets the series of this housekeeper to what is counted here; a program does so every now and
    /// then: `strongroom_housekeeping_ticks_total`, `_failures_total`, `_purged_total`,
    /// `_clock_jumps_total`, and `strongroom_housekeeping_purging_stopped`, which is 1 while nothing
    /// is purged because the clock has jumped.
    pub fn publish(&self) {
        metrics::counter!("strongroom_housekeeping_ticks_total").absolute(self.ticks);
        metrics::counter!("strongroom_housekeeping_failures_total").absolute(self.failures);
        metrics::counter!("strongroom_housekeeping_purged_total").absolute(self.purged);
        metrics::counter!("strongroom_housekeeping_clock_jumps_total").absolute(self.clock_jumps);
        metrics::gauge!("strongroom_housekeeping_purging_stopped")
            .set(f64::from(u8::from(self.purging_stopped)));
    }
}
