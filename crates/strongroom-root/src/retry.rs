//! Trying an optimistic commit again.

use strongroom_types::{Clock, Timestamp};

/// The attempts of one optimistic commit: read, change, commit on the condition that what was read
/// is unchanged, and begin again when somebody else was first.
///
/// The first attempt is always made. Further ones are made until the caller's deadline has passed,
/// and at most [`Attempts::MOST`] together: each time somebody else got through, so that this many
/// in a row mean a crowd. When the attempts are over the caller answers with an error of its own
/// words.
///
/// There is no pause between two attempts: the engines know no runtime that could wait, and every
/// attempt waits for the storage anyway.
///
/// ```
/// # use strongroom_records::{Expect, Key, MemoryRecords};
/// # use strongroom_root::{Attempts, Error, ErrorKind, RootKey, TrustedRecords};
/// # use strongroom_types::{CallContext, Clock, SystemClock};
/// async fn count(records: &TrustedRecords, cx: &CallContext, clock: &dyn Clock) -> Result<(), Error> {
///     let place = Key::of(["count"]);
///     for () in Attempts::new(clock, cx.deadline()) {
///         let stored = records.get(&place).await?;
///         let (expect, count) = match &stored {
///             Some(stored) => (Expect::At(stored.revision), stored.content.len()),
///             None => (Expect::Absent, 0),
///         };
///         let mut batch = records.batch();
///         batch.put(&place, &vec![0; count + 1], expect);
///         match records.commit(batch).await {
///             Err(error) if error.kind() == ErrorKind::Conflict => {}
///             result => return result.map(drop),
///         }
///     }
///     Err(Error::new(ErrorKind::Busy, "others are counting"))
/// }
/// ```
#[derive(Debug)]
pub struct Attempts<'a> {
    clock: &'a dyn Clock,
    deadline: Option<Timestamp>,
    made: usize,
}

impl<'a> Attempts<'a> {
    /// The most attempts that are made, whoever tries and whatever the deadline.
    pub const MOST: usize = 256;

    /// Attempts until `deadline`, if there is one.
    #[must_use]
    pub fn new(clock: &'a dyn Clock, deadline: Option<Timestamp>) -> Self {
        Self { clock, deadline, made: 0 }
    }

    /// Begins to count anew, after an attempt that got somewhere: for work that takes several
    /// commits. The deadline stays.
    pub fn progressed(&mut self) {
        self.made = self.made.min(1);
    }
}

impl Iterator for Attempts<'_> {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        let late = self.made > 0 && self.deadline.is_some_and(|deadline| self.clock.now() > deadline);
        if late || self.made >= Self::MOST {
            return None;
        }
        self.made += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Moves on by a second each time it is asked.
    #[derive(Debug, Default)]
    struct Ticking(AtomicI64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1000 * self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    fn attempts(deadline: Option<i64>) -> usize {
        Attempts::new(&Ticking::default(), deadline.map(Timestamp::from_millis)).count()
    }

    #[test]
    fn there_is_one_limit_and_the_deadline_ends_them_earlier() {
        assert_eq!(attempts(None), Attempts::MOST);
        assert_eq!(attempts(Some(i64::MAX)), Attempts::MOST);
        assert_eq!(attempts(Some(10_000)), 12, "the one that began at the deadline is made");
    }

    #[test]
    fn the_first_attempt_is_made_even_after_the_deadline() {
        assert_eq!(attempts(Some(-1)), 1);
    }

    #[test]
    fn progress_gives_further_attempts_but_no_further_time() {
        let clock = Ticking::default();
        let mut attempts = Attempts::new(&clock, Some(Timestamp::from_millis(1_000_000)));
        let mut made = 0;
        while attempts.next().is_some() {
            attempts.progressed();
            made += 1;
        }
        assert_eq!(made, 1002);
    }
}
