//! Detects that the open files are no longer those at the database's path.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_records::{Error, ErrorKind};

/// SQLite's write-ahead log next to the database. Contains commits that are not checkpointed yet.
const LOG: &str = "-wal";

/// A file's identity: device and inode.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// On other systems, only whether the file exists. They usually do not allow removing an open file.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|_| (0, 0))
}

/// The identities of the database's files at open.
///
/// A file that is removed or replaced while it is open stays usable: commits to it succeed, but are
/// lost when the process ends. The writer therefore checks the paths after each commit and before
/// acknowledging it, at about a microsecond per file. Once a path no longer names the open file,
/// all reads and writes through this handle fail.
#[derive(Debug)]
pub(crate) struct Files {
    path: PathBuf,
    database: Identity,
    log: (PathBuf, OnceLock<Identity>),
    lost: AtomicBool,
}

impl Files {
    /// Records the files' identities. Call this once the database is open.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let database =
            identity(path).map_err(|error| crate::error::file("the database file is gone", path, error))?;
        let log = (log_of(path), OnceLock::new());
        Ok(Self { path: path.to_path_buf(), database, log, lost: AtomicBool::new(false) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks in the file system whether the paths still name the open files.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let same = |path: &Path, known: Identity| identity(path).is_ok_and(|now| now == known);
        let found = !self.lost.load(Ordering::Relaxed)
            && same(&self.path, self.database)
            && match (&self.log.0, self.log.1.get()) {
                (path, Some(known)) => same(path, *known),
                // SQLite creates this file with the first transaction and keeps it as long as any
                // connection is open.
                (path, None) => {
                    if let Ok(now) = identity(path) {
                        let _ = self.log.1.set(now);
                    }
                    true
                }
            };
        if found {
            return Ok(());
        }
        self.lost.store(true, Ordering::Relaxed);
        Err(self.gone())
    }

    /// Fails if a check has failed before. Does not access the file system.
    pub(crate) fn not_lost(&self) -> Result<(), Error> {
        if self.lost.load(Ordering::Relaxed) { Err(self.gone()) } else { Ok(()) }
    }

    fn gone(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            "the database's files were removed or replaced while they were open; reopen the store",
        )
        .with("path", self.path.display())
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.to_path_buf().into_os_string();
    name.push(LOG);
    name.into()
}

/// Refuses a write-ahead log without its database. SQLite would create a new database and delete
/// the log, which contains the last commits.
pub(crate) fn refuse_orphaned_log(path: &Path) -> Result<(), Error> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log = log_of(path);
    // SQLite writes a database's first page before it creates a log.
    if length(path) == 0 && length(&log) > 0 {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "the database file is missing or empty, but its write-ahead log exists; restore the database from a backup, or remove the log to start with an empty database",
        )
        .with("path", path.display())
        .with("log", log.display()));
    }
    Ok(())
}
