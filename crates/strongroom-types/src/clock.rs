//! Time, as a value and as something injected.

use std::fmt::{self, Debug};
use std::time::Duration;

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z: the resolution AWS shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment and `duration` more; stays at the last representable moment when it does not fit.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The start (00:00:00 UTC) of this moment's day.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        Self(self.0.div_euclid(DAY) * DAY)
    }
}

impl fmt::Display for Timestamp {
    /// Seconds and milliseconds since the epoch as AWS writes them: `1523477145.729`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:03}", self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000)
    }
}

impl Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the time comes from. Everything that needs it is given one, so that thirty days pass in a
/// microsecond under test.
pub trait Clock: Send + Sync + Debug {
    /// The present moment. May stand still or step back; callers must not assume otherwise.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => {
                Timestamp(i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |since| -since))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_aws_shows_it() {
        assert_eq!(Timestamp::from_millis(1_523_477_145_729).to_string(), "1523477145.729");
        assert_eq!(Timestamp::from_millis(-5).to_string(), "-0.005");
    }

    #[test]
    fn days_start_at_midnight_also_before_the_epoch() {
        assert_eq!(Timestamp::from_millis(86_400_001).start_of_day().as_millis(), 86_400_000);
        assert_eq!(Timestamp::from_millis(-1).start_of_day().as_millis(), -86_400_000);
        assert_eq!(Timestamp::from_millis(i64::MAX).after(Duration::from_secs(1)).as_millis(), i64::MAX);
    }
}
