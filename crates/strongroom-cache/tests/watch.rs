//! A value that is always at hand, and never one that it must not be.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use strongroom::SecretErrorKind as ErrorKind;
use strongroom_cache::{Sleep, WatchOptions};
use strongroom_testkit::StoreFault;

use support::{TTL, tokio_spawn, world};

/// A value that is always at hand: changed in the background, never to one that is not accepted.
#[tokio::test]
async fn a_watched_value_is_kept_up_to_date() {
    let world = world(tokio_spawn()).await;
    world.room.create("a").text("good 1").send().await.unwrap();
    let sleep: Sleep = Arc::new(|time| Box::pin(tokio::time::sleep(time)));
    let options = || {
        WatchOptions::every_with(Duration::from_millis(2), Arc::clone(&sleep)).validate(|version| {
            let good = version.expose_text().is_ok_and(|text| text.starts_with("good"));
            if good { Ok(()) } else { Err("it does not begin with good".to_owned()) }
        })
    };
    let mut watch = world.cached.watch(&world.cx, "a", options()).await.unwrap();
    assert_eq!(watch.current().unwrap().expose_text().unwrap(), "good 1");
    world.room.put("a").text("good 2").send().await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(watch.current().unwrap().expose_text().unwrap(), "good 2");
    // A bad rotation is not shown, and reported as an error.
    world.room.put("a").text("bad-hunter2").send().await.unwrap();
    let error = loop {
        if let Some(error) = watch.last_error() {
            break error;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert!(error.message().contains("not accepted") && !format!("{error} {watch:?}").contains("hunter2"));
    assert_eq!(watch.current().unwrap().expose_text().unwrap(), "good 2");
    // A failure of the store is reported too, and polling continues.
    world.inner.plan([StoreFault::Before(ErrorKind::Throttled)]);
    while watch.last_error().is_none_or(|error| error.kind() != ErrorKind::Throttled) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.room.put("a").text("good 3").send().await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(watch.current().unwrap().expose_text().unwrap(), "good 3");
    while watch.last_error().is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // It does not get older than it is, and not older than the limit.
    assert_eq!(watch.current().unwrap().age(), Duration::ZERO);
    world.inner.plan(vec![StoreFault::Before(ErrorKind::Internal); 100_000]);
    while watch.last_error().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.clock.advance(TTL * 11);
    assert_eq!(watch.current().unwrap().age(), TTL * 11);
    world.clock.advance(TTL);
    // The hard limit: the background takes it away.
    while watch.current().is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.inner.plan([]);
    while watch.current().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    watch.changed().await.unwrap();
    // What the store says counts at once.
    world.room.delete("a").send().await.unwrap();
    watch.changed().await.unwrap();
    assert!(watch.current().is_none() && watch.last_error().unwrap().kind() == ErrorKind::MarkedForDeletion);
    world.room.restore("a").await.unwrap();
    watch.changed().await.unwrap();
    assert!(watch.current().is_some());
    // With the last handle the background ends.
    drop(watch);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let _ = world.inner.calls();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(world.asked(), 0);

    world.room.put("a").text("bad").send().await.unwrap();
    world.cached.clear();
    let error = world.cached.watch(&world.cx, "a", options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOfThisForm);
    let still = self::world(None).await;
    still.room.create("a").text("good").send().await.unwrap();
    let error = still.cached.watch(&still.cx, "a", options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// Nobody is shown a value beyond its limit: not when the next is never accepted, when the store does not answer, or when the background is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_watched_value_ends_in_time() {
    let sleep: Sleep = Arc::new(|_| Box::pin(tokio::time::sleep(Duration::from_millis(2))));
    let ends = async |watch: &strongroom_cache::Watch| {
        while watch.current().is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    for what in ["rejected", "hanging", "panicking"] {
        let world = world(tokio_spawn()).await;
        world.room.create("a").text("good").send().await.unwrap();
        let options = WatchOptions::every_with(Duration::from_millis(2), Arc::clone(&sleep));
        let options = options.validate(|version| match version.expose_text().unwrap_or_default() {
            "good" => Ok(()),
            "worse" => panic!("a closure that fails"),
            _ => Err("bad".to_owned()),
        });
        let mut watch = world.cached.watch(&world.cx, "a", options).await.unwrap();
        match what {
            "rejected" => drop(world.room.put("a").text("bad").send().await.unwrap()),
            "hanging" => world.inner.hold(),
            _ => drop(world.room.put("a").text("worse").send().await.unwrap()),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        if what != "panicking" {
            assert!(watch.current().is_some(), "{what}: within its limit");
            world.clock.advance(TTL * 12);
        }
        ends(&watch).await;
        if what == "panicking" {
            assert!(
                watch.last_error().unwrap().message().contains("the background task of this watch has ended")
            );
            while watch.changed().await.is_ok() {}
        }
        world.inner.release();
    }
    let world = world(tokio_spawn()).await;
    world.room.create("a").text("good").send().await.unwrap();
    let always = WatchOptions::every_with(Duration::ZERO, sleep);
    let error = world.cached.watch(&world.cx, "a", always).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
}
