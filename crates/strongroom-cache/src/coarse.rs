//! A cheap clock that never runs backwards.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
#[cfg(not(target_os = "linux"))]
use std::time::Instant;

use strongroom_types::{Clock, Timestamp};

/// The operating system's time as of its last tick, at most a few milliseconds ago. Reading it
/// costs a fifth of reading the exact time, and is precise enough for values cached for seconds.
///
/// It follows the wall clock forward. If the wall clock is set back, it advances with the monotonic
/// clock instead, so a cached value never appears more than a second younger than it is. After the
/// wall clock was set to a wrong future time and back, this clock stays ahead until the program
/// ends.
#[derive(Debug)]
pub struct CoarseClock {
    /// The offsets of the wall clock and of the monotonic clock. With its offset added, each agrees
    /// with the other within [`SLACK`]. Both only grow.
    behind: AtomicI64,
    base: AtomicI64,
    /// The wall clock's tick at the last comparison. Nothing can change until the next tick.
    compared: AtomicI64,
    /// Held while the offsets are changed.
    setting: Mutex<()>,
    #[cfg(not(target_os = "linux"))]
    begun: Instant,
}

/// How many milliseconds the clocks may diverge before the wall clock counts as set. More than the
/// pause between reading the two, which would accumulate.
const SLACK: i64 = 1000;

impl CoarseClock {
    /// The clock.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "a clock reads the system's")]
    pub fn new() -> Self {
        let clock = Self {
            behind: AtomicI64::new(0),
            base: AtomicI64::new(0),
            compared: AtomicI64::new(i64::MIN),
            setting: Mutex::default(),
            #[cfg(not(target_os = "linux"))]
            begun: Instant::now(),
        };
        let (wall, passed) = (clock.wall(), clock.passed());
        clock.base.store(wall.saturating_sub(passed), Ordering::Relaxed);
        clock
    }

    /// The wall clock, in milliseconds.
    #[cfg(target_os = "linux")]
    fn wall(&self) -> i64 {
        millis(rustix::time::ClockId::RealtimeCoarse)
    }

    /// The monotonic clock, in milliseconds.
    #[cfg(target_os = "linux")]
    fn passed(&self) -> i64 {
        millis(rustix::time::ClockId::MonotonicCoarse)
    }

    #[cfg(not(target_os = "linux"))]
    fn wall(&self) -> i64 {
        strongroom_types::SystemClock.now().as_millis()
    }

    #[cfg(not(target_os = "linux"))]
    fn passed(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// The time, from both clocks.
    fn now_by(&self, wall: impl Fn() -> i64, passed: impl Fn() -> i64) -> i64 {
        let first = wall();
        if first == self.compared.load(Ordering::Relaxed) {
            return first.saturating_add(self.behind.load(Ordering::Relaxed));
        }
        let time = self.time(|| (wall(), passed()));
        self.compared.store(first, Ordering::Relaxed);
        time
    }

    fn time(&self, read: impl Fn() -> (i64, i64)) -> i64 {
        let both = |(wall, passed): (i64, i64)| {
            let by_wall = wall.saturating_add(self.behind.load(Ordering::Relaxed));
            (by_wall, passed.saturating_add(self.base.load(Ordering::Relaxed)))
        };
        let (by_wall, by_passed) = both(read());
        if by_wall.abs_diff(by_passed) <= SLACK.unsigned_abs() {
            return by_wall;
        }
        // Under the lock, with fresh readings: earlier ones may predate another thread's update, or
        // a preemption between the two readings.
        let _alone = self.setting.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, passed) = read();
        let (by_wall, by_passed) = both((wall, passed));
        let apart = by_wall.saturating_sub(by_passed);
        if apart < -SLACK {
            // The wall clock was set back.
            self.behind.fetch_max(by_passed.saturating_sub(wall), Ordering::Relaxed);
            return by_passed;
        }
        if apart > SLACK {
            // It was set forward, or the machine was suspended.
            self.base.fetch_max(by_wall.saturating_sub(passed), Ordering::Relaxed);
        }
        by_wall
    }
}

#[cfg(target_os = "linux")]
fn millis(clock: rustix::time::ClockId) -> i64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)
}

impl Default for CoarseClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for CoarseClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_by(|| self.wall(), || self.passed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_within_some_ticks() {
        let (exact, coarse) = (strongroom_types::SystemClock.now(), CoarseClock::new().now());
        assert!(exact.as_millis().abs_diff(coarse.as_millis()) < 1000, "{exact} {coarse}");
    }

    #[test]
    fn it_passes_at_least_as_fast_as_either_clock() {
        let clock = CoarseClock::new();
        clock.base.store(1_000_000 - 50, Ordering::Relaxed);
        for (wall, passed, wanted, why) in [
            (1_000_000, 50, 1_000_000, "it begins"),
            (1_000_500, 40, 1_000_500, "asked between two ticks"),
            (1_060_000, 60_050, 1_060_000, "a minute"),
            (460_000, 61_050, 1_061_000, "set back by ten minutes"),
            (470_000, 71_050, 1_071_000, "ten seconds more"),
            (4_070_000, 71_060, 4_671_000, "an hour forward"),
            (4_080_000, 81_060, 4_681_000, "ten seconds more"),
            (480_000, 91_060, 4_691_000, "and back"),
        ] {
            assert_eq!(clock.time(|| (wall, passed)), wanted, "{why}");
        }
    }

    #[test]
    fn pauses_between_the_two_do_not_add_up() {
        let clock = CoarseClock::new();
        clock.base.store(0, Ordering::Relaxed);
        for second in 0..10_000 {
            let now = second * 1000;
            clock.time(|| (now, now + 900));
            clock.time(|| (now + 900, now));
        }
        assert_eq!(clock.time(|| (10_000_000, 10_000_000)), 10_000_000);
    }

    #[test]
    fn every_tick_is_compared_once() {
        let clock = CoarseClock::new();
        clock.base.store(0, Ordering::Relaxed);
        let asked = std::cell::Cell::new(0);
        let now = |wall: i64, passed: i64| {
            let count = || {
                asked.set(asked.get() + 1);
                passed
            };
            clock.now_by(|| wall, count)
        };
        assert_eq!((now(10_000, 10_000), now(10_000, 10_003), asked.get()), (10_000, 10_000, 1));
        assert_eq!((now(4_000, 10_004), now(4_000, 10_004), asked.get() > 1), (10_004, 10_004, true));
        assert_eq!((now(4_010, 10_014), now(9_990, 15_994)), (10_014, 15_994));
    }

    #[test]
    fn a_stop_between_the_two_changes_nothing() {
        let clock = CoarseClock::new();
        clock.base.store(0, Ordering::Relaxed);
        let reads = std::cell::Cell::new(0);
        let stopped = || {
            reads.set(reads.get() + 1);
            if reads.get() == 1 { (1_000, 3_600_000) } else { (3_600_000, 3_600_000) }
        };
        assert_eq!((clock.time(stopped), reads.get()), (3_600_000, 2));
        assert_eq!(clock.time(|| (3_600_010, 3_600_010)), 3_600_010);
    }
}
