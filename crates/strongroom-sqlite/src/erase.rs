//! Erases deleted data from the write-ahead log.

use std::path::Path;
use std::time::Duration;

use strongroom_records::{Error, ErrorKind};

use crate::error::storage;
use crate::schema;

/// Checkpoints the log into the database, where `secure_delete` overwrites deleted data, and
/// truncates the log.
pub(crate) fn erase(path: &Path, busy_timeout: Duration) -> Result<(), Error> {
    let connection = schema::connect(path, busy_timeout)?;
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(storage)?;
    if busy == 0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Busy, "a concurrent reader or writer prevents truncating the write-ahead log"))
}
