//! Records in a secret: conformance, races, faults at every point, a whole key service in it.

#![cfg(test)]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use std::sync::atomic::{AtomicU32, Ordering};

use strongroom::Records;
use strongroom::records::{Batch, ErrorKind, Expect, Key, Revision};
use strongroom::store::EngineLimits;
use strongroom::store::{
    Capabilities, CreateSecret, DeleteSecret, GetSecretValue, ListSecretVersionIds, ListSecrets,
    PutSecretValue, SecretCreated, SecretDeleted, SecretPage, SecretUpdated, UpdateSecret,
    UpdateSecretVersionStage, ValuePut, VersionPage,
};
use strongroom::{CallContext, RootKey, SecretErrorKind, SecretValue, Strongroom};
use strongroom::{SecretAdmin, SecretId, SecretMetadata, SecretRef, SecretStore, SecretVersion, Tag};
use strongroom_secret_records::SecretRecords;
use strongroom_testkit::{FaultyStore, ManualClock, StoreFault, records};

async fn keeper() -> Strongroom {
    // The suite commits more often than AWS would let it.
    let limits = EngineLimits::default().versions(100_000);
    Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).limits(limits).open().await.unwrap()
}

fn in_secret(keeper: &Strongroom, name: &str) -> SecretRecords {
    SecretRecords::new(keeper.store(), keeper.context().clone(), name).unwrap()
}

fn key(name: &str) -> Key {
    Key::of([name])
}

async fn value(records: &dyn Records, name: &str) -> Option<Vec<u8>> {
    records.read(&[key(name)]).await.unwrap().remove(0).map(|record| record.value)
}

/// All of the suite but the sizes that a single record must be able to have: a secret has room for less than one of them.
#[test]
fn conforms() {
    pollster::block_on(async {
        let keeper = &keeper().await;
        let make = |name: &str| -> Arc<dyn Records> { Arc::new(in_secret(keeper, name)) };
        records::what_was_written_is_read(make("a")).await;
        records::keys_are_ordered_by_bytes(make("b")).await;
        records::pages_fit_together_in_both_directions(make("c")).await;
        records::cursors_outlive_their_record_and_snapshot(make("d")).await;
        records::preconditions_decide_the_whole_batch(make("e")).await;
        records::revisions_are_never_given_twice(make("f")).await;
        records::snapshots_do_not_move(make("g")).await;
        records::reads_of_several_keys_are_of_one_moment(make("h")).await;
        records::concurrent_writers_lose_no_update(make("i")).await;
        records::dropped_commits_are_whole_or_absent(make("j")).await;
        records::change_tokens_tell_of_commits(make("k")).await;
        records::invalid_batches_change_nothing(make("l")).await;
        records::records_are_read_again_when_something_was_committed(make("m")).await;
        records::what_has_not_changed_is_as_new_as_what_is_read(make("n")).await;
    });
}

/// Another handle to the secret, which the store keeps, finds everything; the first one is neither closed nor asked again.
#[test]
fn what_was_acknowledged_is_there_for_the_next_handle() {
    pollster::block_on(async {
        let keeper = keeper().await;
        let count = AtomicU32::new(0);
        records::durability::survives_crashes(async || {
            let name = format!("crashed-{}", count.fetch_add(1, Ordering::Relaxed));
            let keeper = keeper.clone();
            move || {
                let records = Arc::new(in_secret(&keeper, &name)) as Arc<dyn Records>;
                async move { records }
            }
        })
        .await;
        assert!(count.into_inner() > 5, "the cases ran");
    });
}

/// What does not fit is refused and changes nothing.
#[test]
fn the_ceiling() {
    pollster::block_on(async {
        let keeper = keeper().await;
        let records = in_secret(&keeper, "full");
        for n in 0.. {
            let batch = Batch::new().put(&key(&format!("r{n}")), vec![n; 1000], Expect::Absent);
            match records.commit(batch).await {
                Ok(_) => assert!(value(&records, &format!("r{n}")).await.is_some()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
                    assert!(error.message().contains("fit into one secret") && n == 63, "{n}: {error}");
                    assert_eq!(value(&records, "r63").await, None);
                    break;
                }
            }
        }
        let (used, room) = records.used().await.unwrap();
        assert!(room == 65_536 && used <= room && used > 64_000, "{used} of {room}");
        records.commit(Batch::new().delete(&key("r0"), Expect::Any)).await.expect("less fits");
    });
}

/// Handles of their own, as other processes have them: each increment counts.
#[test]
fn processes_race_and_lose_no_update() {
    const EACH: u32 = 20;
    let keeper = pollster::block_on(keeper());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                pollster::block_on(async {
                    let records = in_secret(&keeper, "raced");
                    for _ in 0..EACH {
                        loop {
                            let found = records.read(&[key("n")]).await.unwrap().remove(0);
                            let (count, expect) = found.map_or((0, Expect::Absent), |record| {
                                let count = u32::from_be_bytes(record.value.try_into().unwrap());
                                (count, Expect::At(record.revision))
                            });
                            let batch = Batch::new().put(&key("n"), (count + 1).to_be_bytes(), expect);
                            match records.commit(batch).await {
                                Ok(_) => break,
                                Err(error) => {
                                    assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Busy));
                                }
                            }
                        }
                    }
                });
            });
        }
    });
    let records = in_secret(&keeper, "raced");
    assert_eq!(pollster::block_on(value(&records, "n")).unwrap(), (4 * EACH).to_be_bytes());
}

/// Each call of a commit fails once, before or after it took effect: what is answered is what happened, and nothing happens twice.
#[test]
fn faults_at_every_point() {
    use SecretErrorKind as Kind;
    pollster::block_on(async {
        let keeper = keeper().await;
        let mut tried = 0;
        for first in [true, false] {
            for kind in [Kind::Throttled, Kind::Internal, Kind::OutcomeUnknown, Kind::AccessDenied] {
                for after in [false, true] {
                    for at in 0..4 {
                        tried += 1;
                        let name = format!("faulty-{tried}");
                        if !first {
                            let before = Batch::new().put(&key("a"), b"0", Expect::Absent);
                            in_secret(&keeper, &name).commit(before).await.unwrap();
                        }
                        let faulty = FaultyStore::new(keeper.store());
                        let records =
                            SecretRecords::new(Arc::new(faulty.clone()), keeper.context().clone(), &name)
                                .unwrap();
                        let mut plan = vec![StoreFault::None; at];
                        plan.push(if after { StoreFault::After(kind) } else { StoreFault::Before(kind) });
                        faulty.plan(plan);
                        let batch = Batch::new().put(&key("a"), b"1", Expect::Any).put(
                            &key("b"),
                            b"1",
                            Expect::Absent,
                        );
                        let answer = records.commit(batch).await;
                        faulty.plan([]);
                        let there = in_secret(&keeper, &name);
                        let (a, b) = (value(&there, "a").await, value(&there, "b").await);
                        let applied = b.is_some();
                        assert_eq!(a.as_deref() == Some(b"1"), applied, "half a commit");
                        match answer {
                            Ok(Revision(at)) => assert!(applied && at > 1_000_000, "it follows the clock"),
                            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => (),
                            // A store that refuses for sure has done nothing; this one lies.
                            Err(_) if after && matches!(kind, Kind::AccessDenied | Kind::Throttled) => (),
                            Err(error) => assert!(!applied, "{error} at {at}, after {after}"),
                        }
                        // The handle goes on, and knows what is there.
                        assert_eq!(value(&records, "b").await, b);
                        records.commit(Batch::new().put(&key("c"), b"1", Expect::Absent)).await.unwrap();
                        assert_eq!(value(&there, "b").await, b, "nothing is lost or made twice");
                    }
                }
            }
        }
    });
}

/// One that took effect unseen, with others' commits on top of it, is known for done as long as it is remembered; then nobody knows, and it
/// is not made again.
#[test]
fn a_commit_is_found_beneath_others() {
    use SecretErrorKind::OutcomeUnknown;
    for others in [0u32, 1, 15, 16, 17, 40] {
        pollster::block_on(async {
            let keeper = keeper().await;
            in_secret(&keeper, "s").commit(Batch::new().put(&key("a"), b"0", Expect::Any)).await.unwrap();
            // Others commit while the answer is on its way: before the step is made again.
            let store = FaultyStore::new(keeper.store());
            let records = SecretRecords::new(
                Arc::new(Meanwhile {
                    inner: store.clone(),
                    keeper: keeper.clone(),
                    commits: Arc::new(AtomicU32::new(others)),
                }),
                keeper.context().clone(),
                "s",
            )
            .unwrap();
            // Describe, get, put, and the move.
            let mut plan = vec![StoreFault::None; 3];
            plan.push(StoreFault::After(OutcomeUnknown));
            store.plan(plan);
            let answer = records.commit(Batch::new().put(&key("b"), b"mine", Expect::Any)).await;
            let theirs = in_secret(&keeper, "s");
            match answer {
                Ok(_) => assert!(others < 16, "{others}"),
                Err(error) => {
                    assert!(error.kind() == ErrorKind::OutcomeUnknown && others >= 16, "{others}: {error}");
                }
            }
            let expected: &[u8] = if others == 0 { b"mine" } else { b"theirs" };
            assert_eq!(value(&theirs, "b").await.unwrap(), expected, "what others wrote since is kept");
        });
    }
}

/// A store beside which others commit, after the first move that fails.
#[derive(Clone, Debug)]
struct Meanwhile {
    inner: FaultyStore,
    keeper: Strongroom,
    commits: Arc<AtomicU32>,
}

type Answer<T> = Result<T, strongroom::store::Error>;

#[async_trait::async_trait]
impl SecretStore for Meanwhile {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Answer<SecretCreated> {
        self.inner.create_secret(cx, request).await
    }
    async fn get_secret_value(&self, cx: &CallContext, request: GetSecretValue) -> Answer<SecretVersion> {
        self.inner.get_secret_value(cx, request).await
    }
    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Answer<ValuePut> {
        self.inner.put_secret_value(cx, request).await
    }
    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Answer<SecretUpdated> {
        self.inner.update_secret(cx, request).await
    }
    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Answer<SecretRef> {
        let answer = self.inner.update_secret_version_stage(cx, request).await;
        if answer.is_err() {
            let theirs = in_secret(&self.keeper, "s");
            for _ in 0..self.commits.swap(0, Ordering::Relaxed) {
                theirs.commit(Batch::new().put(&key("b"), b"theirs", Expect::Any)).await.unwrap();
            }
        }
        answer
    }
    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Answer<SecretMetadata> {
        self.inner.describe_secret(cx, id).await
    }
    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Answer<SecretPage> {
        self.inner.list_secrets(cx, request).await
    }
    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Answer<VersionPage> {
        self.inner.list_secret_version_ids(cx, request).await
    }
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}

#[async_trait::async_trait]
impl SecretAdmin for Meanwhile {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Answer<SecretDeleted> {
        self.inner.delete_secret(cx, request).await
    }
    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Answer<SecretRef> {
        self.inner.restore_secret(cx, id).await
    }
    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Answer<()> {
        self.inner.tag_resource(cx, id, tags).await
    }
    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Answer<()> {
        self.inner.untag_resource(cx, id, keys).await
    }
}

/// A try that may have done it, then a refusal for another reason: nobody knows.
#[test]
fn uncertain_stays_uncertain() {
    use SecretErrorKind as Kind;
    pollster::block_on(async {
        let keeper = keeper().await;
        for (n, second) in [Kind::ExpiredToken, Kind::AccessDenied, Kind::NotFound].into_iter().enumerate() {
            for first in [true, false] {
                let name = format!("s{n}{first}");
                let before = Batch::new().put(&key("a"), b"0", Expect::Any);
                if !first {
                    in_secret(&keeper, &name).commit(before).await.unwrap();
                }
                let faulty = FaultyStore::new(keeper.store());
                let store = Arc::new(faulty.clone());
                let records = SecretRecords::new(store, keeper.context().clone(), &name).unwrap();
                let skip = if first { 1 } else { 3 };
                let mut plan = vec![StoreFault::None; skip];
                plan.extend([StoreFault::After(Kind::OutcomeUnknown), StoreFault::Before(second)]);
                faulty.plan(plan);
                let batch = Batch::new().put(&key("b"), b"1", Expect::Any);
                let error = records.commit(batch).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
                assert!(value(&records, "b").await.is_some(), "and the handle finds out by asking");
                // Refused for sure, again and again.
                faulty.plan(vec![StoreFault::Before(Kind::Throttled); 20]);
                let error = records.commit(Batch::new().put(&key("c"), b"1", Expect::Any)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
            }
        }
    });
}

/// A secret that is deleted and made again gives no revision twice.
#[test]
fn revisions_follow_the_clock() {
    pollster::block_on(async {
        let keeper = keeper().await;
        let records = in_secret(&keeper, "s");
        let put = || Batch::new().put(&key("a"), b"1", Expect::Any);
        let first = records.commit(put()).await.unwrap();
        keeper.delete("s").without_recovery().send().await.unwrap();
        thread::sleep(Duration::from_millis(2));
        let second = in_secret(&keeper, "s").commit(put()).await.unwrap();
        assert!(second > first);
        let stale = Batch::new().put(&key("a"), b"2", Expect::At(first));
        assert_eq!(records.commit(stale).await.unwrap_err().kind(), ErrorKind::Conflict);
        // What was deleted is at least not kept by a label.
        records.commit(put()).await.unwrap();
        records.erase_deleted().await.unwrap();
        records.erase_deleted().await.unwrap();
        let labels = keeper.describe("s").await.unwrap().versions;
        assert!(labels.values().flatten().all(|label| *label != strongroom::Stage::PREVIOUS), "{labels:?}");
        assert!(value(&records, "a").await.is_some());
    });
}

#[test]
fn freshness_and_what_is_no_snapshot() {
    pollster::block_on(async {
        let (keeper, clock) = (keeper().await, Arc::new(ManualClock::default()));
        let faulty = FaultyStore::new(keeper.store());
        let records = SecretRecords::new(Arc::new(faulty.clone()), keeper.context().clone(), "s").unwrap();
        let records = records.fresh_for(Duration::from_secs(30)).clock(clock.clone());
        records.commit(Batch::new().put(&key("a"), b"0", Expect::Any)).await.unwrap();
        let _ = faulty.calls();
        let token = records.change_token().await.unwrap();
        in_secret(&keeper, "s").commit(Batch::new().put(&key("a"), b"1", Expect::Any)).await.unwrap();
        assert_eq!(value(&records, "a").await.unwrap(), b"0");
        assert_eq!(records.change_token().await.unwrap(), token);
        assert!(faulty.calls().is_empty(), "it is fresh enough");
        // What is written is made of what is there all the same.
        records.commit(Batch::new().put(&key("b"), b"1", Expect::Any)).await.unwrap();
        assert_eq!(value(&in_secret(&keeper, "s"), "a").await.unwrap(), b"1", "their commit is not lost");
        in_secret(&keeper, "s").commit(Batch::new().put(&key("a"), b"2", Expect::Any)).await.unwrap();
        clock.advance(Duration::from_secs(31));
        assert_ne!(records.change_token().await.unwrap(), token);
        assert_eq!(value(&records, "a").await.unwrap(), b"2");

        for (name, other) in [("text", SecretValue::text("mine")), ("bytes", SecretValue::binary(vec![1, 2]))]
        {
            keeper.create(name).value(other).send().await.unwrap();
            let error = in_secret(&keeper, name).read(&[key("a")]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
            let commit = Batch::new().put(&key("a"), b"1", Expect::Any);
            assert!(in_secret(&keeper, name).commit(commit).await.is_err(), "nobody's secret is overwritten");
        }
        keeper.create("empty").send().await.unwrap();
        let commit = Batch::new().put(&key("a"), b"1", Expect::Any);
        let error = in_secret(&keeper, "empty").commit(commit).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
        keeper.delete("s").send().await.unwrap();
        let error = in_secret(&keeper, "s").read(&[key("a")]).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Unavailable && error.message().contains("restore it"), "{error}");
    });
}

/// Beside the value, which is fetched when it is another.
#[test]
fn token_and_records_cost_one_question() {
    pollster::block_on(async {
        let (keeper, clock) = (keeper().await, Arc::new(ManualClock::default()));
        in_secret(&keeper, "s").commit(Batch::new().put(&key("a"), b"1", Expect::Any)).await.unwrap();
        let faulty = FaultyStore::new(keeper.store());
        let records = SecretRecords::new(Arc::new(faulty.clone()), keeper.context().clone(), "s").unwrap();
        let records = records.fresh_for(Duration::from_secs(30)).clock(clock.clone());
        let fresh = records.read_if_changed(None, &[key("a"), key("b")]).await.unwrap().unwrap();
        assert_eq!(fresh.records[0].as_ref().unwrap().value, b"1");
        assert_eq!(faulty.calls(), ["DescribeSecret", "GetSecretValue"], "a miss");
        assert_eq!(records.read_if_changed(Some(fresh.token), &[key("a")]).await.unwrap(), None);
        assert!(faulty.calls().is_empty(), "a hit");
        clock.advance(Duration::from_secs(31));
        assert_eq!(records.read_if_changed(Some(fresh.token), &[key("a")]).await.unwrap(), None);
        assert_eq!(faulty.calls(), ["DescribeSecret"], "nothing has changed");
        in_secret(&keeper, "s").commit(Batch::new().put(&key("a"), b"2", Expect::Any)).await.unwrap();
        clock.advance(Duration::from_secs(31));
        let next = records.read_if_changed(Some(fresh.token), &[key("a")]).await.unwrap().unwrap();
        assert_eq!(next.records[0].as_ref().unwrap().value, b"2");
        assert_eq!(faulty.calls(), ["DescribeSecret", "GetSecretValue"], "another miss");
    });
}

/// A key service whose keys another store keeps: made here, used there, by two programs at once.
#[test]
fn a_key_service_in_a_secret() {
    pollster::block_on(async {
        let keeper = keeper().await;
        let open = async || {
            let records = Arc::new(in_secret(&keeper, "strongroom/keys"));
            Strongroom::builder()
                .records(records)
                .root_key(RootKey::from_bytes([2; 32]))
                .open()
                .await
                .unwrap()
        };
        let (one, other) = (open().await, open().await);
        one.keys().create("alias/orders", "").await.unwrap();
        let none = strongroom::EncryptionContext::new();
        let ciphertext = other.keys().encrypt("alias/orders", b"s3cret", &none).await.unwrap();
        assert_eq!(one.keys().decrypt(&ciphertext, &none).await.unwrap().plaintext.expose(), b"s3cret");
        one.keys().rotate("alias/orders").await.unwrap();
        one.keys().disable("alias/orders").await.unwrap();
        drop((one, other));
        let again = open().await;
        assert!(again.keys().decrypt(&ciphertext, &none).await.is_err());
        again.keys().enable("alias/orders").await.unwrap();
        assert_eq!(again.keys().decrypt(&ciphertext, &none).await.unwrap().plaintext.expose(), b"s3cret");
        assert!(again.verify().await.unwrap().problems.is_empty());
        // How many keys there is room for.
        let mut keys = 1;
        loop {
            match again.keys().create(&format!("alias/k{keys}"), "").await {
                Ok(_) => keys += 1,
                Err(error) => {
                    assert!(error.to_string().contains("fit into one secret"), "{error}");
                    break;
                }
            }
        }
        assert!((55..80).contains(&keys), "some sixty: {keys}");
        assert_eq!(again.keys().decrypt(&ciphertext, &none).await.unwrap().plaintext.expose(), b"s3cret");
    });
}
