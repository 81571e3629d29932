//! The storage traits.

use std::fmt::Debug;
use std::path::Path;

use async_trait::async_trait;

use crate::{Batch, Error, ErrorKind, Key, Limits, Page, Record, Revision, Scan};

/// Changes when anything is committed: see [`Records::change_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeToken(pub u64);

/// Records with their change token, as returned by [`Records::read_if_changed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "every backend constructs it")]
pub struct FreshRecords {
    /// The change token, taken before the records were read.
    pub token: ChangeToken,
    /// The records of the requested keys, in the same order; `None` for a key without a record.
    pub records: Vec<Option<Record>>,
}

/// Ordered records with snapshots and atomic commits. Each method documents its contract, which the
/// conformance suite of `strongroom-testkit` tests.
///
/// The trait is dyn-compatible; callers hold an `Arc<dyn Records>`. It can be used from several
/// tasks concurrently and, if the backend supports it, by several processes on the same storage.
#[async_trait]
pub trait Records: Send + Sync + Debug {
    /// Takes a consistent snapshot of everything committed before the call. No later commit is
    /// visible in it.
    ///
    /// Drop a snapshot before waiting for anything other than storage: it may pin a connection or
    /// old versions.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::Busy`].
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error>;

    /// Reads the records of `keys`, in the same order, from a single snapshot.
    ///
    /// # Errors
    /// As [`Records::snapshot`] and [`Snapshot::get`].
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.snapshot().await?.get_many(keys).await
    }

    /// Atomically and durably applies a batch: once this returns, the batch survives a power
    /// failure, and every snapshot taken afterwards, in any process, sees it. An empty batch is
    /// valid and does nothing.
    ///
    /// All preconditions are checked against the state before the batch, in the same transaction
    /// that applies it: of two commits that expect the same revision, one gets
    /// [`ErrorKind::Conflict`]. A conflict does not affect other batches that the backend commits
    /// in the same group.
    ///
    /// Returns the revision of every record that the batch wrote. If the future is dropped, either
    /// the whole batch is applied or nothing; read to find out which.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if a precondition does not hold. [`ErrorKind::TooLarge`] and
    /// [`ErrorKind::InvalidBatch`] for an invalid batch (see [`Batch::validate`]).
    /// [`ErrorKind::OutcomeUnknown`] if the batch may have been applied; [`ErrorKind::Busy`] and
    /// [`ErrorKind::Unavailable`] if it was not.
    async fn commit(&self, batch: Batch) -> Result<Revision, Error>;

    /// Commits a batch without waiting for the outcome. The batch is committed soon, or not at all
    /// if a precondition does not hold or the process ends. For writes that are not worth waiting
    /// for.
    ///
    /// The default implementation commits and waits. A backend with a queue returns as soon as the
    /// batch is queued.
    ///
    /// # Errors
    /// As [`Records::commit`], as far as errors are known when this returns. A conflict is not an
    /// error.
    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        match self.commit(batch).await {
            Err(error) if error.kind() != ErrorKind::Conflict => Err(error),
            _ => Ok(()),
        }
    }

    /// Erases deleted data from the storage's own files, as far as the backend can. File systems,
    /// disks and backups may still hold older copies.
    ///
    /// The default implementation does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] if a concurrent reader or writer prevents it;
    /// [`ErrorKind::Unavailable`].
    async fn erase_deleted(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Returns a token that differs from an earlier one of the same handle if any process,
    /// including this one, committed anything in between. It may also differ without a commit. Must
    /// be cheap: it is called on every cached read.
    ///
    /// To fill a cache, get the token *before* taking the snapshot. Otherwise, a commit between the
    /// two would go unnoticed.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`].
    async fn change_token(&self) -> Result<ChangeToken, Error>;

    /// Reads the records of `keys`, like [`Records::read`], with their change token. Returns `None`
    /// if nothing was committed since the token `since`, so that records read with that token are
    /// still current. Without `since`, always reads.
    ///
    /// The default implementation gets the token and reads if it differs. It gets the token first:
    /// a commit between the two makes the records newer than their token, and the next call reads
    /// them again. A backend behind a network should override this to answer in one round trip;
    /// [`FreshFor`](crate::FreshFor) saves that one too.
    ///
    /// # Errors
    /// As [`Records::change_token`] and [`Records::read`].
    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        let token = self.change_token().await?;
        if since == Some(token) {
            return Ok(None);
        }
        Ok(Some(FreshRecords { token, records: self.read(keys).await? }))
    }

    /// The backend's limits.
    fn limits(&self) -> Limits;

    /// Whether acknowledged commits survive the end of the process and a power failure.
    ///
    /// The default is `true`, which the conformance suite then tests. A backend that stores
    /// everything in the process's memory returns `false`.
    fn durable(&self) -> bool {
        true
    }

    /// Writes a consistent copy of everything to the new file `target`, without blocking writers.
    /// Once this returns, the copy survives a power failure.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the backend overrides this. [`ErrorKind::InvalidPath`] or
    /// [`ErrorKind::Unavailable`] if `target` exists or cannot be written.
    async fn backup(&self, target: &Path) -> Result<(), Error> {
        let _ = target;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this backend does not implement backups; use the storage's own tools",
        ))
    }
}

/// A consistent view of a [`Records`] storage.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// Reads the record of `key`, or `None` if it does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::Corrupt`].
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error>;

    /// Reads a page of records in key order. A page holds at most the scan's limit and at most
    /// [`Limits::scan`] records. It holds fewer only at the end of the range or if the backend
    /// bounds a page's bytes; [`Page::more`] tells which. A page with `more` holds at least one
    /// record.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    async fn scan(&self, scan: &Scan) -> Result<Page, Error>;

    /// Reads the records of `keys`, in the same order.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            records.push(self.get(key).await?);
        }
        Ok(records)
    }
}
