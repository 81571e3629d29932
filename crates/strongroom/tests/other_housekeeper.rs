//! Two processes and one lease: wall clocks an hour apart, a holder that dies, one that is paused.

#![cfg(test)]
#![cfg(all(feature = "sqlite", unix))]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom::records::{Expect, Key};
use strongroom::root::{Lease, LeaseWatch, TrustedRecords};
use strongroom::{Clock, RootKey, SystemClock, Timestamp};
use strongroom_sqlite::SqliteRecords;

const DIRECTORY: &str = "STRONGROOM_TEST_HOUSEKEEPER_DIRECTORY";
const AHEAD: &str = "STRONGROOM_TEST_HOUSEKEEPER_AHEAD";
/// So many times faster than it really does, time passes for these processes: a term is three seconds.
const SPEED: u32 = 20;
const TERM: Duration = Duration::from_secs(60 / SPEED as u64);
const HOUR: i64 = 60 * 60 * 1000;

/// A wall clock that is ahead of the real one by so many milliseconds.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() * SPEED
    }
}

/// What each of the two processes has.
struct Contender {
    records: TrustedRecords,
    clock: Arc<dyn Clock>,
    watch: LeaseWatch,
}

impl Contender {
    async fn open(directory: &Path, ahead: i64) -> Self {
        let storage = SqliteRecords::open(directory.join("records.sqlite3")).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Skewed(ahead));
        let root = RootKey::from_bytes([7; 32]);
        let records = TrustedRecords::open(Arc::new(storage), root, None, &*clock).await.unwrap();
        Self { records, clock, watch: LeaseWatch::new() }
    }

    async fn try_take(&self) -> Option<Lease> {
        let place = Lease::of_housekeeping(self.records.realm());
        self.watch.try_take(&self.records, &place, &self.clock, self.records.batch()).await.unwrap()
    }

    /// Tries until it has the lease. How long that took.
    async fn take(&self) -> (Lease, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(lease) = self.try_take().await {
                return (lease, begun.elapsed());
            }
            std::thread::sleep(TERM / 60);
        }
    }

    async fn work(&self, lease: &Lease) -> bool {
        let mut batch = self.records.batch();
        lease.fence(&mut batch);
        batch.put(&Key::of(["work"]), b"", Expect::Any);
        self.records.commit(batch).await.is_ok()
    }
}

/// Not a test of its own: the other process. Takes the lease, and then does what it is told.
#[test]
fn the_other_holds_the_lease() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let ahead = std::env::var(AHEAD).unwrap().parse().unwrap();
    pollster::block_on(async {
        let own = Contender::open(Path::new(&directory), ahead).await;
        let (lease, _) = own.take().await;
        let say = |text: &str| {
            let mut out = std::io::stdout();
            out.write_all(format!("{text}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        };
        say("\nheld");
        for line in std::io::stdin().lock().lines() {
            let done = match line.unwrap().as_str() {
                "renew" => lease.renew().await.is_ok(),
                "work" => own.work(&lease).await,
                other => panic!("{other}"),
            };
            say(if done { "done" } else { "refused" });
        }
    });
}

struct Other {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Other {
    fn start(directory: &Path, ahead: i64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_other_holds_the_lease", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(AHEAD, ahead.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut other = Self { child, to, from };
        other.hear("held");
        other
    }

    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        while line.trim() != word {
            line.clear();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the other process ended");
            assert!(!["done", "refused"].contains(&line.trim()) || line.trim() == word, "{line}");
        }
    }

    fn tell(&mut self, what: &str, answer: &str) {
        writeln!(self.to, "{what}").unwrap();
        self.hear(answer);
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One holder after another, whose clock is ahead by so much: it renews, it is paused, it dies.
fn live(ahead: i64) {
    let directory = tempfile::tempdir().unwrap();
    pollster::block_on(async {
        let own = Contender::open(directory.path(), 0).await;
        let mut other = Other::start(directory.path(), ahead);
        let begun = Instant::now();
        while begun.elapsed() < 2 * TERM {
            assert!(own.try_take().await.is_none(), "a holder that renews was robbed");
            other.tell("renew", "done");
            std::thread::sleep(TERM / 30);
        }
        other.tell("work", "done");

        other.signal("-STOP");
        let (lease, after) = own.take().await;
        assert!(after >= TERM / 3, "it was renewed a moment ago: {after:?}");
        assert!(own.work(&lease).await);
        other.signal("-CONT");
        other.tell("work", "refused");
        other.tell("renew", "refused");
        assert!(own.work(&lease).await);
        drop(other);
        lease.release().await.unwrap();

        let mut other = Other::start(directory.path(), ahead);
        other.tell("work", "done");
        drop(other);
        let (_, after) = own.take().await;
        assert!(after >= TERM, "{after:?}");
    });
}

#[test]
fn a_holder_whose_clock_is_an_hour_ahead_keeps_its_lease_until_it_is_paused_or_dies() {
    live(HOUR);
}

#[test]
fn a_holder_whose_clock_is_an_hour_behind_keeps_its_lease_until_it_is_paused_or_dies() {
    live(-HOUR);
}
