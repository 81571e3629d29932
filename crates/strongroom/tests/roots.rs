//! The roots that open a strongroom.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::path::Path;

use strongroom::{Error, ErrorKind, PassphraseCost, RootErrorKind, RootKey, RootKind, Strongroom};

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

    room.add_root(passphrase("correct horse battery"), "the ops team").await.unwrap();
    room.add_root(RootKey::from_bytes([3; 32]), "hsm").await.unwrap();
    let code = room.add_recovery_code("the safe").await.unwrap().to_text().unwrap();
    let kinds: Vec<_> = room.roots().await.unwrap().into_iter().map(|slot| (slot.kind, slot.label)).collect();
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
    let first = room.roots().await.unwrap().remove(0).id;
    assert_eq!(kind(&room.remove_root(&first).await.unwrap_err()), RootErrorKind::InvalidSlot);
    assert_eq!(kind(&room.remove_root("unknown").await.unwrap_err()), RootErrorKind::InvalidSlot);
    room.add_root(RootKey::from_bytes([2; 32]), "second").await.unwrap();
    room.remove_root(&first).await.unwrap();
    assert!(!reads(temporary.path(), RootKey::from_bytes([1; 32])).await);
    assert!(reads(temporary.path(), RootKey::from_bytes([2; 32])).await);
    // The handle that is open goes on.
    room.put("s").text("w").send().await.unwrap();
}

#[tokio::test]
async fn a_made_up_slot_does_not_count_as_a_root() {
    let temporary = tempfile::tempdir().unwrap();
    let room = open(temporary.path(), RootKey::from_bytes([1; 32])).await.unwrap();
    let first = room.roots().await.unwrap().remove(0).id;
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
    assert_eq!(kind(&room.remove_root(&first).await.unwrap_err()), RootErrorKind::InvalidSlot);
    assert_eq!(kind(&room.roots().await.unwrap_err()), RootErrorKind::Tampered);
    // It does not keep the good root out either.
    open(temporary.path(), RootKey::from_bytes([1; 32])).await.unwrap();
}

#[test]
fn an_environment_variable_holds_32_bytes_in_base64() {
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
            .args(["--exact", "an_environment_variable_holds_32_bytes_in_base64", "--nocapture"])
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
