//! A slow read does not block other tasks on its caller's thread.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use strongroom_records::{Batch, Expect, Key, Records, Scan};
use strongroom_sqlite::SqliteRecords;

/// How long a read takes.
const SLOW: Duration = Duration::from_millis(200);
/// The interval at which the other task runs.
const TICK: Duration = Duration::from_millis(5);
/// The maximum gap between two runs, for a busy machine.
const LONGEST_GAP: Duration = Duration::from_millis(100);

/// Counts to `steps` inside SQLite.
fn count_to(steps: u64) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {steps}) SELECT max(i) FROM n"
    )
}

/// Makes every read of a record take at least [`SLOW`] inside SQLite, as on a slow disk.
fn slow_down(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let mut steps = 100_000;
    loop {
        let started = Instant::now();
        connection.query_row(&count_to(steps), [], |row| row.get::<_, i64>(0)).unwrap();
        // Some more, as it may run undisturbed next time.
        if started.elapsed() > 2 * SLOW {
            break;
        }
        steps *= 2;
    }
    let view = count_to(steps);
    connection
        .execute_batch(&format!(
            "ALTER TABLE record RENAME TO stored;
             CREATE VIEW record AS SELECT key, revision, value FROM stored WHERE ({view}) > 0;"
        ))
        .unwrap();
}

/// Runs `read` on a runtime of one thread and returns how long it took, and the longest time for
/// which another task on that thread did not run.
async fn next_to_another_task(read: impl Future<Output = ()>) -> (Duration, Duration) {
    let done = Arc::new(AtomicBool::new(false));
    let ticking = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while !done.load(Ordering::Relaxed) {
                tokio::time::sleep(TICK).await;
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            longest
        }
    });
    tokio::task::yield_now().await;
    let started = Instant::now();
    read.await;
    let took = started.elapsed();
    done.store(true, Ordering::Relaxed);
    (took, ticking.await.unwrap())
}

#[tokio::test(flavor = "current_thread")]
async fn a_read_that_takes_long_lets_the_other_tasks_of_its_thread_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.sqlite3");
    let records = SqliteRecords::open(&path).await.unwrap();
    let (key, other) = (Key::of(["a"]), Key::of(["b"]));
    records.commit(Batch::new().put(&key, b"v", Expect::Any)).await.unwrap();
    records.read(std::slice::from_ref(&key)).await.unwrap();
    slow_down(&path);

    // Often enough that the reader is awake and its caller spins for the result.
    for _ in 0..2 {
        let (took, gap) = next_to_another_task(async {
            assert_eq!(
                records.read(std::slice::from_ref(&key)).await.unwrap()[0].as_ref().unwrap().value,
                b"v"
            );
        })
        .await;
        assert!(took >= SLOW, "the read took {took:?}");
        assert!(gap < LONGEST_GAP, "read: the other task waited for {gap:?}");
    }
    let (took, gap) = next_to_another_task(async {
        assert!(records.read_if_changed(None, &[key.clone(), other]).await.unwrap().is_some());
    })
    .await;
    assert!(took >= SLOW && gap < LONGEST_GAP, "read_if_changed: {took:?}, {gap:?}");
    let (took, gap) = next_to_another_task(async {
        let snapshot = records.snapshot().await.unwrap();
        assert_eq!(snapshot.scan(&Scan::prefix(&key)).await.unwrap().records.len(), 1);
    })
    .await;
    assert!(took >= SLOW && gap < LONGEST_GAP, "scan: {took:?}, {gap:?}");
}
