//! The housekeeper.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_root::LeaseWatch;
use strongroom_types::{Clock, PurgePermit};

use super::clock_guard::{ClockGuard, DOUBT, Sample};
use super::event::{HousekeepingEvent, OnEvent};
use super::last_tick::LastTick;
use super::stats::{Counts, HousekeepingStats};

/// Keeps house over one strongroom or many: purges secrets and keys whose time is over, deletes
/// imported key material past its date, rotates keys by their schedules, writes down when secrets were
/// last read. Clones share everything.
///
/// Each strongroom is looked at by a *tick*: [`Housekeeper::tick`] for one,
/// [`Housekeeper::round`] for all of a source. [`Strongroom::maintain`](crate::Strongroom::maintain)
/// is a tick of the strongroom's own housekeeper, and
/// [`Builder::housekeeping`](crate::Builder::housekeeping) lets that run by itself.
///
/// **One process at a time** keeps house in a store, by a lease that compares no clocks. A process
/// that dies while it holds the lease keeps the others out until they have watched it for a minute; so
/// a program that calls `maintain` once and ends should call it again a minute later when it was
/// [busy elsewhere](crate::Maintained::busy_elsewhere).
///
/// **A clock that jumps purges nothing.** While the housekeeper runs, the wall clock must stay within
/// five minutes of the monotonic one. When they part, nothing is purged for an hour of monotonic time,
/// or until the owner calls [`Housekeeper::confirm_clock`]; [`HousekeepingEvent::ClockJumped`] and
/// [`HousekeepingStats::purging_stopped`] say so. A machine that slept looks the same, and waits too.
/// Requests purge nothing meanwhile either: the name of a deleted secret stays taken, even past the
/// end of its recovery window, instead of being freed for a new secret.
/// What was purged before a process began it cannot know; it tells when the time is far from that of
/// the last look at the store, whichever process had it
/// ([`HousekeepingEvent::TimeSinceLastTick`]), before it purges anything.
#[derive(Clone)]
pub struct Housekeeper {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) clock: Arc<dyn Clock>,
    /// Shared with the housekeepers [beside](Housekeeper::beside) this one.
    guard: Arc<Mutex<ClockGuard>>,
    /// What is known of each store, by its id: it outlives the handles, which a server may close
    /// between two ticks.
    stores: Mutex<HashMap<String, Arc<Known>>>,
    on_event: Mutex<Option<OnEvent>>,
    /// Receives events about the clock too.
    beside: Option<Housekeeper>,
    pub(super) counts: Counts,
}

/// What a housekeeper knows of a store.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Who else keeps house there.
    pub(super) others: LeaseWatch,
    last_tick: Mutex<Option<LastTick>>,
}

impl Housekeeper {
    /// A housekeeper that goes by this clock, which should be that of the strongrooms.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::build(clock, None)
    }

    /// The same, and `tell` takes what the owner should know.
    #[must_use]
    pub fn telling(clock: Arc<dyn Clock>, tell: impl Fn(&HousekeepingEvent) + Send + Sync + 'static) -> Self {
        Self::build(clock, Some(Arc::new(tell)))
    }

    pub(crate) fn build(clock: Arc<dyn Clock>, on_event: Option<OnEvent>) -> Self {
        let mut guard = ClockGuard::default();
        guard.observe(Sample::of(&*clock));
        Self::guarded_by(clock, Arc::new(Mutex::new(guard)), on_event, None)
    }

    fn guarded_by(
        clock: Arc<dyn Clock>,
        guard: Arc<Mutex<ClockGuard>>,
        on_event: Option<OnEvent>,
        beside: Option<Self>,
    ) -> Self {
        let (stores, on_event, counts) = (Mutex::default(), Mutex::new(on_event), Counts::default());
        Self { inner: Arc::new(Inner { clock, guard, stores, on_event, beside, counts }) }
    }

    /// Another housekeeper that knows of the clock what this one knows, and tells it what it finds.
    pub(crate) fn beside(&self, on_event: OnEvent) -> Self {
        let (clock, guard) = (Arc::clone(&self.inner.clock), Arc::clone(&self.inner.guard));
        Self::guarded_by(clock, guard, Some(on_event), Some(self.clone()))
    }

    /// Whether it goes by this clock.
    pub(crate) fn goes_by(&self, clock: &Arc<dyn Clock>) -> bool {
        Arc::ptr_eq(&self.inner.clock, clock)
    }

    /// Sends events to `on_event` from now on, in place of the earlier receiver.
    pub(crate) fn tell_to(&self, on_event: OnEvent) {
        *self.inner.on_event.lock().unwrap_or_else(PoisonError::into_inner) = Some(on_event);
    }

    /// The owner says that the clock is right as it is: what was stopped because it had jumped goes on
    /// with the next tick.
    pub fn confirm_clock(&self) {
        let sample = Sample::of(&*self.inner.clock);
        self.guard().confirm(sample);
        self.tell_of_clock(&HousekeepingEvent::ClockConfirmed { now: sample.wall });
    }

    /// How long nothing is purged because the clock has jumped; `None` when the clock is believed.
    #[must_use]
    pub fn purging_stopped_for(&self) -> Option<Duration> {
        let (sample, _) = self.look();
        self.guard().doubt(sample.monotonic)
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> HousekeepingStats {
        self.inner.counts.stats(self.purging_stopped_for().is_some())
    }

    /// Looks at the clocks. How long the wall clock is in doubt, if it is.
    pub(super) fn look(&self) -> (Sample, Option<Duration>) {
        let mut guard = self.guard();
        // Within the lock: samples are taken in one by one, in the order of their time.
        let sample = Sample::of(&*self.inner.clock);
        let jumped = guard.observe(sample);
        let doubt = guard.doubt(sample.monotonic);
        drop(guard);
        if let Some(by_millis) = jumped {
            let jumped = HousekeepingEvent::ClockJumped { by_millis, now: sample.wall, stopped_for: DOUBT };
            self.tell_of_clock(&jumped);
        }
        (sample, doubt)
    }

    pub(super) fn known(&self, store: &str) -> Arc<Known> {
        let mut stores = self.inner.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = stores.get(store) {
            return Arc::clone(known);
        }
        Arc::clone(stores.entry(store.to_owned()).or_default())
    }

    pub(crate) fn tell(&self, event: &HousekeepingEvent) {
        // Not within the lock: the receiver may call this housekeeper.
        let tell = self.inner.on_event.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(tell) = tell {
            tell(event);
        }
    }

    /// Tells what the housekeepers that share the guard should know as well.
    fn tell_of_clock(&self, event: &HousekeepingEvent) {
        if matches!(event, HousekeepingEvent::ClockJumped { .. }) {
            self.inner.counts.clock_jumps.fetch_add(1, Ordering::Relaxed);
        }
        self.tell(event);
        if let Some(other) = &self.inner.beside {
            other.tell_of_clock(event);
        }
    }

    fn guard(&self) -> MutexGuard<'_, ClockGuard> {
        self.inner.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PurgePermit for Housekeeper {
    /// Looks at the clocks, and answers whether they are believed.
    fn may_destroy(&self) -> bool {
        self.look().1.is_none()
    }
}

impl fmt::Debug for Housekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Housekeeper").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Known {
    pub(super) fn last_tick(&self) -> Option<LastTick> {
        *self.last_tick.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_last_tick(&self, last: LastTick) {
        *self.last_tick.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}
