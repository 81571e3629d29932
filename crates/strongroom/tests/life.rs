//! What the facade does beyond reading and writing: keys, backup, housekeeping, damage, faults, dropped futures.

#![cfg(test)]

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use strongroom::store::EngineLimits;
use strongroom::{
    Error, ErrorKind, KeyErrorKind, MemoryRecords, RootKey, SecretErrorKind, Stage, Strongroom,
};
use strongroom_records::ErrorKind as StorageErrorKind;
use strongroom_testkit::{Fault, FaultyRecords, ManualClock};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn memory(clock: &Arc<ManualClock>) -> Strongroom {
    Strongroom::builder()
        .memory()
        .root_key(RootKey::from_bytes([1; 32]))
        .clock(clock.clone())
        .open()
        .await
        .unwrap()
}

fn secret_error(error: &Error) -> SecretErrorKind {
    match error.kind() {
        ErrorKind::Secret(kind) => kind,
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn the_recovery_window_ends_by_the_clock() {
    let clock = Arc::new(ManualClock::default());
    let room = memory(&clock).await;
    for name in ["soon", "later", "kept"] {
        room.create(name).text("v").send().await.unwrap();
    }
    let soon = room.delete("soon").recovery_window_days(7).send().await.unwrap();
    assert_eq!(soon.deletion_date, clock_now(&clock).after(7 * DAY));
    room.delete("later").send().await.unwrap();
    room.delete("kept").recovery_window_days(7).send().await.unwrap();
    room.restore("kept").await.unwrap();

    clock.advance(7 * DAY - Duration::from_millis(1));
    assert_eq!(room.maintain().await.unwrap().secrets_purged, 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(room.maintain().await.unwrap().secrets_purged, 1);
    assert_eq!(secret_error(&room.restore("soon").await.unwrap_err()), SecretErrorKind::NotFound);
    clock.advance(23 * DAY);
    assert_eq!(room.maintain().await.unwrap().secrets_purged, 1);
    assert_eq!(room.list().include_planned_deletion().all().await.unwrap().len(), 1);
    assert!(room.verify().await.unwrap().is_clean());
    room.create("soon").text("another").send().await.unwrap();
}

fn clock_now(clock: &ManualClock) -> strongroom::Timestamp {
    strongroom::Clock::now(clock)
}

#[tokio::test]
async fn a_name_is_free_once_its_window_is_over_also_without_housekeeping() {
    let clock = Arc::new(ManualClock::default());
    let room = memory(&clock).await;
    room.create("s").text("old").send().await.unwrap();
    room.delete("s").recovery_window_days(7).send().await.unwrap();
    clock.advance(7 * DAY);
    room.create("s").text("new").send().await.unwrap();
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "new");
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn old_versions_without_labels_make_room_after_a_day() {
    let clock = Arc::new(ManualClock::default());
    let room = Strongroom::builder()
        .memory()
        .root_key(RootKey::from_bytes([1; 32]))
        .clock(clock.clone())
        .limits(EngineLimits::default().versions(5))
        .open()
        .await
        .unwrap();
    let first = room.create("s").text("0").send().await.unwrap().version_id.unwrap();
    for n in 1..5 {
        room.put("s").text(n.to_string()).send().await.unwrap();
    }
    let full = room.put("s").text("5").send().await.unwrap_err();
    assert_eq!(secret_error(&full), SecretErrorKind::LimitExceeded);
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "4");
    clock.advance(DAY);
    room.put("s").text("5").send().await.unwrap();
    assert_eq!(room.versions("s").include_deprecated().all().await.unwrap().len(), 5);
    assert_eq!(
        secret_error(&room.get("s").version(first).send().await.unwrap_err()),
        SecretErrorKind::NotFound
    );
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_key_of_a_secret_can_be_changed_and_stopped() {
    let clock = Arc::new(ManualClock::default());
    let room = memory(&clock).await;
    let keys = room.keys();
    keys.create("alias/orders", "for orders").await.unwrap();
    room.create("s").text("1").send().await.unwrap();
    room.put("s").text("2").send().await.unwrap();
    let ids = |room: &Strongroom| {
        let room = room.clone();
        async move {
            let all = room.versions("s").include_deprecated().all().await.unwrap();
            all.into_iter().map(|version| version.kms_key_ids).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(&room).await, [["DefaultEncryptionKey"], ["DefaultEncryptionKey"]]);
    room.update("s").key("alias/orders").send().await.unwrap();
    let arn = keys.describe("alias/orders").await.unwrap().arn.to_string();
    assert_eq!(ids(&room).await, [[arn.as_str()], [arn.as_str()]]);
    assert_eq!(room.describe("s").await.unwrap().kms_key_id.as_deref(), Some("alias/orders"));

    // A disabled key: nothing is written, nothing is read; enabled again, all is there.
    keys.disable("alias/orders").await.unwrap();
    assert_eq!(
        secret_error(&room.put("s").text("3").send().await.unwrap_err()),
        SecretErrorKind::EncryptionFailure
    );
    assert_eq!(secret_error(&room.get("s").send().await.unwrap_err()), SecretErrorKind::DecryptionFailure);
    keys.enable("alias/orders").await.unwrap();
    // New material encrypts, old material decrypts.
    keys.rotate("alias/orders").await.unwrap();
    room.put("s").text("3").send().await.unwrap();
    for (stage, value) in [(Stage::CURRENT, "3"), (Stage::PREVIOUS, "2")] {
        assert_eq!(room.get("s").stage(stage).send().await.unwrap().expose_text().unwrap(), value);
    }
    let unknown = room.update("s").key("alias/unknown").send().await.unwrap_err();
    assert_eq!(secret_error(&unknown), SecretErrorKind::InvalidParameter);
    room.update("s").key("").send().await.unwrap();
    assert_eq!(room.describe("s").await.unwrap().kms_key_id, None);
    // The version that was deprecated meanwhile stays under the old key.
    assert_eq!(ids(&room).await, [[arn.as_str()], ["DefaultEncryptionKey"], ["DefaultEncryptionKey"]]);
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_deleted_key_takes_its_ciphertexts_along() {
    let clock = Arc::new(ManualClock::default());
    let room = memory(&clock).await;
    let keys = room.keys();
    keys.create("alias/doomed", "").await.unwrap();
    room.create("s").key("alias/doomed").text("v").send().await.unwrap();
    keys.schedule_deletion("alias/doomed", 7).await.unwrap();
    assert_eq!(secret_error(&room.get("s").send().await.unwrap_err()), SecretErrorKind::DecryptionFailure);
    keys.cancel_deletion("alias/doomed").await.unwrap();
    assert_eq!(keys.describe("alias/doomed").await.unwrap().state.as_str(), "Disabled");
    keys.enable("alias/doomed").await.unwrap();
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
    keys.schedule_deletion("alias/doomed", 7).await.unwrap();
    clock.advance(7 * DAY);
    assert_eq!(room.maintain().await.unwrap().keys_deleted, 1);
    assert_eq!(
        keys.describe("alias/doomed").await.unwrap_err().kind(),
        ErrorKind::Key(KeyErrorKind::NotFound)
    );
    assert_eq!(secret_error(&room.get("s").send().await.unwrap_err()), SecretErrorKind::DecryptionFailure);
    assert!(!room.verify().await.unwrap().is_clean(), "what cannot be opened any more is reported");
}

#[tokio::test]
async fn the_managed_key_works_through_secrets_only() {
    let clock = Arc::new(ManualClock::default());
    let room = memory(&clock).await;
    room.create("s").text("v").send().await.unwrap();
    let keys = room.keys();
    let key = keys.describe("alias/aws/secretsmanager").await.unwrap();
    assert_eq!(
        key.description,
        "Default key that protects my Secrets Manager data when no other key is defined"
    );
    let context = strongroom::EncryptionContext::new();
    let denied = ErrorKind::Key(KeyErrorKind::AccessDenied);
    assert_eq!(keys.encrypt("alias/aws/secretsmanager", b"x", &context).await.unwrap_err().kind(), denied);
    assert_eq!(keys.disable("alias/aws/secretsmanager").await.unwrap_err().kind(), denied);
    assert_eq!(keys.rotate("alias/aws/secretsmanager").await.unwrap_err().kind(), denied);
    // Nor by its id under a customer's secret.
    let by_id = room.create("t").key(key.id.as_str()).text("v").send().await.unwrap_err();
    assert_eq!(secret_error(&by_id), SecretErrorKind::InvalidParameter);
}

#[tokio::test]
async fn another_caller_is_refused() {
    let room = memory(&Arc::default()).await;
    room.create("s").text("v").send().await.unwrap();
    let other = strongroom::AccountId::parse("999999999999").unwrap();
    let stranger = room.with_context(strongroom::CallContext::new(strongroom::Caller::Owner(other)));
    let arn = room.describe("s").await.unwrap().arn.to_string();
    assert_eq!(secret_error(&stranger.get(arn).send().await.unwrap_err()), SecretErrorKind::AccessDenied);
    assert_eq!(secret_error(&stranger.get("s").send().await.unwrap_err()), SecretErrorKind::AccessDenied);
    assert_eq!(secret_error(&stranger.list().send().await.unwrap_err()), SecretErrorKind::AccessDenied);
    assert_eq!(
        stranger.keys().create("alias/k", "").await.unwrap_err().kind(),
        ErrorKind::Key(KeyErrorKind::AccessDenied)
    );
}

#[tokio::test]
async fn a_dropped_put_is_whole_or_absent_and_its_repeat_is_safe() {
    let room = memory(&Arc::default()).await;
    room.create("s").text("before").send().await.unwrap();
    // Each round lets the put go one step further before it is dropped.
    for polls in 0..12 {
        let token = format!("00000000-0000-4000-8000-{polls:012}");
        let text = format!("value {polls}");
        let before = room.get("s").send().await.unwrap();
        let mut put = Box::pin(room.put("s").text(text.clone()).token(token.clone()).send());
        for _ in 0..polls {
            if put.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
        }
        drop(put);
        let after = room.get("s").send().await.unwrap();
        let whole = after.expose_text().unwrap() == text && after.version_id.as_str() == token;
        assert!(whole || after.version_id == before.version_id, "neither the state before nor the one after");
        let repeated = room.put("s").text(text.clone()).token(token).send().await.unwrap();
        assert!(repeated.stages.contains(&Stage::CURRENT));
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), text);
    }
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn faults_of_storage_lose_nothing_and_a_repeat_is_safe() {
    let records = FaultyRecords::new(Arc::new(MemoryRecords::new()));
    let room = Strongroom::builder()
        .records(Arc::new(records.clone()))
        .root_key(RootKey::from_bytes([1; 32]))
        .open()
        .await
        .unwrap();
    room.create("s").text("0").send().await.unwrap();
    let token = |n: u32| format!("00000000-0000-4000-8000-{n:012}");
    for (n, fault, kind) in [
        (1, Fault::Before(StorageErrorKind::Unavailable), SecretErrorKind::Internal),
        (2, Fault::Before(StorageErrorKind::Busy), SecretErrorKind::Throttled),
        (3, Fault::After, SecretErrorKind::OutcomeUnknown),
    ] {
        records.plan([fault]);
        let put = || room.put("s").text(n.to_string()).token(token(n)).send();
        let error = put().await.unwrap_err();
        assert_eq!((secret_error(&error), error.retry()), (kind, strongroom::Retry::Later), "{fault:?}");
        assert_eq!(put().await.unwrap().version_id.as_str(), token(n));
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), n.to_string());
    }
    // A conflict is met by trying again, unseen.
    records.plan([Fault::Before(StorageErrorKind::Conflict), Fault::Before(StorageErrorKind::Conflict)]);
    room.put("s").text("4").send().await.unwrap();
    assert_eq!(room.versions("s").include_deprecated().all().await.unwrap().len(), 5);
    assert!(room.verify().await.unwrap().is_clean());
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_consistent_while_others_write_and_opens_with_the_same_root() {
    let temporary = tempfile::tempdir().unwrap();
    let open = async |directory: &std::path::Path| {
        Strongroom::builder()
            .directory(directory)
            .root_key(RootKey::from_bytes([1; 32]))
            .open()
            .await
            .unwrap()
    };
    let room = open(&temporary.path().join("room")).await;
    room.create("before").text("v").send().await.unwrap();
    let writing = {
        let room = room.clone();
        tokio::spawn(async move {
            for n in 0.. {
                if room.create(format!("during-{n}")).text("v").send().await.is_err() || n == 300 {
                    break;
                }
            }
        })
    };
    let copy = temporary.path().join("copy.sqlite3");
    room.backup(&copy).await.unwrap();
    let exists = room.backup(&copy).await.unwrap_err();
    assert!(matches!(exists.kind(), ErrorKind::Root(_)), "an existing file is never replaced");
    writing.await.unwrap();
    // As the documentation says: into an empty directory under this name.
    let restored = temporary.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::copy(&copy, restored.join("records.sqlite3")).unwrap();
    let restored = open(&restored).await;
    assert_eq!(restored.get("before").send().await.unwrap().expose_text().unwrap(), "v");
    assert!(restored.verify().await.unwrap().is_clean());
    restored.put("before").text("life goes on").send().await.unwrap();
    let left: Vec<_> =
        std::fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("partial")), "{left:?}");
    let memory = memory(&Arc::default()).await;
    assert!(memory.backup(temporary.path().join("x")).await.is_err(), "memory has nothing to copy");
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_is_there_after_a_restart_and_verify_is_clean_while_others_write() {
    let temporary = tempfile::tempdir().unwrap();
    let open = async || {
        Strongroom::builder()
            .directory(temporary.path())
            .root_key(RootKey::from_bytes([1; 32]))
            .open()
            .await
            .unwrap()
    };
    let room = open().await;
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let room = room.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let name = format!("s{}", n % 5);
                    let text = format!("{task}-{n}");
                    if room.put(&*name).text(text.clone()).send().await.is_err()
                        && room.create(name.clone()).text(text.clone()).send().await.is_err()
                    {
                        room.put(name).text(text).send().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let report = room.verify().await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
    for task in tasks {
        task.await.unwrap();
    }
    drop(room);
    let room = open().await;
    let secrets = room.list().all().await.unwrap();
    assert_eq!(secrets.len(), 5);
    let mut versions = 0;
    for secret in &secrets {
        versions += room.versions(&secret.arn).include_deprecated().all().await.unwrap().len();
    }
    assert_eq!(versions, 80, "every put made its version");
    assert!(room.verify().await.unwrap().is_clean());
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn opening_what_must_exist_never_begins_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let builder = |name: &str| {
        Strongroom::builder().directory(temporary.path().join(name)).root_key(RootKey::from_bytes([1; 32]))
    };
    let error = builder("missing").existing().open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Root(strongroom::RootErrorKind::NoStore), "{error}");
    assert!(!temporary.path().join("missing").exists(), "nothing is made");
    drop(builder("there").open().await.unwrap());
    builder("there").existing().open().await.unwrap();
    let memory = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).existing();
    assert!(memory.open().await.is_err());
}

#[tokio::test]
async fn secrets_can_be_kept_under_the_keys_of_another_service() {
    let clock = Arc::new(ManualClock::default());
    let elsewhere = memory(&clock).await;
    elsewhere.keys().create("alias/theirs", "").await.unwrap();
    let room = Strongroom::builder()
        .memory()
        .root_key(RootKey::from_bytes([2; 32]))
        .kms(elsewhere.keys().service().unwrap())
        .open()
        .await
        .unwrap();
    // That service cannot know that a call comes through Secrets Manager, so there is no managed key.
    let error = room.create("s").text("v").send().await.unwrap_err();
    assert_eq!(secret_error(&error), SecretErrorKind::InvalidParameter);
    room.create("s").key("alias/theirs").text("v").send().await.unwrap();
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
    elsewhere.keys().disable("alias/theirs").await.unwrap();
    assert_eq!(secret_error(&room.get("s").send().await.unwrap_err()), SecretErrorKind::DecryptionFailure);
    let report = room.verify().await.unwrap();
    assert!(report.is_clean() && report.locked.len() == 1, "a disabled key is no damage: {report}");
}

#[tokio::test]
async fn a_lease_keeps_a_second_housekeeper_out_until_it_runs_out() {
    let clock = Arc::new(ManualClock::default());
    let records = FaultyRecords::new(Arc::new(MemoryRecords::new()));
    let open = async || {
        Strongroom::builder()
            .records(Arc::new(records.clone()))
            .root_key(RootKey::from_bytes([1; 32]))
            .clock(clock.clone())
            .open()
            .await
            .unwrap()
    };
    let (one, two) = (open().await, open().await);
    one.create("due").text("v").send().await.unwrap();
    one.delete("due").send().await.unwrap();
    clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    // The first takes the lease and fails before it can give it back.
    records.plan([
        Fault::None,
        Fault::Before(StorageErrorKind::Unavailable),
        Fault::Before(StorageErrorKind::Unavailable),
    ]);
    one.maintain().await.unwrap_err();
    assert!(two.maintain().await.unwrap().busy_elsewhere);
    clock.advance(Duration::from_secs(61));
    let done = two.maintain().await.unwrap();
    assert!(!done.busy_elsewhere && done.secrets_purged == 1);
    // With nothing due nothing is committed.
    records.plan([Fault::Before(StorageErrorKind::Unavailable)]);
    assert_eq!(two.maintain().await.unwrap().secrets_purged, 0);
}

/// A cache in front of one's own strongroom: it keeps everything else, and each caller's reads apart.
#[tokio::test]
async fn a_cached_room_is_the_room() {
    let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    let cached = room.cached_with(strongroom::CachePolicy::default(), None).unwrap();
    cached.room().keys().create("alias/k", "").await.unwrap();
    cached.room().create("a").key("alias/k").text("v").send().await.unwrap();
    for _ in 0..3 {
        assert_eq!(cached.room().get("a").send().await.unwrap().expose_text().unwrap(), "v");
    }
    assert_eq!((cached.stats().hits, cached.stats().misses), (2, 1));
    let alice = room.iam().create_user("alice").await.unwrap();
    let hers = cached.room().as_caller(alice.caller().unwrap());
    assert_eq!(hers.get("a").send().await.unwrap_err().code(), "AccessDeniedException");
    assert!(cached.room().verify().await.unwrap().problems.is_empty());
    assert!(cached.room().for_service("rds").is_err() && room.for_service("rds").is_ok());
    let handle = cached.handle("a");
    assert_eq!(handle.peek().unwrap().expose_bytes(), b"v");
    cached.clear();
    assert!(handle.peek().is_none());
}
