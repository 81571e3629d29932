//! Reader threads. Each has a connection and runs jobs one after the other.
//!
//! A read may block on the disk, so it never runs on the caller's thread. But most reads need no
//! disk access and take less time than waking a thread. A reader therefore spins briefly for its
//! next job before it sleeps, and a caller spins briefly for its result before its future waits
//! ([`Spins`]). Consecutive reads then wake no thread.

use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use strongroom_records::{Error, Key, Page, Record, Revision, Scan, Snapshot};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{gone, storage};
use crate::files::Files;
use crate::limits::LIMITS;
use crate::spin::Spins;
use crate::thread::on_a_thread;

/// A page ends early once the total length of its values reaches this.
const PAGE_BYTES: usize = 8 << 20;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// A thread with a connection.
struct Reader {
    jobs: mpsc::Sender<Job>,
    spins: Arc<Spins>,
}

impl Reader {
    fn start(connection: Connection, spins: Arc<Spins>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let reader = Self { jobs, spins: Arc::clone(&spins) };
        thread::Builder::new().name("strongroom-reader".into()).spawn(move || {
            let spinning = || spins.next_job(|| queue.try_recv().ok());
            while let Some(job) = spinning().or_else(|| queue.recv().ok()) {
                job(&connection);
            }
        })?;
        Ok(reader)
    }

    /// Queues a job. Returns the receiver of its result.
    fn start_job<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(job(connection));
        });
        self.jobs.send(job).map_err(|_| gone())?;
        Ok(result)
    }

    /// Runs a job that may take long.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.start_job(job)?.await.map_err(|_| gone())?
    }

    /// Runs a job that takes a few microseconds unless it accesses the disk: spins for its result
    /// first.
    async fn run_short<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut result = self.start_job(job)?;
        match self.spins.answer(|| result.try_recv().ok()) {
            Some(result) => result,
            None => result.await.map_err(|_| gone())?,
        }
    }
}

/// A pool of readers, opened on demand.
pub(crate) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    files: Arc<Files>,
    idle: Mutex<Vec<Reader>>,
    /// Bounds the number of readers. A caller waits if none is free.
    permits: Arc<Semaphore>,
    spins: Arc<Spins>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Readers {
    pub(crate) fn new(path: PathBuf, busy_timeout: Duration, most: usize, files: Arc<Files>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(most));
        Arc::new(Self { path, busy_timeout, files, idle: Mutex::default(), permits, spins: Arc::default() })
    }

    async fn borrow(self: &Arc<Self>) -> Result<Borrowed, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let (path, busy_timeout) = (self.path.clone(), self.busy_timeout);
                let files = Arc::clone(&self.files);
                let open = move || {
                    let connection = open(&path, busy_timeout)?;
                    // Ensures that this is not a different database now at the same path.
                    files.check().map(|()| connection)
                };
                // Opening accesses the disk, so it happens on a temporary thread; the connection
                // then moves to its own.
                Reader::start(on_a_thread(open).await?, Arc::clone(&self.spins))
                    .map_err(|error| gone().because(error))?
            }
        };
        Ok(Borrowed { reader: Some(reader), pool: Arc::clone(self), _permit: permit })
    }

    pub(crate) async fn snapshot(self: &Arc<Self>) -> Result<SqliteSnapshot, Error> {
        let reader = self.borrow().await?;
        // Created before the transaction begins, so that the transaction ends even if this future
        // is dropped in between.
        let snapshot = SqliteSnapshot { reader };
        snapshot
            .reader
            .get()?
            .run_short(|connection| {
                connection.execute_batch("BEGIN").map_err(storage)?;
                // A deferred transaction starts at its first read, so read something now.
                connection
                    .prepare_cached("SELECT revision FROM counter WHERE id = 1")
                    .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
                    .map(|_| ())
                    .map_err(storage)
            })
            .await?;
        Ok(snapshot)
    }

    /// Reads several keys from one snapshot.
    pub(crate) async fn read(self: &Arc<Self>, keys: Vec<Key>) -> Result<Vec<Option<Record>>, Error> {
        let borrowed = self.borrow().await?;
        borrowed
            .get()?
            .run_short(move |connection| match keys.as_slice() {
                // A single statement is already a transaction.
                [key] => Ok(vec![get(connection, key)?]),
                keys => {
                    let transaction = connection.unchecked_transaction().map_err(storage)?;
                    keys.iter().map(|key| get(&transaction, key)).collect()
                }
            })
            .await
    }
}

fn open(path: &std::path::Path, busy_timeout: Duration) -> Result<Connection, Error> {
    let connection = crate::schema::connect(path, busy_timeout)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(storage)?;
    Ok(connection)
}

/// A reader that returns to the pool when dropped.
pub(crate) struct Borrowed {
    reader: Option<Reader>,
    pool: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Borrowed")
    }
}

impl Borrowed {
    fn get(&self) -> Result<&Reader, Error> {
        self.reader.as_ref().ok_or_else(gone)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        // A reader runs its jobs in order, so the next borrower's jobs run after those still
        // queued.
        if let Some(reader) = self.reader.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        }
    }
}

/// A read transaction with its own reader.
pub(crate) struct SqliteSnapshot {
    reader: Borrowed,
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader.reader {
            let end: Job = Box::new(|connection| {
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
            });
            let _ = reader.jobs.send(end);
        }
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        let key = key.clone();
        self.reader.get()?.run_short(move |connection| get(connection, &key)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        let scan = scan.clone();
        self.reader.get()?.run(move |connection| run_scan(connection, &scan)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        let keys = keys.to_vec();
        self.reader.get()?.run(move |connection| keys.iter().map(|key| get(connection, key)).collect()).await
    }
}

fn get(connection: &Connection, key: &Key) -> Result<Option<Record>, Error> {
    connection
        .prepare_cached("SELECT revision, value FROM record WHERE key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([key.as_bytes()], |row| {
                    let revision = Revision(row.get::<_, i64>(0)?.cast_unsigned());
                    Ok(Record { key: key.clone(), revision, value: row.get(1)? })
                })
                .optional()
        })
        .map_err(storage)
}

fn run_scan(connection: &Connection, scan: &Scan) -> Result<Page, Error> {
    let mut page = Page::default();
    if scan.is_empty() {
        return Ok(page);
    }
    let mut parameters: Vec<&[u8]> = Vec::new();
    let lower = match scan.lower() {
        Bound::Unbounded => "",
        Bound::Included(key) => {
            parameters.push(key.as_bytes());
            " AND key >= ?"
        }
        Bound::Excluded(key) => {
            parameters.push(key.as_bytes());
            " AND key > ?"
        }
    };
    let upper = match scan.upper() {
        Bound::Unbounded => "",
        Bound::Included(key) => {
            parameters.push(key.as_bytes());
            " AND key <= ?"
        }
        Bound::Excluded(key) => {
            parameters.push(key.as_bytes());
            " AND key < ?"
        }
    };
    let order = if scan.is_reverse() { "DESC" } else { "ASC" };
    let sql =
        format!("SELECT key, revision, value FROM record WHERE TRUE{lower}{upper} ORDER BY key {order}");
    let limit = scan.max_records().min(LIMITS.scan);
    let mut bytes = 0;
    let mut statement = connection.prepare_cached(&sql).map_err(storage)?;
    let mut rows = statement.query(params_from_iter(parameters)).map_err(storage)?;
    while let Some(row) = rows.next().map_err(storage)? {
        if page.records.len() == limit || bytes > PAGE_BYTES {
            page.more = true;
            break;
        }
        let value: Vec<u8> = row.get(2).map_err(storage)?;
        bytes += value.len();
        page.records.push(Record {
            key: Key::from_bytes(row.get(0).map_err(storage)?),
            revision: Revision(row.get::<_, i64>(1).map_err(storage)?.cast_unsigned()),
            value,
        });
    }
    Ok(page)
}
