//! The change token, which detects commits.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use strongroom_records::{ChangeToken, Error, ErrorKind};

use crate::error::storage;
use crate::schema;
use crate::thread::on_a_thread;

/// A connection used only to query SQLite's `data_version`, which changes when any other
/// connection, in this process or another, commits.
///
/// SQLite answers from memory that the processes share, in a few microseconds, so the query runs on
/// the caller's thread: a hand-over to another thread would take ten times as long. Opening the
/// connection, and the rare case of contention on the shared memory, go to a separate thread.
///
/// Linux has a faster path. Every commit changes the header of the [WAL index], the first bytes of
/// the `-shm` file, which is that shared memory. If the header is the same as before the last
/// query, so is the answer. This takes one read of a page in memory, a tenth of the query's time.
///
/// [WAL index]: https://sqlite.org/walformat.html
#[derive(Debug)]
pub(crate) struct Token {
    path: PathBuf,
    busy_timeout: Duration,
    connection: Arc<Mutex<Option<Connection>>>,
    last: Mutex<Option<Last>>,
}

/// Both copies of the WAL index's header.
type Header = [u8; 96];

/// The last query's result, and the header before that query.
#[derive(Clone, Debug)]
struct Last {
    shared: Arc<File>,
    header: Header,
    token: ChangeToken,
}

#[cfg(target_os = "linux")]
fn header_of(shared: &File) -> Option<Header> {
    use std::os::unix::fs::FileExt;
    let mut header = [0; 96];
    shared.read_exact_at(&mut header, 0).ok()?;
    // A writer is updating the header, or there is none yet: query SQLite instead.
    let (one, two) = header.split_at(48);
    (one == two && one != [0; 48]).then_some(header)
}

/// On other systems, a file's content is not guaranteed to match its memory mapping.
#[cfg(not(target_os = "linux"))]
fn header_of(_shared: &File) -> Option<Header> {
    None
}

impl Token {
    pub(crate) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self { path: path.to_path_buf(), busy_timeout, connection: Arc::default(), last: Mutex::default() }
    }

    pub(crate) async fn get(&self) -> Result<ChangeToken, Error> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let shared = last.as_ref().map(|last| Arc::clone(&last.shared)).or_else(|| self.open_shared());
        // Read before the query, so that any later commit makes the next header differ.
        let header = shared.as_deref().and_then(header_of);
        if let Some(last) = last.filter(|last| header == Some(last.header)) {
            return Ok(last.token);
        }
        let token = self.ask().await?;
        if let (Some(shared), Some(header)) = (shared, header) {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(Last { shared, header, token });
        }
        Ok(token)
    }

    /// Opens the shared memory as a file. It exists and stays the same as long as this token's
    /// connection is open.
    fn open_shared(&self) -> Option<Arc<File>> {
        let open = self.connection.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let mut path = self.path.clone().into_os_string();
        path.push("-shm");
        open.then(|| File::open(path).ok()).flatten().map(Arc::new)
    }

    async fn ask(&self) -> Result<ChangeToken, Error> {
        let result = self.connection.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask);
        match result {
            Some(Ok(token)) => Ok(token),
            Some(Err(error)) if error.kind() != ErrorKind::Busy => Err(error),
            _ => self.ask_blocking().await,
        }
    }

    /// Opens the connection if necessary, and waits for locks.
    async fn ask_blocking(&self) -> Result<ChangeToken, Error> {
        let (path, busy_timeout) = (self.path.clone(), self.busy_timeout);
        let shared = Arc::clone(&self.connection);
        on_a_thread(move || {
            let mut connection = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match &mut *connection {
                Some(connection) => connection,
                none => none.insert(schema::connect(&path, busy_timeout)?),
            };
            connection.busy_timeout(busy_timeout).map_err(storage)?;
            let token = ask(connection);
            // Queries on a caller's thread never wait.
            connection.busy_timeout(Duration::ZERO).map_err(storage)?;
            token
        })
        .await
    }
}

fn ask(connection: &Connection) -> Result<ChangeToken, Error> {
    connection
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
        .map(|version| ChangeToken(version.cast_unsigned()))
        .map_err(storage)
}
