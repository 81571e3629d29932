//! How house is kept in the background.

use std::fmt;
use std::time::Duration;

use strongroom_cache::{Sleep, Spawn};

use super::event::{HousekeepingEvent, OnEvent};

/// How a strongroom keeps house by itself, for [`Builder::housekeeping`](crate::Builder::housekeeping).
///
/// Strongroom depends on no runtime, so the program supplies how to spawn a task and how to sleep.
/// With tokio, `Arc::new(move |task| drop(runtime.spawn(task)))` of a `tokio::runtime::Handle` and
/// `Arc::new(|time| Box::pin(tokio::time::sleep(time)))`.
#[derive(Clone)]
pub struct Housekeeping {
    pub(crate) spawn: Spawn,
    pub(crate) sleep: Sleep,
    pub(crate) every: Duration,
    pub(crate) limits: TickLimits,
    pub(crate) on_event: Option<OnEvent>,
}

/// How far one tick may go, chore by chore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TickLimits {
    pub(crate) items: u64,
    pub(crate) time: Duration,
}

impl TickLimits {
    /// All that is due.
    pub(crate) const NONE: Self = Self { items: u64::MAX, time: Duration::MAX };
}

impl Default for TickLimits {
    fn default() -> Self {
        Self { items: 1000, time: Duration::from_secs(10) }
    }
}

impl Housekeeping {
    /// A tick every minute, at most 1000 things and ten seconds for each chore in one tick.
    #[must_use]
    pub fn new(spawn: Spawn, sleep: Sleep) -> Self {
        Self { spawn, sleep, every: Duration::from_secs(60), limits: TickLimits::default(), on_event: None }
    }

    /// How long to wait from one tick to the next. Not zero.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// The most that one tick does of each chore, in things and in time. What is left over is done by
    /// the next tick, which follows within a second then.
    #[must_use]
    pub fn at_most(mut self, items: u64, time: Duration) -> Self {
        self.limits = TickLimits { items: items.max(1), time };
        self
    }

    /// Where to tell what the owner should know: see [`HousekeepingEvent`].
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&HousekeepingEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Some(std::sync::Arc::new(tell));
        self
    }
}

impl fmt::Debug for Housekeeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Housekeeping")
            .field("every", &self.every)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
