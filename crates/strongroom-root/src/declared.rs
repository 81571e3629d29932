//! The store's own record as a handle last saw it.
//!
//! Every commit demands that the store's own record is still at the revision this handle knows.
//! When it has moved, the handle looks at it again: with another store key, or with a feature that
//! the handle does not know, it stops; with a format or feature that it knows, it goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_records::{Record, Records, Revision};

use crate::error::tampered;
use crate::feature::KNOWN;
use crate::store::{Keyring, Store};
use crate::{Error, ErrorKind, Feature, frame};

/// A handle that only reads looks at the store's own record this often, while others commit.
const LOOK: Duration = Duration::from_secs(1);

/// What the store says of itself, as this handle last saw it.
#[derive(Debug)]
pub(crate) struct Declared {
    known: Vec<Feature>,
    state: Mutex<State>,
    opened: Instant,
    /// Milliseconds after `opened`, before which a reader need not look again.
    next_look: AtomicU64,
    /// Something was committed since a reader looked.
    stale: AtomicBool,
}

#[derive(Debug)]
struct State {
    store: Arc<Store>,
    revision: Revision,
    /// The store requires a feature that this handle does not know.
    refused: bool,
}

impl Declared {
    /// Knows the features of this version and these besides.
    pub(crate) fn new(features: &[Feature], store: Store, revision: Revision) -> Self {
        let known = KNOWN.iter().chain(features).copied().collect();
        let state = Mutex::new(State { store: Arc::new(store), revision, refused: false });
        let next_look = AtomicU64::new(u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX));
        Self { known, state, opened: Instant::now(), next_look, stale: AtomicBool::new(false) }
    }

    /// The same for another store key, under which the record was just written.
    pub(crate) fn renewed(&self, store: Store, revision: Revision) -> Self {
        let own: Vec<_> = self.known.iter().skip(KNOWN.len()).copied().collect();
        Self::new(&own, store, revision)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The features that this handle knows.
    pub(crate) fn known(&self) -> &[Feature] {
        &self.known
    }

    /// The store's own record.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.lock().store)
    }

    /// The store's own record and its revision, which a commit demands.
    pub(crate) fn current(&self) -> Result<(Arc<Store>, Revision), Error> {
        let state = self.lock();
        if state.refused {
            state.store.check_known(&self.known)?;
        }
        Ok((Arc::clone(&state.store), state.revision))
    }

    /// The revision alone.
    pub(crate) fn revision(&self) -> Result<Revision, Error> {
        let state = self.lock();
        if state.refused {
            state.store.check_known(&self.known)?;
        }
        Ok(state.revision)
    }

    /// This handle has written the store's own record.
    pub(crate) fn wrote(&self, store: Store, revision: Revision) {
        let mut state = self.lock();
        if revision > state.revision {
            (state.store, state.revision) = (Arc::new(store), revision);
        }
    }

    /// Looks at the store's own record again. Gives its revision.
    ///
    /// # Errors
    /// [`ErrorKind::StoreChanged`] when the store key is another; [`ErrorKind::Incompatible`] for a
    /// newer format or a feature that this handle does not know; [`ErrorKind::Tampered`] when the
    /// record was put back as it once was; storage errors.
    pub(crate) async fn look_again(
        &self,
        records: &dyn Records,
        keyring: &Keyring,
    ) -> Result<Revision, Error> {
        let before = self.lock().revision;
        match records.read(&[Store::key()]).await?.pop().flatten() {
            Some(record) if record.revision >= before => self.saw(record, keyring),
            // The storage is another one now, or an older copy.
            _ => Err(frame::changed()),
        }
    }

    fn saw(&self, record: Record, keyring: &Keyring) -> Result<Revision, Error> {
        let seen = frame::verify(keyring, &self.store().id, record)?;
        let store = Store::parse(&seen.content)?;
        let mut state = self.lock();
        // Of two looks at once, the later one counts.
        if seen.revision > state.revision {
            if !store.follows(&state.store) {
                return Err(tampered(&seen.key, "it was put back as it once was"));
            }
            state.refused = store.check_known(&self.known).is_err();
            (state.store, state.revision) = (Arc::new(store), seen.revision);
        }
        if state.refused {
            self.stop_readers();
            state.store.check_known(&self.known)?;
        }
        Ok(state.revision)
    }

    /// The next reader looks again, whatever it reads.
    fn stop_readers(&self) {
        self.next_look.store(0, Ordering::Relaxed);
        self.stale.store(true, Ordering::Relaxed);
    }

    /// For readers that find everything as they left it: looks again if something was committed
    /// before that, and the last look is a second ago.
    ///
    /// # Errors
    /// As [`Declared::look_again`].
    pub(crate) async fn keep_up_if_stale(
        &self,
        records: &dyn Records,
        keyring: &Keyring,
    ) -> Result<(), Error> {
        if self.stale.load(Ordering::Relaxed) { self.keep_up(records, keyring).await } else { Ok(()) }
    }

    /// For readers, when something may have been committed: looks again if the last look is a second
    /// ago, and leaves it to the next reader otherwise.
    ///
    /// # Errors
    /// As [`Declared::look_again`].
    pub(crate) async fn keep_up(&self, records: &dyn Records, keyring: &Keyring) -> Result<(), Error> {
        let now = self.opened.elapsed();
        let next = self.next_look.load(Ordering::Relaxed);
        if now.as_millis() < u128::from(next) {
            self.stale.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let later = u64::try_from((now + LOOK).as_millis()).unwrap_or(u64::MAX);
        if self.next_look.compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return Ok(());
        }
        self.stale.store(false, Ordering::Relaxed);
        match self.look_again(records, keyring).await {
            // The records of another store key say so themselves.
            Err(error) if error.kind() == ErrorKind::StoreChanged => Ok(()),
            Err(error) => {
                self.stop_readers();
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }
}
