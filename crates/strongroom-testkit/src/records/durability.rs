//! The part of the suite that opens storage again: what was acknowledged survives a crash, whole.
//!
//! The cases use `commit` and `read` only, so that a test may run the backend in another process
//! and forward these two.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

use strongroom_records::{Batch, ErrorKind, Expect, Key, Records, Revision};

use super::{Reopen, key, put, value};

/// The records in a batch of these cases: enough that a part of it differs from the whole.
const RECORDS: usize = 12;
/// The most steps of the medium that a commit may take.
const MOST_STEPS: u64 = 10_000;

/// Runs the cases of this module, each on storage of its own, unless the storage declares that it
/// is not durable.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn survives_crashes<F, Fut, R>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = R>,
    R: Reopen,
{
    let storage = make().await;
    if !storage.open().await.durable() {
        return;
    }
    drop(storage);
    acknowledged_commits_survive_a_crash(&make().await).await;
    a_crash_without_a_commit_changes_nothing(&make().await).await;
    revisions_go_on_after_a_crash(&make().await).await;
    commits_of_several_threads_survive_a_crash(&make().await).await;
    commits_under_way_are_whole_or_absent_after_a_crash(&make().await).await;
    a_crash_at_any_step_leaves_whole_batches(make).await;
}

fn name(batch: u32, index: usize) -> String {
    format!("{batch:06}-{index:02}")
}

/// Twelve records that are written together or not at all, and one that every batch overwrites.
fn batch(n: u32) -> Batch {
    let last = Batch::new().put(&key("last"), n.to_be_bytes(), Expect::Any);
    (0..RECORDS)
        .fold(last, |batch, index| batch.put(&key(&name(n, index)), format!("value {n}"), Expect::Absent))
}

/// Whether the batch is there.
///
/// # Panics
/// If only a part of it is there, or a record has another value.
async fn is_there(records: &dyn Records, n: u32) -> bool {
    let keys: Vec<Key> = (0..RECORDS).map(|index| key(&name(n, index))).collect();
    let found = records.read(&keys).await.expect("a read after a crash");
    let there = found.iter().flatten().count();
    assert!(
        there == 0 || there == RECORDS,
        "after a crash there is only a part of a batch: {there} of {RECORDS} records"
    );
    for record in found.into_iter().flatten() {
        assert_eq!(
            record.value,
            format!("value {n}").into_bytes(),
            "after a crash {} has another value",
            record.key
        );
    }
    there > 0
}

async fn revision(records: &dyn Records, name: &str) -> Option<Revision> {
    records.read(&[key(name)]).await.expect("a read after a crash").remove(0).map(|record| record.revision)
}

async fn crashed(storage: &impl Reopen, records: Arc<dyn Records>) -> Arc<dyn Records> {
    storage.crash(records).await;
    storage.open().await
}

/// Puts, replacements, deletions and revisions, over several crashes.
pub async fn acknowledged_commits_survive_a_crash(storage: &impl Reopen) {
    let mut records = storage.open().await;
    let mut made = Vec::new();
    for n in 0..4 {
        put(&*records, &format!("passing-{n}"), b"v").await;
        let gone = Batch::new().delete(&key(&format!("passing-{n}")), Expect::Any);
        records.commit(gone).await.expect("a deletion");
        made.push(records.commit(batch(n)).await.expect("a commit"));
        records = crashed(storage, records).await;
        for (n, revision) in (0..).zip(&made) {
            assert!(is_there(&*records, n).await, "an acknowledged commit is gone after a crash");
            let passing = value(&*records, &format!("passing-{n}")).await;
            assert_eq!(passing, None, "what was deleted is back after a crash");
            let now = self::revision(&*records, &name(n, 0)).await;
            assert_eq!(now, Some(*revision), "a record has another revision after a crash");
        }
        assert_eq!(value(&*records, "last").await.expect("the record is there"), n.to_be_bytes());
    }
}

/// Crashes of empty storage, and one after the other: what is there stays, and more can be written.
pub async fn a_crash_without_a_commit_changes_nothing(storage: &impl Reopen) {
    let mut records = storage.open().await;
    for _ in 0..2 {
        records = crashed(storage, records).await;
        assert_eq!(value(&*records, "last").await, None, "empty storage is not empty after a crash");
    }
    records.commit(batch(1)).await.expect("a commit after crashes of empty storage");
    for _ in 0..3 {
        records = crashed(storage, records).await;
        assert!(is_there(&*records, 1).await, "an acknowledged commit is gone after another crash");
    }
    records.commit(batch(2)).await.expect("a commit after several crashes");
    assert!(is_there(&*records, 2).await);
}

/// A caller that read before the crash may write after it, unless somebody else has written; no
/// revision is given again.
pub async fn revisions_go_on_after_a_crash(storage: &impl Reopen) {
    let mut records = storage.open().await;
    let kept = put(&*records, "kept", b"1").await;
    let mut seen = vec![put(&*records, "again", b"same").await];
    records.commit(Batch::new().delete(&key("again"), Expect::Any)).await.expect("a deletion");
    for _ in 0..5 {
        records = crashed(storage, records).await;
        let now = put(&*records, "again", b"same").await;
        assert!(!seen.contains(&now), "a revision was given again after a crash");
        for old in &seen {
            let late = records.commit(Batch::new().put(&key("again"), b"x", Expect::At(*old))).await;
            let kind = late.expect_err("a revision of before the crash").kind();
            assert_eq!(kind, ErrorKind::Conflict);
        }
        seen.push(now);
        records.commit(Batch::new().delete(&key("again"), Expect::At(now))).await.expect("a deletion");
    }
    let absent = records.commit(Batch::new().put(&key("kept"), b"x", Expect::Absent)).await;
    assert_eq!(absent.expect_err("it is there").kind(), ErrorKind::Conflict);
    records
        .commit(Batch::new().put(&key("kept"), b"2", Expect::At(kept)))
        .await
        .expect("a write at a revision that was read before the crash");
}

/// Where commits of several callers are written together, each is acknowledged only once it is
/// durable.
pub async fn commits_of_several_threads_survive_a_crash(storage: &impl Reopen) {
    const THREADS: u32 = 4;
    const EACH: u32 = 10;
    let records = storage.open().await;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let records = &records;
            scope.spawn(move || {
                for n in 0..EACH {
                    pollster::block_on(records.commit(batch(thread * 100 + n))).expect("a commit");
                }
            });
        }
    });
    let records = crashed(storage, records).await;
    for thread in 0..THREADS {
        for n in 0..EACH {
            let there = is_there(&*records, thread * 100 + n).await;
            assert!(there, "of commits of several threads an acknowledged one is gone after a crash");
        }
    }
}

/// A crash in the middle of a commit leaves all of it or nothing, and storage that works.
pub async fn commits_under_way_are_whole_or_absent_after_a_crash(storage: &impl Reopen) {
    let mut records = storage.open().await;
    for n in 0..10 {
        {
            let mut commit = Box::pin(records.commit(batch(n)));
            // Begun, and never asked again.
            let begun = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let std::task::Poll::Ready(result) = begun {
                result.expect("a commit");
            }
        }
        records = crashed(storage, records).await;
        is_there(&*records, n).await;
        records.commit(batch(1000 + n)).await.expect("a commit after a crash in the middle of one");
        assert!(is_there(&*records, 1000 + n).await);
    }
}

/// The power fails at each step of a commit in turn: what was acknowledged is there, and the batch
/// is whole or absent. Only where the medium can be stopped ([`Reopen::fail_after`]).
pub async fn a_crash_at_any_step_leaves_whole_batches<F, Fut, R>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = R>,
    R: Reopen,
{
    let mut went_through = 0;
    for steps in 0..MOST_STEPS {
        let storage = make().await;
        let records = storage.open().await;
        records.commit(batch(1)).await.expect("a commit");
        if !storage.fail_after(steps) {
            return;
        }
        let acknowledged = records.commit(batch(2)).await.is_ok();
        let records = crashed(&storage, records).await;
        assert!(
            is_there(&*records, 1).await,
            "an earlier commit is gone when the power failed in a later one"
        );
        let there = is_there(&*records, 2).await;
        assert!(
            there || !acknowledged,
            "a commit was acknowledged and is gone when the power failed after {steps} steps of it"
        );
        records.commit(batch(3)).await.expect("a commit after the power failed in another");
        let records = crashed(&storage, records).await;
        assert!(
            is_there(&*records, 1).await && is_there(&*records, 3).await,
            "a commit after the failure is gone"
        );
        assert_eq!(is_there(&*records, 2).await, there, "a commit came or went by a crash after it");
        // Two in a row that went through: there are no more steps.
        went_through = if acknowledged { went_through + 1 } else { 0 };
        if went_through == 2 {
            return;
        }
    }
    panic!("a commit of {RECORDS} records takes more than {MOST_STEPS} steps");
}
