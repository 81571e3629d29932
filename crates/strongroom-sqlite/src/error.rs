//! Maps SQLite's errors to the storage interface's.

use rusqlite::ErrorCode;
use strongroom_records::{Error, ErrorKind};

/// A failed statement. Its transaction does not take effect.
pub(crate) fn storage(error: rusqlite::Error) -> Error {
    let (kind, text) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Busy, "another process has locked the database")
        }
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the database file is damaged"),
        Some(ErrorCode::NotADatabase) => (ErrorKind::Incompatible, "the file is not a SQLite database"),
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "the disk is full; nothing was written"),
        Some(ErrorCode::ReadOnly) => (ErrorKind::Unavailable, "the database file is read-only"),
        Some(ErrorCode::TooBig) => {
            (ErrorKind::Corrupt, "a record in the database exceeds the maximum length")
        }
        None if not_our_row(&error) => (ErrorKind::Corrupt, "a record in the database is malformed"),
        Some(ErrorCode::CannotOpen) => (ErrorKind::Unavailable, "failed to open the database file"),
        _ => (ErrorKind::Unavailable, "the database returned an error"),
    };
    Error::new(kind, text).because(error)
}

/// Whether the database returned a value that this crate never writes.
fn not_our_row(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, QueryReturnedNoRows,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | QueryReturnedNoRows
    )
}

/// A failed `COMMIT`: the log may or may not contain the whole transaction.
pub(crate) fn commit(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        // A full disk is detected while the log's frames are written, and the last frame is what
        // commits.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => storage(error),
        _ => Error::new(ErrorKind::OutcomeUnknown, "the commit failed and may or may not have taken effect")
            .because(error),
    }
}

/// A failed file operation.
pub(crate) fn file(text: &'static str, path: &std::path::Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let kind = match error.kind() {
        // A retry cannot help until the path or what is there changes.
        Io::NotFound
        | Io::AlreadyExists
        | Io::NotADirectory
        | Io::IsADirectory
        | Io::PermissionDenied
        | Io::InvalidInput
        | Io::ReadOnlyFilesystem => ErrorKind::InvalidPath,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, text).with("path", path.display()).with("reason", &error).because(error)
}

/// A worker thread has ended, which only a panic in it can cause.
pub(crate) fn gone() -> Error {
    Error::new(ErrorKind::Unavailable, "the database thread has panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_that_nothing_was_kept() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x BLOB); PRAGMA max_page_count = 4;").unwrap();
        let full = || connection.execute_batch("INSERT INTO t VALUES (zeroblob(100000))").unwrap_err();
        // SQLite returns the same code for a statement and for COMMIT.
        for error in [storage(full()), commit(full())] {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.message(), "the disk is full; nothing was written");
        }
    }
}
