//! The change token: whether anything was committed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use strongroom_records::{ChangeToken, Error, ErrorKind};

use crate::error::storage;
use crate::schema;
use crate::thread::on_a_thread;

/// A connection that only ever asks for SQLite's `data_version`, which changes when any other connection, in this process
/// or another, has committed.
///
/// The question is answered from memory that the processes share, in a few microseconds, so it is asked on the caller's
/// thread: handing it to another one would cost ten times as much. Opening, and the rare case in which somebody holds the
/// shared memory, go to a thread of their own.
#[derive(Debug)]
pub(crate) struct Token {
    path: PathBuf,
    busy_timeout: Duration,
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Token {
    pub(crate) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self { path: path.to_path_buf(), busy_timeout, connection: Arc::default() }
    }

    pub(crate) async fn get(&self) -> Result<ChangeToken, Error> {
        let answered = self.connection.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask);
        match answered {
            Some(Ok(token)) => Ok(token),
            Some(Err(error)) if error.kind() != ErrorKind::Busy => Err(error),
            _ => self.patiently().await,
        }
    }

    /// Opens the connection if there is none, and waits for whoever keeps it from answering.
    async fn patiently(&self) -> Result<ChangeToken, Error> {
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
            // On a caller's thread there is no waiting.
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
