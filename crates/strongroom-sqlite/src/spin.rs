//! Looking out for something for a moment before going to sleep.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Looks between two questions for the time.
const LOOKS: u32 = 16;

/// How long a reader looks out for its next job, in microseconds. Waking it costs about as much, so at most half of what is
/// spent is wasted, and a process that reads nothing spends nothing.
const NEXT_JOB: u64 = 50;

/// How long a caller looks out for its answer, in microseconds, and so the longest that a slow disk holds up an async thread:
/// enough for a reader that must be woken. Where answers take longer, less and less, down to what a read from memory takes.
const ANSWER: u64 = 100;
const SHORTEST_ANSWER: u64 = 12;

/// Those who look out at the moment, busily. Of either side at most half as many as there are processors: a thread that
/// looks out must not keep the one it waits for from running. With one processor nobody does.
#[derive(Debug)]
pub(crate) struct Spins {
    most: usize,
    callers: AtomicUsize,
    readers: AtomicUsize,
    /// How long a caller looks out at present.
    patience: AtomicU64,
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
        let (callers, readers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { most: processors / 2, callers, readers, patience: AtomicU64::new(ANSWER) }
    }

    /// A reader's next job, if it comes soon.
    pub(crate) fn next_job<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        let _counted = Counted::new(&self.readers, self.most)?;
        look_out(Duration::from_micros(NEXT_JOB), look)
    }

    /// A caller's answer, if it comes soon.
    pub(crate) fn answer<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        let _counted = Counted::new(&self.callers, self.most)?;
        let patience = self.patience.load(Ordering::Relaxed);
        let found = look_out(Duration::from_micros(patience), look);
        let next = if found.is_some() { patience * 2 } else { patience / 2 };
        // Of two who change it at once one counts: it is a guess either way.
        self.patience.store(next.clamp(SHORTEST_ANSWER, ANSWER), Ordering::Relaxed);
        found
    }
}

/// What `look` finds within `time`.
fn look_out<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
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
        let found = look_out(Duration::from_secs(60), || {
            looks += 1;
            (looks == 100).then_some(looks)
        });
        assert_eq!(found, Some(100));
    }

    #[test]
    fn a_caller_looks_out_for_less_where_answers_take_long() {
        let spins = Spins::of(2);
        let nothing = || {
            let started = Instant::now();
            assert_eq!(spins.answer(|| None::<()>), None);
            started.elapsed()
        };
        assert!(nothing() >= Duration::from_micros(ANSWER));
        (0..10).for_each(|_| drop(nothing()));
        assert_eq!(spins.patience.load(Ordering::Relaxed), SHORTEST_ANSWER);
        (0..10).for_each(|_| assert_eq!(spins.answer(|| Some(1)), Some(1)));
        assert_eq!(spins.patience.load(Ordering::Relaxed), ANSWER, "and for longer where they do not");
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
