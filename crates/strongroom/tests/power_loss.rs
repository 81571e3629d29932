//! The power fails at every point of an operation, and everything that was not synced is lost, torn or kept.
//!
//! A child process does the operation while `power_loss/shim.c` writes down every write, sync and change of a name below its
//! directory. `power_loss/disk.rs` replays that log up to each point and says in which states a disk may be found then.
//! Each of those is put on a real directory and opened again: it must hold the old state or the new one, and the new one if
//! the operation had returned.

#![cfg(all(target_os = "linux", target_env = "gnu", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is a test, in functions that lints do not take for one"
)]

#[path = "power_loss/disk.rs"]
mod disk;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use base64::Engine as _;
use pollster::block_on;
use rusqlite::Connection;
use strongroom::{
    EncryptionContext, Error, ErrorKind, KeyErrorKind, Keys, RootKey, SecretErrorKind, SecretMetadata, Stage,
    Strongroom,
};
use strongroom_kms::ListPage;
use tempfile::TempDir;

use disk::{Change, Disk, Event, read_in, read_log, write_out};

const SCENARIO: &str = "STRONGROOM_POWER_SCENARIO";
const DIRECTORY: &str = "STRONGROOM_POWER_DIR";
const LOG: &str = "STRONGROOM_POWER_LOG";

/// Where the strongroom and its key are, below the directory whose disk loses power.
const ROOM: &str = "room";
const DATABASE: &str = "room/records.sqlite3";
const KEY: &str = "key/root.key";

const V1: &str = "the first value";
const DESCRIPTION: &str = "opens nothing yet";

/// Takes several pages of the database, which can be torn apart.
fn v2() -> String {
    "the second value ".repeat(1200)
}

type Check<T> = Result<T, Box<dyn StdError>>;

/// What the child does between its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// A new value, the first write of its process: the log is made.
    Put,
    /// A new value when the log was copied into the database: the log is written from its beginning again.
    PutAfterCheckpoint,
    Delete,
    DeleteForGood,
    CreateKey,
    /// From nothing: root key, directory, database and a first secret.
    FirstOpen,
}

/// Which state was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Old,
    New,
}

impl Scenario {
    const ALL: [Self; 6] = [
        Self::Put,
        Self::PutAfterCheckpoint,
        Self::Delete,
        Self::DeleteForGood,
        Self::CreateKey,
        Self::FirstOpen,
    ];

    /// What is there, safe on the disk, before the child starts.
    async fn prepare(self, directory: &Path) -> Check<()> {
        fs::create_dir(directory.join("key"))?;
        if self != Self::FirstOpen {
            let room = open(directory).await?;
            room.create("s").text(V1).send().await?;
            close(room, directory);
        }
        Ok(())
    }

    /// The child's part.
    async fn perform(self, directory: &Path) -> Check<()> {
        if self == Self::FirstOpen {
            mark(directory, "begin");
        }
        let room = open(directory).await?;
        match self {
            Self::Put | Self::FirstOpen => {}
            Self::PutAfterCheckpoint => {
                room.create("other").text(v2()).send().await?;
                let copied = Connection::open(directory.join(DATABASE))?.query_row(
                    "PRAGMA wal_checkpoint(PASSIVE)",
                    [],
                    |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
                )?;
                assert_eq!(copied.0, copied.1, "the whole log is in the database");
            }
            // The log holds something already, as it does in a process that runs for long.
            Self::Delete | Self::DeleteForGood | Self::CreateKey => room.tag("s", "team", "orders").await?,
        }
        if self != Self::FirstOpen {
            mark(directory, "begin");
        }
        match self {
            Self::Put | Self::PutAfterCheckpoint => drop(room.put("s").text(v2()).send().await?),
            Self::Delete => drop(room.delete("s").send().await?),
            Self::DeleteForGood => drop(room.delete("s").without_recovery().send().await?),
            Self::CreateKey => drop(room.keys().create("alias/k", DESCRIPTION).await?),
            Self::FirstOpen => drop(room.create("s").text(V1).send().await?),
        }
        mark(directory, "acknowledged");
        // Closing copies the log into the database and removes it; the power may fail there too.
        close(room, directory);
        Ok(())
    }

    /// Opens what the power left and says what it is, or what is wrong with it.
    async fn inspect(self, directory: &Path) -> Check<Seen> {
        check_key_file(&directory.join(KEY))?;
        let room = open(directory).await?;
        let seen = match self {
            Self::Put | Self::PutAfterCheckpoint => inspect_put(&room).await?,
            Self::Delete => inspect_delete(&room).await?,
            Self::CreateKey => inspect_key(&room).await?,
            Self::DeleteForGood => match optional(room.get("s").send().await)? {
                Some(value) if value.expose_text()? == V1 => Seen::Old,
                Some(_) => return Err("another value".into()),
                None => Seen::New,
            },
            Self::FirstOpen => match optional(room.get("s").send().await)? {
                Some(value) if value.expose_text()? == V1 => Seen::New,
                Some(_) => return Err("another value".into()),
                None => Seen::Old,
            },
        };
        // Not only readable: the next write goes well too.
        room.create("next").text("after the power came back").send().await?;
        let report = room.verify().await?;
        if !report.is_clean() {
            return Err(report.to_string().into());
        }
        let integrity: String =
            Connection::open(directory.join(DATABASE))?
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if integrity == "ok" { Ok(seen) } else { Err(integrity.into()) }
    }
}

async fn inspect_put(room: &Strongroom) -> Check<Seen> {
    let value = room.get("s").send().await?;
    let known = room.describe("s").await?;
    let (current, previous) = (holders(&known, &Stage::CURRENT), holders(&known, &Stage::PREVIOUS));
    if current != [value.version_id.to_string()] {
        return Err(format!("current is {}, but the labels say {current:?}", value.version_id).into());
    }
    match (value.expose_text()?, &previous[..]) {
        (V1, []) => Ok(Seen::Old),
        (value, [_])
            if value == v2() && room.get("s").stage(Stage::PREVIOUS).send().await?.expose_text()? == V1 =>
        {
            Ok(Seen::New)
        }
        (_, previous) => Err(format!("another value, or a wrong previous one: {previous:?}").into()),
    }
}

fn holders(known: &SecretMetadata, stage: &Stage) -> Vec<String> {
    let held = known.versions.iter().filter(|(_, stages)| stages.contains(stage));
    held.map(|(version, _)| version.to_string()).collect()
}

async fn inspect_delete(room: &Strongroom) -> Check<Seen> {
    let seen = if room.describe("s").await?.deleted.is_some() {
        match room.get("s").send().await.map_err(|error| error.kind()) {
            Err(ErrorKind::Secret(SecretErrorKind::MarkedForDeletion)) => {}
            other => return Err(format!("a deleted secret was read: {other:?}").into()),
        }
        room.restore("s").await?;
        Seen::New
    } else {
        Seen::Old
    };
    if room.get("s").send().await?.expose_text()? == V1 { Ok(seen) } else { Err("another value".into()) }
}

async fn inspect_key(room: &Strongroom) -> Check<Seen> {
    let keys = room.keys();
    // Key and alias are one commit: never one without the other.
    let listed = keys.service()?.list_keys(room.context(), &ListPage::first()).await?.keys;
    let named = keys.describe("alias/k").await.ok().map(|key| key.id);
    for entry in listed {
        let made_here = keys.describe(entry.id.as_str()).await?.description == DESCRIPTION;
        if made_here && named.as_ref() != Some(&entry.id) {
            return Err("a key without its alias".into());
        }
    }
    let seen = match keys.describe("alias/k").await.map_err(|error| error.kind()) {
        Ok(known) if known.description == DESCRIPTION => Seen::New,
        // Whoever was not answered asks again.
        Err(ErrorKind::Key(KeyErrorKind::NotFound)) => {
            keys.create("alias/k", "made again").await?;
            Seen::Old
        }
        other => return Err(format!("the key is described so: {other:?}").into()),
    };
    check_key(&keys, "alias/k").await?;
    Ok(seen)
}

async fn check_key(keys: &Keys, key: &str) -> Check<()> {
    let context = EncryptionContext::default();
    let sealed = keys.encrypt(key, V1.as_bytes(), &context).await?;
    let opened = keys.decrypt(&sealed, &context).await?;
    if opened.plaintext.expose() == V1.as_bytes() {
        Ok(())
    } else {
        Err("the key opens something else".into())
    }
}

/// The root key is there whole or not at all.
fn check_key_file(path: &Path) -> Check<()> {
    let Some(text) = path.try_exists()?.then(|| fs::read_to_string(path)).transpose()? else { return Ok(()) };
    let encoded = text.strip_prefix("strongroom-root-key-1 ").and_then(|text| text.strip_suffix('\n'));
    let key = encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    if key.is_some_and(|key| key.len() == 32) { Ok(()) } else { Err("a torn key file".into()) }
}

fn optional<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Secret(SecretErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn open(directory: &Path) -> Result<Strongroom, Error> {
    let root = RootKey::file_or_create(directory.join(KEY))?;
    Strongroom::builder().directory(directory.join(ROOM)).root_key(root).open().await
}

/// Lets go of a room and waits for its threads: the last connection copies the log into the database and removes it.
fn close(room: Strongroom, directory: &Path) {
    drop(room);
    let log = directory.join(format!("{DATABASE}-wal"));
    for patience in 1.. {
        thread::sleep(Duration::from_millis(2));
        if !log.exists() {
            break;
        }
        // Connections that close at the same moment each take another one for the last: then nobody did it.
        if patience % 50 == 0 {
            let last = Connection::open(directory.join(DATABASE)).unwrap();
            last.query_row("SELECT revision FROM counter", [], |row| row.get::<_, i64>(0)).unwrap();
        }
        assert!(patience < 5000, "the database is not closed");
    }
}

/// Puts a word into the log; see `shim.c`.
fn mark(directory: &Path, word: &str) {
    fs::File::open(directory.join(format!(".marker-{word}"))).expect_err("a mark is not a file");
}

/// A directory on a file system where nothing takes long: what survives is decided by the model, not by the device.
fn scratch() -> TempDir {
    let shared_memory = Path::new("/dev/shm");
    let place = if shared_memory.is_dir() { shared_memory } else { Path::new(env!("CARGO_TARGET_TMPDIR")) };
    tempfile::Builder::new().prefix("strongroom-power-").tempdir_in(place).unwrap()
}

/// The compiled shim. A process of its own may be compiling it as well, so it gets its name when it is whole.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_loss/shim.c");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("power-loss-shim.so");
        let partial = target.with_extension(format!("{}.so", std::process::id()));
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&partial, &source])
            .arg("-ldl")
            .status()
            .expect("a C compiler, which SQLite needs as well");
        assert!(compiled.success(), "the shim does not compile");
        fs::rename(&partial, &target).unwrap();
        target
    })
}

/// What a child did, and the disk it began on.
struct Recording {
    scenario: Scenario,
    before: Disk,
    events: Vec<Event>,
    /// How many events there are up to the mark.
    begin: usize,
    acknowledged: usize,
}

/// Has a child do the scenario, and makes sure that nothing it did escaped the log.
fn record(scenario: Scenario) -> Recording {
    let scratch = scratch();
    let place = scratch.path().canonicalize().unwrap();
    let (directory, log) = (place.join("disk"), place.join("log"));
    fs::create_dir(&directory).unwrap();
    block_on(scenario.prepare(&directory)).unwrap();
    let before = Disk::scan(&directory);
    let child = Command::new(env::current_exe().unwrap())
        .args(["the_child_performs_its_scenario", "--exact", "--nocapture"])
        .env("LD_PRELOAD", shim())
        .env(SCENARIO, format!("{scenario:?}"))
        .env(DIRECTORY, &directory)
        .env(LOG, &log)
        .output()
        .unwrap();
    assert!(child.status.success(), "{scenario:?}: {}", String::from_utf8_lossy(&child.stderr));
    let events = read_log(&log);
    let position = |word: &str| {
        let found = events.iter().position(|event| matches!(event, Event::Marked(mark) if mark == word));
        found.unwrap_or_else(|| panic!("{scenario:?}: the log has no mark {word}")) + 1
    };
    let (begin, acknowledged) = (position("begin"), position("acknowledged"));
    let mut replayed = before.clone();
    events.iter().for_each(|event| replayed.apply(event, None));
    assert!(replayed.seen() == read_in(&directory), "{scenario:?}: the log does not hold all that was done");
    Recording { scenario, before, events, begin, acknowledged }
}

/// What was found at all points of a recording.
#[derive(Debug, Default)]
struct Findings {
    points: usize,
    states: usize,
    /// How many of the states differ, so were opened.
    opened: usize,
    old: usize,
    new: usize,
    violations: Vec<String>,
}

impl Recording {
    /// Cuts the power after every event from `first` on. From the beginning of the operation on, syncs of `lost` do nothing.
    fn cut_power(&self, first: usize, lost: Option<&str>) -> Findings {
        let scratch = scratch();
        let mut findings = Findings::default();
        let mut known: HashMap<u64, (Result<Seen, String>, Vec<String>)> = HashMap::new();
        let mut disk = self.before.clone();
        for point in 0..=self.events.len() {
            if point >= first {
                findings.points += 1;
                disk.after_power_loss(|state, files| {
                    findings.states += 1;
                    let (seen, names) = known.entry(state).or_insert_with(|| {
                        findings.opened += 1;
                        let place = scratch.path().join(format!("{state:016x}"));
                        fs::create_dir(&place).unwrap();
                        let files = files();
                        write_out(&files, &place);
                        let seen = block_on(self.scenario.inspect(&place)).map_err(|error| error.to_string());
                        // Threads of the room may still be closing their files; the rest goes with the scratch directory.
                        let _ = fs::remove_dir_all(&place);
                        (seen, files.keys().cloned().collect())
                    });
                    let wrong = match seen {
                        Ok(Seen::New) => {
                            findings.new += 1;
                            None
                        }
                        Ok(Seen::Old) => {
                            findings.old += 1;
                            (point >= self.acknowledged).then(|| "what was acknowledged is lost".to_owned())
                        }
                        Err(error) => Some(error.clone()),
                    };
                    if let Some(wrong) = wrong {
                        let last = point.checked_sub(1).map(|last| &self.events[last]);
                        findings
                            .violations
                            .push(format!("point {point}, after {last:?}: {wrong}; found were {names:?}"));
                    }
                });
            }
            if lost.is_some() && !findings.violations.is_empty() {
                break; // One is enough to know that this would be noticed.
            }
            if let Some(event) = self.events.get(point) {
                disk.apply(event, lost.filter(|_| point >= self.begin));
            }
        }
        findings
    }
}

fn survives_at_every_point(scenario: Scenario) {
    let started = Instant::now();
    let recording = record(scenario);
    if scenario == Scenario::PutAfterCheckpoint {
        let operation = &recording.events[recording.begin..recording.acknowledged];
        let at_the_start =
            |event: &Event| matches!(event, Event::Wrote { change: Change::Write { offset: 0, .. }, .. });
        assert!(operation.iter().any(at_the_start), "the log was not written from its beginning");
    }
    let findings = recording.cut_power(recording.begin, None);
    println!(
        "{scenario:?}: {} points, {} states, {} of them differ; {} old, {} new; {:.1} s",
        findings.points,
        findings.states,
        findings.opened,
        findings.old,
        findings.new,
        started.elapsed().as_secs_f64(),
    );
    let violations = &findings.violations;
    assert!(
        violations.is_empty(),
        "{} violations:\n{}",
        violations.len(),
        violations[..violations.len().min(10)].join("\n")
    );
    // Otherwise the power was cut at the wrong points.
    assert!(findings.old > 0 && findings.new > 0, "both states were met: {findings:?}");
}

/// Not a test: what [`record`] starts again under the shim.
#[test]
fn the_child_performs_its_scenario() {
    let Ok(name) = env::var(SCENARIO) else { return };
    let scenario = Scenario::ALL.into_iter().find(|scenario| format!("{scenario:?}") == name).unwrap();
    let directory = env::var_os(DIRECTORY).unwrap();
    block_on(scenario.perform(Path::new(&directory))).unwrap();
}

#[test]
fn a_put_is_whole_or_absent() {
    survives_at_every_point(Scenario::Put);
}

#[test]
fn a_put_over_an_old_log_is_whole_or_absent() {
    survives_at_every_point(Scenario::PutAfterCheckpoint);
}

#[test]
fn a_delete_is_whole_or_absent() {
    survives_at_every_point(Scenario::Delete);
}

#[test]
fn a_delete_for_good_is_whole_or_absent() {
    survives_at_every_point(Scenario::DeleteForGood);
}

#[test]
fn a_new_key_is_whole_or_absent() {
    survives_at_every_point(Scenario::CreateKey);
}

#[test]
fn a_first_open_can_be_repeated_and_keeps_what_it_acknowledged() {
    survives_at_every_point(Scenario::FirstOpen);
}

/// The checks above would notice a disk that only says that it syncs the log, or the database when the log is copied.
#[test]
fn a_lost_sync_of_the_database_is_noticed() {
    let recording = record(Scenario::Put);
    for lost in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
        let findings = recording.cut_power(recording.acknowledged, Some(&lost));
        let noticed = |violation: &String| violation.contains("what was acknowledged is lost");
        assert!(findings.violations.iter().any(noticed), "{lost}: {findings:?}");
    }
}

/// As above, for the names of the root key and of the database.
#[test]
fn a_lost_sync_of_a_directory_is_noticed() {
    let recording = record(Scenario::FirstOpen);
    for lost in ["key", ROOM] {
        let findings = recording.cut_power(recording.acknowledged, Some(lost));
        assert!(!findings.violations.is_empty(), "{lost}: {findings:?}");
    }
}
