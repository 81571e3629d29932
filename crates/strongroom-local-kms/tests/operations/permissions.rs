//! Who may do what, where several operations or keys come together.

use serde_json::{Value, json};
use strongroom_kms::{
    AliasName, CreateGrant, Decrypt, Encrypt, GenerateDataKey, GrantOperation, GrantRef, KeyTag,
    PutKeyPolicy, ReEncrypt,
};

use super::*;

const ROOT: &str = "arn:aws:iam::000000000000:root";
const ALICE: &str = "arn:aws:iam::000000000000:user/alice";

impl World {
    /// A policy that leaves everything to the account but says this too.
    async fn say(&self, key: &KeyMetadata, statement: Value) {
        let usual =
            json!({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [usual, statement]}).to_string();
        self.kms.put_key_policy(&self.cx, &by_id(key), PutKeyPolicy::new(policy)).await.unwrap();
    }
}

fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": action, "Resource": "*"})
}

fn deny(action: &str) -> Value {
    json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"})
}

fn is_denied<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
            true
        }
    }
}

#[tokio::test]
async fn data_keys_with_and_without_plaintext_are_two_rights() {
    let world = World::new().await;
    let key = world.key().await;
    let (named, empty) = (by_id(&key), EncryptionContext::new());
    let with = async |cx: &CallContext| {
        world.kms.generate_data_key(cx, GenerateDataKey::new(&named).context(&empty)).await
    };
    let without = async |cx: &CallContext| {
        world.kms.generate_data_key_without_plaintext(cx, GenerateDataKey::new(&named).context(&empty)).await
    };
    let alice = user("alice");
    world.say(&key, allow("kms:GenerateDataKeyWithoutPlaintext")).await;
    assert!(is_denied(with(&alice).await));
    without(&alice).await.unwrap();
    world.say(&key, deny("kms:GenerateDataKeyWithoutPlaintext")).await;
    with(&world.cx).await.unwrap();
    let refusal = without(&world.cx).await.unwrap_err();
    assert!(refusal.message().contains("kms:GenerateDataKeyWithoutPlaintext"), "{refusal}");
    world.say(&key, deny("kms:Sign")).await;
    let grant = CreateGrant::new(ALICE, [GrantOperation::GenerateDataKeyWithoutPlaintext]);
    world.kms.create_grant(&world.cx, &named, grant).await.unwrap();
    assert!(is_denied(with(&alice).await));
    without(&alice).await.unwrap();
    world.kms.disable_key(&world.cx, &named).await.unwrap();
    refused(without(&world.cx).await, ErrorKind::Disabled, &format!("{} is disabled.", key.arn));
}

#[tokio::test]
async fn re_encrypting_is_two_rights_on_two_keys() {
    let world = World::new().await;
    let (from, to) = (world.key().await, world.key().await);
    let sealed = world.encrypt(&from).await;
    let (empty, named) = (EncryptionContext::new(), by_id(&to));
    let alice = user("alice");
    let move_it = async || {
        world
            .kms
            .re_encrypt(
                &alice,
                ReEncrypt::new(&sealed, &named)
                    .source_context(&empty)
                    .context(&empty)
                    .source_key(&by_id(&from)),
            )
            .await
    };
    assert!(is_denied(move_it().await));
    world.say(&from, allow("kms:ReEncryptFrom")).await;
    assert!(is_denied(move_it().await));
    world.say(&to, allow("kms:ReEncryptTo")).await;
    move_it().await.unwrap();
    let mut on_same = deny("kms:ReEncrypt*");
    on_same["Condition"] = json!({"Bool": {"kms:ReEncryptOnSameKey": "false"}});
    world.say(&from, on_same).await;
    let own = world
        .kms
        .re_encrypt(
            &world.cx,
            ReEncrypt::new(&sealed, &named).source_context(&empty).context(&empty).source_key(&by_id(&from)),
        )
        .await;
    assert!(is_denied(own));
    let same = by_id(&from);
    world
        .kms
        .re_encrypt(
            &world.cx,
            ReEncrypt::new(&sealed, &same).source_context(&empty).context(&empty).source_key(&by_id(&from)),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn an_alias_is_moved_with_the_word_of_both_keys() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    let alias = AliasName::parse("alias/a").unwrap();
    world.kms.create_alias(&world.cx, &alias, &by_id(&one)).await.unwrap();
    world.say(&one, deny("kms:UpdateAlias")).await;
    assert!(is_denied(world.kms.update_alias(&world.cx, &alias, &by_id(&two)).await));
    world.say(&one, deny("kms:DeleteAlias")).await;
    assert!(is_denied(world.kms.delete_alias(&world.cx, &alias).await));
    // A key that is to be deleted may be left.
    world.kms.schedule_key_deletion(&world.cx, &by_id(&one), None).await.unwrap();
    world.kms.update_alias(&world.cx, &alias, &by_id(&two)).await.unwrap();
    world.kms.delete_alias(&world.cx, &alias).await.unwrap();
}

#[tokio::test]
async fn tags_of_a_request_are_condition_keys() {
    let world = World::new().await;
    let key = world.key().await;
    let mut keys = deny("kms:*TagResource");
    keys["Condition"] = json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["owner"]}});
    world.say(&key, keys).await;
    let tag = async |name: &str, value: &str| {
        world
            .kms
            .tag_resource(&world.cx, &by_id(&key), vec![KeyTag::new("x", "1"), KeyTag::new(name, value)])
            .await
    };
    assert!(is_denied(tag("owner", "me").await));
    tag("team", "blue").await.unwrap();
    let untag = world.kms.untag_resource(&world.cx, &by_id(&key), vec!["x".into(), "owner".into()]).await;
    assert!(is_denied(untag));
    let mut values = deny("kms:TagResource");
    values["Condition"] = json!({"StringNotEquals": {"aws:RequestTag/stage": "prod"}});
    world.say(&key, values).await;
    assert!(is_denied(tag("stage", "dev").await));
    tag("stage", "prod").await.unwrap();
}

#[tokio::test]
async fn a_rotation_period_is_a_condition_key() {
    let world = World::new().await;
    let key = world.key().await;
    let mut long = deny("kms:EnableKeyRotation");
    long["Condition"] = json!({"NumericGreaterThan": {"kms:RotationPeriodInDays": "365"}});
    world.say(&key, long).await;
    assert!(is_denied(world.kms.enable_key_rotation(&world.cx, &by_id(&key), Some(366)).await));
    world.kms.enable_key_rotation(&world.cx, &by_id(&key), Some(365)).await.unwrap();
    let mut only = allow("kms:EnableKeyRotation");
    only["Condition"] = json!({"NumericEquals": {"kms:RotationPeriodInDays": "90"}});
    world.say(&key, only).await;
    world.kms.enable_key_rotation(&user("alice"), &by_id(&key), Some(90)).await.unwrap();
    assert!(is_denied(world.kms.enable_key_rotation(&user("alice"), &by_id(&key), Some(91)).await));
}

#[tokio::test]
async fn context_keys_that_differ_in_case_stand_for_neither() {
    let world = World::new().await;
    let key = world.key().await;
    let mut tenant = deny("kms:Encrypt");
    tenant["Condition"] = json!({"StringEquals": {"kms:EncryptionContext:tenant": "b"}});
    world.say(&key, tenant).await;
    let encrypt = async |context: &[(&str, &str)]| {
        world.kms.encrypt(&world.cx, Encrypt::new(&by_id(&key), b"x").context(&pairs(context))).await
    };
    encrypt(&[("tenant", "a")]).await.unwrap();
    assert!(is_denied(encrypt(&[("Tenant", "b")]).await));
    let both = encrypt(&[("Tenant", "b"), ("tenant", "a")]).await.unwrap_err();
    assert_eq!(both.kind(), ErrorKind::Validation, "{both}");
    // Two letters that fold to one in Unicode are two keys here.
    assert!(is_denied(encrypt(&[("tenant", "b"), ("tenan\u{1E97}", "a")]).await));
}

#[tokio::test]
async fn who_may_not_use_a_key_is_not_told_what_it_opens() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    let sealed = world.encrypt(&key).await;
    let empty = EncryptionContext::new();
    // Both look alike to those who may not; only who may is told that it is another key's.
    for named in [&key, &other] {
        assert!(is_denied(world.decrypt_as(&user("alice"), named, &sealed, &empty).await));
    }
    let wrong = world.decrypt_as(&world.cx, &other, &sealed, &empty).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::IncorrectKey);
}

#[tokio::test]
async fn a_token_makes_a_grant_of_another_process_count_at_once() {
    let world = World::new().await;
    let key = world.key().await;
    let other = world.another().await;
    let (sealed, empty) = (world.encrypt(&key).await, EncryptionContext::new());
    // The other process knows the key now, and that it has no grants.
    assert!(is_denied(other.decrypt_as(&user("alice"), &key, &sealed, &empty).await));
    let request = CreateGrant::new(ALICE, [GrantOperation::Decrypt]);
    let made = world.kms.create_grant(&world.cx, &by_id(&key), request).await.unwrap();
    other
        .kms
        .decrypt(
            &user("alice"),
            Decrypt::new(&sealed).context(&empty).key(&by_id(&key)).grant_token(made.token),
        )
        .await
        .unwrap();
    let many = vec!["x".to_owned(); 11];
    let refusal = other
        .kms
        .decrypt(&user("alice"), Decrypt::new(&sealed).context(&empty).grant_tokens(many))
        .await
        .unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn a_policy_that_forbids_retiring_is_told() {
    let world = World::new().await;
    let key = world.key().await;
    let request = CreateGrant::new(ALICE, [GrantOperation::RetireGrant]);
    let made = world.kms.create_grant(&world.cx, &by_id(&key), request).await.unwrap();
    world.say(&key, deny("kms:RetireGrant")).await;
    let refusal =
        world.kms.retire_grant(&user("alice"), &GrantRef::Token(made.token), false).await.unwrap_err();
    assert!(refusal.message().ends_with("with an explicit deny in a resource-based policy"), "{refusal}");
}

#[tokio::test]
async fn a_key_whose_time_is_over_cannot_be_saved() {
    let world = World::new().await;
    let key = world.key().await;
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(7)).await.unwrap();
    world.clock.advance(DAY * 7);
    let late = world.kms.cancel_key_deletion(&world.cx, &by_id(&key)).await;
    refused(late, ErrorKind::InvalidState, &format!("{} is pending deletion.", key.arn));
}

#[tokio::test]
async fn a_services_key_is_made_by_nobody_from_another_account() {
    let world = World::new().await;
    let service = world.kms.for_service(strongroom_types::Service::SecretsManager);
    let arn = "arn:aws:kms:us-east-1:000000000000:alias/aws/secretsmanager";
    let (named, empty) = (KeyRef::parse(arn).unwrap(), EncryptionContext::new());
    let stranger = caller("iam::111122223333:user/eve");
    assert!(is_denied(service.encrypt(&stranger, Encrypt::new(&named, b"x").context(&empty)).await));
    let keys = world.kms.list_keys(&world.cx, &strongroom_kms::ListPage::first()).await.unwrap().keys;
    assert!(keys.is_empty(), "{keys:?}");
    service.encrypt(&user("alice"), Encrypt::new(&named, b"x").context(&empty)).await.unwrap();
}

#[tokio::test]
async fn the_root_by_its_arn_is_the_owner() {
    let world = World::new().await;
    let root = caller("iam::000000000000:root");
    let key = world.kms.create_key(&root, CreateKey::new()).await.unwrap();
    world.kms.disable_key(&root, &by_id(&key)).await.unwrap();
}
