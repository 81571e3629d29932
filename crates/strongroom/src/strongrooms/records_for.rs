//! Where the storage of realms comes from.

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
/// Looking and making are two methods, so that nothing is made by looking.
#[async_trait]
pub trait RecordsFor: Send + Sync + fmt::Debug {
    /// The storage of a realm that has a strongroom; `None` if it has none. Makes nothing.
    ///
    /// `Some` promises that the strongroom in it was finished: one that turns out to be missing is
    /// an error and is never made anew. What an interrupted [`create`](Self::create) left behind is
    /// `None`.
    ///
    /// # Errors
    /// Storage that cannot be read. An unreadable realm is an error, not `None`.
    async fn open(&self, realm: &Realm) -> Result<Option<Arc<dyn Records>>, Error>;

    /// The storage of a realm, made if there is none. Called only after the operation that needs it
    /// was permitted. Another process may do the same at the same time.
    ///
    /// # Errors
    /// Storage that cannot be made.
    async fn create(&self, realm: &Realm) -> Result<Creation, Error>;

    /// The realms that have a strongroom, in no particular order.
    ///
    /// # Errors
    /// Storage that cannot be read.
    async fn realms(&self) -> Result<Vec<Realm>, Error>;
}

type Keep = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A realm's storage while its strongroom is being made: what [`RecordsFor::create`] returns.
/// Dropping it abandons the attempt; a later one completes it.
pub struct Creation {
    records: Arc<dyn Records>,
    existing: bool,
    keep: Option<Keep>,
}

impl Creation {
    /// Storage for a new strongroom. One that is in it already is opened.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self { records, existing: false, keep: None }
    }

    /// The strongroom was finished earlier, for instance by another process: if it is missing, that
    /// is an error.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.existing = true;
        self
    }

    /// What remains to be done once the strongroom is made and before anything in it is
    /// acknowledged, such as listing it. Locks that must be held until then belong into the future.
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
