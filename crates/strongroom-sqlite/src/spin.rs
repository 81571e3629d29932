//! Spinning briefly for a result before sleeping.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The number of polls between two clock reads.
const POLLS: u32 = 16;

/// How long a reader spins for its next job. Waking it costs about as much, so at most half of the
/// time is wasted, and an idle process wastes nothing.
const NEXT_JOB: Duration = Duration::from_micros(50);

/// How long a caller spins for its result, and so the longest that a slow disk holds up an async
/// thread. Several times longer than a read from memory takes, and less than waking a reader takes.
/// (With 100 µs, results that were late because the caller itself kept the reader from running
/// counted as successes.)
const ANSWER: Duration = Duration::from_micros(30);

/// A thread that spun for this much longer than planned was preempted: other threads need the
/// processors.
const INTERRUPTED: Duration = Duration::from_micros(300);

/// How long spinning pauses after a failure, in microseconds: initially, and at most.
const PAUSE: u64 = 1000;
const LONGEST_PAUSE: u64 = 1_000_000;

/// This many consecutive successes halve the next pause.
const STREAK: u64 = 1000;

/// Decides which threads spin.
///
/// Spinning helps on an idle processor, which takes long to wake up. It hurts if other threads need
/// the processors: the scheduler preempts busy threads, and the other side spins without success.
/// After such a failure, spinning therefore pauses, for increasingly long periods of up to a
/// second. At any time, at most half as many callers as there are processors spin, and at most as
/// many readers. On a single processor, no thread spins.
#[derive(Debug)]
pub(crate) struct Spins {
    most: usize,
    callers: AtomicUsize,
    readers: AtomicUsize,
    began: Instant,
    /// The end of the pause, in microseconds since `began`.
    paused_until: AtomicU64,
    /// The length of the next pause, in microseconds.
    pause: AtomicU64,
    /// The number of successes since the last failure.
    successes: AtomicU64,
}

impl Default for Spins {
    fn default() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }
}

/// Counts one spinning thread for the lifetime of this value.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// Counts one more, unless there are already `most`.
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
            paused_until: AtomicU64::new(0),
            pause: AtomicU64::new(PAUSE),
            successes: AtomicU64::new(0),
        }
    }

    /// Spins for a reader's next job. Finding none does not count as a failure.
    pub(crate) fn next_job<T>(&self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        let started = self.may_spin()?;
        let _counted = Counted::new(&self.readers, self.most)?;
        let found = spin(started, NEXT_JOB, poll);
        if started.elapsed() > NEXT_JOB + INTERRUPTED {
            self.start_pause();
        }
        found
    }

    /// Spins for a caller's result.
    pub(crate) fn answer<T>(&self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        let started = self.may_spin()?;
        let _counted = Counted::new(&self.callers, self.most)?;
        let found = spin(started, ANSWER, poll);
        if found.is_none() || started.elapsed() > ANSWER + INTERRUPTED {
            self.start_pause();
        } else if self.successes.fetch_add(1, Ordering::Relaxed) % STREAK == STREAK - 1 {
            self.pause.store((self.pause.load(Ordering::Relaxed) / 2).max(PAUSE), Ordering::Relaxed);
        }
        found
    }

    fn now(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    /// The current time, unless spinning is paused.
    fn may_spin(&self) -> Option<Instant> {
        let started = Instant::now();
        (self.now(started) >= self.paused_until.load(Ordering::Relaxed)).then_some(started)
    }

    /// Starts a pause. Concurrent updates may be lost, which is fine: the length of a pause is a
    /// heuristic.
    fn start_pause(&self) {
        let pause = self.pause.load(Ordering::Relaxed);
        self.paused_until.store(self.now(Instant::now()).saturating_add(pause), Ordering::Relaxed);
        self.pause.store((pause * 2).min(LONGEST_PAUSE), Ordering::Relaxed);
        self.successes.store(0, Ordering::Relaxed);
    }
}

/// Polls `poll` until it returns something or `time` has passed.
fn spin<T>(started: Instant, time: Duration, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    while started.elapsed() < time {
        for _ in 0..POLLS {
            if let Some(found) = poll() {
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
    fn a_result_within_the_time_is_found() {
        let mut polls = 0;
        let found = spin(Instant::now(), Duration::from_secs(60), || {
            polls += 1;
            (polls == 100).then_some(polls)
        });
        assert_eq!(found, Some(100));
    }

    #[test]
    fn spinning_pauses_after_a_failure() {
        let spins = Spins::of(2);
        let started = Instant::now();
        assert_eq!(spins.answer(|| None::<()>), None);
        assert!(started.elapsed() >= ANSWER);
        spins.pause.store(LONGEST_PAUSE, Ordering::Relaxed);
        spins.start_pause();
        assert_eq!(spins.answer(|| Some(())), None, "neither side");
        assert_eq!(spins.next_job(|| Some(())), None);
        assert_eq!(spins.pause.load(Ordering::Relaxed), LONGEST_PAUSE, "the pause has a maximum");
        spins.paused_until.store(0, Ordering::Relaxed);
        (0..STREAK).for_each(|_| assert_eq!(spins.answer(|| Some(())), Some(())));
        assert!(spins.pause.load(Ordering::Relaxed) <= LONGEST_PAUSE / 2, "successes shorten the pause");
    }

    #[test]
    fn a_reader_without_a_job_causes_no_pause() {
        let spins = Spins::of(2);
        assert_eq!(spins.next_job(|| None::<()>), None);
        // (Unless it was interrupted, on a busy machine.)
        if spins.paused_until.load(Ordering::Relaxed) == 0 {
            assert_eq!(spins.answer(|| Some(())), Some(()));
        }
    }

    #[test]
    fn each_side_spins_on_at_most_half_of_the_processors() {
        let spins = Spins::of(3);
        let inner = spins.answer(|| {
            let second = spins.answer(|| Some(()));
            let other_side = spins.next_job(|| Some(()));
            Some((second, other_side))
        });
        assert_eq!(inner, Some((None, Some(()))));
        assert_eq!(spins.answer(|| Some(())), Some(()), "threads that have finished do not count");
        assert_eq!(Spins::of(1).answer(|| Some(())), None, "one processor");
        assert_eq!(Spins::of(1).next_job(|| Some(())), None);
    }
}
