//! Somebody without the root edits the file.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::path::Path;

use rusqlite::{Connection, params};
use strongroom::{Error, ErrorKind, KeyErrorKind, RootKey, SecretErrorKind, Stage, Strongroom};
use strongroom_records::Key;

async fn open(directory: &Path) -> Result<Strongroom, Error> {
    Strongroom::builder().directory(directory).root_key(RootKey::from_bytes([1; 32])).open().await
}

/// A second hand on the same database.
struct Editor(Connection);

impl Editor {
    fn new(directory: &Path) -> Self {
        Self(Connection::open(directory.join("records.sqlite3")).unwrap())
    }

    /// The records of a kind, `secret` or `value` for example, or the store's own.
    fn records(&self, kind: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut statement = self.0.prepare("SELECT key, value FROM record ORDER BY key").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap)
            .filter(|(key, _): &(Vec<u8>, Vec<u8>)| {
                let segments = Key::from_bytes(key.clone()).segments().unwrap();
                let place = if segments[0] == b"realm" { &segments[3] } else { &segments[0] };
                place == kind.as_bytes()
            })
            .collect()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.execute("UPDATE record SET value = ?2 WHERE key = ?1", params![key, value]).unwrap();
    }

    fn delete(&self, key: &[u8]) {
        self.0.execute("DELETE FROM record WHERE key = ?1", [key]).unwrap();
    }

    fn insert(&self, key: &[u8], value: &[u8]) {
        self.0
            .execute("INSERT INTO record (key, revision, value) VALUES (?1, 1, ?2)", params![key, value])
            .unwrap();
    }
}

/// What may be said of a value that was tampered with: that the record was, or that it does not open. Never a value.
fn assert_noticed(result: Result<strongroom::SecretVersion, Error>, what: &str) {
    let error = result.expect_err(what);
    let noticed = matches!(
        error.kind(),
        ErrorKind::Secret(SecretErrorKind::Tampered | SecretErrorKind::DecryptionFailure)
    );
    assert!(noticed, "{what}: {error:?}");
}

async fn room_with_secrets(directory: &Path) -> Strongroom {
    let room = open(directory).await.unwrap();
    room.create("a").description("first").text("value of a, version 1").send().await.unwrap();
    room.put("a").text("value of a, version 2").send().await.unwrap();
    room.create("b").text("value of b, version 1").send().await.unwrap();
    room
}

#[tokio::test]
async fn every_changed_byte_of_a_value_or_head_is_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    let room = room_with_secrets(temporary.path()).await;
    let editor = Editor::new(temporary.path());
    let version = room.get("b").send().await.unwrap().version_id;
    for kind in ["value", "secret"] {
        // The last record of each kind is that of `b`. The value record holds the envelope and in it the wrapped key.
        let (key, value) = editor.records(kind).pop().unwrap();
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1 << (at % 8);
            editor.set(&key, &changed);
            assert_noticed(room.get("b").send().await, &format!("{kind} byte {at}"));
            assert_noticed(
                room.get("b").version(&version).send().await,
                &format!("{kind} byte {at}, by version"),
            );
        }
        for cut in [0, 1, 4, 5, 36, 37, value.len() - 1] {
            editor.set(&key, &value[..cut]);
            assert_noticed(room.get("b").send().await, &format!("{kind} cut at {cut}"));
        }
        editor.set(&key, &[value.as_slice(), b"x"].concat());
        assert_noticed(room.get("b").send().await, &format!("{kind} longer"));
        editor.set(&key, &value);
    }
    assert_eq!(room.get("b").send().await.unwrap().expose_text().unwrap(), "value of b, version 1");
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn every_changed_byte_of_a_key_record_is_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    drop(room_with_secrets(temporary.path()).await);
    let editor = Editor::new(temporary.path());
    for kind in ["key", "material", "alias"] {
        let (key, value) = editor.records(kind).pop().unwrap();
        for at in (0..value.len()).step_by(if cfg!(debug_assertions) { 3 } else { 1 }) {
            let mut changed = value.clone();
            changed[at] ^= 1 << (at % 8);
            editor.set(&key, &changed);
            // A new handle: unwrapped material may be in the memory of the old one, as it should.
            let room = open(temporary.path()).await.unwrap();
            if kind == "alias" {
                // The alias matters where a value is written; reading goes by the key's own id.
                let error = room.put("b").text("w").send().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Secret(SecretErrorKind::Tampered), "{kind} byte {at}");
            } else {
                assert_noticed(room.get("b").send().await, &format!("{kind} byte {at}"));
            }
        }
        editor.set(&key, &value);
    }
    assert!(open(temporary.path()).await.unwrap().verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn every_changed_byte_of_the_stores_own_record_or_slot_keeps_it_shut() {
    let temporary = tempfile::tempdir().unwrap();
    drop(room_with_secrets(temporary.path()).await);
    let editor = Editor::new(temporary.path());
    for kind in ["store", "root"] {
        let (key, value) = editor.records(kind).pop().unwrap();
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1 << (at % 8);
            editor.set(&key, &changed);
            let error = open(temporary.path()).await.expect_err("a changed byte");
            assert!(matches!(error.kind(), ErrorKind::Root(_)), "{kind} byte {at}: {error:?}");
        }
        editor.set(&key, &value);
    }
    // Taking the store's record away does not make the storage look new.
    let (key, value) = editor.records("store").pop().unwrap();
    editor.delete(&key);
    let error = open(temporary.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Root(strongroom::RootErrorKind::Tampered), "{error}");
    editor.insert(&key, &value);
    open(temporary.path()).await.unwrap();
}

#[tokio::test]
async fn swapped_values_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let room = room_with_secrets(temporary.path()).await;
    let editor = Editor::new(temporary.path());
    let values = editor.records("value");
    assert_eq!(values.len(), 3);
    // Two versions of one secret, then two secrets.
    for (one, two) in [(0, 1), (1, 2)] {
        let ((key_one, value_one), (key_two, value_two)) = (&values[one], &values[two]);
        editor.set(key_one, value_two);
        editor.set(key_two, value_one);
        for record in [key_one, key_two] {
            let segments = Key::from_bytes(record.clone()).segments().unwrap();
            let text = |at: usize| String::from_utf8(segments[at].clone()).unwrap();
            assert_noticed(room.get(text(4)).version(text(6)).send().await, "a swapped value");
        }
        editor.set(key_one, value_one);
        editor.set(key_two, value_two);
    }
    assert!(room.verify().await.unwrap().is_clean());
}

/// Even somebody with the root, who can make every authentication code right, cannot pass one value off as another: the
/// key service and the envelope are bound to the ARN and the version.
#[tokio::test]
async fn swapped_values_are_refused_by_the_envelope_too() {
    let temporary = tempfile::tempdir().unwrap();
    let room = room_with_secrets(temporary.path()).await;
    let storage =
        strongroom_sqlite::SqliteRecords::open(temporary.path().join("records.sqlite3")).await.unwrap();
    let root = RootKey::from_bytes([1; 32]);
    let clock = strongroom::SystemClock;
    let records = strongroom_root::TrustedRecords::open(std::sync::Arc::new(storage), root, None, &clock)
        .await
        .unwrap();
    let editor = Editor::new(temporary.path());
    let key = |kind: &str, at: usize| Key::from_bytes(editor.records(kind)[at].0.clone());
    // The value of `a` in the place of the value of `b`, and the head of `b` made to vouch for it.
    let (taken, place, head_place) = (key("value", 0), key("value", 2), key("secret", 1));
    let taken = records.get(&taken).await.unwrap().unwrap().content;
    let mut batch = records.batch();
    let digest = batch.put(&place, &taken, strongroom_records::Expect::Any);
    let mut head: serde_json::Value =
        serde_json::from_slice(&records.get(&head_place).await.unwrap().unwrap().content).unwrap();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    head["versions"][0]["sealed"]["digest"] = digest.into();
    batch.put(&head_place, &serde_json::to_vec(&head).unwrap(), strongroom_records::Expect::Any);
    records.commit(batch).await.unwrap();
    let error = room.get("b").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Secret(SecretErrorKind::DecryptionFailure), "{error:?}");
    let report = room.verify().await.unwrap();
    assert!(report.problems.iter().any(|problem| problem.place.starts_with("b version ")), "{report}");
}

#[tokio::test]
async fn moved_renamed_and_missing_records_are_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    let room = room_with_secrets(temporary.path()).await;
    let editor = Editor::new(temporary.path());
    let heads = editor.records("secret");
    // The head of `a` under the name of `b`.
    editor.set(&heads[1].0, &heads[0].1);
    assert_noticed(room.get("b").send().await, "a renamed head");
    assert_eq!(room.describe("b").await.unwrap_err().kind(), ErrorKind::Secret(SecretErrorKind::Tampered));
    editor.set(&heads[1].0, &heads[1].1);
    // A value that is gone.
    let (key, value) = editor.records("value").pop().unwrap();
    editor.delete(&key);
    assert_noticed(room.get("b").send().await, "a missing value");
    let report = room.verify().await.unwrap();
    assert!(report.problems.iter().any(|problem| problem.place.starts_with("b version ")), "{report}");
    editor.insert(&key, &value);
    // Index entries: one changed, one taken away, one put in.
    let (key, value) = editor.records("by-created").pop().unwrap();
    editor.set(&key, b"changed");
    assert_eq!(room.list().send().await.unwrap_err().kind(), ErrorKind::Secret(SecretErrorKind::Tampered));
    assert!(!room.verify().await.unwrap().is_clean());
    editor.delete(&key);
    let report = room.verify().await.unwrap();
    assert!(report.to_string().contains("missing in the index by creation"), "{report}");
    editor.insert(&key, &value);
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn an_older_value_put_back_is_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    let room = room_with_secrets(temporary.path()).await;
    room.keys().create("alias/other", "another key").await.unwrap();
    let editor = Editor::new(temporary.path());
    let (key, old) = editor.records("value").pop().unwrap();
    // The value is encrypted again under another key: same place, new record.
    room.update("b").key("alias/other").send().await.unwrap();
    let new = editor.records("value").pop().unwrap().1;
    assert_ne!(old, new);
    editor.set(&key, &old);
    assert_noticed(room.get("b").send().await, "the record as it once was");
    editor.set(&key, &new);
    assert_eq!(room.get("b").send().await.unwrap().expose_text().unwrap(), "value of b, version 1");
}

#[tokio::test]
async fn errors_and_debug_never_show_a_value() {
    let temporary = tempfile::tempdir().unwrap();
    let room = open(temporary.path()).await.unwrap();
    let canary = "canary-1b5e";
    room.create("s").text(format!("{{\"password\": \"{canary}\"")).send().await.unwrap();
    let version = room.get("s").send().await.unwrap();
    let request = room.put("s").text(canary).stage(Stage::CURRENT);
    let told = format!(
        "{version:?} {:?} {request:?} {room:?} {:?} {:?}",
        version.value,
        version.field("password").unwrap_err(),
        version.json::<Vec<u8>>().unwrap_err(),
    );
    assert!(!told.contains(canary), "{told}");
    let wrong =
        room.keys().decrypt(canary.as_bytes(), &strongroom::EncryptionContext::new()).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Key(KeyErrorKind::InvalidCiphertext));
    assert!(!format!("{wrong} {wrong:?}").contains(canary));
}
