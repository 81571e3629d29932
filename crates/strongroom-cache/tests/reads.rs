//! What is served from the cache counts as use: every read that the store did not see is reported to it once, by caller and version.

#![cfg(test)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom::SecretStore;
use strongroom::store::{Capabilities, GetSecretValue, PutSecretValue, ServedReads};
use strongroom::{
    CallContext, Clock, RootKey, SecretErrorKind as ErrorKind, SecretValue, Strongroom, presets,
};
use strongroom_cache::{CachePolicy, Cached, Spawn, Task};
use strongroom_testkit::{FaultyStore, ManualClock, StoreFault};
use support::first_readers;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    room: Strongroom,
    inner: FaultyStore,
    clock: Arc<ManualClock>,
    cached: Cached<FaultyStore>,
    tasks: Arc<Mutex<Vec<Task>>>,
}

/// The background is run by hand.
async fn world(background: bool) -> World {
    let clock = Arc::new(ManualClock::default());
    let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32]));
    let room = builder.clock(clock.clone()).open().await.unwrap();
    let inner = FaultyStore::new(room.store());
    let tasks = Arc::new(Mutex::new(Vec::<Task>::new()));
    let queue = Arc::clone(&tasks);
    let spawn: Spawn = Arc::new(move |task| queue.lock().unwrap().push(task));
    let policy = CachePolicy::ttl(30 * DAY).refresh_ahead_percent(100).jitter_percent(0).bounds(3, 100);
    let cached = Cached::build(inner.clone(), policy, clock.clone(), background.then_some(spawn)).unwrap();
    World { room, inner, clock, cached, tasks }
}

impl World {
    async fn read(&self, id: &str) {
        self.cached.read(self.room.context(), GetSecretValue::new(id)).await.unwrap();
    }

    async fn run_background(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        for task in tasks {
            task.await;
        }
    }

    /// By name of the secret, sorted.
    fn drained(&self) -> Vec<(String, u64)> {
        let reported = |(_, reads): (_, ServedReads)| (reads.request.id.to_string(), reads.count);
        let mut drained: Vec<_> = self.cached.drain_reads().into_iter().map(reported).collect();
        drained.sort();
        drained
    }
}

#[tokio::test]
async fn each_read_that_the_store_did_not_see_is_reported_once() {
    let world = world(false).await;
    for name in ["a", "b", "c", "d", "e"] {
        world.room.create(name).text("v").send().await.unwrap();
    }
    let handle = world.cached.handle(world.room.context(), "b");
    for _ in 0..4 {
        world.read("a").await;
        handle.get().await.unwrap();
    }
    assert!(handle.peek().is_some());
    assert_eq!(world.drained(), [("a".into(), 3), ("b".into(), 4)], "the first of each was the store's");
    assert_eq!(world.drained(), []);
    // What leaves the cache was served all the same.
    world.read("a").await;
    for name in ["c", "d", "e"] {
        world.read(name).await;
    }
    assert_eq!(world.cached.stats().entries, 3);
    assert_eq!(world.drained(), [("a".into(), 1)]);
    world.read("e").await;
    assert!(handle.peek().is_some());
    world.cached.clear();
    assert_eq!(world.drained(), [("b".into(), 1), ("e".into(), 1)]);
    // And a version that was replaced while somebody looks at it.
    handle.get().await.unwrap();
    let looked = handle.peek().unwrap();
    let before = looked.version().unwrap().version_id.clone();
    let put = PutSecretValue::new("b", SecretValue::text("2"));
    world.cached.put_secret_value(world.room.context(), put).await.unwrap();
    handle.get().await.unwrap();
    assert!(handle.peek().is_some());
    drop(looked);
    let reported = world.cached.drain_reads();
    assert_eq!(
        (reported.len(), reported[0].1.count, reported[1].1.count),
        (2, 1, 1),
        "each version by itself"
    );
    assert!(reported.iter().any(|(_, reads)| reads.version_id == before));
    let stats = world.cached.stats();
    assert_eq!((stats.reads_waiting, stats.reads_lost), (0, 0));
}

/// Three thousand who share one call were three thousand reads.
#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_call_has_read() {
    let world = world(false).await;
    world.room.create("a").text("v").send().await.unwrap();
    first_readers(&world.inner, &world.cached, world.room.context(), "a").await;
    assert_eq!(world.drained(), [("a".into(), 2_999)]);
}

/// Reads that could not be reported stay pending; reads that the store refuses are dropped.
#[tokio::test]
async fn a_report_that_fails_is_made_again() {
    let world = world(false).await;
    for name in ["a", "b"] {
        world.room.create(name).text("v").send().await.unwrap();
        world.read(name).await;
        world.read(name).await;
    }
    for kind in [ErrorKind::Throttled, ErrorKind::OutcomeUnknown] {
        world.inner.plan([StoreFault::Before(kind)]);
        assert_eq!(world.cached.flush_reads().await.unwrap_err().kind(), kind);
        assert_eq!(world.cached.stats().reads_waiting, 2);
    }
    world.read("a").await;
    assert_eq!(world.cached.flush_reads().await.unwrap(), 3);
    assert_eq!(world.cached.flush_reads().await.unwrap(), 0);
    // One caller's failure does not prevent reports of the others.
    let alice = world.room.iam().create_user("alice").await.unwrap();
    world.room.iam().put_policy(&alice, "p", &presets::read_names(["a"])).await.unwrap();
    let hers = CallContext::new(alice.caller().unwrap());
    for cx in [&hers, world.room.context()] {
        for _ in 0..2 {
            world.cached.read(cx, GetSecretValue::new("a")).await.unwrap();
        }
    }
    world.inner.plan([StoreFault::Before(ErrorKind::Throttled)]);
    assert_eq!(world.cached.flush_reads().await.unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(world.cached.stats().reads_waiting, 1);
    assert!((1..=2).contains(&world.cached.flush_reads().await.unwrap()));
    // What may not be read any more is passed over, and counted.
    world.cached.read(&hers, GetSecretValue::new("a")).await.unwrap();
    world.room.iam().delete_policy(&alice, "p").await.unwrap();
    assert_eq!((world.cached.flush_reads().await.unwrap(), world.cached.stats().reads_lost), (0, 1));
    world.read("a").await;
    world.inner.plan([StoreFault::Before(ErrorKind::AccessDenied)]);
    assert_eq!(world.cached.flush_reads().await.unwrap_err().kind(), ErrorKind::AccessDenied);
    let stats = world.cached.stats();
    assert_eq!((stats.reads_waiting, stats.reads_lost), (0, 2));
}

/// Reported by the caller who read, with what the caller may.
#[tokio::test]
async fn callers_report_apart() {
    let world = world(false).await;
    world.room.create("prod/db").text("v").send().await.unwrap();
    let alice = world.room.iam().create_user("alice").await.unwrap();
    world.room.iam().put_policy(&alice, "p", &presets::read_names(["prod/*"])).await.unwrap();
    let hers = CallContext::new(alice.caller().unwrap());
    for _ in 0..3 {
        world.cached.read(&hers, GetSecretValue::new("prod/db")).await.unwrap();
    }
    world.read("prod/db").await;
    world.read("prod/db").await;
    let mut reported: Vec<_> = world
        .cached
        .drain_reads()
        .into_iter()
        .map(|(cx, reads)| (cx.caller().to_string(), reads.count))
        .collect();
    reported.sort();
    assert_eq!(reported.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2], "{reported:?}");
    assert!(reported[1].0.contains("user/alice"), "{reported:?}");
}

/// Also a secret whose value is never asked for again looks used, on the day of its last read.
#[tokio::test]
async fn reads_are_reported_regularly() {
    let world = world(true).await;
    world.room.create("a").text("v").send().await.unwrap();
    world.read("a").await;
    let handle = world.cached.handle(world.room.context(), "a");
    assert!(handle.peek().is_some());
    // The next day the store accepts reports, but no reads.
    world.clock.advance(DAY);
    let down = StoreFault::Before(ErrorKind::Throttled);
    world.inner.plan([down, down]);
    world.read("a").await;
    world.run_background().await;
    let dated = async || world.room.describe("a").await.unwrap().last_accessed.unwrap();
    let today = world.clock.now().start_of_day();
    assert!(dated().await < today);
    assert_eq!(world.inner.calls(), ["GetSecretValue", "ReportReads", "GetSecretValue"]);
    world.inner.plan([StoreFault::None, down]);
    world.clock.advance(Duration::from_secs(60));
    world.read("a").await;
    world.run_background().await;
    assert_eq!(dated().await, today);
    let reported = || world.inner.calls().iter().filter(|call| **call == "ReportReads").count();
    assert_eq!(reported(), 1);
    // Not with every read, and not again without one.
    world.read("a").await;
    world.run_background().await;
    world.clock.advance(Duration::from_secs(59));
    world.read("a").await;
    world.run_background().await;
    assert_eq!(reported(), 0);
    world.clock.advance(Duration::from_secs(1));
    world.read("a").await;
    world.run_background().await;
    assert_eq!(reported(), 1);
}

/// A task of the background that is never run, or dropped half way, loses nothing and does not keep the next from reporting.
#[tokio::test]
async fn a_background_that_drops_reports_loses_none() {
    let world = world(true).await;
    world.room.create("a").text("v").send().await.unwrap();
    for _ in 0..3 {
        world.read("a").await;
        world.clock.advance(Duration::from_secs(60));
        world.tasks.lock().unwrap().clear();
    }
    assert_eq!(world.drained(), [("a".into(), 2)]);
}

/// A store that takes no reports: nothing is collected unless the program wants to know.
#[tokio::test]
async fn a_store_that_takes_no_reports() {
    let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    room.create("a").text("v").send().await.unwrap();
    for (keep, wanted) in [(false, 0), (true, 1)] {
        let policy = if keep { CachePolicy::default().keep_reads() } else { CachePolicy::default() };
        let inner = FaultyStore::new(room.store()).declaring(Capabilities::full());
        let cached = Cached::new(inner.clone(), policy).unwrap();
        for _ in 0..2 {
            cached.read(room.context(), GetSecretValue::new("a")).await.unwrap();
        }
        assert_eq!(cached.flush_reads().await.unwrap(), 0);
        assert_eq!((cached.drain_reads().len(), inner.calls()), (wanted, vec!["GetSecretValue"]));
    }
}
