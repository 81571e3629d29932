//! How long values are cached, and what happens when the store is down.

use std::time::Duration;

use strongroom_store::{Error, ErrorKind};
use strongroom_types::Timestamp;

/// What a [`crate::Cached`] caches, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachePolicy {
    /// How long a value counts as current. A revoked permission and another program's new value
    /// take effect within this time, as long as the store can be reached.
    pub time_to_live: Duration,
    /// By how much the time to live is shortened at random, so that values that were read together
    /// are not all refreshed together: 0 to 100 percent.
    pub jitter_percent: u8,
    /// The percentage of the time to live after which a read refreshes the value in the background:
    /// 0 to 100, where 100 means never.
    pub refresh_ahead_percent: u8,
    /// The maximum age of a value while the store is down. Only a successful read renews a value.
    pub hard_limit: Duration,
    /// How long the cache remembers that a secret does not exist.
    pub missing_for: Duration,
    /// The pause after the store's first failure. It doubles after each further failure.
    pub back_off: Duration,
    /// The maximum pause.
    pub max_back_off: Duration,
    /// The maximum number of values. Beyond it, the least recently used one is dropped.
    pub max_entries: usize,
    /// The maximum total length of all values, in bytes.
    pub max_bytes: usize,
    /// How often a cache with background tasks reports the reads that it served to the store. Reads
    /// served by handles are reported with the next fetch, or read by name, after that time.
    pub report_every: Duration,
    /// Whether to collect reads for [`crate::Cached::drain_reads`] even if the store accepts no
    /// reports.
    pub keep_reads: bool,
    /// Whether cached values are encrypted under a key of this process. A hit then decrypts a value
    /// into separate memory, and [`crate::Handle::peek`] returns `None`.
    pub sealed_in_memory: bool,
}

impl Default for CachePolicy {
    /// Five minutes, refreshed from 80 percent on, up to an hour while the store is down; a
    /// thousand values, 16 MiB.
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(300),
            jitter_percent: 10,
            refresh_ahead_percent: 80,
            hard_limit: Duration::from_secs(3600),
            missing_for: Duration::from_secs(5),
            back_off: Duration::from_secs(1),
            max_back_off: Duration::from_secs(60),
            max_entries: 1_000,
            max_bytes: 16 << 20,
            report_every: Duration::from_secs(60),
            keep_reads: false,
            sealed_in_memory: false,
        }
    }
}

impl CachePolicy {
    /// The default with another time to live; the hard limit is twelve times that, as in the
    /// default: `CachePolicy::ttl(Duration::from_secs(300))`.
    #[must_use]
    pub fn ttl(time_to_live: Duration) -> Self {
        Self { time_to_live, hard_limit: time_to_live.saturating_mul(12), ..Self::default() }
    }

    /// Sets [`CachePolicy::hard_limit`].
    #[must_use]
    pub fn hard_limit(mut self, limit: Duration) -> Self {
        self.hard_limit = limit;
        self
    }

    /// Sets [`CachePolicy::jitter_percent`].
    #[must_use]
    pub fn jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = percent;
        self
    }

    /// Sets [`CachePolicy::refresh_ahead_percent`].
    #[must_use]
    pub fn refresh_ahead_percent(mut self, percent: u8) -> Self {
        self.refresh_ahead_percent = percent;
        self
    }

    /// Sets [`CachePolicy::missing_for`].
    #[must_use]
    pub fn missing_for(mut self, time: Duration) -> Self {
        self.missing_for = time;
        self
    }

    /// Sets [`CachePolicy::back_off`] and [`CachePolicy::max_back_off`].
    #[must_use]
    pub fn back_off(mut self, first: Duration, most: Duration) -> Self {
        (self.back_off, self.max_back_off) = (first, most);
        self
    }

    /// Sets [`CachePolicy::max_entries`] and [`CachePolicy::max_bytes`].
    #[must_use]
    pub fn bounds(mut self, entries: usize, bytes: usize) -> Self {
        (self.max_entries, self.max_bytes) = (entries, bytes);
        self
    }

    /// Sets [`CachePolicy::report_every`].
    #[must_use]
    pub fn report_every(mut self, time: Duration) -> Self {
        self.report_every = time;
        self
    }

    /// Sets [`CachePolicy::keep_reads`].
    #[must_use]
    pub fn keep_reads(mut self) -> Self {
        self.keep_reads = true;
        self
    }

    /// Sets [`CachePolicy::sealed_in_memory`].
    #[must_use]
    pub fn sealed_in_memory(mut self) -> Self {
        self.sealed_in_memory = true;
        self
    }

    /// The maximum time to live.
    pub const MAX_TIME_TO_LIVE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    /// The maximum hard limit.
    pub const MAX_HARD_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |text: &'static str| Err(Error::new(ErrorKind::InvalidParameter, text));
        if self.time_to_live.is_zero() || self.hard_limit < self.time_to_live {
            return refused("time_to_live must be positive, and hard_limit at least as long");
        }
        if self.time_to_live > Self::MAX_TIME_TO_LIVE || self.hard_limit > Self::MAX_HARD_LIMIT {
            return refused("time_to_live can be at most thirty days, and hard_limit at most a year");
        }
        if self.jitter_percent > 100 || self.refresh_ahead_percent > 100 {
            return refused("jitter_percent and refresh_ahead_percent must be 0 to 100");
        }
        if self.back_off > self.max_back_off {
            return refused("back_off must not be longer than max_back_off");
        }
        if self.max_entries == 0 || self.max_bytes == 0 {
            return refused("max_entries and max_bytes must be at least 1");
        }
        Ok(())
    }

    /// How long a value counts as current. `dice` is a random number from 0 to 65,535.
    fn life(&self, dice: u16) -> Duration {
        let most = self.time_to_live * u32::from(self.jitter_percent) / 100;
        self.time_to_live - most.mul_f64(f64::from(dice) / f64::from(u16::MAX))
    }

    /// When a value is refreshed: after `refresh_ahead_percent` of its life, or on the first use of
    /// a new day (UTC), so that the store records that day's access.
    pub(crate) fn ahead(&self, since: Timestamp, life: Duration) -> Timestamp {
        since.after(life * u32::from(self.refresh_ahead_percent) / 100).min(self.day_ends(since, life))
    }

    /// When a new day's first use reads the store: at a random time in the first ten minutes of the
    /// day, so that not all values are fetched at midnight.
    pub(crate) fn day_ends(&self, since: Timestamp, life: Duration) -> Timestamp {
        let most = self.time_to_live * u32::from(self.jitter_percent) / 100;
        let fell = self.time_to_live.saturating_sub(life);
        let share = if most.is_zero() { 0.0 } else { fell.as_secs_f64() / most.as_secs_f64() };
        next_day(since).after(Duration::from_secs(600).mul_f64(share.clamp(0.0, 1.0)))
    }

    /// The pause after this many failures: randomly between half and all of the nominal pause.
    fn rest(&self, failures: u32, dice: u16) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.back_off.saturating_mul(factor).min(self.max_back_off);
        whole / 2 + (whole / 2).mul_f64(f64::from(dice) / f64::from(u16::MAX))
    }
}

/// The start of the next day, UTC.
pub(crate) fn next_day(moment: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    Timestamp::from_millis((moment.as_millis().div_euclid(DAY) + 1).saturating_mul(DAY))
}

/// Whether the last known value can be served in place of this failure, because the store could not
/// answer. An actual answer (denied, deleted, cannot be decrypted, not found) is never ridden out.
#[must_use]
pub fn may_be_ridden_out(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::OutcomeUnknown | ErrorKind::Internal)
}

/// The last answer to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contents<V> {
    /// None, or none that can be used.
    Nothing,
    /// A value, as of this time or later, and how long it counts as current.
    Value { value: V, since: Timestamp, life: Duration },
    /// There was no such secret at this time.
    Missing { since: Timestamp },
}

/// The last answer to a query, and the state of its failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State<V> {
    pub(crate) known: Contents<V>,
    /// The number of failures since the last success.
    pub(crate) failures: u32,
    /// The end of the pause after a failure.
    pub(crate) resting: Option<Timestamp>,
}

impl<V> Default for State<V> {
    fn default() -> Self {
        Self { known: Contents::Nothing, failures: 0, resting: None }
    }
}

/// What a read does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Serves the value.
    Serve,
    /// Serves the value and refreshes it in the background.
    ServeAndRefresh,
    /// Fetches. If the store is down, serves the cached value, if there is one.
    Fetch,
    /// Serves a value past its time to live, because the store has just failed.
    ServeStale,
    /// Returns that there is no such secret.
    SayMissing,
    /// Returns the store's last failure.
    SayFailure,
}

/// The outcome of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<V> {
    Got(V),
    Failed(ErrorKind),
}

/// The age of a timestamp; `None` if it is unknown because the clock was set back before it.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> Option<Duration> {
    let millis = now.as_millis().checked_sub(since.as_millis())?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

impl<V> State<V> {
    /// What a read at this time does.
    pub(crate) fn step(&self, policy: &CachePolicy, now: Timestamp) -> Step {
        // A pause longer than the maximum was started before the clock was set back.
        let rests = self.resting.is_some_and(|until| now < until && until <= now.after(policy.max_back_off));
        match &self.known {
            Contents::Nothing => {
                if rests {
                    Step::SayFailure
                } else {
                    Step::Fetch
                }
            }
            Contents::Missing { since } => match age(*since, now) {
                Some(age) if age < policy.missing_for => Step::SayMissing,
                _ if rests => Step::SayFailure,
                _ => Step::Fetch,
            },
            Contents::Value { since, life, .. } => {
                // The clock was set back, so the value's age is unknown.
                let Some(age) = age(*since, now) else { return Step::Fetch };
                if age >= policy.hard_limit {
                    return if rests { Step::SayFailure } else { Step::Fetch };
                }
                if age >= *life {
                    return if rests { Step::ServeStale } else { Step::Fetch };
                }
                if now >= policy.ahead(*since, *life) && !rests { Step::ServeAndRefresh } else { Step::Serve }
            }
        }
    }

    /// Whether there is nothing to cache.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.known, Contents::Nothing) && self.resting.is_none()
    }

    /// Whether the value can be served after a failure that can be ridden out.
    pub(crate) fn may_serve(&self, policy: &CachePolicy, now: Timestamp) -> bool {
        match &self.known {
            Contents::Value { since, .. } => age(*since, now).is_some_and(|age| age < policy.hard_limit),
            _ => false,
        }
    }

    /// The state after a fetch that began at `asked` ends with this outcome.
    pub(crate) fn after(
        self,
        policy: &CachePolicy,
        outcome: Outcome<V>,
        asked: Timestamp,
        now: Timestamp,
        dice: u16,
    ) -> Self {
        match outcome {
            // As old as the request: the store may have answered immediately.
            Outcome::Got(value) => {
                let known = Contents::Value { value, since: asked, life: policy.life(dice) };
                Self { known, failures: 0, resting: None }
            }
            Outcome::Failed(ErrorKind::NotFound) => {
                Self { known: Contents::Missing { since: asked }, failures: 0, resting: None }
            }
            Outcome::Failed(kind) if may_be_ridden_out(kind) => {
                let failures = self.failures.saturating_add(1);
                // Without a value to serve in the meantime, retries sooner.
                let rested =
                    if matches!(self.known, Contents::Value { .. }) { failures } else { failures.min(3) };
                let resting = Some(now.after(policy.rest(rested, dice)));
                Self { known: self.known, failures, resting }
            }
            Outcome::Failed(_) => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn policy() -> CachePolicy {
        CachePolicy::ttl(Duration::from_secs(100)).jitter_percent(0).hard_limit(Duration::from_secs(1000))
    }

    fn got(asked: i64) -> State<u8> {
        State::default().after(&policy(), Outcome::Got(1), at(asked), at(asked), 0)
    }

    #[test]
    fn a_value_lives_is_refreshed_and_ends() {
        let state = got(0);
        for (second, step) in [
            (0, Step::Serve),
            (79, Step::Serve),
            (80, Step::ServeAndRefresh),
            (99, Step::ServeAndRefresh),
            (100, Step::Fetch),
            (999, Step::Fetch),
            (1000, Step::Fetch),
            (-1, Step::Fetch),
        ] {
            assert_eq!(state.step(&policy(), at(second)), step, "{second}");
        }
        assert!(state.may_serve(&policy(), at(999)) && !state.may_serve(&policy(), at(1000)));
        assert!(!state.may_serve(&policy(), at(-1)), "nobody knows how old it is");
        let never = policy().refresh_ahead_percent(100);
        assert_eq!(state.step(&never, at(99)), Step::Serve);
        // A new day is read anew.
        let evening = got(86_390);
        assert_eq!(evening.step(&never, at(86_399)), Step::Serve);
        assert_eq!(evening.step(&never, at(86_400)), Step::ServeAndRefresh);
        assert_eq!((next_day(at(-1)), next_day(at(0))), (at(0), at(86_400)));
    }

    #[test]
    fn failures_never_make_it_younger() {
        let mut state = got(0);
        let mut failures = 0;
        for second in [80, 150, 400, 999, 1200] {
            state = state.after(
                &policy(),
                Outcome::Failed(ErrorKind::Throttled),
                at(second),
                at(second),
                u16::MAX,
            );
            failures += 1;
            assert_eq!(state.failures, failures);
            let wanted = match second {
                80 => Step::Serve,
                1200 => Step::SayFailure,
                _ => Step::ServeStale,
            };
            assert_eq!(state.step(&policy(), at(second)), wanted, "{second}");
            assert!(matches!(&state.known, Contents::Value { since, .. } if *since == at(0)));
        }
        // What the store said counts at once.
        for kind in [ErrorKind::AccessDenied, ErrorKind::MarkedForDeletion, ErrorKind::DecryptionFailure] {
            let after = state.clone().after(&policy(), Outcome::Failed(kind), at(1300), at(1300), 0);
            assert_eq!(
                (after.known.clone(), after.step(&policy(), at(1300))),
                (Contents::Nothing, Step::Fetch)
            );
        }
        let missing = state.after(&policy(), Outcome::Failed(ErrorKind::NotFound), at(1300), at(1300), 0);
        assert_eq!(missing.step(&policy(), at(1304)), Step::SayMissing);
        assert_eq!(missing.step(&policy(), at(1305)), Step::Fetch);
    }

    #[test]
    fn a_clock_that_was_set_back_ends_a_rest() {
        let failed = Outcome::<u8>::Failed(ErrorKind::Throttled);
        let state = State::default().after(&policy(), failed, at(5000), at(5000), u16::MAX);
        assert_eq!(state.step(&policy(), at(5000)), Step::SayFailure);
        assert_eq!(state.step(&policy(), at(1400)), Step::Fetch);
        assert!(CachePolicy::ttl(Duration::MAX).check().is_err());
    }

    #[test]
    fn rests_grow_and_are_bounded() {
        let policy = policy();
        let rest = |failures, dice| policy.rest(failures, dice).as_millis();
        assert_eq!((rest(1, 0), rest(1, u16::MAX)), (500, 1000));
        assert_eq!((rest(2, u16::MAX), rest(4, u16::MAX)), (2000, 8000));
        for failures in [7, 31, 32, 33, u32::MAX] {
            assert_eq!(rest(failures, u16::MAX), 60_000, "{failures}");
        }
        let jitter = policy.jitter_percent(20);
        assert_eq!((jitter.life(0).as_secs(), jitter.life(u16::MAX).as_secs()), (100, 80));
    }
}
