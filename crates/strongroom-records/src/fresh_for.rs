//! Records whose change token is trusted for a while.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::{Batch, ChangeToken, Error, FreshRecords, Key, Limits, Record, Records, Revision, Snapshot};

/// Storage whose change token is taken to be unchanged for some time after it was asked for.
///
/// Asking a storage behind a network whether anything has changed costs a round trip, as much as reading does. With this
/// around it, a reader that keeps records under their token ([`Records::read_if_changed`]) makes one round trip for what it
/// does not know, and none for what it knows:
///
/// * A question about the newest token that was learned is answered here until `duration` has passed since that token was
///   asked for. Commits of other handles and processes may go unnoticed for that long, and no longer. (Time is monotonic
///   time: it stands still while the machine is suspended.)
/// * A commit through this handle, or one of its clones, ends that at once: whoever has written reads what was written.
///   A commit whose future is dropped counts as one of another process, as does [`Records::commit_soon`].
/// * Reads and snapshots always go to the storage. No commit is lost: preconditions are checked there.
#[derive(Clone, Debug)]
pub struct FreshFor {
    inner: Arc<dyn Records>,
    duration: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The newest token known, and when it was asked for.
    known: Option<(ChangeToken, Instant)>,
    /// Counts questions, and the ends of commits.
    count: u64,
    /// The question that `known` is the answer to.
    answered: u64,
    /// The last end of a commit. Answers to earlier questions may be of before it.
    committed: u64,
}

/// A question on its way to the storage.
struct Question {
    number: u64,
    asked: Instant,
}

/// A commit on its way. Dropped half way, it may have taken effect all the same.
struct Commit<'a>(&'a FreshFor);

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.count += 1;
        (state.committed, state.known) = (state.count, None);
    }
}

impl FreshFor {
    /// Storage around `inner` that trusts a change token for `duration`; zero trusts none.
    #[must_use]
    pub fn new(inner: Arc<dyn Records>, duration: Duration) -> Self {
        Self { inner, duration, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, while it is trusted.
    fn trusted(&self) -> Option<ChangeToken> {
        let (token, asked) = self.lock().known?;
        (asked.elapsed() < self.duration).then_some(token)
    }

    fn ask(&self) -> Question {
        let mut state = self.lock();
        state.count += 1;
        // Before the storage is asked: from here on it may change.
        Question { number: state.count, asked: Instant::now() }
    }

    /// Trusts an answer from now on, unless it may be older than a commit or another answer.
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
