//! The storage of realms.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_records::Records;
use strongroom_types::Realm;

use crate::Error;

/// The storage of every realm of a process: one [`Records`] per account and region.
///
/// Opening and creating are separate methods, so that a lookup creates nothing.
#[async_trait]
pub trait RecordsFor: Send + Sync + fmt::Debug {
    /// Opens the storage of a realm that has a strongroom. Returns `None` if it has none. Creates
    /// nothing.
    ///
    /// `Some` guarantees that the strongroom was created completely: if it turns out to be missing,
    /// that is an error, and it is never recreated. Return `None` for what an interrupted
    /// [`create`](Self::create) left behind.
    ///
    /// # Errors
    /// If the storage cannot be read. An unreadable realm is an error, not `None`.
    async fn open(&self, realm: &Realm) -> Result<Option<Arc<dyn Records>>, Error>;

    /// Opens or creates the storage of a realm. Called only after the operation that needs it was
    /// authorized. Another process may do the same concurrently.
    ///
    /// # Errors
    /// If the storage cannot be created.
    async fn create(&self, realm: &Realm) -> Result<Creation, Error>;

    /// The realms that have a strongroom, in no particular order.
    ///
    /// # Errors
    /// If the storage cannot be read.
    async fn realms(&self) -> Result<Vec<Realm>, Error>;

    /// Where the strongrooms are stored, such as a directory. Named in errors. Default: `None`.
    fn place(&self) -> Option<String> {
        None
    }
}

type Keep = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A realm's storage while its strongroom is being created. Returned by [`RecordsFor::create`].
/// Dropping it abandons the attempt; a later attempt completes it.
pub struct Creation {
    records: Arc<dyn Records>,
    existing: bool,
    keep: Option<Keep>,
}

impl Creation {
    /// Storage for a new strongroom. If it already contains one, that one is opened.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self { records, existing: false, keep: None }
    }

    /// Declares that the strongroom was created completely before, for example by another process.
    /// If it is missing, that is an error.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// Sets what to do after the strongroom is created and before any write to it is acknowledged,
    /// such as listing it. The future should own any lock that must be held until then.
    #[must_use]
    pub fn then(mut self, keep: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        self.keep = Some(Box::pin(keep));
        self
    }

    pub(super) fn records(&self) -> Arc<dyn Records> {
        Arc::clone(&self.records)
    }

    pub(super) fn is_existing(&self) -> bool {
        self.existing
    }

    pub(super) async fn finish(self) -> Result<(), Error> {
        match self.keep {
            Some(keep) => keep.await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Creation")
            .field("records", &self.records)
            .field("existing", &self.existing)
            .finish_non_exhaustive()
    }
}
