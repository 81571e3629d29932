//! A directory of strongrooms.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use strongroom_records::Records;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_types::Realm;

use super::directory_layout::{DirectoryLock, Layout};
use super::manifest::Manifest;
use super::records_for::{Creation, RecordsFor};
use super::setup::setup;
use crate::Error;

/// A directory with one strongroom per account and region, in SQLite files below `ACCOUNT/REGION`.
/// This is `strongroom-server`'s data directory. Opened with [`DataDirectory::at`]. Clones share
/// their state.
///
/// A manifest lists the strongrooms. It is written first, with an empty list. A strongroom is
/// listed after it is created and before any write to it is acknowledged. A strongroom that is
/// listed but missing has therefore been lost, and is never recreated; one that a killed process
/// left incomplete is not listed.
///
/// Several processes can have the same directory open.
#[derive(Clone)]
pub struct DataDirectory(Arc<Inner>);

struct Inner {
    layout: Layout,
    root: RootKey,
    home: Realm,
    new: bool,
    manifest: Mutex<Manifest>,
    /// The lock of the start, while it is still held.
    starting: Weak<File>,
    /// Ensures that one strongroom is added at a time.
    adding: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for DataDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataDirectory({})", self.path().display())
    }
}

impl DataDirectory {
    pub(super) fn of(
        layout: Layout,
        root: RootKey,
        manifest: Manifest,
        new: bool,
        lock: &DirectoryLock,
    ) -> Result<Self, Error> {
        let home = manifest.home()?;
        Ok(Self(Arc::new(Inner {
            layout,
            root,
            home,
            new,
            manifest: Mutex::new(manifest),
            starting: Arc::downgrade(&lock.0),
            adding: Arc::default(),
        })))
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.layout.path()
    }

    /// The directory's account, and the region whose strongrooms store users and roles.
    #[must_use]
    pub fn home(&self) -> &Realm {
        &self.0.home
    }

    /// The root key, as read when the directory was opened.
    #[must_use]
    pub fn root_key(&self) -> RootKey {
        self.0.root.duplicate()
    }

    /// Whether nothing had been stored in it before it was opened.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.0.new
    }
}

impl Inner {
    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lists(&self, realm: &Realm) -> bool {
        self.manifest().lists(realm)
    }

    async fn lock(&self) -> Result<DirectoryLock, Error> {
        match self.starting.upgrade() {
            Some(lock) => Ok(DirectoryLock(lock)),
            None => self.layout.lock().await,
        }
    }

    /// Reads the manifest again, to keep what other processes have listed. Fails if the directory
    /// was removed or replaced: a strongroom created in another directory would be encrypted under
    /// a root key that its owner does not have.
    fn reread(&self, lock: &DirectoryLock) -> Result<Manifest, Error> {
        match self.layout.manifest(lock)? {
            Some(now) if now.is_of_the_same(&self.manifest()) => Ok(now),
            _ => {
                let path = self.layout.path().display();
                let text = format!("the data directory {path} was removed or replaced while it was in use");
                Err(setup(text))
            }
        }
    }

    fn keep(&self, lock: &DirectoryLock, manifest: Manifest) -> Result<(), Error> {
        self.layout.write(lock, &manifest)?;
        *self.manifest() = manifest;
        Ok(())
    }
}

#[async_trait]
impl RecordsFor for DataDirectory {
    async fn open(&self, realm: &Realm) -> Result<Option<Arc<dyn Records>>, Error> {
        let inner = &self.0;
        if inner.lists(realm) {
            return inner.layout.existing_records(realm).await.map(Some);
        }
        if !inner.layout.holds(realm)? {
            return Ok(None);
        }
        // Another process is creating it or has created it, or it was restored from a backup.
        let _adding = inner.adding.lock().await;
        let lock = inner.lock().await?;
        let mut now = inner.reread(&lock)?;
        let records = inner.layout.existing_records(realm).await?;
        if now.lists(realm) {
            *inner.manifest() = now;
        } else {
            if TrustedRecords::peek_realm(&*records).await?.is_none() {
                return Ok(None);
            }
            now.add(realm);
            inner.keep(&lock, now)?;
        }
        Ok(Some(records))
    }

    async fn create(&self, realm: &Realm) -> Result<Creation, Error> {
        let inner = &self.0;
        if inner.lists(realm) {
            return Ok(Creation::new(inner.layout.existing_records(realm).await?).existing());
        }
        let adding = Arc::clone(&inner.adding).lock_owned().await;
        let lock = inner.lock().await?;
        let mut next = inner.reread(&lock)?;
        if next.lists(realm) {
            *inner.manifest() = next;
            return Ok(Creation::new(inner.layout.existing_records(realm).await?).existing());
        }
        let records = inner.layout.created_records(realm).await?;
        next.add(realm);
        let inner = Arc::clone(inner);
        Ok(Creation::new(records).then(async move {
            let _adding = adding;
            inner.keep(&lock, next)
        }))
    }

    async fn realms(&self) -> Result<Vec<Realm>, Error> {
        self.0.layout.found()
    }

    fn place(&self) -> Option<String> {
        Some(self.path().display().to_string())
    }
}
