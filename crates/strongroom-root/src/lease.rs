//! A lease: one of several processes does the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_envelope::random_uuid;
use strongroom_records::{Expect, Key, Revision};
use strongroom_types::{Clock, Realm};

use crate::{Error, ErrorKind, TrustedBatch, TrustedRecords};

/// What is stored.
///
/// `until` is a wall clock's time, and nobody here compares it. It is written for programs of before,
/// which took a lease over when their own clock was past it, and for people who look.
#[derive(Serialize, Deserialize)]
struct Record {
    holder: String,
    until: i64,
}

/// Who competes for a lease: remembers, from one attempt to the next, which revision of the lease it
/// has seen, and since when.
///
/// No two clocks are compared, so it does not matter how far apart those of two machines are. The
/// holder renews the lease every third of the [term](Lease::TERM), which gives the record another
/// revision. A contender takes it over only after it has seen *the same* revision for a whole term on
/// its own monotonic clock. A holder that is done deletes the record, and the next one need not wait.
///
/// **Keep it between attempts.** A process that looks once and ends has watched nobody, and never
/// takes over the lease of a holder that died: it must look again after a term.
///
/// What keeps two holders apart is not the term but the fence: see [`Lease::fence`].
///
/// A program of before the fence by monotonic clocks gives a lease `until` a minute of its wall clock
/// and does not renew it. Beside one, everything stays safe: it respects a lease of this program as
/// far as its clock lets it, this program takes its lease over a term after it first saw it, and
/// either way whoever lost the lease can commit nothing under it.
#[derive(Debug, Default)]
pub struct LeaseWatch {
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    revision: Revision,
    /// On this process's monotonic clock.
    since: Duration,
}

impl LeaseWatch {
    /// Somebody who has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the lease at `place`, together with what else stands in `batch`: one commit. `None`, and
    /// nothing is changed, while somebody else has it.
    ///
    /// # Errors
    /// Storage errors; [`ErrorKind::Tampered`].
    pub async fn try_take(
        &self,
        records: &TrustedRecords,
        place: &Key,
        clock: &Arc<dyn Clock>,
        mut batch: TrustedBatch,
    ) -> Result<Option<Lease>, Error> {
        let expect = match records.get(place).await? {
            Some(stored) if !self.is_over(stored.revision, clock.monotonic()) => return Ok(None),
            Some(stored) => Expect::At(stored.revision),
            None => Expect::Absent,
        };
        let holder = random_uuid()?;
        let begun = clock.monotonic();
        batch.put(place, &content(&holder, &**clock)?, expect);
        match records.commit(batch).await {
            Ok(revision) => {
                *self.lock() = None;
                let held = Held {
                    records: records.clone(),
                    place: place.clone(),
                    clock: Arc::clone(clock),
                    holder,
                    revision: AtomicU64::new(revision.0),
                    renewed: Mutex::new(begun),
                };
                Ok(Some(Lease(Some(held))))
            }
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether this revision has been there for a whole term. Begins to watch it if it is another one.
    fn is_over(&self, revision: Revision, now: Duration) -> bool {
        let mut seen = self.lock();
        match *seen {
            Some(known) if known.revision == revision => now.saturating_sub(known.since) >= Lease::TERM,
            _ => {
                *seen = Some(Seen { revision, since: now });
                false
            }
        }
    }

    /// Whether it watches a lease that somebody else has, or had.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.lock().is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lease that is held. Give it back with [`Lease::release`]; one that is dropped keeps others out
/// for a term from when they see it.
#[derive(Debug)]
pub struct Lease(Option<Held>);

#[derive(Debug)]
struct Held {
    records: TrustedRecords,
    place: Key,
    clock: Arc<dyn Clock>,
    holder: String,
    revision: AtomicU64,
    /// When it was last written, on the holder's monotonic clock: from before that commit began.
    renewed: Mutex<Duration>,
}

impl Held {
    fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }
}

impl Lease {
    /// How long others watch a lease that is not renewed before they take it over.
    pub const TERM: Duration = Duration::from_secs(60);

    /// Where the lease of a store's housekeeping is.
    #[must_use]
    pub fn of_housekeeping(realm: &Realm) -> Key {
        Key::realm(realm).then("lease").then("maintain")
    }

    /// A lease of nothing, for work that needs none: it fences nothing, and is always held.
    #[must_use]
    pub fn unshared() -> Self {
        Self(None)
    }

    /// Lets the batch be committed only while this lease is held. Of a lease that was lost, the commit
    /// is a [`ErrorKind::Conflict`]; whether that was the reason, [`Lease::is_held`] tells.
    pub fn fence(&self, batch: &mut TrustedBatch) {
        if let Some(held) = &self.0 {
            batch.check(&held.place, Expect::At(held.revision()));
        }
    }

    /// Whether the lease is still held. Asks the storage.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn is_held(&self) -> Result<bool, Error> {
        let Some(held) = &self.0 else { return Ok(true) };
        let stored = held.records.get(&held.place).await?;
        Ok(stored.is_some_and(|stored| stored.revision == held.revision()))
    }

    /// After a commit under the lease was refused: fine if the lease is still held, for then somebody
    /// has changed the thing itself.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when the lease is another's now, who goes on where this stops; storage
    /// errors.
    pub async fn check(&self) -> Result<(), Error> {
        if self.is_held().await? { Ok(()) } else { Err(lost()) }
    }

    /// Renews the lease if a third of the term has passed since it was last renewed. Call it between
    /// two things.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when the lease is another's now; storage errors.
    pub async fn renew(&self) -> Result<(), Error> {
        let Some(held) = &self.0 else { return Ok(()) };
        let now = held.clock.monotonic();
        let renewed = *held.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(renewed) < Self::TERM / 3 {
            return Ok(());
        }
        let mut batch = held.records.batch();
        let content = content(&held.holder, &*held.clock)?;
        batch.put(&held.place, &content, Expect::At(held.revision()));
        match held.records.commit(batch).await {
            Ok(revision) => {
                held.revision.store(revision.0, Ordering::Release);
                *held.renewed.lock().unwrap_or_else(PoisonError::into_inner) = now;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Conflict => Err(lost()),
            Err(error) => Err(error),
        }
    }

    /// Gives the lease back: the next one need not wait. Fine if it is another's already.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn release(self) -> Result<(), Error> {
        let Some(held) = self.0 else { return Ok(()) };
        let mut batch = held.records.batch();
        batch.delete(&held.place, Expect::At(held.revision()));
        match held.records.commit(batch).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn content(holder: &str, clock: &dyn Clock) -> Result<Vec<u8>, Error> {
    let record = Record { holder: holder.to_owned(), until: clock.now().after(Lease::TERM).as_millis() };
    serde_json::to_vec(&record)
        .map_err(|error| Error::new(ErrorKind::Storage, "the lease cannot be written").because(error))
}

fn lost() -> Error {
    Error::new(ErrorKind::Busy, "another process has taken over the housekeeping")
}
