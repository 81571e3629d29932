//! Looking out for something for a moment before going to sleep.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Looks between two questions for the time.
const LOOKS: u32 = 16;

/// How long a reader looks out for its next job. Waking it costs about as much, so at most half of what is spent is wasted,
/// and a process that reads nothing spends nothing.
const NEXT_JOB: Duration = Duration::from_micros(50);

/// How long a caller looks out for its answer, and so the longest that a slow disk holds up an async thread: several times
/// what a read from memory takes, and less than waking a reader does. (With 100 µs, answers that came late because the caller
/// itself was in the way counted as successes.)
const ANSWER: Duration = Duration::from_micros(30);

/// Whoever looked out for so much longer than it meant to was not running: others want the processors.
const INTERRUPTED: Duration = Duration::from_micros(300);

/// How long nobody looks out after it was in vain, in microseconds: the first time, and at most.
const REST: u64 = 1000;
const LONGEST_REST: u64 = 1_000_000;

/// So many successes in a row halve the next rest.
const STREAK: u64 = 1000;

/// Those who look out at the moment, busily.
///
/// That is good where a processor is idle, which takes long to wake. It is bad where others need the processors: who is
/// busy all the time is made to wait, and the other side looks out in vain. So nobody looks out for a while after it was in
/// vain, for ever longer while that goes on, up to a second; and of either side at most half as many do as there are
/// processors. With one processor nobody does.
#[derive(Debug)]
pub(crate) struct Spins {
    most: usize,
    callers: AtomicUsize,
    readers: AtomicUsize,
    began: Instant,
    /// Until when nobody looks out, in microseconds since `began`.
    resting_until: AtomicU64,
    /// How long the next rest is, in microseconds.
    rest: AtomicU64,
    /// How often it was not in vain since the last time that it was.
    successes: AtomicU64,
}

impl Default for Spins {
    fn default() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }
}

/// One who looks out, counted as long as this lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// One more, unless there are `most` already.
    fn new(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let counted = Self(count);
        (before < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Spins {
    fn of(processors: usize) -> Self {
        Self {
            most: processors / 2,
            callers: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            began: Instant::now(),
            resting_until: AtomicU64::new(0),
            rest: AtomicU64::new(REST),
            successes: AtomicU64::new(0),
        }
    }

    /// A reader's next job, if it comes soon. That none comes is nobody's fault.
    pub(crate) fn next_job<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        let started = self.may_look_out()?;
        let _counted = Counted::new(&self.readers, self.most)?;
        let found = look_out(started, NEXT_JOB, look);
        if started.elapsed() > NEXT_JOB + INTERRUPTED {
            self.in_vain();
        }
        found
    }

    /// A caller's answer, if it comes soon.
    pub(crate) fn answer<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        let started = self.may_look_out()?;
        let _counted = Counted::new(&self.callers, self.most)?;
        let found = look_out(started, ANSWER, look);
        if found.is_none() || started.elapsed() > ANSWER + INTERRUPTED {
            self.in_vain();
        } else if self.successes.fetch_add(1, Ordering::Relaxed) % STREAK == STREAK - 1 {
            self.rest.store((self.rest.load(Ordering::Relaxed) / 2).max(REST), Ordering::Relaxed);
        }
        found
    }

    fn now(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    /// The present moment, unless it is one of rest.
    fn may_look_out(&self) -> Option<Instant> {
        let started = Instant::now();
        (self.now(started) >= self.resting_until.load(Ordering::Relaxed)).then_some(started)
    }

    /// Of several who change these at once some do not count: how long the rest is, is a guess either way.
    fn in_vain(&self) {
        let rest = self.rest.load(Ordering::Relaxed);
        self.resting_until.store(self.now(Instant::now()).saturating_add(rest), Ordering::Relaxed);
        self.rest.store((rest * 2).min(LONGEST_REST), Ordering::Relaxed);
        self.successes.store(0, Ordering::Relaxed);
    }
}

/// What `look` finds within `time`.
fn look_out<T>(started: Instant, time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    while started.elapsed() < time {
        for _ in 0..LOOKS {
            if let Some(found) = look() {
                return Some(found);
            }
            hint::spin_loop();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_soon_is_found() {
        let mut looks = 0;
        let found = look_out(Instant::now(), Duration::from_secs(60), || {
            looks += 1;
            (looks == 100).then_some(looks)
        });
        assert_eq!(found, Some(100));
    }

    #[test]
    fn nobody_looks_out_for_a_while_after_it_was_in_vain() {
        let spins = Spins::of(2);
        let started = Instant::now();
        assert_eq!(spins.answer(|| None::<()>), None);
        assert!(started.elapsed() >= ANSWER);
        spins.rest.store(LONGEST_REST, Ordering::Relaxed);
        spins.in_vain();
        assert_eq!(spins.answer(|| Some(())), None, "neither side");
        assert_eq!(spins.next_job(|| Some(())), None);
        assert_eq!(spins.rest.load(Ordering::Relaxed), LONGEST_REST, "and no longer than that");
        spins.resting_until.store(0, Ordering::Relaxed);
        (0..STREAK).for_each(|_| assert_eq!(spins.answer(|| Some(())), Some(())));
        assert!(spins.rest.load(Ordering::Relaxed) <= LONGEST_REST / 2, "a success is worth another try");
    }

    #[test]
    fn a_reader_without_a_job_is_no_reason_to_rest() {
        let spins = Spins::of(2);
        assert_eq!(spins.next_job(|| None::<()>), None);
        // (Unless it was interrupted, on a busy machine.)
        if spins.resting_until.load(Ordering::Relaxed) == 0 {
            assert_eq!(spins.answer(|| Some(())), Some(()));
        }
    }

    #[test]
    fn at_most_half_of_the_processors_are_kept_busy_by_either_side() {
        let spins = Spins::of(3);
        let inner = spins.answer(|| {
            let second = spins.answer(|| Some(()));
            let other_side = spins.next_job(|| Some(()));
            Some((second, other_side))
        });
        assert_eq!(inner, Some((None, Some(()))));
        assert_eq!(spins.answer(|| Some(())), Some(()), "those who are done do not count");
        assert_eq!(Spins::of(1).answer(|| Some(())), None, "one processor");
        assert_eq!(Spins::of(1).next_job(|| Some(())), None);
    }
}
