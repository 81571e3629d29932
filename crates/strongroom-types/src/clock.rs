//! Timestamps and clocks.

use std::fmt::{self, Debug};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

    /// `duration` after this moment, or the last representable moment.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Seconds and milliseconds since the epoch, as AWS writes moments in JSON and in conditions:
    /// `1523477145.729`.
    #[must_use]
    pub fn to_epoch_seconds(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000)
    }

    /// The start (00:00:00 UTC) of this moment's day.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        Self(self.0.div_euclid(DAY) * DAY)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the millisecond: `2018-04-11T20:05:45.729Z`. Years outside 0 to 9999,
    /// which RFC 3339 lacks, have a sign as in ISO 8601: `+10000-01-01T00:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let millis = self.0.rem_euclid(DAY);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+05}")?,
        }
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar extended to all
/// years. A year here begins in March, so that the leap day is its last; 400 years are an era.
fn civil(day: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let since_march_0000 = day + 719_468;
    let (era, of_era) = (since_march_0000.div_euclid(ERA), since_march_0000.rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl From<SystemTime> for Timestamp {
    /// The millisecond that the moment lies in; the first or last representable one when it does
    /// not fit.
    fn from(time: SystemTime) -> Self {
        let millis = |duration: Duration| i64::try_from(duration.as_millis());
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(millis(since).unwrap_or(i64::MAX)),
            Err(before) => {
                let before = before.duration();
                // A part of a millisecond before the epoch lies in the millisecond that began
                // earlier.
                let part = i64::from(before.subsec_nanos() % 1_000_000 != 0);
                Self(millis(before).map_or(i64::MIN, |before| -before - part))
            }
        }
    }
}

impl From<Timestamp> for SystemTime {
    /// The start of the millisecond; the epoch for a moment that the operating system's clock
    /// cannot represent.
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_millis(time.0.unsigned_abs());
        let moment =
            if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        moment.unwrap_or(UNIX_EPOCH)
    }
}

impl Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The source of time. All code that needs the time takes a clock, so that in a test thirty days
/// pass in a microsecond.
pub trait Clock: Send + Sync + Debug {
    /// The current time. It can stand still or step back; callers must not assume otherwise.
    fn now(&self) -> Timestamp;

    /// The time elapsed since an arbitrary moment of this process. It never steps back and is
    /// unaffected by changes of the wall clock. Values of different processes are not comparable.
    ///
    /// Provided: the operating system's monotonic clock, which on Linux stands still while the
    /// machine sleeps. A test clock that is moved manually must override this, or each move of
    /// [`Clock::now`] looks like a change of the wall clock.
    fn monotonic(&self) -> Duration {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGUN.elapsed()
    }
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_as_rfc_3339() {
        for (millis, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_523_477_145_729, "2018-04-11T20:05:45.729Z"),
            (-5, "1969-12-31T23:59:59.995Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
            (i64::MAX, "+292278994-08-17T07:12:55.807Z"),
            (i64::MIN, "-292275055-05-16T16:47:04.192Z"),
        ] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!((moment.to_string(), format!("{moment:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn seconds_since_the_epoch_are_written_as_aws_writes_them() {
        assert_eq!(Timestamp::from_millis(1_523_477_145_729).to_epoch_seconds(), "1523477145.729");
        assert_eq!(Timestamp::from_millis(-5).to_epoch_seconds(), "-0.005");
    }

    #[test]
    fn the_operating_systems_time_comes_and_goes_unchanged() {
        for millis in [0, 1, -1, 1_523_477_145_729, -1_523_477_145_729] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::from(SystemTime::from(moment)), moment);
        }
        let part = Duration::from_micros(1);
        assert_eq!(Timestamp::from(UNIX_EPOCH + part).as_millis(), 0);
        assert_eq!(Timestamp::from(UNIX_EPOCH - part).as_millis(), -1);
    }

    #[test]
    fn days_start_at_midnight_also_before_the_epoch() {
        assert_eq!(Timestamp::from_millis(86_400_001).start_of_day().as_millis(), 86_400_000);
        assert_eq!(Timestamp::from_millis(-1).start_of_day().as_millis(), -86_400_000);
        assert_eq!(Timestamp::from_millis(i64::MAX).after(Duration::from_secs(1)).as_millis(), i64::MAX);
    }
}
