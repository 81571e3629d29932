//! Storage that counts its calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, FreshRecords, Key, Limits, Page, Record, Records, Revision, Scan, Snapshot,
};

/// Wraps storage and counts the calls that would each be a round trip to storage behind a network.
/// Clones share the count.
#[derive(Clone, Debug)]
pub struct CountingRecords {
    inner: Arc<dyn Records>,
    calls: Arc<AtomicU64>,
}

impl CountingRecords {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Records>) -> Self {
        Self { inner, calls: Arc::default() }
    }

    /// The number of calls since the last call of this method; resets the count.
    pub fn take_calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for CountingRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.count();
        Ok(Box::new(Counting { inner: self.inner.snapshot().await?, calls: Arc::clone(&self.calls) }))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.count();
        self.inner.read(keys).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        self.count();
        self.inner.commit(batch).await
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        self.count();
        self.inner.commit_soon(batch).await
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        self.count();
        self.inner.erase_deleted().await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.count();
        self.inner.change_token().await
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        self.count();
        self.inner.read_if_changed(since, keys).await
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn durable(&self) -> bool {
        self.inner.durable()
    }

    async fn backup(&self, target: &Path) -> Result<(), Error> {
        self.count();
        self.inner.backup(target).await
    }
}

struct Counting {
    inner: Box<dyn Snapshot>,
    calls: Arc<AtomicU64>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Snapshot for Counting {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.scan(scan).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.get_many(keys).await
    }
}
