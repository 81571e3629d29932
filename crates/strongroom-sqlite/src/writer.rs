//! The writer thread: group commit.

use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};
use strongroom_records::{Action, Batch, Error, ErrorKind, Expect, Revision};
use tokio::sync::oneshot;

use crate::error::{commit, gone, storage};
use crate::files::Files;

/// The maximum number of batches in a transaction, so that the first one does not wait too long.
const GROUP: usize = 128;

type Verdict = Result<Revision, Error>;

struct Request {
    batch: Batch,
    /// The receiver of the outcome, if a caller waits for it.
    reply: Option<oneshot::Sender<Verdict>>,
}

/// A handle to the writer thread.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Thread>);

/// The thread and its queue. Dropping the last handle closes the queue and waits until everything
/// in it is written.
#[derive(Debug)]
struct Thread {
    queue: Option<mpsc::Sender<Request>>,
    handle: Option<thread::JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(handle) = self.handle.take() {
            // The waiting callers have already got an error if the thread panicked.
            let _ = handle.join();
        }
    }
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        busy_timeout: Duration,
        files: Arc<Files>,
    ) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("strongroom-writer".into())
            .spawn(move || run(&connection, busy_timeout, &files, &requests))?;
        Ok(Self(Arc::new(Thread { queue: Some(queue), handle: Some(handle) })))
    }

    /// `batch` must have been validated.
    pub(crate) async fn commit(&self, batch: Batch) -> Verdict {
        let (reply, verdict) = oneshot::channel();
        self.send(Request { batch, reply: Some(reply) })?;
        verdict.await.map_err(|_| gone())?
    }

    /// Like [`Writer::commit`], but does not wait for the outcome.
    pub(crate) fn commit_soon(&self, batch: Batch) -> Result<(), Error> {
        self.send(Request { batch, reply: None })
    }

    fn send(&self, request: Request) -> Result<(), Error> {
        self.0.queue.as_ref().ok_or_else(gone)?.send(request).map_err(|_| gone())
    }
}

fn run(connection: &Connection, busy_timeout: Duration, files: &Files, requests: &mpsc::Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        // Batches that arrived while the previous group was being synced join this one. A batch
        // whose caller has stopped waiting is skipped, so that its dropped future has no effect.
        let group: Vec<_> = std::iter::once(first)
            .chain(requests.try_iter().take(GROUP - 1))
            .filter(|request| !request.reply.as_ref().is_some_and(oneshot::Sender::is_closed))
            .collect();
        if !group.is_empty() {
            commit_group(connection, busy_timeout, files, group);
        }
    }
}

fn commit_group(connection: &Connection, busy_timeout: Duration, files: &Files, group: Vec<Request>) {
    let (batches, replies): (Vec<_>, Vec<_>) =
        group.into_iter().map(|request| (request.batch, request.reply)).unzip();
    let verdicts = match try_group(connection, busy_timeout, files, &batches) {
        Ok(verdicts) => verdicts,
        // The whole group failed, not a single batch: nothing was applied, and every caller gets
        // the same error.
        Err(error) => batches.iter().map(|_| Err(error.clone())).collect(),
    };
    for (reply, verdict) in replies.into_iter().zip(verdicts) {
        // Ignores callers that have stopped waiting.
        if let Some(reply) = reply {
            let _ = reply.send(verdict);
        }
    }
}

/// Applies the batches one after the other in one transaction. Each has its own outcome.
fn try_group(
    connection: &Connection,
    busy_timeout: Duration,
    files: &Files,
    batches: &[Batch],
) -> Result<Vec<Verdict>, Error> {
    files.not_lost()?;
    begin(connection, busy_timeout)?;
    let transaction = TransactionGuard(connection);
    let before: i64 = transaction
        .prepare_cached("SELECT revision FROM counter WHERE id = 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(storage)?;
    let mut revision = before;
    let mut verdicts = Vec::with_capacity(batches.len());
    for batch in batches {
        match conflict(&transaction, batch)? {
            Some(error) => verdicts.push(Err(error)),
            None => {
                if !batch.is_empty() {
                    revision += 1;
                    apply(&transaction, batch, revision).map_err(storage)?;
                }
                verdicts.push(Ok(Revision(revision.cast_unsigned())));
            }
        }
    }
    // If nothing was written, the guard releases the lock without a sync.
    if revision != before {
        transaction
            .prepare_cached("UPDATE counter SET revision = ?1 WHERE id = 1")
            .and_then(|mut statement| statement.execute([revision]))
            .map_err(storage)?;
        transaction.execute_batch("COMMIT").map_err(commit)?;
        // A commit to files that are no longer at their path is not acknowledged.
        files.check().map_err(|error| {
            let text = "the database's files were removed or replaced while they were open; the last commit is lost unless they are restored";
            Error::new(ErrorKind::OutcomeUnknown, text).with("path", files.path().display()).because(error)
        })?;
    }
    drop(transaction);
    if before == 0 && revision > 0 {
        // Checkpoints a store's first records at once, so that a copy of the database file alone
        // does not look like a new store. If the log is busy, a later regular checkpoint does it.
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    Ok(verdicts)
}

/// Takes the write lock. Retries every few milliseconds: SQLite's own delays between attempts grow
/// to a tenth of a second, which can miss the short gaps between the commits of a busy process.
fn begin(connection: &Connection, busy_timeout: Duration) -> Result<(), Error> {
    let started = Instant::now();
    connection.busy_timeout(Duration::ZERO).map_err(storage)?;
    let taken = loop {
        match connection.execute_batch("BEGIN IMMEDIATE").map_err(storage) {
            Err(error) if error.kind() == ErrorKind::Busy && started.elapsed() < busy_timeout => {
                thread::sleep(Duration::from_micros(500));
            }
            taken => break taken,
        }
    };
    connection.busy_timeout(busy_timeout).map_err(storage)?;
    taken
}

/// An open transaction, rolled back unless it is committed.
struct TransactionGuard<'a>(&'a Connection);

impl Deref for TransactionGuard<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for TransactionGuard<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

fn conflict(transaction: &Connection, batch: &Batch) -> Result<Option<Error>, Error> {
    let mut statement =
        transaction.prepare_cached("SELECT revision FROM record WHERE key = ?1").map_err(storage)?;
    for operation in batch.changes() {
        let expected = match operation.expect {
            Expect::Any => continue,
            Expect::Absent => None,
            Expect::At(revision) => Some(revision.0.cast_signed()),
        };
        let found = statement
            .query_row([operation.key.as_bytes()], |row| row.get::<_, i64>(0))
            .optional()
            .map_err(storage)?;
        if found != expected {
            return Ok(Some(Error::conflict(&operation.key)));
        }
    }
    Ok(None)
}

fn apply(transaction: &Connection, batch: &Batch, revision: i64) -> rusqlite::Result<()> {
    for operation in batch.changes() {
        match &operation.action {
            Action::Put(value) => transaction
                .prepare_cached(
                    "INSERT INTO record (key, revision, value) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value",
                )?
                .execute(params![operation.key.as_bytes(), revision, value])?,
            Action::Delete => transaction
                .prepare_cached("DELETE FROM record WHERE key = ?1")?
                .execute([operation.key.as_bytes()])?,
            Action::Check => 0,
        };
    }
    Ok(())
}
