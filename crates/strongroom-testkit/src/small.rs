//! Storage that takes no more than every storage must.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, FreshRecords, Key, Limits, Page, Record, Records, Revision, Scan, Snapshot,
};

/// Storage around another that declares [`Limits::REQUIRED`] and holds everybody to them: what
/// works over this works over every storage.
#[derive(Clone, Debug)]
pub struct SmallRecords(Arc<dyn Records>);

impl SmallRecords {
    /// Storage around `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Records>) -> Self {
        Self(inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for SmallRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        Ok(Box::new(Small(self.0.snapshot().await?)))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.0.read(keys).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        batch.validate(&self.limits())?;
        self.0.commit(batch).await
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        batch.validate(&self.limits())?;
        self.0.commit_soon(batch).await
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        self.0.erase_deleted().await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.0.change_token().await
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        self.0.read_if_changed(since, keys).await
    }

    fn limits(&self) -> Limits {
        Limits::REQUIRED
    }

    fn durable(&self) -> bool {
        self.0.durable()
    }

    async fn backup(&self, target: &Path) -> Result<(), Error> {
        self.0.backup(target).await
    }
}

struct Small(Box<dyn Snapshot>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Snapshot for Small {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        self.0.get(key).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        let most = scan.max_records().min(Limits::REQUIRED.scan);
        self.0.scan(&scan.clone().limit(most)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.0.get_many(keys).await
    }
}
