//! Storage of your own: `Records` on one JSON file, written from the documentation of the trait
//! alone, held against the conformance suite, and used by a strongroom.
//!
//! `cargo run --example custom_backend`
//!
//! It rewrites the whole file at every commit, so it is for reading, not for a million secrets.
//! What it shows is how little a backend must know: ordered bytes, preconditions, snapshots.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "an example tells what it does"
)]

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom::{RootKey, Strongroom};
use strongroom_records::{
    Action, Batch, ChangeToken, Error, ErrorKind, Expect, Key, Limits, Page, Record, Records, Revision, Scan,
    Snapshot,
};

/// Everything in memory, and the same in a file.
#[derive(Debug)]
struct JsonFile {
    path: PathBuf,
    /// The state as of the last commit. A commit makes a new one, so a snapshot is a handle to an
    /// old one.
    state: Mutex<Arc<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// The last revision given; it never goes back, so no key gets a revision twice.
    revision: u64,
    records: BTreeMap<Key, (Revision, Vec<u8>)>,
}

/// How the state is written: bytes as base64.
#[derive(Serialize, Deserialize)]
struct Stored {
    revision: u64,
    records: Vec<(String, u64, String)>,
}

impl JsonFile {
    fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let corrupt = |_| Error::new(ErrorKind::Corrupt, "the file is not what this backend writes");
        let mut state = State::default();
        if path.exists() {
            let bytes = fs::read(&path).map_err(|error| failed("the file cannot be read", error))?;
            let stored: Stored = serde_json::from_slice(&bytes)
                .map_err(|error| Error::new(ErrorKind::Corrupt, "the file is not JSON").because(error))?;
            state.revision = stored.revision;
            for (key, revision, value) in stored.records {
                let key = Key::from_bytes(STANDARD.decode(key).map_err(corrupt)?);
                state.records.insert(key, (Revision(revision), STANDARD.decode(value).map_err(corrupt)?));
            }
        }
        Ok(Self { path, state: Mutex::new(Arc::new(state)) })
    }

    /// Writes a new file, syncs it, and puts it in the place of the old one: the file is always a
    /// whole state.
    fn save(&self, state: &State) -> Result<(), Error> {
        let records = state
            .records
            .iter()
            .map(|(key, (revision, value))| {
                (STANDARD.encode(key.as_bytes()), revision.0, STANDARD.encode(value))
            })
            .collect();
        let stored = Stored { revision: state.revision, records };
        let text = serde_json::to_vec(&stored).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the state cannot be written").because(error)
        })?;
        let fresh = self.path.with_extension("new");
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::create(&fresh)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .map_err(|error| failed("the new file cannot be written", error))?;
        // From here on the outcome is not known until the directory is synced.
        let unknown = |error: std::io::Error| {
            Error::new(ErrorKind::OutcomeUnknown, "the file cannot be replaced").because(error)
        };
        fs::rename(&fresh, &self.path).map_err(unknown)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(unknown)
    }

    fn current(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn failed(text: &'static str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, text).because(error)
}

#[async_trait]
impl Records for JsonFile {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        Ok(Box::new(Frozen(self.current())))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        // Lengths and keys named twice, before anything happens.
        batch.validate(&self.limits())?;
        // One commit at a time; the lock is held until the file is on the disk.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for operation in batch.changes() {
            let found = state.records.get(&operation.key).map(|(revision, _)| *revision);
            let holds = match operation.expect {
                Expect::Any => true,
                Expect::Absent => found.is_none(),
                Expect::At(revision) => found == Some(revision),
            };
            if !holds {
                return Err(Error::conflict(&operation.key));
            }
        }
        let mut next = State::clone(&state);
        next.revision += 1;
        let revision = Revision(next.revision);
        for operation in batch.into_changes() {
            match operation.action {
                Action::Put(value) => {
                    next.records.insert(operation.key, (revision, value));
                }
                Action::Delete => {
                    next.records.remove(&operation.key);
                }
                Action::Check => {}
            }
        }
        self.save(&next)?;
        *state = Arc::new(next);
        Ok(revision)
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        Ok(ChangeToken(self.current().revision))
    }

    fn limits(&self) -> Limits {
        Limits::REQUIRED
    }
}

/// A state that no longer changes.
struct Frozen(Arc<State>);

#[async_trait]
impl Snapshot for Frozen {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.0.records.get(key).map(|found| record(key, found)))
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        // A range that ends before it begins is allowed to be asked for, but not of a `BTreeMap`.
        if scan.is_empty() {
            return Ok(Page::default());
        }
        let limit = scan.max_records().min(Limits::REQUIRED.scan);
        let range = self
            .0
            .records
            .range::<Key, _>((scan.lower(), scan.upper()))
            .map(|(key, found)| record(key, found));
        // One more than asked for tells whether there are more.
        let mut records: Vec<_> = if scan.is_reverse() {
            range.rev().take(limit + 1).collect()
        } else {
            range.take(limit + 1).collect()
        };
        let more = records.len() > limit;
        records.truncate(limit);
        Ok(Page { records, more })
    }
}

fn record(key: &Key, (revision, value): &(Revision, Vec<u8>)) -> Record {
    Record { key: key.clone(), revision: *revision, value: value.clone() }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", strongroom::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn StdError>> {
    let directory = tempfile::tempdir()?;

    println!("1. Hold the backend against the conformance suite, which also crashes it.");
    let count = std::sync::atomic::AtomicU32::new(0);
    strongroom_testkit::records::conformance(async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let file = directory.path().join(format!("{n}.json"));
        // Called again after each crash: what was acknowledged must be in the file.
        move || {
            let records = JsonFile::open(&file).expect("a file that this backend has written");
            async move { Arc::new(records) as Arc<dyn Records> }
        }
    })
    .await;
    println!("   {} storages passed.", count.into_inner());

    println!("2. Keep secrets in it.");
    let path = directory.path().join("secrets.json");
    let open = async || {
        let records = Arc::new(JsonFile::open(&path)?);
        Strongroom::builder()
            .records(records)
            .root_key(RootKey::from_bytes([7; 32]))
            .open()
            .await
            .map_err(Box::<dyn StdError>::from)
    };
    let room = open().await?;
    room.create("prod/db").text("s3cret").send().await?;
    drop(room);

    println!("3. Open the file again.");
    let room = open().await?;
    println!(
        "   {} version {}",
        room.get("prod/db").send().await?.name,
        room.get("prod/db").send().await?.version_id
    );
    println!("   {}", room.verify().await?);
    let found = fs::read_to_string(&path)?.contains("s3cret");
    println!("   The value stands in the file in clear: {found}");
    Ok(())
}
