//! One look at one store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_root::{Budget, Chore, ChoreKind, Error, Lease, TrustedRecords};

use super::clock_guard::Sample;
use super::event::HousekeepingEvent;
use super::keeper::{Housekeeper, Known};
use super::last_tick::LastTick;
use super::options::TickLimits;

/// What one look at one store came to.
#[derive(Debug, Default)]
pub(crate) struct Tick {
    /// How many things each chore did.
    pub(crate) done: Vec<(&'static str, u64)>,
    /// Another housekeeper was at it.
    pub(crate) busy_elsewhere: bool,
    /// The limits were reached before everything was done.
    pub(crate) more: bool,
    /// Something is due that was not purged, because the clock is in doubt for so long.
    pub(crate) purging_stopped: Option<Duration>,
    /// The first failure. Everything that could be done was done all the same.
    pub(crate) error: Option<Error>,
}

impl Tick {
    fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error.get_or_insert(error).kind()).ok()
    }
}

impl Housekeeper {
    /// Does what is due in one store.
    pub(crate) async fn tick_over(
        &self,
        records: &TrustedRecords,
        chores: &[Box<dyn Chore>],
        limits: TickLimits,
    ) -> Tick {
        let mut tick = Tick::default();
        self.inner.counts.ticks.fetch_add(1, Ordering::Relaxed);
        let (sample, doubt) = self.look();
        let known = self.known(records.store_id());
        let result = self.greet(records, &known, sample).await;
        tick.note(result);
        let mut due = Vec::new();
        for chore in chores {
            let next = tick.note(chore.next_due().await).flatten();
            if next.is_none_or(|date| date > sample.wall) {
                continue;
            }
            match (chore.kind(), doubt) {
                (ChoreKind::Own, _) => self.run(&**chore, &Lease::unshared(), limits, &mut tick).await,
                (ChoreKind::Destroys, Some(left)) => tick.purging_stopped = Some(left),
                _ => due.push(&**chore),
            }
        }
        if due.is_empty() {
            // Where there is nothing to do, nothing is committed, but once a day for who comes next.
            let result = self.date(records, &known, sample, doubt).await;
            tick.note(result);
        } else {
            self.under_lease(records, &known, &due, limits, &mut tick).await;
        }
        if tick.error.is_some() {
            self.inner.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        tick
    }

    /// At the first look at a store: tells if the time is far from that of the last.
    async fn greet(&self, records: &TrustedRecords, known: &Known, sample: Sample) -> Result<(), Error> {
        if known.last_tick().is_some() {
            return Ok(());
        }
        let Some(last) = LastTick::read(records).await? else { return Ok(()) };
        known.set_last_tick(last);
        if last.is_odd(sample.wall) {
            let (realm, last, now) = (records.realm().clone(), last.time(), sample.wall);
            self.tell(&HousekeepingEvent::TimeSinceLastTick { realm, last, now });
        }
        Ok(())
    }

    /// Writes the time down, if what is written is a day old. Not one that is in doubt.
    async fn date(
        &self,
        records: &TrustedRecords,
        known: &Known,
        sample: Sample,
        doubt: Option<Duration>,
    ) -> Result<(), Error> {
        let old = known.last_tick().is_none_or(|last| last.is_old(sample.wall));
        if doubt.is_some() || !old {
            return Ok(());
        }
        let now = LastTick::at(sample.wall);
        let mut batch = records.batch();
        now.put(&mut batch, records.realm())?;
        records.commit(batch).await?;
        known.set_last_tick(now);
        Ok(())
    }

    async fn under_lease(
        &self,
        records: &TrustedRecords,
        known: &Known,
        due: &[&dyn Chore],
        limits: TickLimits,
        tick: &mut Tick,
    ) {
        let (sample, doubt) = self.look();
        let mut batch = records.batch();
        let now = doubt.is_none().then(|| LastTick::at(sample.wall));
        if let Some(now) = now {
            tick.note(now.put(&mut batch, records.realm()));
        }
        let place = Lease::of_housekeeping(records.realm());
        let taken = known.others.try_take(records, &place, &self.inner.clock, batch).await;
        let Some(taken) = tick.note(taken) else { return };
        let Some(lease) = taken else {
            tick.busy_elsewhere = true;
            return;
        };
        if let Some(now) = now {
            known.set_last_tick(now);
        }
        for chore in due {
            let failed = tick.error.is_some();
            self.run(*chore, &lease, limits, tick).await;
            // One that fails does not keep the others, unless it failed because the lease is lost.
            if !failed && tick.error.is_some() && !matches!(lease.is_held().await, Ok(true)) {
                break;
            }
        }
        let released = lease.release().await;
        tick.note(released);
    }

    /// Runs a chore as of what the clock shows now, if it is believed.
    async fn run(&self, chore: &dyn Chore, lease: &Lease, limits: TickLimits, tick: &mut Tick) {
        let (sample, doubt) = self.look();
        let clock = Arc::clone(&self.inner.clock);
        let mut budget = Budget::unlimited(sample.wall).items(limits.items).time(limits.time, clock);
        let destroys = chore.kind() == ChoreKind::Destroys;
        if destroys {
            if doubt.is_some() {
                tick.purging_stopped = doubt;
                return;
            }
            // A clock that jumps in the middle stops what is left.
            let own = self.clone();
            budget = budget.unless(Arc::new(move || own.look().1.is_some()));
        }
        let Some(report) = tick.note(chore.run(lease, budget).await) else { return };
        if destroys {
            self.inner.counts.purged.fetch_add(report.done, Ordering::Relaxed);
            let (_, doubt) = self.look();
            tick.purging_stopped = tick.purging_stopped.or(doubt.filter(|_| report.more));
        }
        tick.done.push((chore.name(), report.done));
        tick.more |= report.more;
        if let Some(damaged) = report.damaged {
            tick.error.get_or_insert(damaged);
        }
    }
}
