//! What is due when: an index that says where to look, and never decides.

#![cfg(test)]

use std::sync::Arc;

use strongroom_records::{Batch, Expect, Key, MemoryRecords, Records};
use strongroom_root::{Budget, DueIndex, Error, ErrorKind, RootKey, TrustedRecords};
use strongroom_types::{SystemClock, Timestamp};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

async fn world() -> (Arc<dyn Records>, TrustedRecords, DueIndex) {
    let storage: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let root = RootKey::from_bytes([3; 32]);
    let records = TrustedRecords::open(Arc::clone(&storage), root, None, &SystemClock).await.unwrap();
    let index = DueIndex::new(Key::realm(records.realm()).then("due").then("thing"));
    (storage, records, index)
}

async fn put(records: &TrustedRecords, index: &DueIndex, entries: &[(i64, &str)]) {
    let mut batch = records.batch();
    for (date, id) in entries {
        index.move_entry(&mut batch, id, None, Some(at(*date)));
    }
    records.commit(batch).await.unwrap();
}

async fn due(records: &TrustedRecords, index: &DueIndex, budget: Budget) -> (Vec<String>, bool) {
    let (mut seen, mut budget) = (Vec::new(), budget);
    let report = index
        .each_due(records, &mut budget, |entry| {
            seen.push(format!("{}@{}", entry.id, entry.date.as_millis()));
            async { Ok::<_, Error>(true) }
        })
        .await
        .unwrap();
    assert_eq!(report.done, seen.len() as u64);
    assert!(report.damaged.is_none());
    (seen, report.more)
}

#[tokio::test]
async fn what_is_due_by_a_moment_comes_in_order_of_time_and_no_more_than_the_budget_allows() {
    let (_, records, index) = world().await;
    assert_eq!(index.next(&records).await.unwrap(), None);
    put(&records, &index, &[(30, "c"), (-5, "before 1970"), (20, "b"), (20, "a"), (31, "d")]).await;
    assert_eq!(index.next(&records).await.unwrap(), Some(at(-5)));
    let all = ["before 1970@-5", "a@20", "b@20", "c@30"];
    let seen = due(&records, &index, Budget::unlimited(at(30))).await;
    assert_eq!((seen.0.iter().map(String::as_str).collect::<Vec<_>>(), seen.1), (all.to_vec(), false));
    assert_eq!(due(&records, &index, Budget::unlimited(at(-6))).await, (vec![], false));
    let (seen, more) = due(&records, &index, Budget::unlimited(at(30)).items(2)).await;
    assert_eq!((seen.len(), more), (2, true));
    assert!(!due(&records, &index, Budget::unlimited(at(30)).items(4)).await.1, "just enough");
    assert_eq!(due(&records, &index, Budget::unlimited(at(i64::MAX))).await.0.len(), 5);
}

#[tokio::test]
async fn an_entry_moves_with_the_date() {
    let (_, records, index) = world().await;
    put(&records, &index, &[(20, "a")]).await;
    for (from, to, expected) in [
        (Some(20), Some(20), Some(20)),
        (Some(20), Some(40), Some(40)),
        (Some(40), None, None),
        (None, None, None),
        (None, Some(7), Some(7)),
    ] {
        let mut batch = records.batch();
        index.move_entry(&mut batch, "a", from.map(at), to.map(at));
        records.commit(batch).await.unwrap();
        assert_eq!(index.next(&records).await.unwrap(), expected.map(at));
    }
}

#[tokio::test]
async fn one_that_is_damaged_does_not_keep_the_others_and_any_other_failure_ends_the_walk() {
    let (storage, records, index) = world().await;
    put(&records, &index, &[(1, "a"), (2, "b"), (3, "c"), (4, "d")]).await;
    storage.commit(Batch::new().put(&index.entry(at(2), "b"), vec![0; 40], Expect::Any)).await.unwrap();
    for (kind, expected) in [(ErrorKind::Tampered, "acd"), (ErrorKind::Busy, "ac")] {
        let mut seen = String::new();
        let result = index
            .each_due(&records, &mut Budget::unlimited(at(9)), |entry| {
                seen += &entry.id;
                async move { if entry.id == "c" { Err(Error::new(kind, "no")) } else { Ok(true) } }
            })
            .await;
        assert_eq!(seen, expected);
        match result {
            Ok(report) => {
                assert_eq!(report.done, 2);
                assert_eq!(report.damaged.unwrap().kind(), ErrorKind::Tampered);
            }
            Err(error) => assert_eq!(error.kind(), kind),
        }
    }
}
