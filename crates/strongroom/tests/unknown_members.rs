//! Members that a newer version stored, and this one does not know, survive every change.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value};
use strongroom::kms::{
    AliasName, CreateGrant, CreateKey, GrantOperation, ImportKeyMaterial, KeyRef, KeyTag, PutKeyPolicy,
};
use strongroom::records::{Expect, Key, Scan};
use strongroom::root::TrustedRecords;
use strongroom::{
    AccessKeyOrigin, Clock, CreateRole, CreateUser, EncryptionContext, IdentityRef, MemoryRecords, Records,
    RootKey, SecretBytes, SecretText, Strongroom, SystemClock,
};

/// What the names of unknown members begin with.
const MARK: &str = "zz";
/// Members that are maps by themselves, not objects with members of ours.
const MAPS: [&str; 2] = ["policy_ids", "trusted_ids"];
const ALICE: &str = "arn:aws:iam::000000000000:user/alice";

fn root() -> RootKey {
    RootKey::from_bytes([7; 32])
}

/// Any JSON that records may hold: numbers are whole.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn members() -> impl Strategy<Value = Vec<(String, Value)>> {
    proptest::collection::vec(("zz[a-z\"\\\\é ]{0,8}", json()), 1..4)
}

/// Puts members into every object of a record. Each place has one of its own, by its number.
fn add(value: &mut Value, more: &[(String, Value)], count: &mut usize) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| add(one, more, count)),
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                if !MAPS.contains(&name.as_str()) {
                    add(value, more, count);
                }
            }
            for (name, value) in more {
                *count += 1;
                object.insert(format!("{name}{count}"), value.clone());
            }
        }
        _ => {}
    }
}

/// The unknown members of a record, those of objects within `without` left out.
fn collect(value: &Value, without: &[&str], found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, without, found)),
        Value::Object(object) => {
            for (name, value) in object {
                if name.starts_with(MARK) {
                    found.push((name.clone(), value.to_string()));
                } else if !without.contains(&name.as_str()) {
                    collect(value, without, found);
                }
            }
        }
        _ => {}
    }
}

struct World {
    room: Strongroom,
    records: TrustedRecords,
}

impl World {
    async fn new() -> Self {
        let storage: Arc<dyn Records> = Arc::new(MemoryRecords::new());
        let room = Strongroom::builder().records(Arc::clone(&storage)).root_key(root()).open().await.unwrap();
        let records = TrustedRecords::open(storage, root(), None, &SystemClock).await.unwrap();
        Self { room, records }
    }

    /// The JSON records, by key.
    async fn json(&self) -> Vec<(Key, Map<String, Value>)> {
        let mut walk = self.records.walk(Scan::prefix(&Key::realm(self.room.realm())));
        let mut all = Vec::new();
        while let Some(page) = walk.next().await.unwrap() {
            for (key, record) in page {
                if let Ok(Value::Object(object)) = serde_json::from_slice(&record.unwrap().content) {
                    all.push((key, object));
                }
            }
        }
        all
    }

    /// Puts unknown members into every record, at every level.
    async fn add(&self, more: &[(String, Value)]) {
        let mut count = 0;
        let mut batch = self.records.batch();
        for (key, object) in self.json().await {
            let mut value = Value::Object(object);
            add(&mut value, more, &mut count);
            batch.put(&key, &serde_json::to_vec(&value).unwrap(), Expect::Any);
        }
        self.records.commit(batch).await.unwrap();
    }

    async fn unknown(&self, without: &[&str]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (_, object) in self.json().await {
            collect(&Value::Object(object), without, &mut found);
        }
        found.sort();
        found
    }

    /// Does something, after which everything unknown must still be there.
    async fn keeps<T, E: std::fmt::Debug>(&self, what: &str, work: impl Future<Output = Result<T, E>>) {
        self.keeps_but(what, &[], work).await;
    }

    /// The same, but for objects that it replaces by others.
    async fn keeps_but<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        replaced: &[&str],
        work: impl Future<Output = Result<T, E>>,
    ) {
        let before = self.unknown(replaced).await;
        assert!(before.len() > 2, "{what}: {before:?}");
        work.await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(self.unknown(replaced).await, before, "{what}");
    }
}

fn policy(principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

async fn heads(more: Vec<(String, Value)>) {
    let world = World::new().await;
    let room = &world.room;
    room.iam().create_user("alice").await.unwrap();
    room.keys().create("alias/own", "").await.unwrap();
    room.create("s").key("alias/own").text("one").send().await.unwrap();
    room.put("s").text("two").send().await.unwrap();
    room.policy("s").put(policy(ALICE, "secretsmanager:GetSecretValue")).send().await.unwrap();
    room.delete("s").recovery_window_days(7).send().await.unwrap();
    world.add(&more).await;

    world.keeps("RestoreSecret", room.restore("s")).await;
    world.keeps("PutSecretValue", room.put("s").text("three").send()).await;
    world.keeps("PutSecretValue with a label", room.put("s").text("four").stage("A").send()).await;
    world.keeps("UpdateSecret", room.update("s").description("d").send()).await;
    world.keeps("UpdateSecret with a value", room.update("s").text("five").send()).await;
    world.keeps("TagResource", room.tag("s", "a", "b")).await;
    world.keeps("UntagResource", room.untag("s", "a")).await;
    world.keeps("UpdateSecretVersionStage", room.rollback("s")).await;
    let versions = room.versions("s").include_deprecated().all().await.unwrap();
    world.keeps("a label moves", room.move_stage("s", "B").to(versions[0].version_id.clone()).send()).await;
    world.keeps("PutResourcePolicy", room.policy("s").put(policy(ALICE, "*")).send()).await;
    world.keeps("DeleteResourcePolicy", room.policy("s").delete()).await;
    world.keeps("GetSecretValue", room.get("s").send()).await;
    world.keeps("the date of a read", room.maintain()).await;
    room.keys().rotate("alias/own").await.unwrap();
    // Values that are encrypted again have another seal.
    world.keeps_but("rewrap", &["sealed"], room.keys().rewrap("alias/own", |_| ())).await;
    world
        .keeps_but("another key", &["sealed"], room.update("s").key("alias/aws/secretsmanager").send())
        .await;
    world.keeps("DeleteSecret", room.delete("s").recovery_window_days(7).send()).await;
    assert!(room.verify().await.unwrap().is_clean());
}

async fn keys(more: Vec<(String, Value)>) {
    let world = World::new().await;
    let room = &world.room;
    let (keys, cx) = (room.keys(), room.context());
    let service = keys.service().unwrap();
    room.iam().create_user("alice").await.unwrap();
    keys.create("alias/own", "").await.unwrap();
    keys.create("alias/other", "").await.unwrap();
    let own = KeyRef::from(keys.describe("alias/own").await.unwrap().id);
    let other = KeyRef::from(keys.describe("alias/other").await.unwrap().id);
    service.enable_key_rotation(cx, &own, Some(90)).await.unwrap();
    let external = service.create_key(cx, CreateKey::external()).await.unwrap();
    let external = KeyRef::from(external.id);
    let alias = AliasName::parse("alias/external").unwrap();
    service.create_alias(cx, &alias, &external).await.unwrap();
    let import = ImportKeyMaterial::new(Vec::new(), Vec::new());
    let material = || SecretBytes::copy_from(&[9; 32]);
    keys.import("alias/external", &material(), &import).await.unwrap();
    let grant = || {
        let within = EncryptionContext::from_pairs([("a", "b")]).unwrap();
        CreateGrant::new(ALICE, [GrantOperation::Decrypt]).context_subset(within)
    };
    service.create_grant(cx, &own, grant()).await.unwrap();
    world.add(&more).await;

    world.keeps("RotateKeyOnDemand", keys.rotate("alias/own")).await;
    world.keeps("UpdateKeyDescription", service.update_key_description(cx, &own, "d")).await;
    world.keeps("EnableKeyRotation", service.enable_key_rotation(cx, &own, Some(180))).await;
    world.keeps("TagResource", service.tag_resource(cx, &own, vec![KeyTag::new("a", "b")])).await;
    world.keeps("UntagResource", service.untag_resource(cx, &own, vec!["a".to_owned()])).await;
    let everybody = policy("arn:aws:iam::000000000000:root", "kms:*");
    world.keeps("PutKeyPolicy", service.put_key_policy(cx, &own, PutKeyPolicy::new(everybody))).await;
    let made = service.create_grant(cx, &own, grant().named("another"));
    world.keeps("CreateGrant", made).await;
    world
        .keeps("UpdateAlias", service.update_alias(cx, &AliasName::parse("alias/other").unwrap(), &own))
        .await;
    world.keeps("DisableKey", keys.disable("alias/own")).await;
    world.keeps("EnableKey", keys.enable("alias/own")).await;
    world.keeps("ScheduleKeyDeletion", service.schedule_key_deletion(cx, &other, Some(7))).await;
    world.keeps("CancelKeyDeletion", service.cancel_key_deletion(cx, &other)).await;
    world.keeps("DeleteImportedKeyMaterial", service.delete_imported_key_material(cx, &external, None)).await;
    world.keeps("ImportKeyMaterial", keys.import("alias/external", &material(), &import)).await;
    world.keeps_but("DisableKeyRotation", &["rotation"], service.disable_key_rotation(cx, &own)).await;
    world.keeps("maintain", room.maintain()).await;
    assert!(room.verify().await.unwrap().is_clean());
}

async fn identities(more: Vec<(String, Value)>) {
    let world = World::new().await;
    let room = &world.room;
    let (iam, cx) = (room.iam(), room.context());
    let directory = iam.directory().unwrap();
    iam.create_user(CreateUser::new("alice").tag("a", "b")).await.unwrap();
    iam.create_role(CreateRole::new("reader", trust(ALICE))).await.unwrap();
    let alice = || IdentityRef::user("alice");
    let managed = iam.create_managed_policy("P", &allow("s3:*")).await.unwrap().arn.to_string();
    directory.managed_policies().create_version(cx, &managed, &allow("kms:*"), false).await.unwrap();
    let key = directory.access_keys().create(cx, "alice").await.unwrap();
    let given = || Some(("AKIAFIXTURE000000000".to_owned(), SecretText::from("the owner's")));
    directory.owner_access_keys().put(cx, AccessKeyOrigin::Api, given()).await.unwrap();
    world.add(&more).await;

    world.keeps("TagUser", iam.tag(alice(), "c", "d")).await;
    world.keeps("UntagUser", iam.untag(alice(), "c")).await;
    world.keeps("PutUserPolicy", iam.put_policy(alice(), "p", &allow("kms:*"))).await;
    world.keeps("DeleteUserPolicy", iam.delete_policy(alice(), "p")).await;
    world.keeps("AttachUserPolicy", iam.attach_policy(alice(), &managed)).await;
    world.keeps("DetachUserPolicy", iam.detach_policy(alice(), &managed)).await;
    world.keeps("PutUserPermissionsBoundary", iam.put_boundary(alice(), &managed)).await;
    world.keeps("DeleteUserPermissionsBoundary", iam.delete_boundary(alice())).await;
    world.keeps("UpdateAssumeRolePolicy", iam.update_trust("reader", &trust(ALICE))).await;
    world
        .keeps(
            "SetDefaultPolicyVersion",
            directory.managed_policies().set_default_version(cx, &managed, "v2"),
        )
        .await;
    world.keeps("and back", directory.managed_policies().set_default_version(cx, &managed, "v1")).await;
    world
        .keeps(
            "CreatePolicyVersion",
            directory.managed_policies().create_version(cx, &managed, &allow("sts:*"), true),
        )
        .await;
    world.keeps("UpdateAccessKey", directory.access_keys().set_active(cx, "alice", &key.id, false)).await;
    world.keeps("CreateAccessKey", directory.access_keys().create(cx, "alice")).await;
    let owners = directory.owner_access_keys().set_active(cx, "AKIAFIXTURE000000000", false);
    world.keeps("the owner's UpdateAccessKey", owners).await;
    let again = directory.owner_access_keys().put(cx, AccessKeyOrigin::Api, given());
    world.keeps("the owner's key again", again).await;
    world.keeps("a guardrail", iam.put_guardrail("g", &allow("*"))).await;
    world.keeps("no guardrail", iam.delete_guardrail("g")).await;
    assert!(room.verify().await.unwrap().is_clean());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_change_of_a_secret_keeps_them(more in members()) {
        run(heads(more));
    }

    #[test]
    fn every_change_of_a_key_keeps_them(more in members()) {
        run(keys(more));
    }

    #[test]
    fn every_change_of_an_identity_or_policy_keeps_them(more in members()) {
        run(identities(more));
    }
}

/// The same by a clock that makes things due: what is done unasked.
#[test]
fn what_is_done_by_itself_keeps_them() {
    run(async {
        let clock = Arc::new(strongroom_testkit::ManualClock::at(SystemClock.now()));
        let storage: Arc<dyn Records> = Arc::new(MemoryRecords::new());
        let builder = Strongroom::builder().records(Arc::clone(&storage)).root_key(root());
        let room = builder.clock(Arc::clone(&clock) as _).open().await.unwrap();
        let records = TrustedRecords::open(storage, root(), None, &SystemClock).await.unwrap();
        room.keys().create("alias/own", "").await.unwrap();
        let own = KeyRef::from(room.keys().describe("alias/own").await.unwrap().id);
        room.keys().service().unwrap().enable_key_rotation(room.context(), &own, Some(90)).await.unwrap();
        room.create("s").key("alias/own").text("one").send().await.unwrap();
        let world = World { room, records };
        world.add(&[("zz".to_owned(), Value::from(1))]).await;
        clock.advance(Duration::from_secs(91 * 24 * 60 * 60));
        world.keeps("a rotation by the schedule", world.room.put("s").text("two").send()).await;
        let key = world.room.keys().service().unwrap();
        let first = Default::default();
        let rotations = key.list_key_rotations(world.room.context(), &own, false, &first).await.unwrap();
        assert_eq!(rotations.rotations.len(), 1);
    });
}
