//! Logins that survive a rotation.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use strongroom::{SecretErrorKind as ErrorKind, Stage};
use strongroom_cache::{Attempt, CredentialError};

use support::{CROWD, TTL, world};

/// A rotation in four steps, with a login at each.
#[tokio::test]
async fn a_login_survives_a_rotation() {
    let world = world(None).await;
    let database = Arc::new(std::sync::Mutex::new("old".to_owned()));
    let logins = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log_in = async || {
        let attempt = async |password: strongroom_cache::CachedSecret| {
            let password = password.expose_text().unwrap().to_owned();
            logins.lock().unwrap().push(password.clone());
            match password.as_str() {
                "broken" => Err(Attempt::Failed("network")),
                _ if *database.lock().unwrap() == password => Ok(()),
                _ => Err(Attempt::Rejected("password")),
            }
        };
        let done = world.cached.with_credential(&world.cx, "db", Duration::from_secs(10), attempt).await;
        (done, std::mem::take(&mut *logins.lock().unwrap()))
    };
    assert!(
        matches!(log_in().await.0, Err(CredentialError::Store(error)) if error.kind() == ErrorKind::NotFound)
    );
    world.room.create("db").text("old").send().await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(log_in().await.1, ["old"]);
    // The new password is pending; the database takes it already.
    world.room.put("db").text("new").stage(Stage::PENDING).send().await.unwrap();
    assert_eq!(log_in().await.1, ["old"]);
    *database.lock().unwrap() = "new".to_owned();
    let (done, tried) = log_in().await;
    assert!(done.is_ok());
    assert_eq!(tried, ["old", "new"], "each version once");
    // It becomes the current one; what is kept is the old one.
    let pending = world.room.get("db").stage(Stage::PENDING).send().await.unwrap().version_id;
    let current = world.room.get("db").send().await.unwrap().version_id;
    let step = world.room.move_stage("db", Stage::CURRENT).from(&current).to(&pending);
    step.send().await.unwrap();
    assert_eq!(log_in().await.1, ["old", "new"], "the fresh look brings it");
    assert_eq!(log_in().await.1, ["new"]);
    // A database that is behind: the previous one.
    *database.lock().unwrap() = "old".to_owned();
    assert_eq!(log_in().await.1, ["new", "old"]);
    // None of them.
    *database.lock().unwrap() = "other".to_owned();
    let (done, tried) = log_in().await;
    assert!(matches!(done, Err(CredentialError::Rejected("password"))));
    assert_eq!(tried, ["new", "old"]);
    // Another failure ends it at once.
    world.room.put("db").text("broken").send().await.unwrap();
    world.clock.advance(TTL);
    let (done, tried) = log_in().await;
    assert!(matches!(done, Err(CredentialError::Failed("network"))));
    assert_eq!(tried, ["broken"]);
    // After the deadline no other version is begun.
    let late = world.cached.with_credential(&world.cx, "db", Duration::from_secs(10), async |_| {
        world.clock.advance(Duration::from_secs(11));
        Err::<(), _>(Attempt::Rejected("slow"))
    });
    assert!(matches!(late.await, Err(CredentialError::Rejected("slow"))));
}

/// Three thousand whose logins are rejected look once at what the store has now.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_crowd_looks_once() {
    let world = Arc::new(world(None).await);
    world.room.create("db").text("old").send().await.unwrap();
    world.read("db").await;
    world.room.put("db").text("new").send().await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let _ = world.inner.calls();
    let (rejected, all) = (Arc::new(std::sync::atomic::AtomicUsize::new(0)), CROWD);
    let logins: Vec<_> = (0..all)
        .map(|_| {
            let (world, rejected) = (Arc::clone(&world), Arc::clone(&rejected));
            tokio::spawn(async move {
                let attempt = async |held: strongroom_cache::CachedSecret| {
                    if held.expose_text().unwrap() == "new" {
                        return Ok(());
                    }
                    // All are rejected before the first looks again.
                    if rejected.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == all {
                        world.clock.advance(Duration::from_secs(1));
                    }
                    while rejected.load(std::sync::atomic::Ordering::SeqCst) < all {
                        tokio::task::yield_now().await;
                    }
                    Err(Attempt::Rejected("password"))
                };
                let done =
                    world.cached.with_credential(&world.cx, "db", Duration::from_secs(60), attempt).await;
                done.is_ok()
            })
        })
        .collect();
    for login in logins {
        assert!(login.await.unwrap());
    }
    assert!(world.asked() <= 2, "one call, and one for who came while it was over");
}
