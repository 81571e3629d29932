//! One of several processes does the work, whatever their wall clocks show.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_records::{Expect, Key, MemoryRecords, Records};
use strongroom_root::{ErrorKind, Lease, LeaseWatch, RootKey, TrustedRecords};
use strongroom_testkit::ManualClock;
use strongroom_types::{Clock, Timestamp};

const HOUR: i64 = 60 * 60 * 1000;
const NOON: i64 = 1_767_225_600_000;
const SECOND: Duration = Duration::from_secs(1);

/// A process: a handle, a clock, and what it has seen of the lease.
struct Process {
    records: TrustedRecords,
    clock: Arc<ManualClock>,
    watch: LeaseWatch,
}

impl Process {
    async fn with_clock(storage: &Arc<dyn Records>, wall: i64) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(wall)));
        let root = RootKey::from_bytes([3; 32]);
        let records = TrustedRecords::open(Arc::clone(storage), root, None, &*clock).await.unwrap();
        Self { records, clock, watch: LeaseWatch::new() }
    }

    fn place(&self) -> Key {
        Lease::of_housekeeping(self.records.realm())
    }

    async fn try_take(&self) -> Option<Lease> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let batch = self.records.batch();
        self.watch.try_take(&self.records, &self.place(), &clock, batch).await.unwrap()
    }

    /// A commit under the lease.
    async fn work(&self, lease: &Lease, what: &str) -> Result<(), ErrorKind> {
        let mut batch = self.records.batch();
        lease.fence(&mut batch);
        batch.put(&Key::of(["work"]), what.as_bytes(), Expect::Any);
        self.records.commit(batch).await.map(drop).map_err(|error| error.kind())
    }

    async fn worked(&self) -> String {
        let stored = self.records.get(&Key::of(["work"])).await.unwrap().unwrap();
        String::from_utf8(stored.content).unwrap()
    }
}

fn storage() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::new())
}

/// For each: the wall clocks of the holder and of the contender.
fn skews() -> [(i64, i64); 5] {
    [(NOON, NOON), (NOON + HOUR, NOON), (NOON - HOUR, NOON), (NOON, NOON + HOUR), (NOON, NOON - HOUR)]
}

/// Time passes for both.
fn pass(one: &Process, other: &Process, time: Duration) {
    one.clock.advance(time);
    other.clock.advance(time);
}

#[tokio::test]
async fn a_holder_that_renews_is_not_robbed_however_far_apart_the_wall_clocks_are() {
    for (holder, contender) in skews() {
        let storage = storage();
        let holder = Process::with_clock(&storage, holder).await;
        let contender = Process::with_clock(&storage, contender).await;
        let lease = holder.try_take().await.expect("nobody has it");
        for second in 0..600 {
            assert!(contender.try_take().await.is_none(), "{second}");
            pass(&holder, &contender, SECOND);
            lease.renew().await.unwrap();
        }
        holder.work(&lease, "done").await.unwrap();
        lease.release().await.unwrap();
        contender.try_take().await.expect("it was given back, and is taken at once");
    }
}

#[tokio::test]
async fn a_dead_holder_is_replaced_a_term_after_it_was_first_seen() {
    for (holder, contender) in skews() {
        let storage = storage();
        let holder = Process::with_clock(&storage, holder).await;
        let contender = Process::with_clock(&storage, contender).await;
        drop(holder.try_take().await.expect("nobody has it"));
        // Nobody watched: however long ago it died, its lease is watched for a whole term.
        pass(&holder, &contender, 100 * Lease::TERM);
        assert!(contender.try_take().await.is_none() && contender.watch.is_watching());
        pass(&holder, &contender, Lease::TERM - Duration::from_millis(1));
        assert!(contender.try_take().await.is_none());
        pass(&holder, &contender, Duration::from_millis(1));
        contender.try_take().await.expect("the term is over");
        assert!(!contender.watch.is_watching());
    }
}

#[tokio::test]
async fn setting_the_wall_clock_changes_nothing() {
    let storage = storage();
    let holder = Process::with_clock(&storage, NOON).await;
    let contender = Process::with_clock(&storage, NOON).await;
    let lease = holder.try_take().await.expect("nobody has it");
    assert!(contender.try_take().await.is_none());
    for wall in [NOON + 10_000 * HOUR, NOON - 10_000 * HOUR] {
        contender.clock.set(Timestamp::from_millis(wall));
        holder.clock.set(Timestamp::from_millis(-wall));
        assert!(contender.try_take().await.is_none());
        lease.renew().await.unwrap();
        assert!(lease.is_held().await.unwrap());
    }
}

#[tokio::test]
async fn a_holder_that_slept_through_a_takeover_commits_nothing() {
    for (holder, contender) in skews() {
        let storage = storage();
        let holder = Process::with_clock(&storage, holder).await;
        let contender = Process::with_clock(&storage, contender).await;
        let lease = holder.try_take().await.expect("nobody has it");
        holder.work(&lease, "first").await.unwrap();
        assert!(contender.try_take().await.is_none());
        contender.clock.advance(Lease::TERM);
        let taken = contender.try_take().await.expect("the holder did not renew for a term");
        contender.work(&taken, "second").await.unwrap();

        // The holder wakes up. For it, no time has passed.
        assert_eq!(holder.work(&lease, "late").await, Err(ErrorKind::Conflict));
        assert_eq!(holder.worked().await, "second");
        assert_eq!(lease.check().await.unwrap_err().kind(), ErrorKind::Busy);
        holder.clock.advance(Lease::TERM);
        assert_eq!(lease.renew().await.unwrap_err().kind(), ErrorKind::Busy);
        lease.release().await.unwrap();
        assert!(taken.is_held().await.unwrap(), "what it gives back is not the other's");
        contender.work(&taken, "third").await.unwrap();
    }
}

#[tokio::test]
async fn of_several_that_watched_a_dead_holder_one_takes_over() {
    let storage = storage();
    let dead = Process::with_clock(&storage, NOON).await;
    drop(dead.try_take().await);
    let (one, other) = (Process::with_clock(&storage, NOON).await, Process::with_clock(&storage, NOON).await);
    assert!(one.try_take().await.is_none() && other.try_take().await.is_none());
    pass(&one, &other, Lease::TERM);
    let lease = one.try_take().await.expect("the term is over");
    assert!(other.try_take().await.is_none(), "it is another's lease now, and watched anew");
    pass(&one, &other, Lease::TERM / 2);
    lease.renew().await.unwrap();
    pass(&one, &other, Lease::TERM / 2);
    assert!(other.try_take().await.is_none());
}

#[tokio::test]
async fn what_goes_with_the_lease_is_committed_with_it_or_not_at_all() {
    let storage = storage();
    let (one, other) = (Process::with_clock(&storage, NOON).await, Process::with_clock(&storage, NOON).await);
    let clock: Arc<dyn Clock> = one.clock.clone();
    for (process, expected) in [(&one, true), (&other, false)] {
        let mut batch = process.records.batch();
        let mark = Key::of([if expected { "mine" } else { "theirs" }]);
        batch.put(&mark, b"", Expect::Any);
        let lease = process.watch.try_take(&process.records, &process.place(), &clock, batch).await.unwrap();
        assert_eq!((lease.is_some(), one.records.get(&mark).await.unwrap().is_some()), (expected, expected));
    }
}

#[tokio::test]
async fn programs_of_before_find_the_record_that_they_know() {
    let storage = storage();
    let new = Process::with_clock(&storage, NOON).await;
    let lease = new.try_take().await.unwrap();
    let read = async || {
        let stored = new.records.get(&new.place()).await.unwrap().unwrap().content;
        let record: serde_json::Value = serde_json::from_slice(&stored).unwrap();
        assert_eq!(record.as_object().unwrap().len(), 2);
        (record["holder"].as_str().unwrap().to_owned(), record["until"].as_i64().unwrap())
    };
    let (holder, until) = read().await;
    assert_eq!(until, NOON + 60_000);
    // They hold that `until` is theirs to respect: it moves on with each renewal.
    new.clock.advance(Lease::TERM / 3);
    lease.renew().await.unwrap();
    assert_eq!(read().await, (holder, NOON + 80_000));
    lease.release().await.unwrap();

    // One of theirs is never renewed: it is over a term after it was first seen.
    let mut batch = new.records.batch();
    batch.put(&new.place(), br#"{"holder":"somebody","until":9999999999999}"#, Expect::Absent);
    let theirs = new.records.commit(batch).await.unwrap();
    assert!(new.try_take().await.is_none());
    new.clock.advance(Lease::TERM);
    new.try_take().await.expect("the term is over");
    // What they go on to commit is conditional on their revision.
    let mut late = new.records.batch();
    late.check(&new.place(), Expect::At(theirs));
    late.put(&Key::of(["work"]), b"late", Expect::Any);
    assert_eq!(new.records.commit(late).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_lease_of_nothing_is_always_held() {
    let storage = storage();
    let process = Process::with_clock(&storage, NOON).await;
    let lease = Lease::unshared();
    process.work(&lease, "done").await.unwrap();
    process.clock.advance(100 * Lease::TERM);
    lease.renew().await.unwrap();
    lease.check().await.unwrap();
    lease.release().await.unwrap();
    assert_eq!(process.worked().await, "done");
}
