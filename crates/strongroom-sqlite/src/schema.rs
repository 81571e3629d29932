//! Opens connections, and creates, checks and migrates the schema.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use strongroom_records::{Error, ErrorKind};

use crate::error::{file, storage};
use crate::files::refuse_orphaned_log;
use crate::limits::LIMITS;

/// The application id in the SQLite header, "SRrm".
const APPLICATION_ID: i32 = 0x5352_726d;

/// Migrations: step `i` migrates from version `i` to the next. Never edit a released step; add one.
const STEPS: [&str; 1] = ["
    CREATE TABLE record (
        id       INTEGER PRIMARY KEY,
        key      BLOB    NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        value    BLOB    NOT NULL
    ) STRICT;
    CREATE TABLE counter (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        revision INTEGER NOT NULL
    ) STRICT;
    INSERT INTO counter (id, revision) VALUES (1, 0);
"];

/// Opens a connection to an existing file, with the settings that every connection needs.
pub(crate) fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(storage)?;
    connection.busy_timeout(busy_timeout).map_err(storage)?;
    // An attacker who can write the file could insert a huge record; it is refused instead of read.
    let longest = i32::try_from(LIMITS.value + LIMITS.key + 4096).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest).map_err(storage)?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON;
             PRAGMA secure_delete = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY;",
        )
        .map_err(storage)?;
    Ok(connection)
}

/// Opens the first connection: creates the file if it does not exist, then creates or migrates the
/// schema, or refuses the file.
pub(crate) fn prepare(path: &Path, busy_timeout: Duration) -> Result<Connection, Error> {
    refuse_orphaned_log(path)?;
    create_private(path)?;
    let mut connection = connect(path, busy_timeout)?;
    // In one transaction, so that a schema that another process is creating is seen either complete
    // or not at all.
    let reading = connection.transaction().map_err(storage)?;
    let found = version(&reading)?;
    reading.rollback().map_err(storage)?;
    check(&found)?;
    write_ahead_log(&connection, path, busy_timeout)?;
    if found.user_version == STEPS.len() {
        return Ok(connection);
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(storage)?;
    // Checked again under the lock: another process may have been first.
    let found = version(&transaction)?;
    check(&found)?;
    for step in STEPS.iter().skip(found.user_version) {
        transaction.execute_batch(step).map_err(storage)?;
    }
    transaction
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
            STEPS.len()
        ))
        .map_err(storage)?;
    transaction.commit().map_err(storage)?;
    Ok(connection)
}

/// Sets the journal mode. SQLite does not apply its busy timeout here, so this function waits
/// itself.
fn write_ahead_log(connection: &Connection, path: &Path, busy_timeout: Duration) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let mode = connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
            .map_err(storage);
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Busy && started.elapsed() < busy_timeout => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error),
            Ok(_) => {
                let text = "the file system does not support SQLite's write-ahead log";
                return Err(Error::new(ErrorKind::Unsupported, text).with("path", path.display()));
            }
        }
    }
}

struct Found {
    application_id: i32,
    user_version: usize,
    tables: i64,
}

fn version(connection: &Connection) -> Result<Found, Error> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(storage);
    Ok(Found {
        application_id: i32::try_from(number("PRAGMA application_id")?).unwrap_or(-1),
        user_version: usize::try_from(number("PRAGMA user_version")?).unwrap_or(usize::MAX),
        tables: number("SELECT count(*) FROM sqlite_schema")?,
    })
}

fn check(found: &Found) -> Result<(), Error> {
    let incompatible = |text: &'static str| Err(Error::new(ErrorKind::Incompatible, text));
    if found.tables == 0 && found.user_version == 0 {
        return Ok(());
    }
    if found.application_id != APPLICATION_ID {
        return incompatible("the SQLite database belongs to another program");
    }
    if found.user_version > STEPS.len() {
        return incompatible("the database was written by a newer version of Strongroom");
    }
    Ok(())
}

/// Creates the file with access for its owner only, before SQLite writes to it. SQLite's log and
/// index files inherit the mode.
fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(file("failed to create the database file", path, error)),
    }
}
