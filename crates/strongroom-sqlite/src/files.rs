//! Whether the open files are still those at the database's path.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_records::{Error, ErrorKind};

/// SQLite's log beside the database: it holds what is committed and not yet checkpointed.
const LOG: &str = "-wal";

/// What a path named at some moment: device and inode.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Other systems tell only whether a file exists; as a rule, they do not let an open file be
/// removed.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|_| (0, 0))
}

/// The database's files as they were when they were opened.
///
/// An operating system keeps an open file that has been removed or replaced: commits to it succeed,
/// and are lost when the process ends. So the writer looks at the path after each commit and before
/// acknowledging it, which costs about a microsecond per file. Once the path no longer names the open
/// files, nothing is read or written through this handle again.
#[derive(Debug)]
pub(crate) struct Files {
    path: PathBuf,
    database: Identity,
    log: (PathBuf, OnceLock<Identity>),
    lost: AtomicBool,
}

impl Files {
    /// Records the files. Call this once the database is open.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let database =
            identity(path).map_err(|error| crate::error::file("the database file is gone", path, error))?;
        let log = (log_of(path), OnceLock::new());
        Ok(Self { path: path.to_path_buf(), database, log, lost: AtomicBool::new(false) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Asks the file system whether the path still names what was opened.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let same = |path: &Path, known: Identity| identity(path).is_ok_and(|now| now == known);
        let found = !self.lost.load(Ordering::Relaxed)
            && same(&self.path, self.database)
            && match (&self.log.0, self.log.1.get()) {
                (path, Some(known)) => same(path, *known),
                // SQLite makes this file with the first transaction and keeps it while anybody has
                // the database open.
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

    /// Fails if a check has failed before. Does not ask the file system.
    pub(crate) fn not_lost(&self) -> Result<(), Error> {
        if self.lost.load(Ordering::Relaxed) { Err(self.gone()) } else { Ok(()) }
    }

    fn gone(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            "the database's files were removed or replaced while they were open; nothing is kept until the store is opened again",
        )
        .with("path", self.path.display())
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.to_path_buf().into_os_string();
    name.push(LOG);
    name.into()
}

/// Refuses a log without its database: SQLite would take the pair for a new database and delete the
/// log, which holds what was committed last.
pub(crate) fn refuse_orphaned_log(path: &Path) -> Result<(), Error> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log = log_of(path);
    // A database has its first page before it has a log.
    if length(path) == 0 && length(&log) > 0 {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "the database file is missing or empty, but its log is still there; restore the database from a copy, or move the log away to start afresh",
        )
        .with("path", path.display())
        .with("log", log.display()));
    }
    Ok(())
}
