//! How often a storage behind a network is asked.

#![cfg(test)]

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, Expect, FreshFor, Key, Limits, MemoryRecords, Records, Revision, Snapshot,
};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::{CountingRecords, ManualClock};

const HOUR: Duration = Duration::from_secs(3600);

/// A storage that others write to as well, counted, and what is believed of it for so long.
fn remote(duration: Duration) -> (MemoryRecords, CountingRecords, FreshFor) {
    let storage = MemoryRecords::new();
    let counting = CountingRecords::new(Arc::new(storage.clone()));
    (storage, counting.clone(), FreshFor::new(Arc::new(counting), duration))
}

fn key(name: &str) -> Key {
    Key::of([name])
}

async fn put(records: &dyn Records, name: &str, value: &[u8]) {
    records.commit(Batch::new().put(&key(name), value, Expect::Any)).await.unwrap();
}

async fn put_trusted(records: &TrustedRecords, name: &str, value: &[u8]) {
    let mut batch = records.batch();
    batch.put(&key(name), value, Expect::Any);
    records.commit(batch).await.unwrap();
}

async fn content(records: &TrustedRecords, name: &str) -> Vec<u8> {
    records.get(&key(name)).await.unwrap().unwrap().content
}

async fn open(records: Arc<dyn Records>) -> TrustedRecords {
    TrustedRecords::open(records, RootKey::from_bytes([1; 32]), None, &ManualClock::default()).await.unwrap()
}

#[test]
fn a_miss_is_one_round_trip_and_a_hit_is_none() {
    pollster::block_on(async {
        let (_, counting, fresh) = remote(HOUR);
        let records = open(Arc::new(fresh)).await;
        put_trusted(&records, "a", b"1").await;
        put_trusted(&records, "b", b"2").await;
        counting.take_calls();
        assert_eq!(content(&records, "a").await, b"1");
        assert_eq!(counting.take_calls(), 1, "a miss");
        assert_eq!(content(&records, "b").await, b"2");
        assert_eq!(counting.take_calls(), 1, "another miss");
        for _ in 0..10 {
            assert_eq!(content(&records, "a").await, b"1");
            assert_eq!(records.read(&[key("a"), key("b")]).await.unwrap().len(), 2);
            records.change_token().await.unwrap();
        }
        assert_eq!(counting.take_calls(), 0, "hits");
    });
}

#[test]
fn without_trust_a_hit_is_one_round_trip() {
    pollster::block_on(async {
        let (_, counting, fresh) = remote(Duration::ZERO);
        let records = open(Arc::new(fresh)).await;
        put_trusted(&records, "a", b"1").await;
        content(&records, "a").await;
        counting.take_calls();
        content(&records, "a").await;
        assert_eq!(counting.take_calls(), 1);
    });
}

#[test]
fn a_commit_of_ones_own_is_seen_at_once() {
    pollster::block_on(async {
        let (_, counting, fresh) = remote(HOUR);
        let clone = open(Arc::new(fresh.clone())).await;
        let records = open(Arc::new(fresh)).await;
        for n in 0..3u8 {
            put_trusted(&records, "a", &[n]).await;
            assert_eq!(content(&records, "a").await, [n]);
            assert_eq!(content(&clone, "a").await, [n], "through a clone too");
            counting.take_calls();
            assert_eq!(content(&records, "a").await, [n]);
            assert_eq!(counting.take_calls(), 0);
        }
    });
}

#[test]
fn somebody_elses_commit_is_seen_once_the_time_is_over() {
    pollster::block_on(async {
        let (storage, _, fresh) = remote(Duration::from_millis(200));
        put(&storage, "a", b"1").await;
        let first = fresh.read_if_changed(None, &[key("a")]).await.unwrap().unwrap();
        put(&storage, "a", b"2").await;
        assert_eq!(fresh.read_if_changed(Some(first.token), &[key("a")]).await.unwrap(), None);
        assert_eq!(fresh.change_token().await.unwrap(), first.token);
        std::thread::sleep(Duration::from_millis(201));
        let second = fresh.read_if_changed(Some(first.token), &[key("a")]).await.unwrap().unwrap();
        assert_eq!(second.records[0].as_ref().unwrap().value, b"2");
        assert_ne!(second.token, first.token);
    });
}

/// A token is not taken for the newest because it was once.
#[test]
fn only_the_newest_token_is_trusted() {
    pollster::block_on(async {
        let (storage, counting, fresh) = remote(HOUR);
        put(&storage, "a", b"1").await;
        let first = fresh.read_if_changed(None, &[key("a")]).await.unwrap().unwrap();
        put(&storage, "a", b"2").await;
        // Read for another reason: what is known moves on.
        fresh.read_if_changed(None, &[key("b")]).await.unwrap().unwrap();
        counting.take_calls();
        let second = fresh.read_if_changed(Some(first.token), &[key("a")]).await.unwrap().unwrap();
        assert_eq!(second.records[0].as_ref().unwrap().value, b"2");
        assert_eq!(counting.take_calls(), 1);
        let unknown = ChangeToken(u64::MAX);
        assert!(fresh.read_if_changed(Some(unknown), &[key("a")]).await.unwrap().is_some());
    });
}

/// A storage whose commits take effect, and whose answers to them never arrive.
#[derive(Debug)]
struct NoAnswer(MemoryRecords);

#[async_trait]
impl Records for NoAnswer {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.0.snapshot().await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        self.0.commit(batch).await?;
        std::future::pending().await
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.0.change_token().await
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }
}

#[test]
fn a_commit_that_was_given_up_ends_the_trust() {
    pollster::block_on(async {
        let fresh = FreshFor::new(Arc::new(NoAnswer(MemoryRecords::new())), HOUR);
        let first = fresh.read_if_changed(None, &[key("a")]).await.unwrap().unwrap();
        let mut commit = fresh.commit(Batch::new().put(&key("a"), b"1", Expect::Any));
        assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        // Asked while the commit is under way: the answer may be of before it, and is not believed after it.
        fresh.change_token().await.unwrap();
        drop(commit);
        let second = fresh.read_if_changed(Some(first.token), &[key("a")]).await.unwrap().unwrap();
        assert_eq!(second.records[0].as_ref().unwrap().value, b"1");
    });
}
