//! Whether the wall clock may be believed.

use std::time::Duration;

use strongroom_types::{Clock, Timestamp};

/// By how much the wall clock and the monotonic one may part before the wall clock is in doubt.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// How long a clock that has jumped stays in doubt, unless the owner confirms it.
pub(crate) const DOUBT: Duration = Duration::from_secs(60 * 60);

/// What both clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) wall: Timestamp,
    /// Since some moment of this process.
    pub(crate) monotonic: Duration,
}

impl Sample {
    /// Asks both clocks.
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// What the wall clock is ahead of the monotonic one, in milliseconds.
    fn ahead(self) -> i128 {
        let monotonic = i128::try_from(self.monotonic.as_millis()).unwrap_or(i128::MAX);
        i128::from(self.wall.as_millis()).saturating_sub(monotonic)
    }
}

/// Compares the wall clock with the monotonic one. A state machine without a clock of its own.
///
/// The first sample is believed: a process cannot know what the time was before it began. From then on
/// the two clocks must stay together within [`TOLERANCE`], counted from that sample and not from the
/// one before, so that a clock which creeps is found too. Once they have parted, the clock is in doubt
/// for [`DOUBT`] of monotonic time, counted from what it shows now, and for as long again if they part
/// once more. The owner can end the doubt earlier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClockGuard {
    /// What the wall clock is taken to be ahead of the monotonic one.
    ahead: Option<i128>,
    /// In doubt until this monotonic time.
    doubted_until: Option<Duration>,
}

impl ClockGuard {
    /// Takes a sample in. By how many milliseconds the wall clock has jumped, if it has.
    pub(crate) fn observe(&mut self, sample: Sample) -> Option<i64> {
        let now = sample.ahead();
        let before = *self.ahead.get_or_insert(now);
        let by = now.saturating_sub(before);
        if by.unsigned_abs() > TOLERANCE.as_millis() {
            self.ahead = Some(now);
            self.doubted_until = Some(sample.monotonic.saturating_add(DOUBT));
            let most = i128::from(i64::MAX);
            return i64::try_from(by.clamp(-most, most)).ok();
        }
        if self.doubted_until.is_some_and(|until| sample.monotonic >= until) {
            self.doubted_until = None;
        }
        None
    }

    /// How long the clock stays in doubt from this moment on; `None` when it is believed.
    pub(crate) fn doubt(&self, monotonic: Duration) -> Option<Duration> {
        let left = self.doubted_until?.saturating_sub(monotonic);
        (!left.is_zero()).then_some(left)
    }

    /// The owner says that the wall clock is right as it is.
    pub(crate) fn confirm(&mut self, sample: Sample) {
        *self = Self { ahead: Some(sample.ahead()), doubted_until: None };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn sample(wall: i64, monotonic: i64) -> Sample {
        let monotonic = Duration::from_millis(monotonic.unsigned_abs());
        Sample { wall: Timestamp::from_millis(wall), monotonic }
    }

    #[test]
    fn clocks_that_stay_together_are_believed_however_long_a_tick_takes() {
        let mut guard = ClockGuard::default();
        for at in [0, 1, MINUTE, 40 * DAY, 4000 * DAY] {
            assert_eq!(guard.observe(sample(7 * DAY + at, at)), None);
            assert_eq!(guard.doubt(sample(0, at).monotonic), None);
        }
    }

    #[test]
    fn a_jump_is_doubted_for_an_hour_and_a_second_one_for_another() {
        let mut guard = ClockGuard::default();
        let minutes = |count: i64| Duration::from_secs(60 * count.unsigned_abs());
        assert_eq!(guard.observe(sample(0, 0)), None);
        assert_eq!(guard.observe(sample(40 * DAY, 0)), Some(40 * DAY));
        assert_eq!(guard.doubt(minutes(0)), Some(DOUBT));
        assert_eq!(guard.observe(sample(40 * DAY + 30 * MINUTE, 30 * MINUTE)), None);
        assert_eq!(guard.doubt(minutes(30)), Some(minutes(30)));
        // Set right again: nobody knows which of the two was right.
        assert_eq!(guard.observe(sample(31 * MINUTE, 31 * MINUTE)), Some(-40 * DAY));
        assert_eq!(guard.doubt(minutes(60)), Some(minutes(31)));
        assert_eq!(guard.observe(sample(91 * MINUTE, 91 * MINUTE)), None);
        assert_eq!(guard.doubt(minutes(91)), None);
    }

    #[test]
    fn a_clock_that_creeps_is_found() {
        let mut guard = ClockGuard::default();
        let jumps: Vec<_> =
            (0..10).map(|tick| guard.observe(sample(tick * 4 * MINUTE, tick)).is_some()).collect();
        assert_eq!(jumps.iter().position(|jumped| *jumped), Some(2));
    }

    #[test]
    fn five_minutes_are_tolerated_and_a_millisecond_more_is_not() {
        for (wall, expected) in [
            (5 * MINUTE, None),
            (5 * MINUTE + 1, Some(5 * MINUTE + 1)),
            (-5 * MINUTE, None),
            (-5 * MINUTE - 1, Some(-5 * MINUTE - 1)),
        ] {
            let mut guard = ClockGuard::default();
            guard.observe(sample(0, 0));
            assert_eq!(guard.observe(sample(wall, 0)), expected);
        }
    }

    #[test]
    fn the_owner_ends_the_doubt_and_says_what_the_time_is() {
        let mut guard = ClockGuard::default();
        guard.observe(sample(0, 0));
        guard.observe(sample(40 * DAY, 0));
        // The clock was set once more before the owner confirmed, and nobody had looked.
        guard.confirm(sample(60 * DAY, 1));
        assert_eq!(guard.doubt(Duration::from_millis(1)), None);
        assert_eq!(guard.observe(sample(60 * DAY + 1, 2)), None);
    }

    #[test]
    fn clocks_at_the_ends_of_time_do_not_overflow() {
        let mut guard = ClockGuard::default();
        guard.observe(sample(i64::MIN, 0));
        assert_eq!(guard.observe(sample(i64::MAX, i64::MAX)), Some(i64::MAX));
        assert_eq!(
            guard.observe(Sample { wall: Timestamp::default(), monotonic: Duration::MAX }),
            Some(-i64::MAX)
        );
        assert!(guard.doubt(Duration::from_millis(1)).is_some());
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// Both clocks go on, and are looked at.
        Pass(i64),
        /// The wall clock is set, and nobody looks.
        Set(i64),
        Confirm,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..100 * MINUTE).prop_map(Step::Pass),
            1 => (0..2 * DAY).prop_map(Step::Pass),
            2 => (-10 * MINUTE..10 * MINUTE).prop_map(Step::Set),
            1 => (-50 * DAY..50 * DAY).prop_map(Step::Set),
            1 => Just(Step::Confirm),
        ]
    }

    /// The rule told over the whole history: what was seen, at `(wall, monotonic)` in milliseconds.
    #[derive(Default)]
    struct Model {
        reference: Option<(i64, i64)>,
        jumps: Vec<i64>,
    }

    impl Model {
        fn look(&mut self, (wall, monotonic): (i64, i64)) {
            let (then_wall, then_monotonic) = *self.reference.get_or_insert((wall, monotonic));
            let expected = then_wall + (monotonic - then_monotonic);
            if (wall - expected).abs() > 5 * MINUTE {
                self.reference = Some((wall, monotonic));
                self.jumps.push(monotonic);
            }
        }

        /// No jump was seen within the last hour, but for those that the owner has seen too.
        fn may_purge(&self, now: i64) -> bool {
            !self.jumps.iter().any(|jump| now - jump < 60 * MINUTE)
        }
    }

    proptest! {
        #[test]
        fn nothing_is_purged_within_an_hour_of_a_jump_unless_confirmed(
            steps in prop::collection::vec(step(), 0..60)
        ) {
            let (mut guard, mut model) = (ClockGuard::default(), Model::default());
            let (mut wall, mut monotonic) = (0, 0);
            guard.observe(sample(wall, monotonic));
            model.look((wall, monotonic));
            for step in steps {
                match step {
                    Step::Pass(millis) => {
                        wall += millis;
                        monotonic += millis;
                        let jumps = model.jumps.len();
                        model.look((wall, monotonic));
                        let jumped = guard.observe(sample(wall, monotonic)).is_some();
                        prop_assert_eq!(jumped, model.jumps.len() > jumps);
                    }
                    Step::Set(by) => wall += by,
                    Step::Confirm => {
                        guard.confirm(sample(wall, monotonic));
                        model = Model { reference: Some((wall, monotonic)), ..Model::default() };
                    }
                }
                let may_purge = guard.doubt(sample(0, monotonic).monotonic).is_none();
                prop_assert_eq!(may_purge, model.may_purge(monotonic));
            }
        }
    }
}
