//! The conformance suite of [`Records`].

pub mod durability;
mod reopen;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use strongroom_records::{
    Batch, ErrorKind, Expect, FreshRecords, Key, Limits, Record, Records, Revision, Scan,
};

pub use reopen::{Reopen, Volatile};

/// Runs every case, each on storage of its own: `make` gives a way to new, empty storage each time.
///
/// That way is [`Volatile`] for storage that is lost with its process and declares so. For
/// everything else it is a [`Reopen`]: most simply a closure that opens the storage, which the
/// suite calls again after a crash.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn conformance<F, Fut, R>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = R>,
    R: Reopen,
{
    let make = &make;
    alone(make, what_was_written_is_read).await;
    alone(make, keys_are_ordered_by_bytes).await;
    alone(make, pages_fit_together_in_both_directions).await;
    alone(make, cursors_outlive_their_record_and_snapshot).await;
    alone(make, preconditions_decide_the_whole_batch).await;
    alone(make, revisions_are_never_given_twice).await;
    alone(make, snapshots_do_not_move).await;
    alone(make, reads_of_several_keys_are_of_one_moment).await;
    alone(make, concurrent_writers_lose_no_update).await;
    alone(make, dropped_commits_are_whole_or_absent).await;
    alone(make, change_tokens_tell_of_commits).await;
    alone(make, records_are_read_again_when_something_was_committed).await;
    alone(make, what_has_not_changed_is_as_new_as_what_is_read).await;
    alone(make, limits_are_kept_and_sufficient).await;
    alone(make, invalid_batches_change_nothing).await;
    durability::survives_crashes(make).await;
}

/// One case on storage of its own, which lives until the case ends.
async fn alone<F, Fut, R, Case, Done>(make: &F, case: Case)
where
    F: Fn() -> Fut,
    Fut: Future<Output = R>,
    R: Reopen,
    Case: FnOnce(Arc<dyn Records>) -> Done,
    Done: Future<Output = ()>,
{
    let storage = make().await;
    case(storage.open().await).await;
}

fn key(name: &str) -> Key {
    Key::of(["test", name])
}

async fn put(records: &dyn Records, name: &str, value: &[u8]) -> Revision {
    records.commit(Batch::new().put(&key(name), value, Expect::Any)).await.expect("an unconditional put")
}

async fn value(records: &dyn Records, name: &str) -> Option<Vec<u8>> {
    records.read(&[key(name)]).await.expect("a read").remove(0).map(|record| record.value)
}

async fn names(records: &dyn Records, scan: &Scan) -> Vec<String> {
    let page = records.snapshot().await.unwrap().scan(scan).await.unwrap();
    page.records
        .iter()
        .map(|record| String::from_utf8(record.key.segments().unwrap().pop().unwrap()).unwrap())
        .collect()
}

/// Put, replace, delete; arbitrary and empty values; a record has its key and revision.
pub async fn what_was_written_is_read(records: Arc<dyn Records>) {
    assert_eq!(value(&*records, "a").await, None, "nothing is there before it was written");
    let revision = put(&*records, "a", b"\0one\xff").await;
    let record = records.read(&[key("a")]).await.unwrap().remove(0).unwrap();
    assert_eq!((record.key, record.revision, record.value), (key("a"), revision, b"\0one\xff".to_vec()));
    put(&*records, "a", b"").await;
    assert_eq!(value(&*records, "a").await.as_deref(), Some(&b""[..]), "an empty value is a value");
    records.commit(Batch::new().delete(&key("a"), Expect::Any)).await.unwrap();
    assert_eq!(value(&*records, "a").await, None);
    records
        .commit(Batch::new().delete(&key("a"), Expect::Any))
        .await
        .expect("deleting what is not there is fine");
    let read = records.read(&[key("x"), key("a"), key("x")]).await.unwrap();
    assert_eq!(read, [None, None, None], "one answer for each key asked");
}

/// Byte order, also for bytes above 127 and for keys that begin with another; a prefix takes
/// exactly what is below it.
pub async fn keys_are_ordered_by_bytes(records: Arc<dyn Records>) {
    let keys: Vec<Key> =
        [&b"\0"[..], b"\0\0", b"\x01", b"a", b"a\0", b"ab", b"b", b"\x7f", b"\x80", b"\xff", b"\xff\xff"]
            .iter()
            .map(|name| Key::of(["p"]).then(name))
            .collect();
    let mut batch =
        Batch::new().put(&Key::of(["o"]), b"", Expect::Any).put(&Key::of(["q"]), b"", Expect::Any);
    for key in keys.iter().rev() {
        batch = batch.put(key, b"", Expect::Any);
    }
    records.commit(batch).await.unwrap();
    let mut sorted = keys.clone();
    sorted.sort();
    let snapshot = records.snapshot().await.unwrap();
    let scan = Scan::prefix(&Key::of(["p"]));
    let found = |page: strongroom_records::Page| {
        page.records.into_iter().map(|record| record.key).collect::<Vec<_>>()
    };
    assert_eq!(found(snapshot.scan(&scan).await.unwrap()), sorted, "ascending");
    sorted.reverse();
    assert_eq!(found(snapshot.scan(&scan.clone().reverse()).await.unwrap()), sorted, "descending");
    let all = found(snapshot.scan(&Scan::prefix(&Key::default())).await.unwrap());
    assert_eq!(all.len(), keys.len() + 2, "the empty prefix is everything");
}

/// `more` is exact, pages neither overlap nor leave a gap, `below` and `after` bound both
/// directions.
pub async fn pages_fit_together_in_both_directions(records: Arc<dyn Records>) {
    let expected: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
    let batch = expected.iter().fold(Batch::new(), |batch, name| batch.put(&key(name), b"v", Expect::Any));
    records.commit(batch).await.unwrap();
    let snapshot = records.snapshot().await.unwrap();
    for reverse in [false, true] {
        for limit in [1, 2, 5, 24, 25, 26] {
            let base = Scan::prefix(&Key::of(["test"])).limit(limit);
            let mut scan = if reverse { base.reverse() } else { base };
            let mut seen = Vec::new();
            loop {
                let page = snapshot.scan(&scan).await.unwrap();
                assert!(page.records.len() <= limit);
                assert!(!page.more || !page.records.is_empty(), "a page with more holds at least one record");
                seen.extend(
                    page.records
                        .iter()
                        .map(|r| String::from_utf8(r.key.segments().unwrap().remove(1)).unwrap()),
                );
                assert_eq!(page.more, seen.len() < 25, "`more` is exact");
                match page.cursor() {
                    Some(cursor) => scan = scan.after(cursor),
                    None => break,
                }
            }
            if reverse {
                seen.reverse();
            }
            assert_eq!(seen, expected, "limit {limit}, reverse {reverse}");
        }
    }
    drop(snapshot);
    let scan = Scan::prefix(&Key::of(["test"])).after(&key("03")).below(&key("06"));
    assert_eq!(names(&*records, &scan).await, ["04", "05"]);
    let scan = Scan::prefix(&Key::of(["test"])).below(&key("06")).reverse().after(&key("04"));
    assert_eq!(names(&*records, &scan).await, ["03", "02", "01", "00"]);
}

/// A cursor is a key: good when its record is gone, in another snapshot, after other writes.
pub async fn cursors_outlive_their_record_and_snapshot(records: Arc<dyn Records>) {
    for name in ["a", "b", "c", "d"] {
        put(&*records, name, b"v").await;
    }
    let scan = Scan::prefix(&Key::of(["test"])).limit(2);
    let page = records.snapshot().await.unwrap().scan(&scan).await.unwrap();
    let cursor = page.cursor().expect("two more follow").clone();
    assert_eq!(cursor, key("b"));
    records
        .commit(Batch::new().delete(&key("b"), Expect::Any).put(&key("bb"), b"v", Expect::Any))
        .await
        .unwrap();
    assert_eq!(names(&*records, &scan.after(&cursor)).await, ["bb", "c"]);
}

/// Of `Any`, `Absent` and `At`, on puts, deletes and checks; one that fails leaves nothing of its
/// batch.
pub async fn preconditions_decide_the_whole_batch(records: Arc<dyn Records>) {
    let first = put(&*records, "a", b"1").await;
    let second = put(&*records, "a", b"2").await;
    let wrong = [
        ("put where something is", Batch::new().put(&key("a"), b"x", Expect::Absent)),
        ("put over another revision", Batch::new().put(&key("a"), b"x", Expect::At(first))),
        ("put at a revision of nothing", Batch::new().put(&key("b"), b"x", Expect::At(second))),
        ("delete of another revision", Batch::new().delete(&key("a"), Expect::At(first))),
        ("delete at a revision of nothing", Batch::new().delete(&key("b"), Expect::At(second))),
        ("check of absence", Batch::new().check(&key("a"), Expect::Absent)),
        ("check of another revision", Batch::new().check(&key("a"), Expect::At(first))),
        ("check at a revision of nothing", Batch::new().check(&key("b"), Expect::At(second))),
    ];
    for (what, batch) in wrong {
        let batch = batch.put(&key("0"), b"x", Expect::Any).delete(&key("z"), Expect::Any);
        let error = records.commit(batch).await.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Conflict, "{what}");
        assert_eq!(value(&*records, "0").await, None, "{what}: nothing of the batch may be applied");
        assert_eq!(value(&*records, "a").await.as_deref(), Some(&b"2"[..]), "{what}");
    }
    let right = Batch::new()
        .put(&key("a"), b"3", Expect::At(second))
        .put(&key("b"), b"1", Expect::Absent)
        .check(&key("c"), Expect::Absent)
        .check(&key("d"), Expect::Any)
        .delete(&key("e"), Expect::Absent);
    let third = records.commit(right).await.expect("all preconditions hold");
    records
        .commit(Batch::new().check(&key("a"), Expect::At(third)).delete(&key("b"), Expect::At(third)))
        .await
        .unwrap();
    assert_eq!((value(&*records, "a").await, value(&*records, "b").await), (Some(b"3".to_vec()), None));
}

/// Deleting and writing again does not bring an old revision back: who read the old record must not
/// pass.
pub async fn revisions_are_never_given_twice(records: Arc<dyn Records>) {
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen.push(put(&*records, "a", b"same").await);
        records.commit(Batch::new().delete(&key("a"), Expect::Any)).await.unwrap();
    }
    put(&*records, "a", b"same").await;
    for old in &seen {
        let late = records.commit(Batch::new().put(&key("a"), b"x", Expect::At(*old))).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20, "each write has a revision of its own");
}

/// A snapshot sees everything before it and nothing after it, by get, scan and absence.
pub async fn snapshots_do_not_move(records: Arc<dyn Records>) {
    put(&*records, "a", b"1").await;
    put(&*records, "b", b"1").await;
    let before = records.snapshot().await.unwrap();
    records
        .commit(Batch::new().put(&key("a"), b"2", Expect::Any).delete(&key("b"), Expect::Any).put(
            &key("c"),
            b"2",
            Expect::Any,
        ))
        .await
        .unwrap();
    let after = records.snapshot().await.unwrap();
    let scan = Scan::prefix(&Key::of(["test"]));
    for (snapshot, expected) in
        [(&before, [Some("1"), Some("1"), None]), (&after, [Some("2"), None, Some("2")])]
    {
        let mut listed = 0;
        for (name, expected) in ["a", "b", "c"].iter().zip(expected) {
            let found = snapshot.get(&key(name)).await.unwrap().map(|record| record.value);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{name}");
            listed += usize::from(expected.is_some());
        }
        assert_eq!(snapshot.scan(&scan).await.unwrap().records.len(), listed);
        let many = snapshot.get_many(&[key("a"), key("b"), key("c")]).await.unwrap();
        assert_eq!(many.iter().flatten().count(), listed);
    }
}

/// Two keys that are always written together are never seen apart.
pub async fn reads_of_several_keys_are_of_one_moment(records: Arc<dyn Records>) {
    let both = |n: u32| {
        Batch::new().put(&key("left"), n.to_be_bytes(), Expect::Any).put(
            &key("right"),
            n.to_be_bytes(),
            Expect::Any,
        )
    };
    records.commit(both(0)).await.unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..=200 {
                pollster::block_on(records.commit(both(n))).unwrap();
            }
        });
        while !writer.is_finished() {
            let pair = pollster::block_on(records.read(&[key("left"), key("right")])).unwrap();
            let values: Vec<_> = pair.into_iter().map(|record| record.unwrap().value).collect();
            assert_eq!(values[0], values[1], "a read saw half of a commit");
        }
    });
}

/// Read, add one, write at the revision read; again on conflict. Every increment counts.
pub async fn concurrent_writers_lose_no_update(records: Arc<dyn Records>) {
    const WRITERS: u32 = 4;
    const EACH: u32 = 50;
    put(&*records, "counter", &0u32.to_be_bytes()).await;
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                pollster::block_on(async {
                    for _ in 0..EACH {
                        loop {
                            let record = records.read(&[key("counter")]).await.unwrap().remove(0).unwrap();
                            let count = u32::from_be_bytes(record.value.try_into().unwrap());
                            let next = (count + 1).to_be_bytes();
                            let batch = Batch::new().put(&key("counter"), next, Expect::At(record.revision));
                            match records.commit(batch).await {
                                Ok(_) => break,
                                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                            }
                        }
                    }
                });
            });
        }
    });
    assert_eq!(value(&*records, "counter").await.unwrap(), (WRITERS * EACH).to_be_bytes());
}

/// A commit whose future is dropped after its first poll leaves all of its batch or nothing, and
/// storage that works.
pub async fn dropped_commits_are_whole_or_absent(records: Arc<dyn Records>) {
    for n in 0..50u32 {
        let (left, right) = (key(&format!("l{n}")), key(&format!("r{n}")));
        let batch = Batch::new().put(&left, b"v", Expect::Absent).put(&right, b"v", Expect::Absent);
        let mut commit = records.commit(batch);
        if let Poll::Ready(done) = commit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.unwrap();
        }
        drop(commit);
        let mut snapshot = records.snapshot();
        let _ = snapshot.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(snapshot);
        // A later commit comes after whatever was still under way.
        put(&*records, "fence", b"v").await;
        let pair = records.read(&[left, right]).await.unwrap();
        assert_eq!(pair[0].is_some(), pair[1].is_some(), "half of a dropped commit is there");
    }
}

/// The token changes with every commit, of this handle's too.
pub async fn change_tokens_tell_of_commits(records: Arc<dyn Records>) {
    let mut last = records.change_token().await.unwrap();
    for n in 0..10u32 {
        put(&*records, "a", &n.to_be_bytes()).await;
        let now = records.change_token().await.unwrap();
        assert_ne!(now, last, "a commit went unnoticed");
        last = now;
    }
}

/// A read under a token gives records of the moment of its own token; after a commit, of another
/// key too, it reads again.
pub async fn records_are_read_again_when_something_was_committed(records: Arc<dyn Records>) {
    let keys = [key("a"), key("none"), key("a")];
    let read = async |since| records.read_if_changed(since, &keys).await.unwrap();
    let values = |fresh: &FreshRecords| {
        let value = |record: &Option<Record>| record.as_ref().map(|record| record.value.clone());
        fresh.records.iter().map(value).collect::<Vec<_>>()
    };
    let mut fresh = read(None).await.expect("without a token everything is read");
    assert_eq!(values(&fresh), [None, None, None], "one answer for each key asked");
    for n in 0..10u8 {
        let revision = put(&*records, "a", &[n]).await;
        let now = read(Some(fresh.token)).await.expect("a commit went unnoticed");
        assert_eq!(values(&now), [Some(vec![n]), None, Some(vec![n])]);
        assert_eq!(now.records[0].as_ref().map(|record| record.revision), Some(revision));
        assert_eq!(now.records[0].as_ref().map(|record| &record.key), Some(&keys[0]));
        // Nothing was committed: it need not be read again, and if it is, it is the same.
        if let Some(again) = read(Some(now.token)).await {
            assert_eq!(again.records, now.records);
        }
        put(&*records, "b", &[n]).await;
        fresh = read(Some(now.token)).await.expect("a commit of another record went unnoticed");
        assert_eq!(fresh.records, now.records);
    }
    assert!(read(None).await.is_some(), "without a token it is read, also when nothing has changed");
}

/// While others write, a reader that keeps what it read under a token sees every commit that was
/// acknowledged before it asked, and no half of one.
pub async fn what_has_not_changed_is_as_new_as_what_is_read(records: Arc<dyn Records>) {
    let both = |n: u32| {
        let (left, right) = (key("left"), key("right"));
        Batch::new().put(&left, n.to_be_bytes(), Expect::Any).put(&right, n.to_be_bytes(), Expect::Any)
    };
    records.commit(both(0)).await.unwrap();
    let acknowledged = AtomicU32::new(0);
    let keys = [key("left"), key("right")];
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..=200 {
                pollster::block_on(records.commit(both(n))).unwrap();
                acknowledged.store(n, Ordering::SeqCst);
            }
        });
        let mut kept: Option<FreshRecords> = None;
        while !writer.is_finished() {
            let before = acknowledged.load(Ordering::SeqCst);
            let since = kept.as_ref().map(|kept| kept.token);
            if let Some(fresh) = pollster::block_on(records.read_if_changed(since, &keys)).unwrap() {
                kept = Some(fresh);
            }
            let pair = &kept.as_ref().expect("the first answer has records").records;
            let number = |record: &Option<Record>| {
                u32::from_be_bytes(record.as_ref().unwrap().value.as_slice().try_into().unwrap())
            };
            assert_eq!(number(&pair[0]), number(&pair[1]), "half of a commit");
            assert!(number(&pair[0]) >= before, "a commit that was acknowledged is not seen");
        }
    });
}

/// At least [`Limits::REQUIRED`]; the figures declared can be used; beyond them nothing happens.
pub async fn limits_are_kept_and_sufficient(records: Arc<dyn Records>) {
    let (limits, required) = (records.limits(), Limits::REQUIRED);
    assert!(limits.key >= required.key && limits.value >= required.value && limits.scan >= required.scan);
    assert!(
        limits.batch_operations >= required.batch_operations && limits.batch_bytes >= required.batch_bytes
    );

    let long_key = Key::from_bytes(vec![b'k'; required.key]);
    let long_value = vec![7; required.value];
    records
        .commit(Batch::new().put(&long_key, long_value.clone(), Expect::Absent))
        .await
        .expect("the required sizes");
    let found = records.read(std::slice::from_ref(&long_key)).await.unwrap().remove(0).unwrap();
    assert!(found.value == long_value && found.key == long_key);
    let many = (0..required.batch_operations)
        .fold(Batch::new(), |batch, n| batch.put(&key(&format!("{n:04}")), b"v", Expect::Any));
    records.commit(many).await.expect("the required number of operations");

    let too_long = Batch::new().put(&key("witness"), b"v", Expect::Any).put(
        &Key::from_bytes(vec![b'k'; limits.key + 1]),
        b"v",
        Expect::Any,
    );
    assert_eq!(records.commit(too_long).await.unwrap_err().kind(), ErrorKind::TooLarge);
    if limits.value < 64 << 20 {
        let too_long = Batch::new().put(&key("witness"), vec![0; limits.value + 1], Expect::Any);
        assert_eq!(records.commit(too_long).await.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    if limits.batch_operations < 1 << 20 {
        let many = (0..=limits.batch_operations)
            .fold(Batch::new().put(&key("witness"), b"v", Expect::Any), |batch, n| {
                batch.check(&key(&format!("c{n}")), Expect::Any)
            });
        assert_eq!(records.commit(many).await.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    assert_eq!(value(&*records, "witness").await, None);
}

/// A key twice in a batch is refused; an empty batch is fine.
pub async fn invalid_batches_change_nothing(records: Arc<dyn Records>) {
    let twice = Batch::new().put(&key("a"), b"1", Expect::Any).check(&key("a"), Expect::Any);
    assert_eq!(records.commit(twice).await.unwrap_err().kind(), ErrorKind::InvalidBatch);
    assert_eq!(value(&*records, "a").await, None);
    records.commit(Batch::new()).await.expect("an empty batch");
}
