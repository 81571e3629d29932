//! Copying between two embedded stores: everything, again, interrupted at any call, and what is refused.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom::SecretStore;
use strongroom::{RootKey, SecretAdmin, SecretErrorKind, Stage, Strongroom, Tag};
use strongroom_migrate::{Migration, Outcome, Report};
use strongroom_testkit::{FaultyStore, StoreFault};

async fn room(byte: u8) -> Strongroom {
    Strongroom::builder().memory().root_key(RootKey::from_bytes([byte; 32])).open().await.unwrap()
}

fn migration<'a>(from: &'a dyn SecretAdmin, to: &'a dyn SecretAdmin, room: &'a Strongroom) -> Migration<'a> {
    Migration::new((from, room.context()), (to, room.context()))
}

/// Everything of a secret that must be the same on both sides.
#[derive(Debug, PartialEq)]
struct Told {
    description: Option<String>,
    tags: Vec<Tag>,
    policy: Option<String>,
    versions: BTreeMap<String, (Vec<String>, Vec<u8>, bool)>,
}

async fn told(room: &Strongroom, name: &str) -> Told {
    let metadata = room.describe(name).await.unwrap();
    let mut versions = BTreeMap::new();
    for version in room.versions(name).include_deprecated().all().await.unwrap() {
        let read = room.get(name).version(&version.version_id).send().await.unwrap();
        let stages = version.stages.iter().map(|stage| stage.as_str().to_owned()).collect();
        let is_text = read.value.is_text();
        versions.insert(version.version_id.to_string(), (stages, read.expose_bytes().to_vec(), is_text));
    }
    Told {
        description: metadata.description,
        tags: metadata.tags.unwrap_or_default(),
        policy: room.policy(name).get().await.unwrap(),
        versions,
    }
}

/// Secrets of all shapes.
async fn fill(room: &Strongroom) {
    room.create("prod/db").description("orders").tag("team", "orders").text("1").send().await.unwrap();
    for n in 2..=5 {
        room.put("prod/db").text(n.to_string()).send().await.unwrap();
    }
    room.put("prod/db").text("next").stage(Stage::PENDING).send().await.unwrap();
    let oldest = room.versions("prod/db").include_deprecated().all().await.unwrap().remove(0).version_id;
    room.move_stage("prod/db", "blue").to(&oldest).send().await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:DeleteSecret","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/x":"y"}}}]}"#;
    room.policy("prod/db").put(policy).send().await.unwrap();
    room.create("prod/bytes").binary(vec![0, 255]).send().await.unwrap();
    room.put("prod/bytes").text("text now").send().await.unwrap();
    room.rollback("prod/bytes").await.unwrap();
    room.create("prod/empty").tag("k", "").send().await.unwrap();
    room.create("dev/other").text("dev").send().await.unwrap();
}

const ALL: [&str; 4] = ["dev/other", "prod/bytes", "prod/db", "prod/empty"];

async fn assert_same(one: &Strongroom, other: &Strongroom) {
    for name in ALL {
        assert_eq!(told(one, name).await, told(other, name).await, "{name}");
    }
}

#[test]
fn everything_comes_over_and_a_second_run_writes_nothing() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        fill(&from).await;
        let (source, target) = (from.store(), FaultyStore::new(to.store()));
        let mut seen = Vec::new();
        let run = migration(&*source, &target, &from);
        let report = run.run(|progress| seen.push((progress.done, progress.total))).await.unwrap();
        assert!(report.complete(), "{report}");
        assert_same(&from, &to).await;
        assert_eq!(seen, [(1, 4), (2, 4), (3, 4), (4, 4)]);
        assert!(matches!(report.secrets[2].outcome, Outcome::Copied { versions: 6 }), "{report}");
        assert!(report.to_string().ends_with("4 secrets: 4 copied, 0 there already, 0 skipped, 0 failed"));

        let _ = target.calls();
        let again = run.run(|_| ()).await.unwrap();
        assert!(again.secrets.iter().all(|secret| matches!(secret.outcome, Outcome::Unchanged)), "{again}");
        let reads = ["DescribeSecret", "ListSecretVersionIds", "GetSecretValue", "GetResourcePolicy"];
        assert!(target.calls().iter().all(|call| reads.contains(call)), "nothing is written twice");

        // What came since comes too.
        from.put("prod/db").text("6").send().await.unwrap();
        from.tag("prod/db", "team", "others").await.unwrap();
        from.update("prod/bytes").description("bytes").send().await.unwrap();
        let report = run.run(|_| ()).await.unwrap();
        assert!(report.complete() && matches!(report.secrets[2].outcome, Outcome::Copied { versions: 1 }));
        assert_same(&from, &to).await;
    });
}

/// Each call at the target fails once, at every point, before or after it took effect; the next run completes it.
#[test]
fn interrupted_anywhere_it_goes_on() {
    pollster::block_on(async {
        let from = room(1).await;
        fill(&from).await;
        let source = from.store();
        for after in [false, true] {
            for at in 0.. {
                let to = room(2).await;
                let target = FaultyStore::new(to.store());
                let fault = if after {
                    StoreFault::After(SecretErrorKind::OutcomeUnknown)
                } else {
                    StoreFault::Before(SecretErrorKind::Internal)
                };
                let mut plan = vec![StoreFault::None; at];
                plan.push(fault);
                target.plan(plan);
                let run = migration(&*source, &target, &from);
                let report = run.run(|_| ()).await.unwrap();
                let calls = target.calls().len();
                // At no moment a current value that is not the source's.
                for name in ["prod/db", "prod/bytes"] {
                    if let Ok(read) = to.get(name).send().await {
                        assert!(read.value == from.get(name).send().await.unwrap().value, "{name} at {at}");
                    }
                }
                if calls <= at {
                    assert!(report.complete(), "{report}");
                    break;
                }
                // (What was not there is not there afterwards either.)
                assert!(report.failures().count() == 1 || (after && report.complete()), "{report}");
                let report = run.run(|_| ()).await.unwrap();
                assert!(report.complete(), "{at}, after {after}: {report}");
                assert_same(&from, &to).await;
            }
        }
    });
}

#[test]
fn dry_runs_write_and_read_nothing() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        fill(&from).await;
        to.create("prod/bytes").text("mine").send().await.unwrap();
        let (source, target) = (FaultyStore::new(from.store()), FaultyStore::new(to.store()));
        let report = migration(&source, &target, &from).dry_run().run(|_| ()).await.unwrap();
        assert!(!report.complete());
        assert!(failure(&report).contains("another secret of this name"), "{report}");
        assert!(
            matches!(report.secrets[2].outcome, Outcome::Would { create: true, versions: 6 }),
            "{report}"
        );
        let calls: Vec<_> = source.calls().into_iter().chain(target.calls()).collect();
        let harmless = ["ListSecrets", "DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy"];
        assert!(calls.iter().all(|call| harmless.contains(call)), "{calls:?}");
    });
}

fn failure(report: &Report) -> String {
    assert_eq!(report.failures().count(), 1, "{report}");
    report.failures().next().unwrap().1.to_string()
}

#[test]
fn what_is_something_else_is_left_alone() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        from.create("a").text("hunter2-source").send().await.unwrap();
        to.create("a").text("hunter2-target").send().await.unwrap();
        let (source, target) = (from.store(), to.store());
        let run = || migration(&*source, &*target, &from);
        let report = run().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("another secret of this name"), "{report}");
        assert!(!format!("{report} {report:?}").contains("hunter2"));
        assert_eq!(to.get("a").send().await.unwrap().expose_text().unwrap(), "hunter2-target");
        let report = run().overwrite().run(|_| ()).await.unwrap();
        assert!(report.complete(), "{report}");
        assert_eq!(to.get("a").send().await.unwrap().expose_text().unwrap(), "hunter2-source");
        assert_eq!(
            to.versions("a").include_deprecated().all().await.unwrap().len(),
            2,
            "its own version is kept"
        );

        // The same version id with another value is never overwritten.
        let token = "00000000-0000-4000-8000-000000000001";
        from.create("b").text("one").token(token).send().await.unwrap();
        to.create("b").text("other").token(token).send().await.unwrap();
        let report = run().name_prefix("b").overwrite().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("has another value at the target"), "{report}");
        to.delete("b").send().await.unwrap();
        let report = run().name_prefix("b").run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("marked for deletion"), "{report}");
    });
}

#[test]
fn names_keys_and_what_is_not_to_be_copied() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        from.keys().create("alias/theirs", "").await.unwrap();
        to.keys().create("alias/ours", "").await.unwrap();
        from.create("a").key("alias/theirs").text("v").send().await.unwrap();
        from.create("gone").text("v").send().await.unwrap();
        from.delete("gone").send().await.unwrap();
        from.for_service("rds").unwrap().create("rds!db").text("v").send().await.unwrap();
        let (source, target) = (from.store(), to.store());
        let run = || migration(&*source, &*target, &from).rename(|name| format!("moved/{name}"));
        let report = run().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("under the customer key"), "{report}");
        let skipped =
            |secret: &&strongroom_migrate::SecretReport| matches!(secret.outcome, Outcome::Skipped(_));
        assert_eq!(report.secrets.iter().filter(skipped).count(), 2, "{report}");
        assert!(to.list().all().await.unwrap().is_empty(), "nothing of it was written");

        let report = run().key(|_| Some("alias/ours".to_owned())).run(|_| ()).await.unwrap();
        assert!(report.complete(), "{report}");
        let made = to.describe("moved/a").await.unwrap();
        assert!(made.kms_key_id.is_some(), "under the key that was said");
        from.create("b").key("alias/theirs").text("v").send().await.unwrap();
        let report = run().name_prefix("b").managed_key().run(|_| ()).await.unwrap();
        assert!(report.complete(), "{report}");
        assert_eq!(to.describe("moved/b").await.unwrap().kms_key_id, None);

        let clash = migration(&*source, &*target, &from).managed_key().rename(|_| "one".to_owned());
        let report = clash.run(|_| ()).await.unwrap();
        let same = |error: &str| error.contains("has the same name at the target");
        assert!(report.failures().all(|(_, error)| same(error.message())) && report.failures().count() == 3);
        let left = run().managed_key().skip(["a".to_owned(), "b".to_owned()]).run(|_| ()).await.unwrap();
        assert_eq!(left.secrets.len(), 2, "{left}");
    });
}

/// What does not fit fails the secret, or is left out and told; never so that an older value becomes the current one.
#[test]
fn what_does_not_fit_is_told() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        let long = || "x".repeat(65_000);
        from.create("long-now").text("short").send().await.unwrap();
        from.put("long-now").text(long()).send().await.unwrap();
        from.create("long-once").text(long()).send().await.unwrap();
        from.put("long-once").text("short").send().await.unwrap();
        from.create("short").text("x").send().await.unwrap();
        to.keys().create("alias/seal", "").await.unwrap();
        // A target with less room than the source.
        let sealed = strongroom_client_encryption_target(&to);
        let source = from.store();
        let run = || migration(&*source, &*sealed, &from);
        let report = run().run(|_| ()).await.unwrap();
        assert_eq!(report.failures().count(), 2, "{report}");
        assert!(to.describe("long-once").await.is_err(), "nothing of it was written");
        for _ in 0..2 {
            let report = run().leave_out_what_does_not_fit().run(|_| ()).await.unwrap();
            assert!(failure(&report).contains("cannot hold version") && report.secrets[0].name == "long-now");
            assert!(to.describe("long-now").await.is_err(), "no older value becomes the current one");
            assert_eq!(report.secrets[1].left_out.len(), 1, "{report}");
            assert!(report.to_string().contains("left out: version"), "{report}");
        }
        let there = Strongroom::over(Arc::clone(&sealed), to.realm().clone());
        assert_eq!(there.get("long-once").send().await.unwrap().expose_text().unwrap(), "short");

        // The target keeps room for its own versions.
        from.create("many").text("0").send().await.unwrap();
        for n in 1..98 {
            from.put("many").text(n.to_string()).send().await.unwrap();
        }
        let report = run().name_prefix("many").run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("oldest versions without labels"), "{report}");
        let report = run().name_prefix("many").leave_out_what_does_not_fit().run(|_| ()).await.unwrap();
        assert!(report.complete(), "{report}");
        assert_eq!(to.versions("many").include_deprecated().all().await.unwrap().len(), 90);
        let report = run().name_prefix("many").leave_out_what_does_not_fit().run(|_| ()).await.unwrap();
        assert!(matches!(report.secrets[0].outcome, Outcome::Unchanged), "{report}");
        // All twenty labels in use: none is left for versions that have none.
        from.create("labels").text("0").send().await.unwrap();
        for n in 1..4 {
            from.put("labels").text(n.to_string()).send().await.unwrap();
        }
        let now = from.get("labels").send().await.unwrap().version_id;
        for n in 0..18 {
            from.move_stage("labels", format!("l{n}")).to(&now).send().await.unwrap();
        }
        let report = run().name_prefix("labels").leave_out_what_does_not_fit().run(|_| ()).await.unwrap();
        assert!(report.complete() && report.secrets[0].left_out.len() == 1, "{report}");
    });
}

/// What was changed at the target since, or is there besides, is not rewound without a word.
#[test]
fn a_target_in_use_is_left_alone() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        let (source, target) = (from.store(), to.store());
        let run = || migration(&*source, &*target, &from);
        let failing = async |what: &str, words: &str| {
            let report = run().name_prefix(what).run(|_| ()).await.unwrap();
            assert!(failure(&report).contains(words), "{report}");
            let report = run().name_prefix(what).overwrite().run(|_| ()).await.unwrap();
            assert!(report.complete(), "{report}");
            assert_eq!(told(&from, what).await.versions, told(&to, what).await.versions);
        };
        for name in ["a", "b", "c"] {
            from.create(name).text("1").send().await.unwrap();
            from.put(name).text("2").send().await.unwrap();
        }
        assert!(run().run(|_| ()).await.unwrap().complete());
        to.rollback("a").await.unwrap();
        failing("a", "rolled back").await;
        let now = to.get("b").send().await.unwrap().version_id;
        to.move_stage("b", "canary").to(&now).send().await.unwrap();
        failing("b", "the label canary is in use").await;
        let policy = |key: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"secretsmanager:DeleteSecret","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalTag/{key}":"y"}}}}}}]}}"#
            )
        };
        from.policy("c").put(policy("x")).send().await.unwrap();
        to.policy("c").put(policy("y")).send().await.unwrap();
        failing("c", "another resource policy").await;
        assert_eq!(to.policy("c").get().await.unwrap(), Some(policy("x")));
        // What the source has no more is noted, and stays.
        from.policy("c").delete().await.unwrap();
        to.tag("c", "mine", "").await.unwrap();
        let report = run().name_prefix("c").run(|_| ()).await.unwrap();
        assert_eq!(report.secrets[0].notes.len(), 2, "{report}");

        // The key that was said counts for what is there already.
        from.keys().create("alias/theirs", "").await.unwrap();
        to.keys().create("alias/ours", "").await.unwrap();
        from.create("k").key("alias/theirs").text("v").send().await.unwrap();
        assert!(run().name_prefix("k").managed_key().run(|_| ()).await.unwrap().complete());
        let keyed = || run().name_prefix("k").key(|_| Some("alias/ours".to_owned()));
        let report = keyed().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("under the managed key"), "{report}");
        assert!(keyed().overwrite().run(|_| ()).await.unwrap().complete());
        assert!(to.describe("k").await.unwrap().kms_key_id.is_some());
    });
}

/// A version that nobody labels any more may have lost its key.
#[test]
fn what_cannot_be_read_any_more() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, room(2).await);
        from.keys().create("alias/gone", "").await.unwrap();
        from.create("a").key("alias/gone").text("1").send().await.unwrap();
        from.put("a").text("2").send().await.unwrap();
        from.put("a").text("3").send().await.unwrap();
        from.update("a").key("").send().await.unwrap();
        from.keys().disable("alias/gone").await.unwrap();
        let (source, target) = (from.store(), to.store());
        let run = || migration(&*source, &*target, &from);
        let report = run().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("it cannot be read"), "{report}");
        let report = run().leave_out_what_does_not_fit().run(|_| ()).await.unwrap();
        assert!(report.complete(), "{report}");
        assert_eq!(to.get("a").send().await.unwrap().expose_text().unwrap(), "3");
        assert_eq!(to.get("a").stage(Stage::PREVIOUS).send().await.unwrap().expose_text().unwrap(), "2");
    });
}

/// Principals of one account say nothing in another.
#[test]
fn policies_between_accounts() {
    pollster::block_on(async {
        let (from, to) = (room(1).await, {
            let account = strongroom::AccountId::parse("111122223333").unwrap();
            let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32]));
            builder.account(account).open().await.unwrap()
        });
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
        from.create("a").text("v").send().await.unwrap();
        from.policy("a").put(policy).send().await.unwrap();
        let (source, target) = (from.store(), to.store());
        let run = || Migration::new((&*source, from.context()), (&*target, to.context()));
        let report = run().run(|_| ()).await.unwrap();
        assert!(failure(&report).contains("another account"), "{report}");
        assert!(to.describe("a").await.is_err());
        let moved = |policy: &str| Some(policy.replace("000000000000", "111122223333"));
        assert!(run().policy(moved).run(|_| ()).await.unwrap().complete());
        assert!(to.policy("a").get().await.unwrap().unwrap().contains("111122223333"));
    });
}

fn strongroom_client_encryption_target(to: &Strongroom) -> Arc<dyn SecretAdmin> {
    let key = to.keys().service().unwrap();
    let sealed =
        strongroom::store::ClientEncrypted::new(to.store(), key, to.context().clone(), "alias/seal").unwrap();
    assert!(sealed.capabilities().max_value_len < 65_000);
    Arc::new(sealed)
}
