//! The joint itself.

use std::fmt::Debug;
use std::path::Path;

use async_trait::async_trait;

use crate::{Batch, Error, ErrorKind, Key, Limits, Page, Record, Revision, Scan};

/// Says whether anything was committed: see [`Records::change_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeToken(pub u64);

/// Records, and the moment they are of: an answer of [`Records::read_if_changed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "every backend makes one")]
pub struct FreshRecords {
    /// The change token from before the records were read.
    pub token: ChangeToken,
    /// The records under the keys that were asked for, in the same order; `None` where there is none.
    pub records: Vec<Option<Record>>,
}

/// Ordered records with snapshots and atomic commits. What "correct" means is said at each method and tested by the
/// conformance suite of `strongroom-testkit`.
///
/// Object-safe; users hold `Arc<dyn Records>`. Whoever holds one may use it from several tasks at once, and several
/// processes may hold the same storage where the backend says so.
#[async_trait]
pub trait Records: Send + Sync + Debug {
    /// A consistent view of everything committed before the call. Later commits, by whomever, are not seen through it.
    ///
    /// Holders drop it before they wait for anything but storage: it may pin a connection or old versions.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::Busy`].
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error>;

    /// The records under `keys` in the same order, all of one moment: a snapshot, read and dropped in one go.
    ///
    /// # Errors
    /// As [`Records::snapshot`] and [`Snapshot::get`].
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.snapshot().await?.get_many(keys).await
    }

    /// Applies the whole batch or nothing of it, durably: when this returns, the batch survives loss of power.
    /// Every snapshot taken afterwards, by whomever, sees it. An empty batch is fine and does nothing.
    ///
    /// All preconditions are checked against the state before the batch, in the same isolation in which it is applied:
    /// of two commits that expect the same revision one gets [`ErrorKind::Conflict`]. A conflict of one batch does not
    /// touch others that a backend may commit together with it.
    ///
    /// The returned revision is that of every record the batch wrote. A dropped future leaves all of the batch or
    /// nothing; which, the caller finds out by reading.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]; [`ErrorKind::TooLarge`] and [`ErrorKind::InvalidBatch`] (see [`Batch::validate`]) before
    /// anything happens; [`ErrorKind::OutcomeUnknown`] when it may have been applied; [`ErrorKind::Busy`] and
    /// [`ErrorKind::Unavailable`] when it was not.
    async fn commit(&self, batch: Batch) -> Result<Revision, Error>;

    /// Hands over a batch whose outcome nobody waits for: it is committed soon, or, where a precondition does not hold or the
    /// process ends, not at all. For what is worth writing but not worth waiting for.
    ///
    /// Provided: commits, and waits. A backend with a queue of its own returns when the batch is in it.
    ///
    /// # Errors
    /// As [`Records::commit`], as far as they are known when this returns; a conflict is none.
    async fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        match self.commit(batch).await {
            Err(error) if error.kind() != ErrorKind::Conflict => Err(error),
            _ => Ok(()),
        }
    }

    /// Sees to it that what was deleted is gone from the storage's own files too, as far as it is in its hands: not only
    /// from its records. File systems, disks and backups may keep older copies all the same.
    ///
    /// Provided: nothing to do.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while somebody stands in the way; [`ErrorKind::Unavailable`].
    async fn erase_deleted(&self) -> Result<(), Error> {
        Ok(())
    }

    /// A token that differs from an earlier one of this same handle if anything was committed in between by any
    /// process, this one included. It may differ without a commit. Cheap: called on every cached read.
    ///
    /// Whoever caches reads the token *before* the snapshot that fills the cache; the other way round a commit
    /// between the two would go unnoticed.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`].
    async fn change_token(&self) -> Result<ChangeToken, Error>;

    /// The records under `keys` as [`Records::read`] gives them, with the change token of their moment; `None` when nothing
    /// has been committed since `since`, so that what was read under that token still holds. Without `since` the records
    /// are always read.
    ///
    /// Provided: asks for the token, and reads when it differs. The token comes first: a commit between the two makes the
    /// records newer than their token, and the next call reads them again. A backend behind a network overrides this to
    /// answer in one round trip; [`FreshFor`](crate::FreshFor) saves that one too.
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

    /// What this backend can take.
    fn limits(&self) -> Limits;

    /// Whether what [`Records::commit`] has acknowledged survives the end of the process and a
    /// power failure.
    ///
    /// By default `true`, which the conformance suite then tests. A backend that keeps everything
    /// in this process returns `false`.
    fn durable(&self) -> bool {
        true
    }

    /// Writes a consistent copy of everything to `target`, a new file, while others go on writing. What is there when
    /// this returns survives loss of power. Backends without files refuse.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless a backend overrides this; [`ErrorKind::Unavailable`] when `target` exists or
    /// cannot be written.
    async fn backup(&self, target: &Path) -> Result<(), Error> {
        let _ = target;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this storage has no backup of its own; copy it with its own tools",
        ))
    }
}

/// A consistent view of a [`Records`].
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// The record under `key`; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], [`ErrorKind::Corrupt`].
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error>;

    /// A page of records in key order. At most the limit of the scan and of [`Limits::scan`]; fewer only at the end of
    /// the range or when the backend bounds a page's bytes, and then [`Page::more`] tells which of the two. A page
    /// with `more` holds at least one record.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    async fn scan(&self, scan: &Scan) -> Result<Page, Error>;

    /// The records under `keys`, in the same order.
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
