//! A store lists the features that it uses: whoever knows them goes on, whoever does not stops and
//! says which one it lacks.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_records::{Expect, Key, MemoryRecords, Records};
use strongroom_root::{Error, ErrorKind, Feature, RootKey, TrustedRecords};
use strongroom_testkit::{Fault, FaultyRecords};
use strongroom_types::SystemClock;

const MIRRORS: Feature = Feature::required("mirrors", "0.7.0");
const LOGS: Feature = Feature::required("logs", "0.8.0");
const HINTS: Feature = Feature::optional("hints", "0.7.0");

fn root() -> RootKey {
    RootKey::from_bytes([7; 32])
}

async fn open(records: &Arc<dyn Records>, features: &[Feature]) -> Result<TrustedRecords, Error> {
    TrustedRecords::open_with(Arc::clone(records), root(), None, &SystemClock, features).await
}

async fn put(store: &TrustedRecords, name: &str, feature: Option<&Feature>) -> Result<(), Error> {
    let mut batch = store.batch();
    batch.put(&Key::of([name]), b"x", Expect::Any);
    if let Some(feature) = feature {
        batch.uses(feature);
    }
    store.commit(batch).await.map(|_| ())
}

fn memory() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::new())
}

fn names_the_missing_feature(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
    assert!(error.to_string().contains("\"mirrors\", which came with Strongroom 0.7.0"), "{error}");
}

#[test]
fn a_program_without_a_required_feature_refuses_the_store_by_its_name() {
    pollster::block_on(async {
        let records = memory();
        let newer = open(&records, &[MIRRORS, HINTS]).await.unwrap();
        assert!(newer.format() == 2 && newer.features().is_empty());
        put(&newer, "plain", None).await.unwrap();
        put(&newer, "hint", Some(&HINTS)).await.unwrap();
        // What is optional is nobody's hindrance.
        let older = open(&records, &[]).await.unwrap();
        assert_eq!(older.features(), ["hints"]);
        put(&newer, "mirror", Some(&MIRRORS)).await.unwrap();
        assert_eq!(newer.features(), ["mirrors", "hints"]);
        names_the_missing_feature(&open(&records, &[HINTS]).await.unwrap_err());
        // Before the root is tried: what it would open may be of another form too.
        let wrong =
            TrustedRecords::open(Arc::clone(&records), RootKey::from_bytes([8; 32]), None, &SystemClock);
        names_the_missing_feature(&wrong.await.unwrap_err());
        assert!(TrustedRecords::peek_realm(&*records).await.unwrap().is_some());
        open(&records, &[MIRRORS]).await.unwrap();
    });
}

#[test]
fn open_handles_that_know_the_feature_go_on_and_those_that_do_not_stop() {
    pollster::block_on(async {
        let records = memory();
        let (one, other) =
            (open(&records, &[MIRRORS]).await.unwrap(), open(&records, &[MIRRORS]).await.unwrap());
        let ignorant = open(&records, &[HINTS]).await.unwrap();
        put(&one, "mirror", Some(&MIRRORS)).await.unwrap();
        put(&other, "a", None).await.unwrap();
        assert_eq!(other.features(), ["mirrors"]);
        for _ in 0..3 {
            names_the_missing_feature(&put(&ignorant, "b", None).await.unwrap_err());
        }
        // It stops for good: reads too.
        let read = ignorant.get(&Key::of(["a"])).await;
        names_the_missing_feature(&read.unwrap_err());
        names_the_missing_feature(&ignorant.snapshot().await.unwrap_err());
        names_the_missing_feature(&ignorant.upgrade().await.unwrap_err());
        assert!(one.get(&Key::of(["b"])).await.unwrap().is_none());
        // The one that raised it goes on without more ado.
        put(&one, "c", Some(&MIRRORS)).await.unwrap();
    });
}

#[test]
fn a_handle_that_only_reads_stops_after_a_second() {
    pollster::block_on(async {
        let records = memory();
        let (newer, older) = (open(&records, &[MIRRORS]).await.unwrap(), open(&records, &[]).await.unwrap());
        put(&newer, "a", None).await.unwrap();
        let a = [Key::of(["a"])];
        older.read(&a).await.unwrap();
        put(&newer, "mirror", Some(&MIRRORS)).await.unwrap();
        // Read once more and then from memory only.
        let mut read = older.read(&a).await;
        for _ in 0..30 {
            if read.is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            read = older.read(&a).await;
        }
        names_the_missing_feature(&read.unwrap_err());
        names_the_missing_feature(&older.read(&a).await.unwrap_err());
        names_the_missing_feature(&older.snapshot().await.unwrap_err());
        newer.read(&a).await.unwrap();
    });
}

#[test]
fn a_feature_comes_with_what_first_uses_it_or_not_at_all() {
    pollster::block_on(async {
        let faulty = FaultyRecords::new(memory());
        let records: Arc<dyn Records> = Arc::new(faulty.clone());
        let store = open(&records, &[MIRRORS]).await.unwrap();
        let unavailable = strongroom_records::ErrorKind::Unavailable;
        faulty.plan([Fault::Before(unavailable)]);
        put(&store, "mirror", Some(&MIRRORS)).await.unwrap_err();
        assert!(open(&records, &[]).await.unwrap().get(&Key::of(["mirror"])).await.unwrap().is_none());
        // Applied, but the answer was lost.
        faulty.plan([Fault::After]);
        put(&store, "mirror", Some(&MIRRORS)).await.unwrap_err();
        faulty.plan([]);
        names_the_missing_feature(&open(&records, &[]).await.unwrap_err());
        assert!(store.get(&Key::of(["mirror"])).await.unwrap().is_some());
        put(&store, "mirror", Some(&MIRRORS)).await.unwrap();

        // A precondition that does not hold takes the feature with it.
        let store = open(&records, &[MIRRORS, LOGS]).await.unwrap();
        let mut batch = store.batch();
        batch.put(&Key::of(["mirror"]), b"y", Expect::Absent);
        batch.uses(&LOGS);
        assert_eq!(store.commit(batch).await.unwrap_err().kind(), ErrorKind::Conflict);
        open(&records, &[MIRRORS]).await.unwrap();
    });
}

#[test]
fn many_who_raise_features_at_once_all_succeed() {
    let records = memory();
    let worker = |n: usize| {
        let records = Arc::clone(&records);
        move || {
            pollster::block_on(async {
                let store = open(&records, &[MIRRORS, LOGS, HINTS]).await.unwrap();
                for round in 0..50 {
                    let feature = [MIRRORS, LOGS, HINTS][(n + round) % 3];
                    let name = format!("{n}/{round}");
                    put(&store, &name, Some(&feature)).await.unwrap();
                }
            });
        }
    };
    pollster::block_on(open(&records, &[])).unwrap();
    let workers: Vec<_> = (0..4).map(|n| std::thread::spawn(worker(n))).collect();
    for worker in workers {
        worker.join().unwrap();
    }
    pollster::block_on(async {
        let store = open(&records, &[MIRRORS, LOGS, HINTS]).await.unwrap();
        assert_eq!(store.features(), ["logs", "mirrors", "hints"]);
        for n in 0..4 {
            for round in 0..50 {
                assert!(store.get(&Key::of([format!("{n}/{round}")])).await.unwrap().is_some());
            }
        }
    });
}

#[test]
fn a_handle_uses_only_what_it_knows_and_only_what_is_well_named() {
    pollster::block_on(async {
        let records = memory();
        let store = open(&records, &[MIRRORS]).await.unwrap();
        for feature in [LOGS, Feature::required("mirrors", "0.9.0"), Feature::required("Mirrors!", "0.7.0")] {
            let refused = put(&store, "x", Some(&feature)).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
        }
        assert!(store.features().is_empty());
        assert!(store.get(&Key::of(["x"])).await.unwrap().is_none());
    });
}

#[test]
fn a_rekey_keeps_the_features_and_bears_one_that_is_raised_meanwhile() {
    pollster::block_on(async {
        let records = memory();
        let store = open(&records, &[MIRRORS, LOGS]).await.unwrap();
        for n in 0..300 {
            put(&store, &format!("r{n:03}"), None).await.unwrap();
        }
        put(&store, "hint", Some(&LOGS)).await.unwrap();
        let other = Arc::clone(&records);
        let mut raised = 0;
        let new = || RootKey::from_bytes([9; 32]);
        let rekeyed = store
            .rekey(vec![(new(), "new".to_owned())], &SystemClock, |_| {
                raised += 1;
                if raised == 2 {
                    pollster::block_on(async {
                        let newer = TrustedRecords::open_with(
                            Arc::clone(&other),
                            new(),
                            None,
                            &SystemClock,
                            &[MIRRORS, LOGS],
                        );
                        let newer = newer.await.unwrap();
                        put(&newer, "mirror", Some(&MIRRORS)).await.unwrap();
                    });
                }
            })
            .await
            .unwrap();
        assert!(raised > 2, "{raised}");
        assert_eq!(rekeyed.features(), ["logs", "mirrors"]);
        let opened =
            TrustedRecords::open_with(Arc::clone(&records), new(), None, &SystemClock, &[MIRRORS, LOGS]);
        let opened = opened.await.unwrap();
        for n in 0..300 {
            let key = Key::of([format!("r{n:03}")]);
            assert!(opened.get(&key).await.unwrap().is_some(), "a record was passed by");
        }
        assert_eq!(put(&store, "late", None).await.unwrap_err().kind(), ErrorKind::StoreChanged);
    });
}

/// The store's own record as it once was, put back by somebody who can write the storage.
#[test]
fn a_feature_cannot_be_taken_back() {
    pollster::block_on(async {
        let records = memory();
        let store = open(&records, &[MIRRORS]).await.unwrap();
        let place = Key::of(["store"]);
        let before = records.read(std::slice::from_ref(&place)).await.unwrap().remove(0).unwrap().value;
        put(&store, "mirror", Some(&MIRRORS)).await.unwrap();
        let batch = strongroom_records::Batch::new().put(&place, before, Expect::Any);
        records.commit(batch).await.unwrap();
        let refused = put(&store, "x", None).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Tampered, "{refused}");
    });
}
