//! What earlier versions stored: directories of format 1 are read, written and upgraded.

#![cfg(test)]
#![cfg(feature = "sqlite")]

mod fixture;

use std::collections::BTreeSet;
use std::sync::Arc;

use fixture::{Fixture, clock, everything_is_there};
use strongroom::kms::{
    AliasName, CreateGrant, CreateKey, GrantFilter, GrantOperation, ImportKeyMaterial, KeyRef, KeyTag,
    ListPage, PutKeyPolicy,
};
use strongroom::records::SecretRecords;
use strongroom::records::{Key, Scan};
use strongroom::root::TrustedRecords;
use strongroom::store::ClientEncrypted;
use strongroom::{
    AccessKeyOrigin, CreateRole, CreateUser, EncryptionContext, Error, IdentityRef, Records, RootErrorKind,
    RootKey, SecretBytes, SecretText, Strongroom, SystemClock,
};

const ALICE: &str = "arn:aws:iam::000000000000:user/teams/alice";

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

/// Writes with every operation that writes something of its own.
async fn write_everything(room: &Strongroom) {
    let cx = room.context().clone();
    // Secrets.
    room.create("new/db").description("d").tag("a", "b").text("new").send().await.unwrap();
    room.create("new/keyed").key("alias/orders").binary([1, 2, 3]).send().await.unwrap();
    room.put("prod/db").text("fourth").send().await.unwrap();
    room.put("prod/empty").text("filled").send().await.unwrap();
    room.rollback("prod/db").await.unwrap();
    room.put("prod/keyed").text("again").send().await.unwrap();
    room.update("prod/db").description("changed").send().await.unwrap();
    room.tag("prod/db", "more", "tags").await.unwrap();
    room.untag("prod/db", "more").await.unwrap();
    room.policy("prod/keyed").put(policy_for(ALICE, "secretsmanager:GetSecretValue")).send().await.unwrap();
    room.policy("prod/keyed").delete().await.unwrap();
    room.restore("prod/gone").await.unwrap();
    room.delete("prod/gone").recovery_window_days(30).send().await.unwrap();
    room.delete("new/db").without_recovery().send().await.unwrap();
    room.get("prod/imported").send().await.unwrap();
    // Keys.
    let keys = room.keys();
    let service = keys.service().unwrap();
    let key = async |alias: &str| KeyRef::from(keys.describe(alias).await.unwrap().id);
    let orders = key("alias/orders").await;
    keys.create("alias/new", "new").await.unwrap();
    keys.rotate("alias/orders").await.unwrap();
    room.keys().rewrap("alias/orders", |_| ()).await.unwrap();
    service.update_key_description(&cx, &orders, "still for the orders").await.unwrap();
    service.disable_key_rotation(&cx, &orders).await.unwrap();
    service.enable_key_rotation(&cx, &orders, Some(180)).await.unwrap();
    service.tag_resource(&cx, &orders, vec![KeyTag::new("more", "tags")]).await.unwrap();
    service
        .update_alias(&cx, &AliasName::parse("alias/new").unwrap(), &key("alias/policed").await)
        .await
        .unwrap();
    service.create_key(&cx, CreateKey::hmac(strongroom::kms::KeySpec::Hmac256)).await.unwrap();
    let grant = CreateGrant::new(ALICE, [GrantOperation::Decrypt])
        .named("another")
        .context_equals(EncryptionContext::from_pairs([("of", "orders")]).unwrap());
    service.create_grant(&cx, &orders, grant).await.unwrap();
    service.put_key_policy(&cx, &key("alias/new").await, PutKeyPolicy::new(key_policy())).await.unwrap();
    keys.cancel_deletion("alias/doomed").await.unwrap();
    keys.enable("alias/doomed").await.unwrap();
    keys.schedule_deletion("alias/doomed", 20).await.unwrap();
    let again = ImportKeyMaterial::new(Vec::new(), Vec::new());
    keys.import("alias/imported", &SecretBytes::copy_from(&[9; 32]), &again).await.unwrap();
    // Identities.
    let iam = room.iam();
    let directory = iam.directory().unwrap();
    iam.create_user(CreateUser::new("carol").tag("a", "b")).await.unwrap();
    iam.create_role(CreateRole::new("writer", trust(ALICE))).await.unwrap();
    let alice = || IdentityRef::user("alice");
    iam.put_policy(alice(), "more", &allow("kms:Decrypt")).await.unwrap();
    iam.tag(alice(), "more", "tags").await.unwrap();
    let lists = "arn:aws:iam::000000000000:policy/Lists";
    directory.managed_policies().set_default_version(&cx, lists, "v1").await.unwrap();
    iam.detach_policy(alice(), lists).await.unwrap();
    iam.attach_policy(alice(), lists).await.unwrap();
    iam.put_guardrail("another", &allow("*")).await.unwrap();
    directory.access_keys().create(&cx, "carol").await.unwrap();
    let given = ("AKIAFIXTURE000000001".to_owned(), SecretText::from("another"));
    directory.owner_access_keys().put(&cx, AccessKeyOrigin::Api, Some(given)).await.unwrap();
    room.maintain().await.unwrap();
}

fn policy_for(principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn key_policy() -> String {
    policy_for("arn:aws:iam::000000000000:root", "kms:*")
}

async fn is_clean(room: &Strongroom) {
    let report = room.verify().await.unwrap();
    assert!(report.is_clean() && report.checked > 50, "{report}");
}

#[tokio::test]
async fn what_was_written_is_read_written_and_upgraded_and_read_again() {
    let fixture = Fixture::new();
    let room = fixture.room().await;
    assert_eq!(room.format().unwrap(), 1);
    is_clean(&room).await;
    everything_is_there(&room, &fixture).await;
    write_everything(&room).await;
    assert_eq!(room.format().unwrap(), 1, "nothing upgrades it unasked");
    is_clean(&room).await;
    everything_is_there(&room, &fixture).await;

    let upgrade = room.upgrade().await.unwrap();
    assert_eq!((upgrade.from, upgrade.to), (1, 2));
    is_clean(&room).await;
    everything_is_there(&room, &fixture).await;
    drop(room);
    let room = fixture.room().await;
    assert_eq!(room.format().unwrap(), 2);
    assert!(!room.upgrade().await.unwrap().is_change());
    everything_is_there(&room, &fixture).await;
    room.put("prod/db").text("fifth").send().await.unwrap();
    is_clean(&room).await;
}

#[tokio::test]
async fn an_upgraded_directory_takes_every_kind_of_change() {
    let fixture = Fixture::new();
    let room = fixture.builder().upgrade().open().await.unwrap();
    assert_eq!(room.format().unwrap(), 2);
    everything_is_there(&room, &fixture).await;
    write_everything(&room).await;
    is_clean(&room).await;
    everything_is_there(&room, &fixture).await;
}

#[tokio::test]
async fn every_root_opens_it_before_and_after() {
    let fixture = Fixture::new();
    let roots = || {
        let code = fixture.text("room.recovery");
        [
            RootKey::file(fixture.path("room.key")).unwrap(),
            RootKey::from_passphrase("correct horse battery").unwrap(),
            RootKey::from_recovery_code(&code).unwrap(),
        ]
    };
    for upgraded in [false, true] {
        for root in roots() {
            let builder = Strongroom::builder().directory(fixture.path("room")).existing();
            let room = builder.root_key(root).open().await.unwrap();
            assert_eq!(room.roots().list().await.unwrap().len(), 3);
            assert_eq!(
                room.get("prod/imported").send().await.unwrap().expose_text().unwrap(),
                "under imported material"
            );
        }
        if !upgraded {
            fixture.room().await.upgrade().await.unwrap();
        }
    }
    let wrong = Strongroom::builder().directory(fixture.path("room")).root_key(RootKey::from_bytes([0; 32]));
    let wrong: Error = wrong.open().await.unwrap_err();
    assert_eq!(wrong.kind(), strongroom::ErrorKind::Root(RootErrorKind::WrongRoot));
}

#[tokio::test]
async fn a_rekey_takes_an_old_directory_along() {
    let fixture = Fixture::new();
    let room = fixture.room().await;
    let root = || RootKey::from_bytes([5; 32]);
    room.roots().rekey(vec![(root(), "new".to_owned())], |_| ()).await.unwrap();
    let builder = || Strongroom::builder().directory(fixture.path("room")).clock(clock()).root_key(root());
    let room = builder().open().await.unwrap();
    assert_eq!(room.format().unwrap(), 1);
    everything_is_there(&room, &fixture).await;
    room.upgrade().await.unwrap();
    room.roots().rekey(vec![(root(), "new".to_owned())], |_| ()).await.unwrap();
    let room = builder().open().await.unwrap();
    assert_eq!(room.format().unwrap(), 2);
    everything_is_there(&room, &fixture).await;
    is_clean(&room).await;
}

#[tokio::test]
async fn values_sealed_by_the_client_and_records_in_a_secret_are_read_and_written() {
    let fixture = Fixture::new();
    let room = fixture.room().await;
    let outer = Strongroom::builder()
        .directory(fixture.path("outer"))
        .existing()
        .root_key(RootKey::from_bytes([2; 32]))
        .clock(clock())
        .open()
        .await
        .unwrap();
    let key = room.keys().service().unwrap();
    let sealed = ClientEncrypted::new(outer.store(), key, room.context().clone(), "alias/orders").unwrap();
    let through = Strongroom::over(Arc::new(sealed), outer.realm().clone());
    assert_eq!(through.get("sealed/db").send().await.unwrap().expose_text().unwrap(), "sealed by the client");
    through.put("sealed/db").text("and again").send().await.unwrap();
    assert_eq!(through.get("sealed/db").send().await.unwrap().expose_text().unwrap(), "and again");

    let records = SecretRecords::new(outer.store(), outer.context().clone(), "strongroom/keys").unwrap();
    let inner = Strongroom::builder()
        .records(Arc::new(records))
        .existing()
        .root_key(RootKey::from_bytes([3; 32]))
        .clock(clock());
    let inner = inner.open().await.unwrap();
    assert_eq!(inner.format().unwrap(), 1);
    assert_eq!(inner.get("within").send().await.unwrap().expose_text().unwrap(), "a secret in a secret");
    inner.upgrade().await.unwrap();
    inner.put("within").text("changed").send().await.unwrap();
    inner.keys().rotate("alias/within").await.unwrap();
    assert!(inner.verify().await.unwrap().is_clean());
    assert!(outer.verify().await.unwrap().is_clean());
}

/// The members that records of format 1 have, by the kind of record. An earlier program loses others.
fn members_of_format_1(kind: &str) -> &'static [&'static str] {
    match kind {
        "store" => &["format", "id", "account", "region", "created"],
        "secret" | "purge" => &[
            "name",
            "suffix",
            "description",
            "kms_key_id",
            "tags",
            "created",
            "changed",
            "accessed",
            "deleted",
            "deletion_requested",
            "owning_service",
            "primary_region",
            "policy",
            "policy_ids",
            "versions",
        ],
        "secret.versions" => &["id", "created", "accessed", "stages", "sealed"],
        "secret.versions.sealed" => &["digest", "key", "material", "managed"],
        "key" => &[
            "id",
            "description",
            "state",
            "created",
            "deletion_date",
            "service",
            "spec",
            "origin",
            "generations",
            "on_demand_rotations",
            "rotation",
            "tags",
            "policy",
            "policy_ids",
            "grants",
        ],
        "key.rotation" => &["period_days", "next"],
        "key.generations" => &["number", "material_id", "created", "automatic", "imported", "retired"],
        "key.generations.imported" => &["present", "expires", "description", "pending"],
        "grant" => &[
            "id",
            "name",
            "created",
            "grantee",
            "grantee_id",
            "retiring",
            "retiring_id",
            "issuing_account",
            "operations",
            "constraint",
        ],
        "grant.constraint" => &["exact", "pairs"],
        "alias" => &["target", "created", "updated"],
        "lease" => &["holder", "until"],
        "user" | "role" => &[
            "name",
            "path",
            "id",
            "created",
            "description",
            "tags",
            "boundary",
            "inline",
            "attached",
            "trust",
            "trusted_ids",
            "max_session_seconds",
            "access_keys",
        ],
        "access-key" => &["id", "user", "created", "origin", "inactive"],
        "owner-keys" => &["changes"],
        "policy" => &[
            "name",
            "path",
            "id",
            "created",
            "updated",
            "document",
            "attachments",
            "boundaries",
            "description",
            "tags",
            "version",
            "version_created",
            "latest",
            "versions",
        ],
        "policy.versions" => &["number", "created", "document"],
        "guardrails" => &["guardrails"],
        other => panic!("format 1 has no {other}"),
    }
}

/// The records that are not JSON, and one that came later: earlier programs pass it over.
const NO_JSON: [&str; 17] = [
    "housekeeping",
    "root",
    "material",
    "import-mark",
    "key-alias",
    "due",
    "grant-for",
    "grant-retirable",
    "grant-named",
    "value",
    "by-created",
    "by-changed",
    "by-accessed",
    "use",
    "closed",
    "id",
    "secret-of-access-key",
];

fn check_members(kind: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            if kind.ends_with("policy_ids") || kind.ends_with("trusted_ids") {
                return;
            }
            let known = members_of_format_1(kind);
            for (name, value) in object {
                assert!(known.contains(&name.as_str()), "{kind} has {name}");
                check_members(&format!("{kind}.{name}"), value);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|one| check_members(kind, one)),
        _ => {}
    }
}

/// Which kind of record this is: the segment behind the realm, or behind the account of identities.
fn kind_of(key: &Key) -> String {
    let segments: Vec<_> =
        key.segments().unwrap().into_iter().map(|one| String::from_utf8_lossy(&one).into_owned()).collect();
    let kind = match segments.first().map(String::as_str) {
        Some("realm") if segments[3] == "iam" => {
            if segments.len() == 8 {
                "secret-of-access-key"
            } else {
                &segments[5]
            }
        }
        Some("realm") => &segments[3],
        Some(other) => other,
        None => panic!("a record without a key"),
    };
    kind.to_owned()
}

#[tokio::test]
async fn what_is_written_to_an_old_directory_has_the_old_form() {
    let fixture = Fixture::new();
    let database = fixture.path("room").join("records.sqlite3");
    let storage: Arc<dyn Records> = Arc::new(strongroom_sqlite::SqliteRecords::open(database).await.unwrap());
    let place = [Key::of(["store"])];
    let before = storage.read(&place).await.unwrap();
    let room = fixture.room().await;
    write_everything(&room).await;
    assert_eq!(
        storage.read(&place).await.unwrap(),
        before,
        "the store's own record stays as it was, to the byte"
    );

    let root = RootKey::file(fixture.path("room.key")).unwrap();
    let records = TrustedRecords::open(Arc::clone(&storage), root, None, &SystemClock).await.unwrap();
    let mut walk = records.walk(Scan::prefix(&Key::realm(room.realm())));
    let mut seen = BTreeSet::new();
    while let Some(page) = walk.next().await.unwrap() {
        for (key, record) in page {
            let kind = kind_of(&key);
            let content = record.unwrap().content;
            if !NO_JSON.contains(&kind.as_str()) {
                check_members(&kind, &serde_json::from_slice(&content).unwrap());
            }
            seen.insert(kind);
        }
    }
    for kind in [
        "secret",
        "key",
        "grant",
        "alias",
        "user",
        "role",
        "policy",
        "access-key",
        "owner-keys",
        "guardrails",
    ] {
        assert!(seen.contains(kind), "{kind} was not written");
    }
    let listed = room.keys().service().unwrap();
    let orders = KeyRef::from(room.keys().describe("alias/orders").await.unwrap().id);
    let (all, first) = (GrantFilter::default(), ListPage::first());
    let grants = listed.list_grants(room.context(), &orders, &all, &first).await.unwrap();
    assert_eq!(grants.grants.len(), 2);
}
