//! SQLite in a process of its own, which is killed.

#![cfg(test)]
#![cfg(unix)]

use std::future::poll_fn;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use strongroom_records::{
    Action, Batch, ChangeToken, Error, ErrorKind, Expect, Key, Limits, Record, Records, Revision, Snapshot,
};
use strongroom_sqlite::SqliteRecords;
use strongroom_testkit::records::{Reopen, durability};
use strongroom_types::hex;

const FILE: &str = "STRONGROOM_TEST_KILLED_FILE";

/// The process, and a pipe each way: a line for each call, a line for each answer.
#[derive(Debug)]
struct InChild {
    child: Mutex<Child>,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

fn gone(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the process is gone").because(error)
}

fn bytes(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

impl InChild {
    fn start(file: &std::path::Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "the_child_keeps_records_until_it_is_killed",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert_ne!(pipes.1.read_line(&mut line).unwrap(), 0, "the child ended before it was ready");
        }
        Self { child: Mutex::new(child), pipes: Mutex::new(pipes) }
    }

    /// Sends a call, and lets go of the thread once before it waits for the answer: whoever stops then leaves the child at work.
    async fn call(&self, line: String) -> Result<String, Error> {
        self.pipes.lock().unwrap().0.write_all(format!("{line}\n").as_bytes()).map_err(gone)?;
        let mut sent = false;
        poll_fn(|context| {
            if std::mem::replace(&mut sent, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        let mut answer = String::new();
        match self.pipes.lock().unwrap().1.read_line(&mut answer) {
            Ok(1..) => Ok(answer.trim_end().to_owned()),
            Ok(0) => Err(gone("no answer")),
            Err(error) => Err(gone(error)),
        }
    }
}

#[async_trait]
impl Records for InChild {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not of a process that is killed"))
    }

    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        let names: Vec<_> = keys.iter().map(|key| hex(key.as_bytes())).collect();
        let answer = self.call(format!("read {}", names.join(" "))).await?;
        let one = |(key, found): (&Key, &str)| {
            let (revision, value) = found.split_once(':')?;
            Some(Record {
                key: key.clone(),
                revision: Revision(revision.parse().unwrap()),
                value: bytes(value),
            })
        };
        Ok(keys.iter().zip(answer.split(' ')).map(one).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        let mut line = "commit".to_owned();
        for operation in batch.changes() {
            let expect = match operation.expect {
                Expect::Any => "any".to_owned(),
                Expect::Absent => "absent".to_owned(),
                Expect::At(revision) => revision.0.to_string(),
            };
            let (action, value) = match &operation.action {
                Action::Put(value) => ("put", hex(value)),
                Action::Delete => ("delete", String::new()),
                Action::Check => ("check", String::new()),
            };
            line += &format!(" {action}:{}:{expect}:{value}", hex(operation.key.as_bytes()));
        }
        let answer = self.call(line).await?;
        match answer.parse() {
            Ok(revision) => Ok(Revision(revision)),
            Err(_) if answer == "Conflict" => Err(Error::new(ErrorKind::Conflict, "in the child")),
            Err(_) => Err(gone(answer)),
        }
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not of a process that is killed"))
    }

    fn limits(&self) -> Limits {
        Limits::REQUIRED
    }
}

/// The child's part.
async fn answer(records: &SqliteRecords, line: &str) -> String {
    let mut words = line.split(' ');
    if words.next() == Some("read") {
        let keys: Vec<_> = words.map(|word| Key::from_bytes(bytes(word))).collect();
        let found = records.read(&keys).await.unwrap();
        let one = |record: Option<Record>| {
            record.map_or("-".to_owned(), |record| format!("{}:{}", record.revision.0, hex(&record.value)))
        };
        return found.into_iter().map(one).collect::<Vec<_>>().join(" ");
    }
    let batch = words.fold(Batch::new(), |batch, word| {
        let parts: Vec<_> = word.split(':').collect();
        let [action, key, expect, value] = parts[..] else { panic!("{word}") };
        let key = Key::from_bytes(bytes(key));
        let expect = match expect {
            "any" => Expect::Any,
            "absent" => Expect::Absent,
            revision => Expect::At(Revision(revision.parse().unwrap())),
        };
        match action {
            "put" => batch.put(&key, bytes(value), expect),
            "delete" => batch.delete(&key, expect),
            _ => batch.check(&key, expect),
        }
    });
    match records.commit(batch).await {
        Ok(revision) => revision.0.to_string(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Not a test of its own: the child process.
#[test]
fn the_child_keeps_records_until_it_is_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    pollster::block_on(async {
        let records = SqliteRecords::open(PathBuf::from(file)).await.unwrap();
        let mut out = std::io::stdout();
        let mut say = |line: &str| {
            out.write_all(format!("{line}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        };
        say("\nready");
        for line in std::io::stdin().lock().lines() {
            say(&answer(&records, &line.unwrap()).await);
        }
    });
}

struct Killed {
    file: PathBuf,
    running: Mutex<Option<Arc<InChild>>>,
}

#[async_trait]
impl Reopen for Killed {
    async fn open(&self) -> Arc<dyn Records> {
        let child = Arc::new(InChild::start(&self.file));
        *self.running.lock().unwrap() = Some(Arc::clone(&child));
        child
    }

    async fn crash(&self, _records: Arc<dyn Records>) {
        let running = self.running.lock().unwrap().take().unwrap();
        let mut child = running.child.lock().unwrap();
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            let mut child = running.child.lock().unwrap();
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn sqlite_keeps_what_it_acknowledged_when_its_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    pollster::block_on(durability::survives_crashes(async || {
        let file = directory.path().join(format!("{}.sqlite3", count.fetch_add(1, Ordering::Relaxed)));
        Killed { file, running: Mutex::new(None) }
    }));
    assert!(count.into_inner() > 5, "the cases ran");
}
