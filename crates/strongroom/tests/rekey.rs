//! A deep re-key: another store key, everything written anew under it, whatever happens on the way.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use strongroom::records::{Batch, Expect, Key, Scan};
use strongroom::{
    EncryptionContext, Error, ErrorKind, MemoryRecords, Records, RootErrorKind, RootKey, SecretErrorKind,
    Strongroom,
};
use strongroom_testkit::{Fault, FaultyRecords, SmallRecords};

const SECRETS: usize = 150;

fn old() -> RootKey {
    RootKey::from_bytes([1; 32])
}

fn new() -> RootKey {
    RootKey::from_bytes([2; 32])
}

fn roots() -> Vec<(RootKey, String)> {
    vec![(new(), "the new one".into()), (RootKey::from_bytes([3; 32]), "the vault".into())]
}

async fn open(records: &Arc<dyn Records>, root: RootKey) -> Result<Strongroom, Error> {
    Strongroom::builder().records(Arc::clone(records)).root_key(root).open().await
}

/// Secrets with values, labels and customer keys, and a ciphertext of the key service.
async fn filled(records: &Arc<dyn Records>) -> Vec<u8> {
    let room = open(records, old()).await.unwrap();
    room.keys().create("alias/own", "").await.unwrap();
    room.keys().rotate("alias/own").await.unwrap();
    for n in 0..SECRETS {
        room.create(format!("s/{n}")).text(format!("first of {n}")).send().await.unwrap();
        if n % 10 == 0 {
            room.put(format!("s/{n}")).text(format!("second of {n}")).send().await.unwrap();
        }
    }
    room.keys().encrypt("alias/own", b"kept elsewhere", &EncryptionContext::new()).await.unwrap()
}

async fn is_whole(room: &Strongroom, ciphertext: &[u8]) {
    for n in 0..SECRETS {
        let value = room.get(format!("s/{n}")).send().await.unwrap();
        let which = if n % 10 == 0 { "second" } else { "first" };
        assert_eq!(value.expose_text().unwrap(), format!("{which} of {n}"));
    }
    let opened = room.keys().decrypt(ciphertext, &EncryptionContext::new()).await.unwrap();
    assert_eq!(opened.plaintext.expose(), b"kept elsewhere");
    let report = room.verify().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// The epochs of all framed records.
async fn epochs(records: &Arc<dyn Records>) -> Vec<u32> {
    let mut epochs = Vec::new();
    let mut scan = Some(Scan::prefix(&Key::default()));
    while let Some(this) = scan {
        let page = records.snapshot().await.unwrap().scan(&this).await.unwrap();
        scan = page.cursor().map(|cursor| this.clone().after(cursor));
        let framed = page.records.iter().filter(|record| !record.key.starts_with(&Key::of(["root"])));
        epochs.extend(framed.map(|record| u32::from_be_bytes(record.value[1..5].try_into().unwrap())));
    }
    epochs.sort_unstable();
    epochs.dedup();
    epochs
}

fn root_error(error: &Error) -> RootErrorKind {
    match error.kind() {
        ErrorKind::Root(kind) => kind,
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn everything_is_written_anew_and_only_the_new_roots_open() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("records.sqlite3");
    let file: Arc<dyn Records> = Arc::new(strongroom_sqlite::SqliteRecords::open(path).await.unwrap());
    let small: Arc<dyn Records> = Arc::new(SmallRecords::new(Arc::new(MemoryRecords::new())));
    for records in [file, small] {
        let ciphertext = filled(&records).await;
        let room = open(&records, old()).await.unwrap();
        assert_eq!(epochs(&records).await, [1]);
        let mut done = 0;
        room.roots().rekey(roots(), |progress| done = progress.done).await.unwrap();
        assert!(done > 3 * SECRETS as u64, "{done}");
        assert_eq!(epochs(&records).await, [2]);
        let refused = open(&records, old()).await.unwrap_err();
        assert_eq!(root_error(&refused), RootErrorKind::WrongRoot);
        for root in [new(), RootKey::from_bytes([3; 32])] {
            is_whole(&open(&records, root).await.unwrap(), &ciphertext).await;
        }
        // And once more.
        let room = open(&records, new()).await.unwrap();
        room.roots().rekey(roots(), |_| ()).await.unwrap();
        assert_eq!(epochs(&records).await, [3]);
        is_whole(&open(&records, new()).await.unwrap(), &ciphertext).await;
    }
}

#[tokio::test]
async fn handles_that_were_open_must_be_opened_again() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    filled(&records).await;
    let (room, other) = (open(&records, old()).await.unwrap(), open(&records, old()).await.unwrap());
    room.roots().rekey(roots(), |_| ()).await.unwrap();
    for stale in [room, other] {
        let kind = |error: &Error| match error.kind() {
            ErrorKind::Secret(kind) => kind,
            other => panic!("{other:?}: {error}"),
        };
        let write = stale.create("t").text("v").send().await.unwrap_err();
        assert_eq!(kind(&write), SecretErrorKind::StoreChanged, "{write}");
        let read = stale.get("s/1").send().await.unwrap_err();
        assert_eq!(kind(&read), SecretErrorKind::StoreChanged, "{read}");
    }
}

/// Stopped before or after any of its commits, it leaves a strongroom that opens and is whole, and goes on when called again.
#[tokio::test]
async fn stopped_anywhere_it_goes_on() {
    for stop in 0..40 {
        for fault in [Fault::Before(strongroom::records::ErrorKind::Unavailable), Fault::After] {
            let memory: Arc<dyn Records> = Arc::new(MemoryRecords::new());
            let faulty = FaultyRecords::new(memory);
            let records: Arc<dyn Records> = Arc::new(faulty.clone());
            let room = open(&records, old()).await.unwrap();
            for n in 0..40 {
                room.create(format!("s/{n}")).text("v").send().await.unwrap();
            }
            faulty.plan(std::iter::repeat_n(Fault::None, stop).chain([fault]));
            let result = room.roots().rekey(roots(), |_| ()).await;
            faulty.plan([]);
            let reopened = match open(&records, new()).await {
                Ok(room) => room,
                Err(error) => {
                    assert_eq!(
                        (stop, root_error(&error)),
                        (0, RootErrorKind::WrongRoot),
                        "nothing had begun"
                    );
                    open(&records, old()).await.unwrap()
                }
            };
            for n in 0..40 {
                assert_eq!(reopened.get(format!("s/{n}")).send().await.unwrap().expose_text().unwrap(), "v");
            }
            assert!(reopened.verify().await.unwrap().is_clean());
            if result.is_ok() {
                // There are no more commits than that.
                assert!(stop > 3, "{stop}");
                assert_eq!(epochs(&records).await, [2]);
                return;
            }
            reopened.roots().rekey(roots(), |_| ()).await.unwrap();
            let last = open(&records, new()).await.unwrap();
            assert!(last.verify().await.unwrap().is_clean());
            assert_eq!(epochs(&records).await.len(), 1);
        }
    }
    panic!("it never ended");
}

const DIRECTORY: &str = "STRONGROOM_TEST_REKEYED_DIRECTORY";

/// With whichever of the two roots it opens.
async fn open_by_either(directory: &Path) -> (Strongroom, u8) {
    for root in [1, 2] {
        let key = RootKey::from_bytes([root; 32]);
        match Strongroom::builder().directory(directory).root_key(key).existing().open().await {
            Ok(room) => return (room, root),
            Err(error) => assert_eq!(root_error(&error), RootErrorKind::WrongRoot, "{error}"),
        }
    }
    panic!("neither root opens it");
}

/// Not a test of its own: the child process. Re-keys from one root to the other and back until it is killed.
#[test]
fn the_child_rekeys_until_it_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    pollster::block_on(async {
        println!("\nready");
        loop {
            let (room, root) = open_by_either(Path::new(&directory)).await;
            let other = vec![(RootKey::from_bytes([3 - root; 32]), "the other".to_owned())];
            room.roots().rekey(other, |_| ()).await.unwrap();
        }
    });
}

/// Killed at any moment, it opens with one of the roots, and nothing is lost.
#[tokio::test]
async fn killed_anywhere_it_is_whole() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("room");
    let root = RootKey::from_bytes([1; 32]);
    let room = Strongroom::builder().directory(&directory).root_key(root).open().await.unwrap();
    for n in 0..SECRETS {
        room.create(format!("s/{n}")).text(format!("value {n}")).send().await.unwrap();
    }
    drop(room);
    let mut halfway = 0;
    for round in 0..12u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child_rekeys_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, &directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().expect("the child is ready").unwrap().trim() != "ready" {}
        std::thread::sleep(std::time::Duration::from_millis(3 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let (room, _) = open_by_either(&directory).await;
        for n in 0..SECRETS {
            let value = room.get(format!("s/{n}")).send().await.unwrap();
            assert_eq!(value.expose_text().unwrap(), format!("value {n}"));
        }
        assert!(room.verify().await.unwrap().is_clean());
        drop(room);
        let storage =
            strongroom_sqlite::SqliteRecords::open(directory.join("records.sqlite3")).await.unwrap();
        let storage: Arc<dyn Records> = Arc::new(storage);
        halfway += usize::from(epochs(&storage).await.len() > 1);
    }
    assert!(halfway > 0, "it was never stopped half way");
}

/// Whoever has opened the strongroom again goes on writing while records are written anew.
#[tokio::test]
async fn others_write_meanwhile() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let ciphertext = filled(&records).await;
    let room = open(&records, old()).await.unwrap();
    let mut rounds = 0;
    room.roots()
        .rekey(roots(), |_| {
            rounds += 1;
            pollster::block_on(async {
                let other = open(&records, new()).await.unwrap();
                // Of the first, which were written anew already, and of the last, which were not.
                for n in [1, SECRETS - 1] {
                    other.put(format!("s/{n}")).text(format!("first of {n}")).send().await.unwrap();
                }
                other.create(format!("new/{rounds}")).text("n").send().await.unwrap();
            });
        })
        .await
        .unwrap();
    assert!(rounds > 3, "{rounds}");
    let room = open(&records, new()).await.unwrap();
    is_whole(&room, &ciphertext).await;
    assert_eq!(room.get("new/1").send().await.unwrap().expose_text().unwrap(), "n");
    assert_eq!(epochs(&records).await, [2]);
}

/// A damaged record is named, and the old key stays until it is mended or gone.
#[tokio::test]
async fn a_damaged_record_keeps_the_old_key() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    filled(&records).await;
    let room = open(&records, old()).await.unwrap();
    let place = Key::realm(&strongroom::Realm::default()).then("alias").then("alias/own");
    let mut value = records.read(std::slice::from_ref(&place)).await.unwrap().remove(0).unwrap().value;
    let good = value.clone();
    *value.last_mut().unwrap() ^= 1;
    records.commit(Batch::new().put(&place, value, Expect::Any)).await.unwrap();
    let refused = room.roots().rekey(roots(), |_| ()).await.unwrap_err();
    assert_eq!(root_error(&refused), RootErrorKind::Tampered);
    assert!(format!("{refused:?}").contains("alias/own"), "{refused:?}");
    assert_eq!(epochs(&records).await, [1, 2], "all others are done");
    records.commit(Batch::new().put(&place, good, Expect::Any)).await.unwrap();
    let room = open(&records, new()).await.unwrap();
    room.roots().rekey(roots(), |_| ()).await.unwrap();
    assert_eq!(epochs(&records).await, [2]);
    assert!(open(&records, new()).await.unwrap().verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn there_must_be_roots() {
    let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let room = open(&records, old()).await.unwrap();
    let refused = room.roots().rekey(Vec::new(), |_| ()).await.unwrap_err();
    assert_eq!(root_error(&refused), RootErrorKind::InvalidSlot);
    room.create("s").text("nothing was changed").send().await.unwrap();
}
