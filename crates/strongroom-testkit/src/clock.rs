//! A manual clock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use strongroom_types::{Clock, Timestamp};

/// A clock that stands still until it is moved. Share it in an `Arc`.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    /// Milliseconds since the clock was created.
    passed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows this moment.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self { wall: AtomicI64::new(time.as_millis()), passed: AtomicU64::new(0) }
    }

    /// Lets time pass: moves the wall clock and the monotonic one.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).expect("fewer than 292 million years");
        self.wall.fetch_add(millis, Ordering::Relaxed);
        self.passed.fetch_add(millis.unsigned_abs(), Ordering::Relaxed);
    }

    /// Sets the wall clock, as an operator or a broken time server does. No time passes.
    pub fn set(&self, time: Timestamp) {
        self.wall.store(time.as_millis(), Ordering::Relaxed);
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed.load(Ordering::Relaxed))
    }
}
