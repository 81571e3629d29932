//! The joint itself.

use std::fmt::Debug;
use std::path::Path;

use async_trait::async_trait;

use crate::{Batch, Error, ErrorKind, Key, Page, Scan};

/// Says when a record was last written. Equal revisions of one key mean equal content.
///
/// Given by the backend at commit. One key never gets the same revision twice, also not after it was deleted and
/// written again. Between keys revisions say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Says whether anything was committed: see [`Records::change_token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeToken(pub u64);

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub key: Key,
    /// When it was last written.
    pub revision: Revision,
    /// What it holds: sealed or authenticated by those who wrote it, never a plaintext secret.
    pub value: Vec<u8>,
}

impl Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} at {}, {} bytes)", self.key, self.revision.0, self.value.len())
    }
}

/// What a backend can take. A backend must allow at least the figures of [`Limits::REQUIRED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key.
    pub key: usize,
    /// Bytes of a value.
    pub value: usize,
    /// Operations of a batch.
    pub batch_operations: usize,
    /// Bytes of all keys and values of a batch.
    pub batch_bytes: usize,
    /// Records of a page; a scan that asks for more gets this many.
    pub scan: usize,
}

impl Limits {
    /// The least a backend must allow.
    pub const REQUIRED: Self =
        Self { key: 1024, value: 256 * 1024, batch_operations: 100, batch_bytes: 512 * 1024, scan: 100 };
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
