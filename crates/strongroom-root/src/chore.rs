//! Work that comes round again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_types::{Clock, Failure, Fault, Timestamp};

use crate::{Error, Lease};

/// Work of housekeeping that comes round again: purging what is past its date, rotating keys.
///
/// A chore decides nothing by a clock of its own. It acts on what is due as of
/// [`Budget::as_of`], a moment that whoever runs it has checked, and goes on as long as
/// [`Budget::go_on`] lets it. Whatever it commits it fences with the lease ([`Lease::fence`]), so that
/// one who has lost the lease changes nothing.
///
/// It may be stopped at any moment, its future dropped, its process killed: the next run goes on
/// where it stopped.
#[async_trait]
pub trait Chore: Send + Sync + fmt::Debug {
    /// The chore's name, for logs and metrics, such as `purge-secrets`.
    fn name(&self) -> &'static str;

    /// What it needs, and what it can do harm to.
    fn kind(&self) -> ChoreKind;

    /// When there will be something to do, as far as is known; `None` when nothing is waiting. Cheap:
    /// it is asked often, also by processes without the lease, and changes nothing.
    ///
    /// # Errors
    /// Storage errors.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error>;

    /// Does what is due, as far as the budget goes.
    ///
    /// # Errors
    /// Storage errors; [`ErrorKind::Busy`](crate::ErrorKind::Busy) when the lease was lost. The error
    /// of the crate that the chore belongs to is the source: [`Error::of_chore`]. What was done
    /// before stays done. Damage is no error but stands in the report.
    async fn run(&self, lease: &Lease, budget: Budget) -> Result<ChoreReport, Error>;
}

/// What a chore needs, and what it can do harm to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChoreKind {
    /// Work on what this process alone knows. Needs no lease: every process does its own.
    Own,
    /// Work on what is stored, which one process at a time does.
    Shared,
    /// Like [`ChoreKind::Shared`], and destroys by date what nobody can bring back: not to be done
    /// while the clock is in doubt.
    Destroys,
}

/// What a chore did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChoreReport<E = Error> {
    /// How many things it did.
    pub done: u64,
    /// It stopped because the budget was used up: there is more to do.
    pub more: bool,
    /// The first thing that it could not do because it is damaged.
    pub damaged: Option<E>,
}

impl<E> Default for ChoreReport<E> {
    fn default() -> Self {
        Self { done: 0, more: false, damaged: None }
    }
}

impl<E: Failure> ChoreReport<E>
where
    E::Kind: Into<Fault>,
{
    /// Takes in what became of one thing: whether anything was done. Damage ([`Fault::Tampered`]) does
    /// not keep the other things from their turn; the first is kept for the report.
    ///
    /// # Errors
    /// Any other failure, to end the chore with.
    pub fn note(&mut self, result: Result<bool, E>) -> Result<(), E> {
        match result {
            Ok(done) => self.done += u64::from(done),
            Err(error) if error.failure_kind().into() == Fault::Tampered => {
                self.damaged.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<E: Failure + Clone> ChoreReport<E>
where
    E::Kind: Into<Fault>,
{
    /// The report as a chore gives it.
    #[must_use]
    pub fn of_chore(self) -> ChoreReport {
        ChoreReport { done: self.done, more: self.more, damaged: self.damaged.map(Error::of_chore) }
    }
}

impl Error {
    /// What a chore of another crate failed with. The crate's own error is the source.
    #[must_use]
    pub fn of_chore<E: Failure + Clone>(error: E) -> Self
    where
        E::Kind: Into<Fault>,
    {
        let fault: Fault = error.failure_kind().into();
        Self::new(fault.into(), "the chore failed").because(error)
    }
}

/// How far a chore may go: as of which moment, how many things, how long.
#[derive(Clone, Debug)]
pub struct Budget {
    as_of: Timestamp,
    items: u64,
    until: Option<(Duration, Arc<dyn Clock>)>,
    unless: Option<Objection>,
}

#[derive(Clone)]
struct Objection(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objection")
    }
}

impl Budget {
    /// All that is due as of this moment.
    #[must_use]
    pub fn unlimited(as_of: Timestamp) -> Self {
        Self { as_of, items: u64::MAX, until: None, unless: None }
    }

    /// At most so many things.
    #[must_use]
    pub fn items(mut self, items: u64) -> Self {
        self.items = items;
        self
    }

    /// No new thing is begun after this time.
    #[must_use]
    pub fn time(mut self, time: Duration, clock: Arc<dyn Clock>) -> Self {
        self.until = Some((clock.monotonic().saturating_add(time), clock));
        self
    }

    /// Stops the chore, between two things, as soon as `objection` answers `true`.
    #[must_use]
    pub fn unless(mut self, objection: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        self.unless = Some(Objection(objection));
        self
    }

    /// The moment as of which things are due. A chore takes it for the present and asks no clock.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Whether one more thing may be begun; counts it.
    pub fn go_on(&mut self) -> bool {
        let late = self.until.as_ref().is_some_and(|(until, clock)| clock.monotonic() >= *until);
        if self.items == 0 || late || self.unless.as_ref().is_some_and(|objection| (objection.0)()) {
            return false;
        }
        self.items -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Stepping(AtomicU64);

    impl Clock for Stepping {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    fn count(mut budget: Budget) -> usize {
        (0..1000).take_while(|_| budget.go_on()).count()
    }

    #[test]
    fn a_budget_ends_by_number_by_time_and_by_objection() {
        let budget = || Budget::unlimited(Timestamp::from_millis(7));
        assert_eq!(budget().as_of().as_millis(), 7);
        assert_eq!(count(budget()), 1000);
        assert_eq!(count(budget().items(3)), 3);
        // The clock goes on by a second whenever it is asked.
        assert_eq!(count(budget().time(Duration::from_secs(5), Arc::new(Stepping::default()))), 4);
        let objecting = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&objecting);
        let mut budget = budget().unless(Arc::new(move || asked.load(Ordering::Relaxed)));
        assert!(budget.go_on());
        objecting.store(true, Ordering::Relaxed);
        assert!(!budget.go_on());
    }
}
