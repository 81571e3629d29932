//! Looking out for something for a moment before going to sleep.

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Looks between two questions for the time.
const LOOKS: u32 = 16;

/// Who looks out for something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spin {
    /// A caller, for its answer.
    Caller,
    /// A reader, for its next job.
    Reader,
}

/// Those who look out at the moment, busily. Of either side at most half as many as there are processors: a thread that
/// looks out must not keep the one it waits for from running. With one processor nobody does.
#[derive(Debug)]
pub(crate) struct Spins {
    most: usize,
    callers: AtomicUsize,
    readers: AtomicUsize,
}

impl Default for Spins {
    fn default() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }
}

/// One who looks out, counted as long as this lives.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Spins {
    fn of(processors: usize) -> Self {
        Self { most: processors / 2, callers: AtomicUsize::new(0), readers: AtomicUsize::new(0) }
    }

    /// What `look` finds within `time`; `None` when it finds nothing, or too many look out already.
    pub(crate) fn wait<T>(
        &self,
        who: Spin,
        time: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let count = match who {
            Spin::Caller => &self.callers,
            Spin::Reader => &self.readers,
        };
        let before = count.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted(count);
        if before >= self.most {
            return None;
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_there_soon_is_found() {
        let mut looks = 0;
        let found = Spins::of(2).wait(Spin::Caller, LONG, || {
            looks += 1;
            (looks == 100).then_some(looks)
        });
        assert_eq!(found, Some(100));
    }

    #[test]
    fn nobody_looks_out_for_longer_than_told() {
        let started = Instant::now();
        let none: Option<()> = Spins::of(2).wait(Spin::Reader, Duration::from_millis(2), || None);
        assert_eq!(none, None);
        assert!(started.elapsed() >= Duration::from_millis(2));
    }

    #[test]
    fn at_most_half_of_the_processors_are_kept_busy_by_either_side() {
        let spins = Spins::of(3);
        let inner = spins.wait(Spin::Caller, LONG, || {
            let second = spins.wait(Spin::Caller, LONG, || Some(()));
            let other_side = spins.wait(Spin::Reader, LONG, || Some(()));
            Some((second, other_side))
        });
        assert_eq!(inner, Some((None, Some(()))));
        assert_eq!(spins.wait(Spin::Caller, LONG, || Some(())), Some(()), "those who are done do not count");
        assert_eq!(Spins::of(1).wait(Spin::Caller, LONG, || Some(())), None, "one processor");
    }
}
