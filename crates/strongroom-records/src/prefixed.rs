//! A decorator that confines records to a key prefix.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Batch, Change, ChangeToken, Error, ErrorKind, FreshRecords, Key, Limits, Page, Record, Records, Revision,
    Scan, Snapshot,
};

/// A storage made of all keys with a prefix in another storage.
///
/// Use it to share one storage between several stores. No store's prefix may be a prefix of
/// another's; this holds for prefixes of whole segments ([`Key::of`]) that differ in one segment.
/// No key, whatever its bytes, can escape the prefix.
///
/// * [`Records::limits`] are those of the storage, less the space that the prefix takes.
/// * [`Records::change_token`] changes with commits anywhere in the storage.
/// * [`Records::erase_deleted`] erases deleted data anywhere in the storage.
/// * [`Records::backup`] is refused, because the copy would contain other stores' records. Back up
///   the whole storage instead.
///
/// Errors from the storage itself name records with their prefix.
#[derive(Clone, Debug)]
pub struct Prefixed {
    inner: Arc<dyn Records>,
    prefix: Arc<Key>,
    limits: Limits,
}

impl Prefixed {
    /// Creates the storage of all keys of `inner` with this prefix.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] if the prefix leaves less space than [`Limits::REQUIRED`].
    pub fn new(inner: Arc<dyn Records>, prefix: Key) -> Result<Self, Error> {
        let (mut limits, required, length) = (inner.limits(), Limits::REQUIRED, prefix.as_bytes().len());
        limits.key = limits.key.saturating_sub(length);
        // Enough for the prefix of every key in the largest batch.
        let prefixes = limits.batch_operations.saturating_mul(length);
        limits.batch_bytes = limits.batch_bytes.saturating_sub(prefixes);
        if limits.key < required.key || limits.batch_bytes < required.batch_bytes {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the prefix leaves less space for keys and batches than the required minimum",
            )
            .with("prefix", &prefix));
        }
        Ok(Self { inner, prefix: Arc::new(prefix), limits })
    }

    /// The prefix.
    #[must_use]
    pub fn prefix(&self) -> &Key {
        &self.prefix
    }

    fn keys(&self, keys: &[Key]) -> Vec<Key> {
        keys.iter().map(|key| self.prefix.join(key)).collect()
    }

    fn batch(&self, batch: Batch) -> Result<Batch, Error> {
        batch.validate(&self.limits)?;
        let change = |change: Change| Change { key: self.prefix.join(&change.key), ..change };
        Ok(batch.into_changes().into_iter().map(change).fold(Batch::new(), Batch::then))
    }
}

/// Strips the prefix from a record's key.
fn strip(prefix: &Key, record: Record) -> Result<Record, Error> {
    match record.key.strip_prefix(prefix) {
        Some(key) => Ok(Record { key, ..record }),
        None => Err(Error::new(ErrorKind::Corrupt, "the storage returned a record that was not requested")
            .with("record", &record.key)),
    }
}

fn strip_all(prefix: &Key, records: Vec<Option<Record>>) -> Result<Vec<Option<Record>>, Error> {
    records.into_iter().map(|record| record.map(|record| strip(prefix, record)).transpose()).collect()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Records for Prefixed {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        let inner = self.inner.snapshot().await?;
        Ok(Box::new(PrefixedSnapshot { inner, prefix: Arc::clone(&self.prefix) }))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        strip_all(&self.prefix, self.inner.read(&self.keys(keys)).await?)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        self.inner.commit(self.batch(batch)?).await
    }

    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        self.inner.commit_soon(self.batch(batch)?).await
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
        match self.inner.read_if_changed(since, &self.keys(keys)).await? {
            Some(fresh) => {
                let records = strip_all(&self.prefix, fresh.records)?;
                Ok(Some(FreshRecords { token: fresh.token, records }))
            }
            None => Ok(None),
        }
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn durable(&self) -> bool {
        self.inner.durable()
    }

    async fn backup(&self, target: &Path) -> Result<(), Error> {
        let _ = target;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this storage is part of a larger one; back up the whole storage",
        )
        .with("prefix", &*self.prefix))
    }
}

struct PrefixedSnapshot {
    inner: Box<dyn Snapshot>,
    prefix: Arc<Key>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Snapshot for PrefixedSnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        let record = self.inner.get(&self.prefix.join(key)).await?;
        record.map(|record| strip(&self.prefix, record)).transpose()
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        let page = self.inner.scan(&scan.within(&self.prefix)).await?;
        let records = page.records.into_iter().map(|record| strip(&self.prefix, record));
        Ok(Page { records: records.collect::<Result<_, _>>()?, more: page.more })
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        let keys: Vec<_> = keys.iter().map(|key| self.prefix.join(key)).collect();
        strip_all(&self.prefix, self.inner.get_many(&keys).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expect, MemoryRecords};

    fn below(storage: &MemoryRecords, prefix: &[&str]) -> Prefixed {
        Prefixed::new(Arc::new(storage.clone()), Key::of(prefix)).unwrap()
    }

    async fn everything(records: &dyn Records) -> Vec<(Key, Vec<u8>)> {
        let page = records.snapshot().await.unwrap().scan(&Scan::prefix(&Key::default())).await.unwrap();
        page.records.into_iter().map(|record| (record.key, record.value)).collect()
    }

    #[test]
    fn stores_below_different_prefixes_do_not_see_each_other() {
        pollster::block_on(async {
            let storage = MemoryRecords::new();
            let (one, two) = (below(&storage, &["tenant", "1"]), below(&storage, &["tenant", "2"]));
            let key = Key::of(["a"]);
            one.commit(Batch::new().put(&key, b"one", Expect::Absent)).await.unwrap();
            two.commit(Batch::new().put(&key, b"two", Expect::Absent)).await.unwrap();
            // Bytes that are no key of segments stay below the prefix too.
            let odd = Key::from_bytes(vec![0xff, 0, 2]);
            one.commit(Batch::new().put(&odd, b"odd", Expect::Absent)).await.unwrap();
            assert_eq!(everything(&one).await, [(key.clone(), b"one".to_vec()), (odd, b"odd".to_vec())]);
            assert_eq!(everything(&two).await, [(key, b"two".to_vec())]);
            let whole = everything(&storage).await;
            assert_eq!(whole[2].0, Key::of(["tenant", "2", "a"]));
            assert_eq!(whole.len(), 3);
        });
    }

    #[test]
    fn a_prefix_that_leaves_too_little_room_is_refused() {
        let storage = MemoryRecords::new();
        let with = |length| {
            Prefixed::new(Arc::new(storage.clone()), Key::from_bytes(vec![b'p'; length]))
                .map(|records| records.limits().key)
                .map_err(|error| error.kind())
        };
        assert_eq!(with(3072), Ok(1024));
        assert_eq!(with(3073), Err(ErrorKind::TooLarge));
    }

    #[test]
    fn a_backup_of_a_part_is_refused() {
        let storage = MemoryRecords::new();
        let error = pollster::block_on(below(&storage, &["p"]).backup(Path::new("copy"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn an_error_names_the_record_as_the_caller_does() {
        let records = below(&MemoryRecords::new(), &["p"]);
        let key = Key::of(["a"]);
        let twice = Batch::new().put(&key, b"1", Expect::Any).check(&key, Expect::Any);
        let error = pollster::block_on(records.commit(twice)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBatch);
        assert!(error.to_string().contains("record: a"), "{error}");
    }
}
