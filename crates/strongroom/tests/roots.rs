//! The roots that open a strongroom.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::path::Path;

use strongroom::root::{PassphraseCost, RootKind};
use strongroom::{Error, ErrorKind, RootErrorKind, RootKey, Strongroom};

async fn open(directory: &Path, root: RootKey) -> Result<Strongroom, Error> {
    Strongroom::builder().directory(directory).root_key(root).open().await
}

fn kind(error: &Error) -> RootErrorKind {
    match error.kind() {
        ErrorKind::Root(kind) => kind,
        other => panic!("{other:?}: {error}"),
    }
}

/// The least cost that is allowed, so that tests are quick.
fn passphrase(text: &str) -> RootKey {
    RootKey::from_passphrase_at_cost(text, PassphraseCost::new(8192, 1, 1).unwrap()).unwrap()
}

async fn reads(directory: &Path, root: RootKey) -> bool {
    match open(directory, root).await {
        Ok(room) => room.get("s").send().await.unwrap().expose_text().unwrap() == "v",
        Err(error) => {
            assert_eq!(kind(&error), RootErrorKind::WrongRoot, "{error}");
            false
        }
    }
}

#[tokio::test]
async fn roots_of_every_kind_open_the_same_secrets() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("room");
    let file = temporary.path().join("root.key");
    let room = open(&directory, RootKey::file_or_create(&file).unwrap()).await.unwrap();
    room.create("s").text("v").send().await.unwrap();

    room.roots().add(passphrase("correct horse battery"), "the ops team").await.unwrap();
    room.roots().add(RootKey::from_bytes([3; 32]), "hsm").await.unwrap();
    let code = room.roots().add_recovery_code("the safe").await.unwrap().to_text().unwrap();
    let kinds: Vec<_> =
        room.roots().list().await.unwrap().into_iter().map(|slot| (slot.kind, slot.label)).collect();
    for expected in [
        (RootKind::Key, "first root"),
        (RootKind::Passphrase, "the ops team"),
        (RootKind::Key, "hsm"),
        (RootKind::Recovery, "the safe"),
    ] {
        assert!(kinds.contains(&(expected.0, expected.1.to_owned())), "{expected:?}");
    }

    assert!(reads(&directory, RootKey::file(&file).unwrap()).await);
    assert!(reads(&directory, passphrase("correct horse battery")).await);
    assert!(reads(&directory, RootKey::from_bytes([3; 32])).await);
    assert!(reads(&directory, RootKey::from_recovery_code(&code.expose().to_lowercase()).unwrap()).await);
    assert!(!reads(&directory, passphrase("correct horse batterz")).await);
    assert!(!reads(&directory, RootKey::from_bytes([4; 32])).await);
    let other = strongroom::RecoveryCode::generate().unwrap();
    assert!(!reads(&directory, RootKey::from(other)).await);
}

#[tokio::test]
async fn a_removed_root_opens_nothing_and_the_last_one_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let room = open(temporary.path(), RootKey::from_bytes([1; 32])).await.unwrap();
    room.create("s").text("v").send().await.unwrap();
    let first = room.roots().list().await.unwrap().remove(0).id;
    assert_eq!(kind(&room.roots().remove(&first).await.unwrap_err()), RootErrorKind::InvalidSlot);
    assert_eq!(kind(&room.roots().remove("unknown").await.unwrap_err()), RootErrorKind::InvalidSlot);
    room.roots().add(RootKey::from_bytes([2; 32]), "second").await.unwrap();
    room.roots().remove(&first).await.unwrap();
    assert!(!reads(temporary.path(), RootKey::from_bytes([1; 32])).await);
    assert!(reads(temporary.path(), RootKey::from_bytes([2; 32])).await);
    // The handle that is open goes on.
    room.put("s").text("w").send().await.unwrap();
}

#[tokio::test]
async fn a_made_up_slot_does_not_count_as_a_root() {
    let temporary = tempfile::tempdir().unwrap();
    let room = open(temporary.path(), RootKey::from_bytes([1; 32])).await.unwrap();
    let first = room.roots().list().await.unwrap().remove(0).id;
    let connection = rusqlite::Connection::open(temporary.path().join("records.sqlite3")).unwrap();
    let fake = strongroom_records::Key::of(["root", "ffffffffffffffff"]);
    connection
        .execute(
            "INSERT INTO record (key, revision, value) SELECT ?1, 1, value FROM record WHERE key = ?2",
            rusqlite::params![
                fake.as_bytes(),
                strongroom_records::Key::of(["root", first.as_str()]).as_bytes()
            ],
        )
        .unwrap();
    assert_eq!(kind(&room.roots().remove(&first).await.unwrap_err()), RootErrorKind::InvalidSlot);
    assert_eq!(kind(&room.roots().list().await.unwrap_err()), RootErrorKind::Tampered);
    // It does not keep the good root out either.
    open(temporary.path(), RootKey::from_bytes([1; 32])).await.unwrap();
}

#[test]
fn an_environment_variable_holds_32_bytes_in_base64_or_hex() {
    // Set for this process before any thread reads it would need unsafe code, so a child gets it.
    const VARIABLE: &str = "STRONGROOM_TEST_ROOT";
    if std::env::var(VARIABLE).is_ok() {
        let told = match RootKey::from_env(VARIABLE) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        println!("\nverdict {told}");
        return;
    }
    let verdict = |value: &str| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "an_environment_variable_holds_32_bytes_in_base64_or_hex", "--nocapture"])
            .env(VARIABLE, value)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("verdict ")).unwrap().to_owned()
    };
    use base64::Engine as _;
    let good = base64::engine::general_purpose::STANDARD.encode([9; 32]);
    assert_eq!(verdict(&good), "accepted");
    assert_eq!(verdict(&format!(" {good}\n")), "accepted");
    assert_eq!(verdict(&"09".repeat(32)), "accepted");
    for bad in ["", "short", &good[..40], &format!("{good}{good}"), "!!!!"] {
        assert_eq!(verdict(bad), "RootInvalid", "{bad:?}");
    }
    let error = RootKey::from_env("STRONGROOM_TEST_NEVER_SET").unwrap_err();
    assert_eq!(error.kind(), RootErrorKind::RootMissing);
    assert!(error.to_string().contains("STRONGROOM_TEST_NEVER_SET"));
}

#[test]
fn short_passphrases_are_refused_and_nothing_shows_in_debug() {
    assert_eq!(RootKey::from_passphrase("seven77").unwrap_err().kind(), RootErrorKind::RootInvalid);
    let shown = format!(
        "{:?} {:?}",
        RootKey::from_passphrase("hunter2hunter2").unwrap(),
        RootKey::from_bytes([0x41; 32])
    );
    assert!(!shown.contains("hunter2") && !shown.contains("AAAA") && !shown.contains("65"), "{shown}");
}

#[tokio::test]
async fn without_place_or_key_the_builder_says_what_to_call() {
    let no_key = Strongroom::builder().memory().open().await.unwrap_err();
    assert!(no_key.message().contains("root_key(..)"), "{no_key}");
    let no_place = Strongroom::builder().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap_err();
    assert!(no_place.message().contains("directory(..)"), "{no_place}");
}

mod by_a_key_service {
    use std::sync::Arc;

    use strongroom::Kms;
    use strongroom::{KeyErrorKind, KmsRoot, MemoryRecords, Records};
    use strongroom_testkit::FaultyKms;

    use super::*;

    /// A strongroom that keeps the keys of others.
    async fn keeper() -> Strongroom {
        let root = RootKey::from_bytes([1; 32]);
        let keeper = Strongroom::builder().memory().root_key(root).open().await.unwrap();
        for name in ["alias/roots", "alias/other"] {
            keeper.keys().create(name, "").await.unwrap();
        }
        keeper
    }

    fn root(keeper: &Strongroom, key: &str) -> KmsRoot {
        KmsRoot::new(keeper.keys().service().unwrap(), keeper.context().clone(), key).unwrap()
    }

    async fn open(records: &Arc<dyn Records>, root: impl Into<RootKey>) -> Result<Strongroom, Error> {
        Strongroom::builder().records(Arc::clone(records)).root_key(root).open().await
    }

    #[tokio::test]
    async fn it_opens_what_it_has_made_also_after_its_rotation() {
        let (keeper, records) = (keeper().await, Arc::new(MemoryRecords::new()) as Arc<dyn Records>);
        let room = open(&records, root(&keeper, "alias/roots")).await.unwrap();
        room.create("s").text("v").send().await.unwrap();
        assert_eq!(room.roots().list().await.unwrap()[0].kind, RootKind::Kms);
        drop(room);
        keeper.keys().rotate("alias/roots").await.unwrap();
        let room = open(&records, root(&keeper, "alias/roots")).await.unwrap();
        assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
    }

    #[tokio::test]
    async fn a_disabled_key_opens_nothing_and_the_reason_is_told() {
        let (keeper, records) = (keeper().await, Arc::new(MemoryRecords::new()) as Arc<dyn Records>);
        open(&records, root(&keeper, "alias/roots")).await.unwrap();
        keeper.keys().disable("alias/roots").await.unwrap();
        let error = open(&records, root(&keeper, "alias/roots")).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::RootUnavailable);
        assert!(error.to_string().contains("is disabled"), "{error}");
        keeper.keys().enable("alias/roots").await.unwrap();
        open(&records, root(&keeper, "alias/roots")).await.unwrap();
    }

    #[tokio::test]
    async fn another_key_another_store_or_another_kind_of_root_is_wrong() {
        let (keeper, records) = (keeper().await, Arc::new(MemoryRecords::new()) as Arc<dyn Records>);
        open(&records, root(&keeper, "alias/roots")).await.unwrap();
        let error = open(&records, root(&keeper, "alias/other")).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::WrongRoot);
        let error = open(&records, RootKey::from_bytes([9; 32])).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::WrongRoot);
        // What was wrapped for this store, put into another one.
        let elsewhere = Arc::new(MemoryRecords::new()) as Arc<dyn Records>;
        open(&elsewhere, root(&keeper, "alias/roots")).await.unwrap();
        let slots = |records: Arc<dyn Records>| async move {
            let scan = strongroom_records::Scan::prefix(&strongroom_records::Key::of(["root"]));
            records.snapshot().await.unwrap().scan(&scan).await.unwrap().records
        };
        let (ours, theirs) = (slots(Arc::clone(&records)).await, slots(Arc::clone(&elsewhere)).await);
        let any = strongroom_records::Expect::Any;
        let swap = strongroom_records::Batch::new().delete(&theirs[0].key, any).put(
            &ours[0].key,
            ours[0].value.clone(),
            any,
        );
        elsewhere.commit(swap).await.unwrap();
        let error = open(&elsewhere, root(&keeper, "alias/roots")).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::WrongRoot);
    }

    #[tokio::test]
    async fn it_stands_beside_other_roots_and_goes_like_them() {
        let (keeper, records) = (keeper().await, Arc::new(MemoryRecords::new()) as Arc<dyn Records>);
        let room = open(&records, RootKey::from_bytes([2; 32])).await.unwrap();
        let slot = room.roots().add(root(&keeper, "alias/roots"), "the cloud").await.unwrap();
        open(&records, root(&keeper, "alias/roots")).await.unwrap();
        room.roots().remove(&slot.id).await.unwrap();
        let error = open(&records, root(&keeper, "alias/roots")).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::WrongRoot);
        open(&records, RootKey::from_bytes([2; 32])).await.unwrap();
    }

    #[tokio::test]
    async fn a_service_that_is_down_changes_nothing_and_may_be_asked_again() {
        let (keeper, records) = (keeper().await, Arc::new(MemoryRecords::new()) as Arc<dyn Records>);
        let service: Arc<dyn Kms> = keeper.keys().service().unwrap();
        let faults = FaultyKms::new(service);
        let down = || {
            faults.plan([Some(KeyErrorKind::DependencyTimeout)]);
            KmsRoot::new(Arc::new(faults.clone()), keeper.context().clone(), "alias/roots").unwrap()
        };
        let error = open(&records, down()).await.unwrap_err();
        assert_eq!(kind(&error), RootErrorKind::RootUnavailable);
        assert!(open(&records, root(&keeper, "alias/roots")).await.is_ok(), "there was no store yet");
        let error = open(&records, down()).await.unwrap_err();
        assert_eq!((kind(&error), error.retry()), (RootErrorKind::RootUnavailable, strongroom::Retry::Later));
        assert_eq!(faults.calls(), ["GenerateDataKey", "Decrypt"], "once for each opening");
    }
}
