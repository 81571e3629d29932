//! Whatever another store answers: as a sealed value, bytes or text, and as a snapshot of records;
//! and whatever the storage gives as the store's own record. Reading never panics, gives no value
//! that nobody sealed, and fails in few words.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use strongroom::records::{Batch, ErrorKind as RecordsError, Expect, Key};
use strongroom::{MemoryRecords, Records};
use strongroom::root::TrustedRecords;
use strongroom::store::GetSecretValue;
use strongroom::{SecretAdmin, SecretStore, SecretValue};
use strongroom::records::SecretRecords;
use strongroom::store::{ClientEncrypted, EngineLimits};
use strongroom::{RootKey, SecretErrorKind, Strongroom};

struct World {
    outer: Strongroom,
    sealed: ClientEncrypted<Arc<dyn SecretAdmin>>,
    accepting: ClientEncrypted<Arc<dyn SecretAdmin>>,
    snapshot: SecretRecords,
    /// A sealed value as it is stored.
    good: Vec<u8>,
}

async fn world() -> World {
    let open = |byte| Strongroom::builder().memory().root_key(RootKey::from_bytes([byte; 32]));
    // The oldest versions go when they are a day old; this runs for minutes.
    let outer = open(1).limits(EngineLimits::default().versions(1_000_000)).open().await.unwrap();
    let own = open(2).open().await.unwrap();
    own.keys().create("alias/outer", "").await.unwrap();
    let key = own.keys().service().unwrap();
    let sealed = ClientEncrypted::new(outer.store(), key, own.context().clone(), "alias/outer").unwrap();
    let accepting = sealed.clone().accept_plain().accept_kms_encrypted();
    let snapshot = SecretRecords::new(outer.store(), outer.context().clone(), "s").unwrap();
    let room = Strongroom::over(Arc::new(sealed.clone()), outer.realm().clone());
    room.create("good").text("hunter2").send().await.unwrap();
    let good = outer.get("good").send().await.unwrap().expose_bytes().to_vec();
    World { outer, sealed, accepting, snapshot, good }
}

/// The store's own record is read before anything is known of its author.
async fn declare(bytes: &[u8]) {
    let records = Arc::new(MemoryRecords::new());
    let framed = [&[1, 0, 0, 0, 1], [0; 32].as_slice(), bytes].concat();
    records.commit(Batch::new().put(&Key::of(["store"]), framed, Expect::Absent)).await.unwrap();
    match TrustedRecords::peek_realm(&*records).await {
        Ok(realm) => assert!(realm.is_some()),
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
    let root = RootKey::from_bytes([1; 32]);
    let refused = Strongroom::builder().records(records).root_key(root).open().await.unwrap_err();
    let text = refused.to_string();
    // Whatever it calls a feature, it is shown only if it is a plain word.
    assert!(text.len() < 1_000 && !text.chars().any(|c| c.is_control() && c != '\n'));
}

static WORLD: OnceLock<World> = OnceLock::new();

fuzz_target!(|input: (u8, usize, &[u8])| {
    let (how, at, bytes) = input;
    let world = WORLD.get_or_init(|| pollster::block_on(world()));
    let prefixed = |prefix: &[u8]| [prefix, bytes].concat();
    let stored = match how % 4 {
        0 => prefixed(b"strongroom-sealed:1:"),
        1 => prefixed(b"SRSNAP\x00\x01"),
        // One that is good, but for a few bytes.
        2 => {
            let mut good = world.good.clone();
            let at = at % good.len();
            let len = bytes.len().min(good.len() - at);
            good[at..at + len].copy_from_slice(&bytes[..len]);
            good
        }
        _ => bytes.to_vec(),
    };
    if stored.is_empty() || stored.len() > SecretValue::MAX_LEN {
        return;
    }
    let text = (how & 4 != 0).then(|| String::from_utf8(stored.clone()).ok()).flatten();
    let value = text.map_or_else(|| SecretValue::binary(stored), SecretValue::text);
    pollster::block_on(async {
        declare(bytes).await;
        let cx = world.outer.context();
        // A fresh secret, so that versions do not grow.
        world.outer.create("s").value(value.clone()).send().await.unwrap();
        let strict = world.sealed.get_secret_value(cx, GetSecretValue::new("s")).await;
        assert_eq!(strict.unwrap_err().kind(), SecretErrorKind::DecryptionFailure);
        match world.accepting.get_secret_value(cx, GetSecretValue::new("s")).await {
            Ok(read) => assert!(read.value == value, "plain, or nothing"),
            Err(error) => assert_eq!(error.kind(), SecretErrorKind::DecryptionFailure),
        }
        if let Err(error) = world.snapshot.snapshot().await {
            assert_eq!(error.kind(), RecordsError::Incompatible);
        }
        world.outer.delete("s").without_recovery().send().await.unwrap();
    });
});
