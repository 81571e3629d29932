//! Storage that fails on demand, unlike real storage.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, ErrorKind, FreshRecords, Key, Limits, Record, Records, Revision, Snapshot,
};

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It succeeds.
    None,
    /// It fails without taking effect.
    Before(ErrorKind),
    /// It takes effect, but the caller gets an error of unknown outcome.
    After,
}

/// Wraps storage and makes its commits fail by plan. All other calls pass through.
#[derive(Clone, Debug)]
pub struct FaultyRecords {
    inner: Arc<dyn Records>,
    plan: Arc<Mutex<VecDeque<Fault>>>,
}

impl FaultyRecords {
    /// Wraps `inner` with an empty plan.
    #[must_use]
    pub fn new(inner: Arc<dyn Records>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Plans the fate of the next commits, one by one. Later ones pass through.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = faults.into_iter().collect();
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for FaultyRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.inner.snapshot().await
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.inner.read(keys).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match fault.unwrap_or(Fault::None) {
            Fault::None => self.inner.commit(batch).await,
            Fault::Before(kind) => Err(Error::new(kind, "planned fault before the commit")),
            Fault::After => {
                self.inner.commit(batch).await?;
                Err(Error::new(ErrorKind::OutcomeUnknown, "planned fault after the commit"))
            }
        }
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        self.commit(batch).await.map(|_| ())
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        self.inner.erase_deleted().await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.inner.change_token().await
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        self.inner.read_if_changed(since, keys).await
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
