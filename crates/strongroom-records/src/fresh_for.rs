//! A decorator that caches the change token for a limited time.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::{Batch, ChangeToken, Error, FreshRecords, Key, Limits, Record, Records, Revision, Snapshot};

/// Caches a storage's change token for a limited time.
///
/// Over a network, fetching the change token costs a round trip, as much as a read does. With this
/// decorator, a reader that caches records by token ([`Records::read_if_changed`]) makes one round
/// trip for a cache miss and none for a hit:
///
/// * The newest known token is considered current until `duration` has passed since it was
///   requested. Commits by other handles and processes can go unnoticed for that long, but no
///   longer. Time is monotonic and stands still while the machine is suspended.
/// * A commit through this handle or one of its clones invalidates the token immediately, so a
///   writer reads its own writes. A commit whose future is dropped counts as another process's, and
///   so does [`Records::commit_soon`].
/// * Reads and snapshots always go to the storage. Preconditions are checked there, so no update is
///   lost.
#[derive(Clone, Debug)]
pub struct FreshFor {
    inner: Arc<dyn Records>,
    duration: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The newest known token, and when it was requested.
    known: Option<(ChangeToken, Instant)>,
    /// A clock that ticks at each token request and at the end of each commit.
    count: u64,
    /// The tick of the request that returned `known`.
    answered: u64,
    /// The tick of the last commit's end. Responses to earlier requests may predate the commit.
    committed: u64,
}

/// A token request in flight.
struct Question {
    number: u64,
    asked: Instant,
}

/// A commit in flight. If it is dropped, it may still take effect.
struct Commit<'a>(&'a FreshFor);

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.count += 1;
        (state.committed, state.known) = (state.count, None);
    }
}

impl FreshFor {
    /// Wraps `inner` and caches its change token for `duration`. Zero disables caching.
    #[must_use]
    pub fn new(inner: Arc<dyn Records>, duration: Duration) -> Self {
        Self { inner, duration, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, while it is still considered current.
    fn trusted(&self) -> Option<ChangeToken> {
        let (token, asked) = self.lock().known?;
        (asked.elapsed() < self.duration).then_some(token)
    }

    fn ask(&self) -> Question {
        let mut state = self.lock();
        state.count += 1;
        // Taken before the request: the storage may change from here on.
        Question { number: state.count, asked: Instant::now() }
    }

    /// Caches a response, unless it may predate a commit or a newer response.
    fn learn(&self, question: &Question, token: ChangeToken) {
        let mut state = self.lock();
        if question.number > state.answered.max(state.committed) {
            (state.answered, state.known) = (question.number, Some((token, question.asked)));
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for FreshFor {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.inner.snapshot().await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.inner.read(keys).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        let _commit = Commit(self);
        self.inner.commit(batch).await
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        let _commit = Commit(self);
        self.inner.commit_soon(batch).await
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        self.inner.erase_deleted().await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        if let Some(token) = self.trusted() {
            return Ok(token);
        }
        let question = self.ask();
        let token = self.inner.change_token().await?;
        self.learn(&question, token);
        Ok(token)
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        if since.is_some() && since == self.trusted() {
            return Ok(None);
        }
        let question = self.ask();
        let fresh = self.inner.read_if_changed(since, keys).await?;
        if let Some(token) = fresh.as_ref().map(|fresh| fresh.token).or(since) {
            self.learn(&question, token);
        }
        Ok(fresh)
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn durable(&self) -> bool {
        self.inner.durable()
    }

    async fn backup(&self, target: &Path) -> Result<(), Error> {
        self.inner.backup(target).await
    }
}
