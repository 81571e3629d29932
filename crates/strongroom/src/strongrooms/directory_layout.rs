//! The files of a data directory: strongrooms, manifest and lock.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use strongroom_records::Records;
use strongroom_root::{PrivateFile, TrustedRecords, give_to_owner_of};
use strongroom_types::{AccountId, Realm, Region};
use tokio::sync::oneshot;

use super::manifest::Manifest;
use super::setup::{failed, setup};
use crate::builder::{DATABASE, no_store, open_directory};
use crate::{Error, ErrorKind as Kind};

/// The manifest: what the directory records about itself.
const MANIFEST: &str = "strongroom.json";
/// A process locks this file while it starts on the directory or adds a strongroom to it.
const LOCK: &str = "lock";
/// How long to wait for another process's lock. Opening a strongroom takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// The interval between attempts to take the lock.
const TRY: Duration = Duration::from_millis(10);

/// The paths of a data directory, with each account's and region's strongroom below
/// `ACCOUNT/REGION`.
#[derive(Clone, Debug)]
pub(super) struct Layout(PathBuf);

/// An exclusive lock on a data directory. While it is held, no other process can start on the
/// directory or add a strongroom to it. Processes that already run are not affected.
#[derive(Clone, Debug)]
pub struct DirectoryLock(pub(super) Arc<File>);

impl Layout {
    /// Opens the directory. Creates a missing one (mode 0700), unless it must exist.
    pub(super) fn open(path: &Path, existing: bool) -> Result<Self, Error> {
        let path = std::path::absolute(path)
            .map_err(|error| failed("failed to resolve the data directory", path, error))?;
        let found =
            metadata(&path).map_err(|error| failed("failed to read the data directory", &path, error))?;
        if !found.is_some_and(|found| found.is_dir()) {
            if existing {
                return Err(setup(format!("there is no data directory at {}", path.display())));
            }
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .create(&path)
                .map_err(|error| failed("failed to create the data directory", &path, error))?;
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The directory of a realm's strongroom.
    pub(super) fn of(&self, realm: &Realm) -> PathBuf {
        self.0.join(realm.account().as_str()).join(realm.region().as_str())
    }

    /// Whether the database of a realm exists. An unreadable directory is an error.
    pub(super) fn holds(&self, realm: &Realm) -> Result<bool, Error> {
        let database = self.of(realm).join(DATABASE);
        let found =
            metadata(&database).map_err(|error| failed("failed to read the database", &database, error))?;
        Ok(found.is_some_and(|found| found.is_file()))
    }

    /// Whether the files of a realm hold a strongroom, or may hold one: a write-ahead log that
    /// cannot be read may contain it. What an interrupted creation left behind does not.
    pub(super) async fn holds_strongroom(&self, realm: &Realm) -> Result<bool, Error> {
        let log = self.of(realm).join(format!("{DATABASE}-wal"));
        let logged = metadata(&log)
            .map_err(|error| failed("failed to read the write-ahead log", &log, error))?
            .is_some_and(|log| log.len() > 0);
        let stored = match self.existing_records(realm).await {
            Ok(records) => TrustedRecords::peek_realm(&*records).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        match stored {
            Ok(stored) => Ok(stored.is_some()),
            // Either a newer version wrote it, or the log is all that is left.
            Err(error) => Ok(logged || error.kind() == Kind::Root(strongroom_root::ErrorKind::Incompatible)),
        }
    }

    /// Opens the storage of a strongroom that must exist.
    pub(super) async fn existing_records(&self, realm: &Realm) -> Result<Arc<dyn Records>, Error> {
        if !self.holds(realm)? {
            return Err(no_store().with("directory", self.of(realm).display()));
        }
        open_directory(&self.of(realm)).await
    }

    /// Opens or creates the storage of a strongroom.
    pub(super) async fn created_records(&self, realm: &Realm) -> Result<Arc<dyn Records>, Error> {
        open_directory(&self.of(realm)).await
    }

    /// Takes the lock. Waits for other processes that start on the directory or add to it.
    pub(super) async fn lock(&self) -> Result<DirectoryLock, Error> {
        let path = self.0.join(LOCK);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| failed("failed to lock", &path, error))?;
        give_to_owner_of(&self.0, &file);
        match file.try_lock() {
            Ok(()) => Ok(DirectoryLock(Arc::new(file))),
            Err(fs::TryLockError::WouldBlock) => waited_for(file, path).await,
            Err(fs::TryLockError::Error(error)) => Err(failed("failed to lock", &path, error)),
        }
    }

    /// Reads the manifest. `None` if the directory is new or predates manifests.
    pub(super) fn manifest(&self, _lock: &DirectoryLock) -> Result<Option<Manifest>, Error> {
        let path = self.0.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("failed to read the manifest", &path, error)),
        };
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| setup(format!("{} is not a valid manifest", path.display())).because(error))?;
        if !manifest.is_known() {
            let text = format!("{} was written by a newer version of Strongroom", path.display());
            return Err(setup(text));
        }
        Ok(Some(manifest))
    }

    /// Atomically writes the manifest to disk.
    pub(super) fn write(&self, _lock: &DirectoryLock, manifest: &Manifest) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| setup("failed to serialize the manifest").because(error))?;
        let path = self.0.join(MANIFEST);
        PrivateFile::replace(&path, &text)
            .map_err(|error| failed("failed to write the manifest", &path, error))
    }

    /// The realms with any files, listed or not. An unreadable directory is an error, not an empty
    /// one. What an interrupted creation left behind counts: see
    /// [`holds_strongroom`](Self::holds_strongroom).
    pub(super) fn found(&self) -> Result<Vec<Realm>, Error> {
        let mut found = Vec::new();
        for account in names(&self.0)? {
            let Ok(id) = AccountId::parse(&account) else { continue };
            for region in names(&self.0.join(&account))? {
                let Ok(region) = Region::parse(&region) else { continue };
                let realm = Realm::new(id, region);
                // Any file of a database counts, even a write-ahead log alone.
                let traces = names(&self.of(&realm))?.iter().any(|name| name.starts_with(DATABASE));
                found.extend(traces.then_some(realm));
            }
        }
        Ok(found)
    }

    /// Refuses to create a new strongroom in a directory that contains anything: it may be the
    /// remains of a lost one.
    pub(super) fn refuse_unless_empty(&self) -> Result<(), Error> {
        // Allowed: files that a new volume contains, and those created before the manifest.
        let manifest = self.0.join(MANIFEST);
        let plain = |name: &&String| {
            let usual = name.starts_with('.') || matches!(name.as_str(), LOCK | "lost+found");
            !usual && !PrivateFile::is_prepared_for(&manifest, name)
        };
        match names(&self.0)?.iter().find(plain) {
            Some(other) => Err(setup(format!(
                "{} contains {other} but no strongroom: restore it from a backup, or start with an empty directory",
                self.0.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Waits for the lock on a dedicated thread. A caller that stops waiting does not get the lock.
async fn waited_for(file: File, path: PathBuf) -> Result<DirectoryLock, Error> {
    let (reply, result) = oneshot::channel();
    let wait = move || {
        let mut waited = Duration::ZERO;
        while !reply.is_closed() {
            let locked = match file.try_lock() {
                Ok(()) => Ok(DirectoryLock(Arc::new(file))),
                Err(fs::TryLockError::WouldBlock) if waited < PATIENCE => {
                    std::thread::sleep(TRY);
                    waited += TRY;
                    continue;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    Err(setup(format!("another process has locked {}", path.display())))
                }
                Err(fs::TryLockError::Error(error)) => Err(failed("failed to lock", &path, error)),
            };
            let _ = reply.send(locked);
            return;
        }
    };
    let waiting = std::thread::Builder::new().name("strongroom-lock".into()).spawn(wait);
    waiting.map_err(|error| setup("failed to start a thread that waits for the lock").because(error))?;
    result.await.map_err(|_| setup("the thread that waited for the lock failed"))?
}

/// The metadata of a file or directory. `None` only if it does not exist.
fn metadata(path: &Path) -> std::io::Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a directory. Empty if the directory does not exist.
fn names(place: &Path) -> Result<Vec<String>, Error> {
    let read = || -> std::io::Result<Vec<String>> {
        if !metadata(place)?.is_some_and(|found| found.is_dir()) {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(place)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    };
    read().map_err(|error| failed("failed to read the data directory", place, error))
}
