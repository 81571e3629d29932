//! The time, cheap to ask for.

use strongroom_types::{Clock, Timestamp};

/// The operating system's time as of its last tick, a few milliseconds ago at most: asking costs a fifth of asking for the exact one. What is kept
/// for seconds does not need more.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CoarseClock;

impl CoarseClock {
    /// The clock.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Clock for CoarseClock {
    #[cfg(target_os = "linux")]
    fn now(&self) -> Timestamp {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        Timestamp::from_millis(time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000))
    }

    #[cfg(not(target_os = "linux"))]
    fn now(&self) -> Timestamp {
        strongroom_types::SystemClock.now()
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
}
