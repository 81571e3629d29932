//! What lies in the directory, and what opens it.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use strongroom::{ErrorKind, RootErrorKind, RootKey, Strongroom};

const CANARY: &str = "canary-7f3a9c51-do-not-find-me";

async fn open(directory: &Path, root: RootKey) -> Result<Strongroom, strongroom::Error> {
    Strongroom::builder().directory(directory).root_key(root).open().await
}

fn root_error(error: &strongroom::Error) -> RootErrorKind {
    match error.kind() {
        ErrorKind::Root(kind) => kind,
        other => panic!("{other:?}: {error}"),
    }
}

/// Every file below, with its content.
fn contents(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            // A closing connection may take its log away in this moment.
            if let Ok(content) = fs::read(&path) {
                all.push((path, content));
            }
        }
    }
    all
}

/// The files but for SQLite's log and index, which come and go with the connections.
fn lasting_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = contents(directory).into_iter().map(|(path, _)| path).collect();
    files.retain(|path| {
        !path.to_string_lossy().ends_with("-wal") && !path.to_string_lossy().ends_with("-shm")
    });
    files
}

fn quickstart() -> std::path::PathBuf {
    // Cargo builds the examples of a package with all its tests, beside the test's own directory; not with one test alone.
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("examples").join("quickstart");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "quickstart", "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .status();
        assert!(built.unwrap().success());
    }
    program
}

fn needles() -> Vec<Vec<u8>> {
    let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
    let mut needles = vec![CANARY.into(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    // In base64 a text looks different at each of three offsets; the ends may differ, the middle does not.
    for offset in 0..3 {
        let shifted = [&vec![b'x'; offset][..], CANARY.as_bytes()].concat();
        let encoded = base64::engine::general_purpose::STANDARD.encode(shifted);
        needles.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    needles
}

#[test]
fn the_quickstart_leaves_no_canary_and_shows_the_previous_version() {
    let temporary = tempfile::tempdir().unwrap();
    let (room, file, out) =
        (temporary.path().join("room"), temporary.path().join("cred.txt"), temporary.path().join("out"));
    let mut last = String::new();
    for n in 0..2 {
        fs::write(&file, format!("{CANARY}-{n}")).unwrap();
        let run = Command::new(quickstart()).args([&room, &file, &out]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(fs::read_to_string(&out).unwrap(), format!("{CANARY}-{n}"));
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
        last = String::from_utf8(run.stdout).unwrap();
        assert!(!last.contains("canary"));
    }
    assert!(last.contains("AWSPREVIOUS"), "{last}");
    let line = last.lines().last().unwrap();
    assert!(line.starts_with("version ") && line.ends_with("  stages AWSCURRENT"), "{line}");
    for (path, content) in contents(&room) {
        for needle in needles() {
            let found = content.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{} holds {}", path.display(), String::from_utf8_lossy(&needle));
        }
    }
    // The search itself finds what is there.
    let out = fs::read(&out).unwrap();
    assert!(out.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[tokio::test]
async fn without_its_key_file_nothing_opens_and_no_key_is_made() {
    let temporary = tempfile::tempdir().unwrap();
    let (directory, key) = (temporary.path().join("room"), temporary.path().join("root.key"));
    let room = open(&directory, RootKey::file_or_create(&key).unwrap()).await.unwrap();
    room.create("s").text(CANARY).send().await.unwrap();
    drop(room);
    fs::rename(&key, temporary.path().join("elsewhere")).unwrap();
    let before = lasting_files(&directory);
    let error = open(&directory, RootKey::file_or_create(&key).unwrap()).await.unwrap_err();
    assert_eq!(root_error(&error), RootErrorKind::RootMissing, "{error}");
    assert!(!key.exists(), "a new key would hide the loss of the old one");
    assert_eq!(
        root_error(&RootKey::file(&key).map_err(strongroom::Error::from).unwrap_err()),
        RootErrorKind::RootMissing
    );
    assert_eq!(lasting_files(&directory), before);
    fs::rename(temporary.path().join("elsewhere"), &key).unwrap();
    let room = open(&directory, RootKey::file_or_create(&key).unwrap()).await.unwrap();
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), CANARY);
}

#[tokio::test]
async fn a_wrong_root_is_a_clear_error_and_changes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("room");
    let room = open(&directory, RootKey::from_bytes([1; 32])).await.unwrap();
    room.create("s").text("v").send().await.unwrap();
    drop(room);
    let database = directory.join("records.sqlite3");
    let dump = || {
        let connection = rusqlite::Connection::open(&database).unwrap();
        let mut statement =
            connection.prepare("SELECT key, revision, value FROM record ORDER BY key").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<Vec<(Vec<u8>, i64, Vec<u8>)>, _>>().unwrap()
    };
    let before = dump();
    for wrong in [
        RootKey::from_bytes([2; 32]),
        RootKey::from_passphrase("some passphrase").unwrap(),
        RootKey::file_or_create({
            let other = temporary.path().join("other.key");
            let _ = open(&temporary.path().join("other"), RootKey::file_or_create(&other).unwrap())
                .await
                .unwrap();
            other
        })
        .unwrap(),
    ] {
        let error = open(&directory, wrong).await.unwrap_err();
        assert_eq!(root_error(&error), RootErrorKind::WrongRoot);
        assert!(error.to_string().contains("strongroom"), "{error}");
    }
    assert_eq!(dump(), before);
    let room = open(&directory, RootKey::from_bytes([1; 32])).await.unwrap();
    assert_eq!(room.get("s").send().await.unwrap().expose_text().unwrap(), "v");
}

#[tokio::test]
async fn an_exposed_key_file_is_refused_with_the_command_that_mends_it() {
    let temporary = tempfile::tempdir().unwrap();
    let key = temporary.path().join("it's a root.key");
    drop(open(&temporary.path().join("room"), RootKey::file_or_create(&key).unwrap()).await.unwrap());
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let error = strongroom::Error::from(RootKey::file_or_create(&key).unwrap_err());
        assert_eq!(root_error(&error), RootErrorKind::RootExposed);
        let command = error.message().split("run: ").nth(1).unwrap().to_owned();
        assert!(command.starts_with("chmod 600 "), "{command}");
        // The command works as it is, also for a path that a shell would take apart.
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        RootKey::file_or_create(&key).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_key_file_is_not_replaced() {
    let temporary = tempfile::tempdir().unwrap();
    let key = temporary.path().join("root.key");
    for content in ["", "strongroom-root-key-1 ", "strongroom-root-key-1 AAAA\n", "something else\n"] {
        fs::write(&key, content).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let error = strongroom::Error::from(RootKey::file_or_create(&key).unwrap_err());
        assert_eq!(root_error(&error), RootErrorKind::RootInvalid, "{content:?}");
        assert_eq!(fs::read_to_string(&key).unwrap(), content);
    }
}

#[tokio::test]
async fn account_and_region_are_written_once_and_checked_ever_after() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("room");
    let builder = || Strongroom::builder().directory(&directory).root_key(RootKey::from_bytes([1; 32]));
    let account = |digits| strongroom::AccountId::parse(digits).unwrap();
    let room = builder().account(account("111122223333")).open().await.unwrap();
    let arn = room.create("s").send().await.unwrap().arn.to_string();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:111122223333:secret:s-"), "{arn}");
    drop(room);
    assert_eq!(builder().open().await.unwrap().realm().account(), account("111122223333"));
    let region = strongroom::Region::parse("eu-west-1").unwrap();
    for other in [builder().account(account("999999999999")), builder().region(region)] {
        assert_eq!(root_error(&other.open().await.unwrap_err()), RootErrorKind::RealmMismatch);
    }
}

#[tokio::test]
async fn many_processes_may_make_the_same_room_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let room = temporary.path().join("room");
    let children: Vec<_> = (0..6)
        .map(|n| {
            let file = temporary.path().join(format!("file{n}"));
            fs::write(&file, format!("value {n}")).unwrap();
            let out = temporary.path().join(format!("out{n}"));
            Command::new(quickstart()).args([&room, &file, &out]).output()
        })
        .collect();
    // `output` waits; the real race is below, with all of them started first.
    assert!(children.into_iter().all(|child| child.unwrap().status.success()));
    let room = temporary.path().join("raced");
    let mut running = Vec::new();
    for n in 0..6 {
        let (file, out) =
            (temporary.path().join(format!("file{n}")), temporary.path().join(format!("out{n}")));
        let child =
            Command::new(quickstart()).args([&room, &file, &out]).stdout(std::process::Stdio::null()).spawn();
        running.push(child.unwrap());
    }
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    let room = open(&room, RootKey::file(room.join("root.key")).unwrap()).await.unwrap();
    assert_eq!(room.list().all().await.unwrap().len(), 6);
    assert!(room.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_foreign_or_newer_database_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("room");
    fs::create_dir(&directory).unwrap();
    let database = directory.join("records.sqlite3");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    let error = open(&directory, RootKey::from_bytes([1; 32])).await.unwrap_err();
    assert_eq!(root_error(&error), RootErrorKind::Incompatible);
    assert!(error.to_string().contains("another program"), "{error}");

    fs::remove_file(&database).unwrap();
    drop(open(&directory, RootKey::from_bytes([1; 32])).await.unwrap());
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(connection);
    let error = open(&directory, RootKey::from_bytes([1; 32])).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");

    let garbage = temporary.path().join("garbage");
    fs::create_dir(&garbage).unwrap();
    fs::write(garbage.join("records.sqlite3"), vec![b'x'; 4096]).unwrap();
    let error = open(&garbage, RootKey::from_bytes([1; 32])).await.unwrap_err();
    assert_eq!(root_error(&error), RootErrorKind::Incompatible, "{error}");
}

/// A strongroom whose clock can be set, with a key and a ciphertext of it.
struct Doomed {
    directory: std::path::PathBuf,
    clock: std::sync::Arc<strongroom_testkit::ManualClock>,
    room: Strongroom,
    key: strongroom::kms::KeyMetadata,
    _temporary: tempfile::TempDir,
}

impl Doomed {
    async fn new(request: strongroom::kms::CreateKey) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("room");
        let clock = std::sync::Arc::new(strongroom_testkit::ManualClock::default());
        let room = Strongroom::builder()
            .directory(&directory)
            .root_key(RootKey::from_bytes([7; 32]))
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        let key = room.keys().service().unwrap().create_key(room.context(), request).await.unwrap();
        Self { directory, clock, room, key, _temporary: temporary }
    }

    async fn encrypt(&self) -> Vec<u8> {
        let context = strongroom::EncryptionContext::new();
        self.room.keys().encrypt(self.key.id.as_str(), b"x", &context).await.unwrap()
    }

    async fn decrypt(&self, sealed: &[u8]) -> strongroom::Error {
        self.room.keys().decrypt(sealed, &strongroom::EncryptionContext::new()).await.unwrap_err()
    }

    /// A piece of each sealed material of the key, as it is stored, behind the frame.
    fn materials(&self) -> Vec<Vec<u8>> {
        let connection = rusqlite::Connection::open(self.directory.join("records.sqlite3")).unwrap();
        let place =
            strongroom_records::Key::realm(self.room.realm()).then("material").then(self.key.id.as_str());
        let mut statement = connection.prepare("SELECT key, value FROM record ORDER BY key").unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .unwrap();
        let rows = rows.map(Result::unwrap).filter(|(key, _)| key.starts_with(place.as_bytes()));
        rows.map(|(_, value)| value[41..105].to_vec()).collect()
    }

    /// How often it stands in any of the files.
    fn traces(&self, material: &[u8]) -> usize {
        let files = fs::read_dir(&self.directory).unwrap();
        let all = files.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        all.map(|bytes| bytes.windows(material.len()).filter(|window| *window == material).count()).sum()
    }
}

/// The wrapped material of a deleted key is in none of the files any more, and nothing opens what it has sealed.
#[tokio::test]
async fn the_material_of_a_deleted_key_is_gone_from_every_file() {
    let doomed = Doomed::new(strongroom::kms::CreateKey::new()).await;
    let sealed = doomed.encrypt().await;
    let [material] = <[_; 1]>::try_from(doomed.materials()).unwrap();
    assert!(doomed.traces(&material) > 0, "it is there as long as the key is");
    doomed.room.keys().schedule_deletion(doomed.key.id.as_str(), 7).await.unwrap();
    doomed.clock.advance(std::time::Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(doomed.room.maintain().await.unwrap().keys_deleted, 1);
    assert_eq!(doomed.traces(&material), 0, "neither in the database nor in its log");
    let lost = doomed.decrypt(&sealed).await;
    assert_eq!(lost.kind(), ErrorKind::Key(strongroom::KeyErrorKind::AccessDenied));
}

/// So is that of a retired generation, while the key lives on.
#[tokio::test]
async fn retired_material_is_gone_from_every_file() {
    let doomed = Doomed::new(strongroom::kms::CreateKey::new()).await;
    let sealed = doomed.encrypt().await;
    doomed.room.keys().rotate(doomed.key.id.as_str()).await.unwrap();
    let [old, new] = <[_; 2]>::try_from(doomed.materials()).unwrap();
    let confirmed = strongroom::Retirement::LosesCiphertextsElsewhere;
    let id = doomed.key.current_key_material_id.clone().unwrap();
    doomed.room.keys().retire_material(doomed.key.id.as_str(), &id, confirmed).await.unwrap();
    assert_eq!(doomed.traces(&old), 0);
    assert!(doomed.traces(&new) > 0);
    let lost = doomed.decrypt(&sealed).await;
    assert_eq!(lost.kind(), ErrorKind::Key(strongroom::KeyErrorKind::InvalidCiphertext));
}

/// And imported material that is deleted.
#[tokio::test]
async fn deleted_imported_material_is_gone_from_every_file() {
    use strongroom::kms::{ImportKeyMaterial, KeyRef};

    let doomed = Doomed::new(strongroom::kms::CreateKey::external()).await;
    let (service, cx, key) =
        (doomed.room.keys().service().unwrap(), doomed.room.context(), doomed.key.id.clone());
    let key: KeyRef = key.into();
    let material = strongroom::SecretBytes::from_vec(vec![0xA7; 32]);
    let stays = ImportKeyMaterial::new([], []);
    doomed.room.keys().import(doomed.key.id.as_str(), &material, &stays).await.unwrap();
    let sealed = doomed.encrypt().await;
    let [stored] = <[_; 1]>::try_from(doomed.materials()).unwrap();
    assert!(doomed.traces(&stored) > 0);
    assert_eq!(doomed.traces(&[0xA7; 32]), 0, "it is never there in clear");
    service.delete_imported_key_material(cx, &key, None).await.unwrap();
    assert_eq!(doomed.traces(&stored), 0);
    let lost = doomed.decrypt(&sealed).await;
    assert_eq!(lost.kind(), ErrorKind::Key(strongroom::KeyErrorKind::InvalidState));
}

/// What was sealed under the old store key is in none of the files after a re-key.
#[tokio::test]
async fn what_was_under_the_old_store_key_is_gone_from_every_file() {
    let doomed = Doomed::new(strongroom::kms::CreateKey::new()).await;
    let [old] = <[_; 1]>::try_from(doomed.materials()).unwrap();
    let roots = vec![(RootKey::from_bytes([8; 32]), "another".to_owned())];
    doomed.room.roots().rekey(roots, |_| ()).await.unwrap();
    let [new] = <[_; 1]>::try_from(doomed.materials()).unwrap();
    assert_ne!(old, new);
    assert_eq!(doomed.traces(&old), 0);
    assert!(doomed.traces(&new) > 0);
}
