//! What a housekeeper has to tell.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use strongroom_types::{Realm, Timestamp};

use crate::Error;

/// Takes what a housekeeper has to tell: writes it to a log, raises an alarm. It is called while
/// housekeeping waits for it, and must not block.
pub type OnEvent = Arc<dyn Fn(&HousekeepingEvent) + Send + Sync>;

/// What a housekeeper has to tell its owner. [`Display`](fmt::Display) is a sentence for a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HousekeepingEvent {
    /// The wall clock and the monotonic one have parted by more than five minutes: somebody has set
    /// the clock, or the machine slept. Nothing is purged meanwhile.
    ClockJumped {
        /// By how many milliseconds; negative for backwards.
        by_millis: i64,
        /// What the wall clock shows now.
        now: Timestamp,
        /// How long purging stops, unless [`Housekeeper::confirm_clock`](crate::Housekeeper::confirm_clock)
        /// is called.
        stopped_for: Duration,
    },
    /// At the first look at a strongroom the time was not near that of the last look, by whichever
    /// process: nobody kept house in between, or the clock was set meanwhile. Told before anything
    /// is purged, which this does not stop.
    TimeSinceLastTick {
        /// The strongroom's account and region.
        realm: Realm,
        /// What the wall clock showed at the last look.
        last: Timestamp,
        /// What it shows now.
        now: Timestamp,
    },
    /// The owner has confirmed the clock.
    ClockConfirmed {
        /// What the wall clock shows.
        now: Timestamp,
    },
    /// Housekeeping of a strongroom failed. The next tick tries again.
    Failed {
        /// The strongroom's account and region, where it could be opened.
        realm: Option<Realm>,
        /// The first failure.
        error: Error,
    },
}

impl HousekeepingEvent {
    /// Whether somebody should look: all but the owner's own confirmation.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(self, Self::ClockConfirmed { .. })
    }
}

impl fmt::Display for HousekeepingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockJumped { by_millis, now, stopped_for } => write!(
                f,
                "the clock has jumped by {} s and shows {now}: nothing is purged for {} s unless the owner confirms the clock",
                by_millis / 1000,
                stopped_for.as_secs()
            ),
            Self::TimeSinceLastTick { realm, last, now } => write!(
                f,
                "housekeeping of {realm} begins at {now}, and was last done at {last}: was the clock set, or did nobody keep house?"
            ),
            Self::ClockConfirmed { now } => write!(f, "the owner has confirmed the clock, which shows {now}"),
            Self::Failed { realm: Some(realm), error } => {
                write!(f, "housekeeping of {realm} failed: {error}")
            }
            Self::Failed { realm: None, error } => write!(f, "housekeeping failed: {error}"),
        }
    }
}
