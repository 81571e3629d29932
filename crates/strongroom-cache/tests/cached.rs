//! The cache around the embedded store: it is a store, it asks once, it forgets what was written, it rides out what may be.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use strongroom::store::{GetSecretValue, PutSecretValue};
use strongroom::{CallContext, RootKey, SecretErrorKind as ErrorKind, SecretId, Stage, Strongroom, presets};
use strongroom::{SecretAdmin, SecretStore, SecretValue, Tag};
use strongroom_cache::{CachePolicy, Cached, Source};
use strongroom_testkit::{ManualClock, StoreFault, store};

use support::{CROWD, TTL, all_of, crowd, first_readers, tokio_spawn, world};

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let world = world(tokio_spawn()).await;
    store::conformance(async || store::Fixture {
        store: Arc::new(world.cached.clone()),
        cx: world.cx.clone(),
    })
    .await;
}

/// Three thousand who read first make one call.
#[tokio::test(flavor = "multi_thread")]
async fn first_reads_make_one_call() {
    let world = world(None).await;
    world.room.create("a").text("v").send().await.unwrap();
    let read = first_readers(&world.inner, &world.cached, &world.cx, "a").await;
    assert!(read.len() == CROWD && read.iter().all(|value| value == "v"));
    assert_eq!(world.asked(), 1);
    let stats = world.cached.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.bytes), (0, 3_000, 1, 1));
}

/// What is read all the time is fetched again before its time is over: one call, and nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_at_expiry() {
    let world = world(tokio_spawn()).await;
    world.room.create("a").text("1").send().await.unwrap();
    world.read("a").await;
    world.room.put("a").text("2").send().await.unwrap();
    world.clock.advance(TTL * 8 / 10);
    assert_eq!(world.asked(), 1);
    for _ in 0..100 {
        let held = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!(held.source(), Source::Cache, "nobody waits");
    }
    // The background has its turn.
    while world.cached.stats().refreshes == 0 || world.read("a").await != "2" {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.asked(), 1);
    world.clock.advance(TTL / 2);
    assert_eq!((world.read("a").await.as_str(), world.asked()), ("2", 0), "it is young again");
}

/// A herd at the moment of refreshing: one call, nobody waits, though the store takes its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_herd_is_served_while_one_call_is_made() {
    let world = world(tokio_spawn()).await;
    world.room.create("a").text("1").send().await.unwrap();
    world.read("a").await;
    world.clock.advance(TTL * 9 / 10);
    let _ = world.inner.calls();
    world.inner.hold();
    let read = all_of(crowd(&world.cached, &world.cx, "a")).await;
    assert!(read.len() == CROWD && read.iter().all(|value| value == "1"));
    while world.cached.stats().refreshes == 0 {
        tokio::task::yield_now().await;
    }
    world.inner.release();
    while world.cached.stats().oldest > Duration::ZERO {
        tokio::task::yield_now().await;
    }
    assert_eq!((world.asked(), world.cached.stats().misses), (1, 1));
}

/// However many other secrets are written meanwhile, what was fetched is kept, and who asks joins the call there is.
#[tokio::test]
async fn writes_of_others_spoil_no_call() {
    use std::task::{Context, Waker};
    let world = world(None).await;
    for name in ["a", "b"] {
        world.room.create(name).text("v").send().await.unwrap();
    }
    let write =
        async || world.cached.tag_resource(&world.cx, &"b".into(), vec![Tag::new("k", "v")]).await.unwrap();
    for _ in 0..2_000 {
        write().await;
    }
    let _ = world.inner.calls();
    world.inner.hold();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(world.read("a"));
    assert!(first.as_mut().poll(&mut context).is_pending());
    world.inner.release();
    let named = SecretId::new("b");
    for _ in 0..500 {
        // The write reports all its names.
        world.cached.restore_secret(&world.cx, &named).await.unwrap();
    }
    let mut second = Box::pin(world.read("a"));
    assert!(second.as_mut().poll(&mut context).is_pending(), "it joins");
    first.await;
    second.await;
    world.read("a").await;
    assert_eq!(world.asked(), 1);
}

/// What is too old to be served is not kept, asked for or not.
#[tokio::test]
async fn what_is_too_old_goes_by_itself() {
    let world = world(None).await;
    for name in ["a", "b"] {
        world.room.create(name).text("v").send().await.unwrap();
        world.read(name).await;
    }
    let handle = world.cached.handle(&world.cx, "a");
    assert!(handle.peek().is_some());
    world.clock.advance(TTL * 12);
    world.read("b").await;
    let stats = world.cached.stats();
    assert_eq!((stats.entries, stats.bytes, stats.oldest), (1, 1, Duration::ZERO));
    assert!(handle.peek().is_none());
}

/// A fetch that was asked for now was asked of the store after that; a value tells how old it is.
#[tokio::test]
async fn a_fetch_now_joins_no_earlier_call() {
    use std::task::{Context, Waker};
    let world = world(None).await;
    world.room.create("a").text("1").send().await.unwrap();
    let _ = world.inner.calls();
    world.inner.hold();
    let mut context = Context::from_waker(Waker::noop());
    let mut read = Box::pin(world.cached.read(&world.cx, GetSecretValue::new("a")));
    assert!(read.as_mut().poll(&mut context).is_pending());
    world.clock.advance(Duration::from_secs(20));
    let mut now = Box::pin(world.cached.refresh_now(&world.cx, GetSecretValue::new("a")));
    assert!(now.as_mut().poll(&mut context).is_pending());
    world.inner.release();
    assert_eq!(read.await.unwrap().age(), Duration::from_secs(20));
    assert_eq!(now.await.unwrap().age(), Duration::ZERO);
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn own_writes_are_seen_at_once() {
    let world = world(None).await;
    let room = Strongroom::over(Arc::new(world.cached.clone()), world.room.realm().clone());
    let missing = room.get("a").send().await.unwrap_err();
    assert_eq!(missing.code(), "ResourceNotFoundException");
    assert!(room.get("a").send().await.is_err());
    assert_eq!(world.asked(), 1, "that there is none is remembered");
    let arn = room.create("a").text("1").send().await.unwrap().arn.to_string();
    // By every name that it was read by.
    let partial = arn[..arn.len() - 7].to_owned();
    let all = async |value: &str| {
        for id in ["a", &arn, &partial] {
            assert_eq!(world.read(id).await, value, "{id}");
            assert_eq!(world.read(id).await, value, "{id}");
        }
        let read = room.get("a").stage(Stage::CURRENT).send().await.unwrap();
        assert_eq!(read.expose_text().unwrap(), value);
    };
    all("1").await;
    assert_eq!(world.asked(), 4);
    room.put("a").text("2").send().await.unwrap();
    all("2").await;
    room.update(arn.as_str()).text("3").send().await.unwrap();
    all("3").await;
    room.rollback("a").await.unwrap();
    all("2").await;
    room.put(partial.as_str()).text("4").send().await.unwrap();
    all("4").await;
    room.delete("a").send().await.unwrap();
    assert!(room.get("a").send().await.is_err() && room.get(arn.as_str()).send().await.is_err());
    room.restore("a").await.unwrap();
    all("4").await;
    // A write of which nobody knows whether it was carried out.
    world.inner.plan([StoreFault::After(ErrorKind::OutcomeUnknown)]);
    let put = PutSecretValue::new("a", SecretValue::text("5"));
    world.cached.put_secret_value(&world.cx, put).await.unwrap_err();
    all("5").await;
    // Another's write is seen after the time to live.
    world.room.put("a").text("6").send().await.unwrap();
    all("5").await;
    world.clock.advance(TTL);
    all("6").await;
    let held = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
    assert_eq!((held.source(), held.age()), (Source::Cache, Duration::ZERO));
    world.room.put("a").text("7").send().await.unwrap();
    let fresh = world.cached.refresh_now(&world.cx, GetSecretValue::new("a")).await.unwrap();
    assert_eq!((fresh.expose_text().unwrap(), fresh.source()), ("7", Source::Store));
}

#[tokio::test]
async fn a_store_that_is_down_is_ridden_out_up_to_the_limit() {
    let world = world(None).await;
    world.room.create("a").text("v").send().await.unwrap();
    world.read("a").await;
    let down = |kind| vec![StoreFault::Before(kind); 10_000];
    for kind in [ErrorKind::Throttled, ErrorKind::Internal, ErrorKind::OutcomeUnknown] {
        world.inner.plan(down(kind));
        world.clock.advance(TTL);
        let held = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!(held.source(), Source::Stale, "{kind:?}");
        assert!(held.age() >= TTL);
        // And left alone for a while.
        let _ = world.inner.calls();
        let held = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!((held.source(), world.asked()), (Source::Stale, 0));
        world.clock.advance(Duration::from_secs(61));
    }
    // Twelve times the time to live is the limit, however often it was tried.
    for _ in 0..20 {
        world.clock.advance(TTL / 2);
        let _ = world.cached.read(&world.cx, GetSecretValue::new("a")).await;
    }
    let error = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "the store's own error: {error}");
    world.inner.plan([]);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(world.read("a").await, "v");

    // What the store says is never ridden out.
    for kind in [
        ErrorKind::AccessDenied,
        ErrorKind::InvalidRequest,
        ErrorKind::DecryptionFailure,
        ErrorKind::Tampered,
    ] {
        world.read("a").await;
        world.clock.advance(TTL);
        world.inner.plan([StoreFault::Before(kind)]);
        let error = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    world.read("a").await;
    world.room.delete("a").without_recovery().send().await.unwrap();
    world.clock.advance(TTL);
    let gone = world.cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn one_callers_permission_never_serves_another() {
    let world = world(None).await;
    world.room.create("prod/db").text("v").send().await.unwrap();
    let alice = world.room.iam().create_user("alice").await.unwrap();
    let hers = CallContext::new(alice.caller().unwrap());
    world.read("prod/db").await;
    let request = || GetSecretValue::new("prod/db");
    assert_eq!(world.cached.read(&hers, request()).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    world.room.iam().put_policy(&alice, "p", &presets::read_names(["prod/*"])).await.unwrap();
    world.cached.read(&hers, request()).await.unwrap();
    // A right that is taken away is gone after the time to live.
    world.room.iam().delete_policy(&alice, "p").await.unwrap();
    assert!(world.cached.read(&hers, request()).await.is_ok());
    world.clock.advance(TTL);
    assert_eq!(world.cached.read(&hers, request()).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(world.read("prod/db").await, "v");
}

#[tokio::test]
async fn bounds_and_what_is_seen_of_it() {
    let world = world(None).await;
    let policy = CachePolicy::ttl(TTL).bounds(2, 10);
    let cached = Cached::build(world.inner.clone(), policy, world.clock.clone(), None).unwrap();
    for (name, value) in [("a", "hunter2"), ("b", "bb"), ("c", "c")] {
        world.room.create(name).text(value).send().await.unwrap();
    }
    let read = async |name: &str| cached.read(&world.cx, GetSecretValue::new(name)).await.unwrap();
    read("a").await;
    read("b").await;
    read("a").await;
    read("c").await;
    let _ = world.inner.calls();
    read("a").await;
    assert_eq!(world.asked(), 0, "the one used longest ago went");
    assert_eq!((cached.stats().entries, cached.stats().bytes), (2, 8));
    world.room.put("b").text("123456789").send().await.unwrap();
    read("b").await;
    assert_eq!((cached.stats().entries, cached.stats().bytes), (1, 9), "by bytes");
    assert!(!format!("{cached:?} {:?}", read("a").await).contains("hunter2"));
    cached.clear();
    assert_eq!((cached.stats().entries, cached.stats().bytes), (0, 0));
    for bad in [
        CachePolicy::ttl(Duration::ZERO),
        CachePolicy::ttl(TTL).hard_limit(TTL / 2),
        CachePolicy::ttl(TTL).jitter_percent(101),
        CachePolicy::ttl(TTL).bounds(0, 1),
        CachePolicy::ttl(TTL).back_off(TTL, TTL / 2),
    ] {
        assert_eq!(Cached::new(world.inner.clone(), bad).unwrap_err().kind(), ErrorKind::InvalidParameter);
    }
    let id = SecretId::new("a");
    assert_eq!(world.cached.describe_secret(&world.cx, &id).await.unwrap().name, "a");
    assert!(world.cached.restore_secret(&world.cx, &id).await.is_ok());
}

/// A handle shows what the cache knows, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn handles_are_kept_in_step() {
    let world = world(tokio_spawn()).await;
    world.room.create("a").text("1").send().await.unwrap();
    let room = Strongroom::over(Arc::new(world.cached.clone()), world.room.realm().clone());
    let handle = world.cached.handle(&world.cx, "a");
    assert!(handle.peek().is_none(), "nothing is kept yet");
    assert_eq!(handle.get().await.unwrap().expose_text().unwrap(), "1");
    assert_eq!(handle.peek().unwrap().expose_bytes(), b"1");
    // Read by others before, it shows that.
    let other = world.cached.handle(&world.cx, "a");
    assert_eq!(other.peek().unwrap().expose_bytes(), b"1");
    assert!(world.cached.handle(&CallContext::owner(&strongroom::Realm::default()), "b").peek().is_none());
    // An own write is seen at once; what is held meanwhile stays as it was.
    let held = handle.peek().unwrap();
    room.put("a").text("2").send().await.unwrap();
    assert!(handle.peek().is_none());
    assert_eq!((handle.get().await.unwrap().expose_text().unwrap(), held.expose_bytes()), ("2", &b"1"[..]));
    // Fetched again in the background from 80 percent on, once.
    world.room.put("a").text("3").send().await.unwrap();
    let _ = world.inner.calls();
    world.clock.advance(TTL * 8 / 10);
    assert_eq!(handle.peek().unwrap().age(), TTL * 8 / 10);
    while handle.peek().unwrap().expose_bytes() != b"3" {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.asked(), 1);
    world.clock.advance(TTL);
    assert!(handle.peek().is_none(), "too old to be served without asking");
    // While the store is down a handle's get rides it out, as any read.
    world.inner.plan(vec![StoreFault::Before(ErrorKind::Throttled); 10]);
    let held = handle.get().await.unwrap();
    assert_eq!((held.source(), held.expose_text().unwrap()), (Source::Stale, "3"));
    assert!(handle.peek().is_none());
    world.inner.plan([]);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(handle.get().await.unwrap().source(), Source::Store);
    world.cached.clear();
    assert!(handle.peek().is_none());
    let before = world.cached.stats().hits;
    handle.get().await.unwrap();
    (0..5).for_each(|_| drop(handle.peek()));
    drop((handle, other));
    assert_eq!(world.cached.stats().hits, before + 5);

    // What a handle shows goes last.
    let policy = CachePolicy::ttl(TTL).bounds(2, 1_000);
    let small = Cached::build(world.inner.clone(), policy, world.clock.clone(), None).unwrap();
    let handle = small.handle(&world.cx, "a");
    handle.get().await.unwrap();
    for name in ["x", "y", "z"] {
        world.room.create(name).text("v").send().await.unwrap();
        small.read(&world.cx, GetSecretValue::new(name)).await.unwrap();
    }
    assert!(handle.peek().is_some() && small.stats().entries == 2);
    let all: Vec<_> = ["x", "y", "z"].map(|name| small.handle(&world.cx, name)).into();
    for handle in &all {
        handle.get().await.unwrap();
    }
    assert_eq!(small.stats().entries, 2, "the bound holds whatever is held");
}

/// A secret that is only read from the cache never looks unused.
#[tokio::test]
async fn a_days_first_use_is_dated() {
    for background in [true, false] {
        let clock = Arc::new(ManualClock::default());
        let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32]));
        let room = builder.clock(clock.clone()).open().await.unwrap();
        room.create("a").text("v").send().await.unwrap();
        let spawn = if background { tokio_spawn() } else { None };
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        let policy = CachePolicy::ttl(week).refresh_ahead_percent(100).jitter_percent(0);
        let cached = Cached::build(room.store(), policy, clock.clone(), spawn).unwrap();
        let handle = cached.handle(room.context(), "a");
        let mut days = Vec::new();
        for _ in 0..3 {
            handle.get().await.unwrap();
            if background {
                while cached.stats().oldest >= Duration::from_secs(24 * 60 * 60) {
                    tokio::task::yield_now().await;
                }
            }
            assert!(handle.peek().is_some());
            days.push(room.describe("a").await.unwrap().last_accessed.unwrap());
            clock.advance(Duration::from_secs(24 * 60 * 60));
        }
        days.dedup();
        assert_eq!(days.len(), 3, "each day: {days:?}");
        let stats = cached.stats();
        assert_eq!((stats.misses, stats.refreshes), if background { (1, 2) } else { (3, 0) });
    }
}

/// A write whose caller does not wait for it, and one by another of its names, are forgotten too.
#[tokio::test]
async fn a_write_that_is_dropped_is_a_write() {
    use std::task::{Context, Waker};
    let world = world(None).await;
    let arn = world.room.create("a").text("1").send().await.unwrap().arn.to_string();
    let handle = world.cached.handle(&world.cx, "a");
    handle.get().await.unwrap();
    let put = PutSecretValue::new("a", SecretValue::text("2"));
    let mut write = world.cached.put_secret_value(&world.cx, put);
    let _ = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(write);
    assert!(handle.peek().is_none());
    world.room.put("a").text("3").send().await.unwrap();
    handle.get().await.unwrap();
    let partial = SecretId::new(&arn[..arn.len() - 7]);
    world.cached.tag_resource(&world.cx, &partial, vec![Tag::new("k", "v")]).await.unwrap();
    assert!(handle.peek().is_none(), "permissions may depend on tags");
}

/// A background that drops what it is given keeps nobody from asking.
#[tokio::test]
async fn a_background_that_does_nothing_is_no_harm() {
    let world = world(Some(Arc::new(drop))).await;
    world.room.create("a").text("1").send().await.unwrap();
    let handle = world.cached.handle(&world.cx, "a");
    handle.get().await.unwrap();
    world.clock.advance(TTL * 9 / 10);
    assert!(handle.peek().is_some() && handle.peek().is_some());
    world.clock.advance(TTL);
    assert!(handle.peek().is_none() && handle.get().await.unwrap().source() == Source::Store);
}

/// With values sealed while they are kept, everything is as without, but for the peek.
#[tokio::test(flavor = "multi_thread")]
async fn sealed_in_memory() {
    let world = world(None).await;
    let policy = CachePolicy::ttl(TTL).jitter_percent(0).sealed_in_memory();
    let cached = Cached::build(world.inner.clone(), policy, world.clock.clone(), None).unwrap();
    store::conformance(async || store::Fixture { store: Arc::new(cached.clone()), cx: world.cx.clone() })
        .await;
    world.room.create("a").text("hunter2").send().await.unwrap();
    let _ = world.inner.calls();
    for _ in 0..3 {
        let held = cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
        assert_eq!(held.expose_text().unwrap(), "hunter2");
    }
    assert_eq!(world.asked(), 1);
    let handle = cached.handle(&world.cx, "a");
    assert!(handle.peek().is_none());
    assert_eq!(handle.get().await.unwrap().expose_text().unwrap(), "hunter2");
    assert_eq!(world.asked(), 0);
    world.clock.advance(TTL);
    world.inner.plan([StoreFault::Before(ErrorKind::Throttled)]);
    let held = cached.read(&world.cx, GetSecretValue::new("a")).await.unwrap();
    assert_eq!((held.source(), held.expose_text().unwrap()), (Source::Stale, "hunter2"));
}

/// A write to one secret leaves what is kept of another alone.
#[tokio::test]
async fn writes_concern_their_own_secret() {
    let world = world(None).await;
    for name in ["a", "b"] {
        world.room.create(name).text("1").send().await.unwrap();
        world.read(name).await;
    }
    assert_eq!(world.asked(), 2);
    let put = PutSecretValue::new("b", SecretValue::text("2"));
    world.cached.put_secret_value(&world.cx, put).await.unwrap();
    assert_eq!((world.read("a").await, world.read("b").await), ("1".to_owned(), "2".to_owned()));
    assert_eq!(world.asked(), 1, "b alone is asked for again");
}
