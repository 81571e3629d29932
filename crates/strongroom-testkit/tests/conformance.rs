//! Every implementation in the workspace against its suite.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_engine::Engine;
use strongroom_kms::{AliasName, CreateKey, KeyRef, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::{Batch, Expect, FreshFor, Key, Limits, MemoryRecords, Prefixed, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_sqlite::SqliteRecords;
use strongroom_store::{AnyStore, SecretStore};
use strongroom_testkit::records::Volatile;
use strongroom_testkit::{ManualClock, kms, records, store};
use strongroom_types::{CallContext, Service};

async fn memory() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::new())
}

/// The directory goes when the test ends; the file stays open until then.
async fn sqlite(directory: &tempfile::TempDir) -> Arc<dyn Records> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let name = format!("{}.sqlite3", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    Arc::new(SqliteRecords::open(directory.path().join(name)).await.unwrap())
}

async fn local_kms(records: Arc<dyn Records>) -> kms::Fixture {
    let clock = Arc::new(ManualClock::default());
    let records = TrustedRecords::open(records, RootKey::from_bytes([1; 32]), None, &*clock).await.unwrap();
    let cx = CallContext::owner(records.realm());
    let kms = LocalKms::new(records, clock);
    let key = kms.create_key(&cx, CreateKey::new()).await.unwrap();
    let other = kms.create_key(&cx, CreateKey::new().multi_region()).await.unwrap();
    let alias = AliasName::parse("alias/conformance").unwrap();
    kms.create_alias(&cx, &alias, &key.id.into()).await.unwrap();
    kms::Fixture { kms: Arc::new(kms), cx, key: KeyRef::from(alias), other: KeyRef::from(other.id) }
}

async fn engine(records: Arc<dyn Records>) -> store::Fixture {
    let clock = Arc::new(ManualClock::default());
    let records = TrustedRecords::open(records, RootKey::from_bytes([1; 32]), None, &*clock).await.unwrap();
    let cx = CallContext::owner(records.realm());
    let kms = LocalKms::new(records.clone(), clock.clone()).for_service(Service::SecretsManager);
    // A clock that ticks once a question, so that times differ as they do in life.
    let ticking = Arc::new(Ticking(clock));
    store::Fixture { store: Arc::new(Engine::new(records, Arc::new(kms), ticking)), cx }
}

#[derive(Debug)]
struct Ticking(Arc<ManualClock>);

impl strongroom_types::Clock for Ticking {
    fn now(&self) -> strongroom_types::Timestamp {
        self.0.advance(Duration::from_millis(1));
        self.0.now()
    }
}

#[test]
fn memory_records_conform() {
    pollster::block_on(records::conformance(async || Volatile::new(memory().await)));
}

/// Opened again without having been closed; `killed.rs` also kills its process, and the facade's tests take its power away.
#[test]
fn sqlite_records_conform() {
    let directory = tempfile::tempdir().unwrap();
    let directory = &directory;
    let count = std::sync::atomic::AtomicU32::new(0);
    pollster::block_on(records::conformance(async || {
        let file = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = directory.path().join(format!("conformance-{file}.sqlite3"));
        move || {
            let path = path.clone();
            async move { Arc::new(SqliteRecords::open(path).await.unwrap()) as Arc<dyn Records> }
        }
    }));
}

/// With neighbours on both sides, who must notice nothing.
#[test]
fn records_below_a_prefix_conform() {
    pollster::block_on(async {
        let storage = MemoryRecords::new();
        let neighbours = ["m", "n\0", "o"].map(|name| Key::of(["tenant", name, "test", "a"]));
        let batch = neighbours.iter().fold(Batch::new(), |batch, key| batch.put(key, b"mine", Expect::Any));
        let revision = storage.commit(batch).await.unwrap();
        let tenants = std::sync::atomic::AtomicU32::new(0);
        records::conformance(async || {
            // Each case has a prefix of its own in the same storage.
            let tenant = tenants.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
            let prefix = Key::of(["tenant", "n", &tenant]);
            Volatile::new(Arc::new(Prefixed::new(Arc::new(storage.clone()), prefix).unwrap()))
        })
        .await;
        for record in storage.read(&neighbours).await.unwrap() {
            let record = record.unwrap();
            assert_eq!((record.revision, record.value), (revision, b"mine".to_vec()));
        }
    });
}

#[test]
fn sqlite_records_below_a_prefix_conform() {
    let directory = tempfile::tempdir().unwrap();
    let directory = &directory;
    let count = std::sync::atomic::AtomicU32::new(0);
    pollster::block_on(records::conformance(async || {
        let file = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = directory.path().join(format!("prefixed-{file}.sqlite3"));
        move || {
            let path = path.clone();
            async move {
                let records: Arc<dyn Records> = Arc::new(SqliteRecords::open(path).await.unwrap());
                // As long a prefix as there can be.
                let prefix = Key::from_bytes(vec![0xff; records.limits().key - Limits::REQUIRED.key]);
                Arc::new(Prefixed::new(records, prefix).unwrap()) as Arc<dyn Records>
            }
        }
    }));
}

/// The suite has one handle, whose own commits it sees at once however long it trusts a token.
#[test]
fn records_that_are_fresh_for_a_while_conform() {
    for duration in [Duration::ZERO, Duration::from_secs(3600)] {
        pollster::block_on(records::conformance(async || {
            Volatile::new(Arc::new(FreshFor::new(memory().await, duration)))
        }));
    }
}

#[test]
fn local_kms_conforms_on_memory() {
    pollster::block_on(kms::conformance(async || local_kms(memory().await).await));
}

#[test]
fn local_kms_conforms_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    pollster::block_on(kms::conformance(async || local_kms(sqlite(&directory).await).await));
}

#[test]
fn engine_conforms_on_memory() {
    pollster::block_on(store::conformance(async || engine(memory().await).await));
}

/// As a store whose author has implemented no more than `SecretStore`.
#[test]
fn a_store_without_an_admin_part_conforms() {
    pollster::block_on(store::conformance(async || {
        let store::Fixture { store, cx } = engine(memory().await).await;
        let plain: Arc<dyn SecretStore> = store;
        store::Fixture { store: AnyStore::from(plain).into_admin(), cx }
    }));
}

#[test]
fn engine_conforms_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    pollster::block_on(store::conformance(async || engine(sqlite(&directory).await).await));
}
