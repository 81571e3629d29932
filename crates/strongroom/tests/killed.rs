//! Processes that are killed in the middle of writing.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use strongroom::{RootKey, Stage, Strongroom};

const DIRECTORY: &str = "STRONGROOM_TEST_KILLED_DIRECTORY";
const NAME: &str = "STRONGROOM_TEST_KILLED_NAME";
/// A version quota is 100; beyond it a new secret is begun.
const PUTS_PER_SECRET: u32 = 60;
/// What a secret holds: its own version's number, so that a mixed-up value is seen.
fn value(name: &str, n: u32) -> String {
    format!("{name} holds {n}")
}

async fn open(directory: &Path) -> Strongroom {
    Strongroom::builder().directory(directory).root_key(RootKey::from_bytes([7; 32])).open().await.unwrap()
}

/// Not a test of its own: the child process. Puts until it is killed and prints what was acknowledged.
#[test]
fn the_child_puts_until_it_is_killed() {
    let (Ok(directory), Ok(prefix)) = (std::env::var(DIRECTORY), std::env::var(NAME)) else { return };
    pollster::block_on(async {
        let room = open(Path::new(&directory)).await;
        let mut out = std::io::stdout();
        let mut say = |line: String| {
            out.write_all(line.as_bytes()).unwrap();
            out.flush().unwrap();
        };
        say("\nready\n".to_owned());
        for secret in 0.. {
            let name = format!("{prefix}-{secret}");
            for n in 0..PUTS_PER_SECRET {
                let text = value(&name, n);
                // Two processes may write the same secret: whoever is first creates it, the other one puts.
                let version = match room.create(&name).text(text.clone()).send().await {
                    Ok(created) => created.version_id.unwrap(),
                    Err(_) => match room.put(&name).text(text).send().await {
                        Ok(put) => put.version_id,
                        // The quota of a secret that two processes fill.
                        Err(error) if error.code() == "LimitExceededException" => break,
                        Err(error) => panic!("{error:?}"),
                    },
                };
                say(format!("ack {name} {version} {n}\n"));
            }
        }
    });
}

fn start(directory: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_puts_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets the children work for a moment, kills them, and gives what they acknowledged: (secret, version) and number.
fn kill_after(mut children: Vec<Child>, moment: Duration) -> BTreeMap<(String, String), u32> {
    let mut readers = Vec::new();
    for child in &mut children {
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the child ended before it was ready");
        }
        readers.push(lines);
    }
    std::thread::sleep(moment);
    for child in &mut children {
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
    }
    let mut acknowledged = BTreeMap::new();
    for line in readers.into_iter().flat_map(BufRead::lines) {
        let line = line.unwrap();
        // A line of this length goes into a pipe whole or not at all.
        if let ["ack", name, version, n] = line.split(' ').collect::<Vec<_>>().as_slice() {
            acknowledged.insert(((*name).to_owned(), (*version).to_owned()), n.parse().unwrap());
        }
    }
    acknowledged
}

/// Everything acknowledged is readable, labels obey the rules, the database is whole.
fn check(directory: &Path, acknowledged: &BTreeMap<(String, String), u32>) {
    pollster::block_on(async {
        let room = open(directory).await;
        for ((name, version), n) in acknowledged {
            let read = room.get(name).version(version.as_str()).send().await.unwrap_or_else(|error| {
                panic!("{name} {version} was acknowledged and is not readable: {error}");
            });
            assert_eq!(read.expose_text().unwrap(), value(name, *n));
        }
        for secret in room.list().all().await.unwrap() {
            let mut held = BTreeMap::new();
            for (version, stages) in &secret.versions {
                for stage in stages {
                    assert!(held.insert(stage.clone(), version.clone()).is_none(), "{stage} has two holders");
                }
            }
            assert!(held.contains_key(&Stage::CURRENT), "{} has no current version", secret.name);
            let versions = room.versions(&secret.name).include_deprecated().all().await.unwrap();
            assert_eq!(held.contains_key(&Stage::PREVIOUS), versions.len() > 1, "{}", secret.name);
        }
    });
    let connection = rusqlite::Connection::open(directory.join("records.sqlite3")).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// Moments between 0 and 40 ms that differ from run to run and are said when something fails.
fn moment(seed: u64, round: u64) -> Duration {
    let mixed = seed.wrapping_add(round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Duration::from_micros((mixed >> 33) % 40_000)
}

fn seed() -> u64 {
    u64::from_le_bytes(strongroom_envelope::random_array().unwrap())
}

#[test]
fn acknowledged_versions_survive_a_hundred_kills() {
    let temporary = tempfile::tempdir().unwrap();
    let seed = seed();
    let mut all = BTreeMap::new();
    for round in 0..100 {
        let name = format!("round{round}");
        let acknowledged = kill_after(vec![start(temporary.path(), &name)], moment(seed, round));
        check(temporary.path(), &acknowledged);
        all.extend(acknowledged);
    }
    assert!(all.len() > 100, "only {} puts were acknowledged (seed {seed})", all.len());
    check(temporary.path(), &all);
    let report = pollster::block_on(async { open(temporary.path()).await.verify().await.unwrap() });
    assert!(report.is_clean(), "seed {seed}: {report}");
}

#[test]
fn two_processes_that_write_the_same_secrets_survive_kills() {
    let temporary = tempfile::tempdir().unwrap();
    let seed = seed();
    let mut all = BTreeMap::new();
    for round in 0..100 {
        let name = format!("round{round}");
        let children = vec![start(temporary.path(), &name), start(temporary.path(), &name)];
        let acknowledged = kill_after(children, moment(seed, round));
        check(temporary.path(), &acknowledged);
        all.extend(acknowledged);
    }
    check(temporary.path(), &all);
    let report = pollster::block_on(async { open(temporary.path()).await.verify().await.unwrap() });
    assert!(report.is_clean(), "seed {seed}: {report}");
}
