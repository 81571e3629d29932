//! What was deleted goes from the write-ahead log too.

use std::path::Path;
use std::time::Duration;

use strongroom_records::{Error, ErrorKind};

use crate::error::storage;
use crate::schema;

/// Moves the log into the database, where `secure_delete` has overwritten what is deleted, and cuts the log to nothing.
pub(crate) fn erase(path: &Path, busy_timeout: Duration) -> Result<(), Error> {
    let connection = schema::connect(path, busy_timeout)?;
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(storage)?;
    if busy == 0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Busy, "somebody reads an old state or writes; the log could not be cut"))
}
