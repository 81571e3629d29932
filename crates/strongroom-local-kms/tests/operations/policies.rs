//! Key policies: GetKeyPolicy, PutKeyPolicy, ListKeyPolicies, and what they do to everything else.

use serde_json::{Value, json};
use strongroom_kms::{AliasName, Decrypt, DescribeKey, Encrypt, GenerateRandom, ListPage, PutKeyPolicy};
use strongroom_types::{AccountId, Service};

use super::*;

const ROOT: &str = "arn:aws:iam::000000000000:root";

/// A policy of the account's usual statement and another one.
fn with(statement: Value) -> String {
    let usual = json!({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [usual, statement]}).to_string()
}

fn allow(who: &str, action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": "*"})
}

impl World {
    async fn put(&self, key: &KeyMetadata, policy: impl Into<String>) -> Result<(), Error> {
        self.kms.put_key_policy(&self.cx, &by_id(key), PutKeyPolicy::new(policy)).await
    }

    async fn policy(&self, key: &KeyMetadata) -> String {
        self.kms.get_key_policy(&self.cx, &by_id(key), None).await.unwrap()
    }
}

fn denied_text(who: &str, action: &str, key: &KeyMetadata, why: &str) -> String {
    format!(
        "User: arn:aws:iam::000000000000:{who} is not authorized to perform: kms:{action} on resource: {} {why}",
        key.arn
    )
}

#[tokio::test]
async fn the_default_policy_is_aws_own() {
    let world = World::new().await;
    let key = world.key().await;
    let expected = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": ROOT},
            "Action": "kms:*",
            "Resource": "*"
        }]
    });
    let text = world.policy(&key).await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    let order: Vec<_> =
        ["\"Version\"", "\"Id\"", "\"Statement\""].iter().map(|name| text.find(name)).collect();
    assert!(order.is_sorted() && text.starts_with("{\n"), "pretty, in AWS's order");
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_put() {
    let world = World::new().await;
    let key = world.key().await;
    let text = format!("  {}\n", with(allow("arn:aws:iam::000000000000:user/a", "kms:Decrypt")));
    world.put(&key, &text).await.unwrap();
    assert_eq!(world.policy(&key).await, text);
    assert_eq!(world.another().await.policy(&key).await, text);
    // Putting it again is fine, and so is naming it.
    world.put(&key, &text).await.unwrap();
    let named = PutKeyPolicy::new(&text).name("default");
    world.kms.put_key_policy(&world.cx, &by_id(&key), named).await.unwrap();
    let read = world.kms.get_key_policy(&world.cx, &by_id(&key), Some("default")).await.unwrap();
    assert_eq!(read, text);
}

#[tokio::test]
async fn there_is_one_policy_and_it_is_called_default() {
    let world = World::new().await;
    let key = world.key().await;
    let other = world.kms.get_key_policy(&world.cx, &by_id(&key), Some("other")).await;
    refused(other, ErrorKind::NotFound, "No such policy exists");
    let put = PutKeyPolicy::new(world.policy(&key).await).name("other");
    let put = world.kms.put_key_policy(&world.cx, &by_id(&key), put).await;
    refused(put, ErrorKind::NotFound, "No such policy exists");
    let list = async |page: ListPage| world.kms.list_key_policies(&world.cx, &by_id(&key), &page).await;
    let names = list(ListPage::first()).await.unwrap();
    assert_eq!((names.names, names.next_marker), (vec!["default".to_owned()], None));
    assert_eq!(list(ListPage::after("nonsense")).await.unwrap_err().kind(), ErrorKind::InvalidMarker);
    assert_eq!(list(ListPage::first().limit(0)).await.unwrap_err().kind(), ErrorKind::Validation);
    let unknown = KeyRef::parse("12345678-1234-1234-1234-123456789012").unwrap();
    let missing =
        "Key 'arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012' does not exist";
    refused(world.kms.get_key_policy(&world.cx, &unknown, None).await, ErrorKind::NotFound, missing);
}

#[tokio::test]
async fn what_cannot_be_put() {
    let world = World::new().await;
    let key = world.key().await;
    let before = world.policy(&key).await;
    let malformed = ErrorKind::MalformedPolicy;
    refused(world.put(&key, "{").await, malformed, "line 1: is not JSON: EOF while parsing an object");
    refused(
        world.put(&key, with(json!({"Effect": "Allow", "Principal": "*", "Action": "kms:*"}))).await,
        malformed,
        "line 1, Statement[1].Resource: is missing",
    );
    refused(
        world.put(&key, with(allow("arn:aws:iam::000000000000:user/", "kms:*"))).await,
        malformed,
        "Policy contains a statement with one or more invalid principals.",
    );
    let only = json!({"Statement": [allow("arn:aws:iam::000000000000:user/a", "kms:*")]}).to_string();
    let lockout = "The new key policy will not allow you to update the key policy in the future.";
    refused(world.put(&key, &only).await, malformed, lockout);
    let shut = with(json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Put*", "Resource": "*"}));
    refused(world.put(&key, shut).await, malformed, lockout);
    let but = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"});
    refused(world.put(&key, with(but)).await, malformed, "NotPrincipal cannot be used with Allow");
    refused(
        world.put(&key, with(allow("AROAEXAMPLE1234567", "kms:Decrypt"))).await,
        malformed,
        "Policy contains a statement with one or more invalid principals.",
    );
    let mut loose = allow("*", "kms:Decrypt");
    loose["Condition"] = json!({"ForAllValues:StringEquals": {"kms:EncryptionContext:tenant": "a"}});
    refused(
        world.put(&key, with(loose)).await,
        malformed,
        "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified encryption context or with an unspecified encryption context. To fix, remove ForAllValues.",
    );
    assert_eq!(world.put(&key, "").await.unwrap_err().kind(), ErrorKind::Validation);
    let text = with(allow("*", "kms:Decrypt"));
    let long = |len: usize| format!("{text}{}", " ".repeat(len - text.len()));
    assert_eq!(world.put(&key, long(32_769)).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(world.policy(&key).await, before, "nothing was changed");
    world.put(&key, long(32_768)).await.unwrap();
}

#[tokio::test]
async fn who_bypasses_the_check_can_lock_the_account_out() {
    let world = World::new().await;
    let key = world.key().await;
    let sealed = world.encrypt(&key).await;
    let only = json!({"Statement": allow("arn:aws:iam::000000000000:user/alice", "kms:*")}).to_string();
    let put = PutKeyPolicy::new(&only).bypass_lockout_check();
    world.kms.put_key_policy(&world.cx, &by_id(&key), put).await.unwrap();
    let empty = EncryptionContext::new();
    refused(
        world.decrypt_as(&world.cx, &key, &sealed, &empty).await,
        ErrorKind::AccessDenied,
        &denied_text(
            "root",
            "Decrypt",
            &key,
            "because no resource-based policy allows the kms:Decrypt action",
        ),
    );
    refused(
        world.kms.get_key_policy(&world.cx, &by_id(&key), None).await,
        ErrorKind::AccessDenied,
        &denied_text(
            "root",
            "GetKeyPolicy",
            &key,
            "because no resource-based policy allows the kms:GetKeyPolicy action",
        ),
    );
    // Nor does the state of the key show.
    world.kms.disable_key(&user("alice"), &by_id(&key)).await.unwrap();
    let told = world.decrypt_as(&world.cx, &key, &sealed, &empty).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::AccessDenied);
    let disabled = world.decrypt_as(&user("alice"), &key, &sealed, &empty).await.unwrap_err();
    assert_eq!(disabled.kind(), ErrorKind::Disabled);
    world.kms.enable_key(&user("alice"), &by_id(&key)).await.unwrap();
    assert_eq!(world.decrypt_as(&user("alice"), &key, &sealed, &empty).await.unwrap(), b"plaintext");
}

#[tokio::test]
async fn who_is_named_may_and_others_may_not() {
    let world = World::new().await;
    let key = world.key().await;
    let sealed = world.encrypt(&key).await;
    let empty = EncryptionContext::new();
    let alice = user("alice");
    refused(
        world.decrypt_as(&alice, &key, &sealed, &empty).await,
        ErrorKind::AccessDenied,
        &denied_text(
            "user/alice",
            "Decrypt",
            &key,
            "because no identity-based policy allows the kms:Decrypt action",
        ),
    );
    world.put(&key, with(allow("arn:aws:iam::000000000000:user/alice", "kms:Decrypt"))).await.unwrap();
    assert_eq!(world.decrypt_as(&alice, &key, &sealed, &empty).await.unwrap(), b"plaintext");
    let bob = world.decrypt_as(&user("bob"), &key, &sealed, &empty).await.unwrap_err();
    assert_eq!(bob.kind(), ErrorKind::AccessDenied);
    let encrypt = world.kms.encrypt(&alice, Encrypt::new(&by_id(&key), b"x").context(&empty)).await;
    assert_eq!(encrypt.unwrap_err().kind(), ErrorKind::AccessDenied, "only what was allowed");
    // Who does not name the key is not told which it is.
    refused(
        world.kms.decrypt(&user("bob"), Decrypt::new(&sealed).context(&empty)).await,
        ErrorKind::AccessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
    );
    // A role is all its sessions.
    world.put(&key, with(allow("arn:aws:iam::000000000000:role/app", "kms:Decrypt"))).await.unwrap();
    let session = caller("sts::000000000000:assumed-role/app/one");
    assert_eq!(world.decrypt_as(&session, &key, &sealed, &empty).await.unwrap(), b"plaintext");
    assert!(world.decrypt_as(&alice, &key, &sealed, &empty).await.is_err(), "no longer");
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"});
    world.put(&key, with(deny)).await.unwrap();
    refused(
        world.decrypt_as(&world.cx, &key, &sealed, &empty).await,
        ErrorKind::AccessDenied,
        &denied_text("root", "Decrypt", &key, "with an explicit deny in a resource-based policy"),
    );
}

#[tokio::test]
async fn another_process_sees_a_changed_policy() {
    let world = World::new().await;
    let key = world.key().await;
    let sealed = world.encrypt(&key).await;
    let options = strongroom_local_kms::LocalKmsOptions::default().strict();
    let root = RootKey::from_bytes([5; 32]);
    let records = TrustedRecords::open(Arc::clone(&world.records), root, None, &*world.clock).await.unwrap();
    let other = LocalKms::with_options(records, world.clock.clone(), options);
    let decrypt = || async { other.decrypt(&user("alice"), Decrypt::new(&sealed).key(&by_id(&key))).await };
    assert!(decrypt().await.is_err());
    world.put(&key, with(allow("arn:aws:iam::000000000000:user/alice", "kms:Decrypt"))).await.unwrap();
    decrypt().await.unwrap();
}

/// Under a condition on `key`, alice may decrypt; whether she could.
async fn alice_may(world: &World, key: &KeyMetadata, condition: Value, named: &KeyRef) -> bool {
    let mut statement = allow("arn:aws:iam::000000000000:user/alice", "kms:Encrypt");
    statement["Condition"] = condition;
    world.put(key, with(statement)).await.unwrap();
    let context = pairs(&[("Tenant", "a"), ("Stage", "prod")]);
    let done = world.kms.encrypt(&user("alice"), Encrypt::new(named, b"x").context(&context)).await;
    if let Err(error) = &done {
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
    }
    done.is_ok()
}

#[tokio::test]
async fn condition_keys() {
    let world = World::new().await;
    let key = world.kms.create_key(&world.cx, CreateKey::new().tag("Team", "blue")).await.unwrap();
    let alias = AliasName::parse("alias/app").unwrap();
    world.kms.create_alias(&world.cx, &alias, &by_id(&key)).await.unwrap();
    let named: KeyRef = KeyRef::parse("alias/app").unwrap();
    for (expected, condition) in [
        (true, json!({"StringEquals": {"kms:EncryptionContext:tenant": "a"}})),
        (false, json!({"StringEquals": {"kms:EncryptionContext:tenant": "A"}})),
        (false, json!({"StringEquals": {"kms:EncryptionContext:other": "a"}})),
        (true, json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Tenant", "Stage"]}})),
        (false, json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Tenant"]}})),
        (true, json!({"Null": {"kms:ViaService": "true"}})),
        (true, json!({"StringEquals": {"kms:CallerAccount": "000000000000"}})),
        (
            true,
            json!({"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "kms:KeySpec": "SYMMETRIC_DEFAULT"}}),
        ),
        (true, json!({"StringEquals": {"kms:KeyUsage": "ENCRYPT_DECRYPT", "kms:KeyOrigin": "AWS_KMS"}})),
        (true, json!({"Bool": {"kms:MultiRegion": "false"}})),
        (true, json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}})),
        (false, json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/other"}})),
        (true, json!({"StringEquals": {"aws:ResourceTag/Team": "blue"}})),
        (false, json!({"StringEquals": {"aws:ResourceTag/Team": "red"}})),
        (true, json!({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})),
        (false, json!({"DateGreaterThan": {"aws:CurrentTime": "2120-01-01T00:00:00Z"}})),
        (true, json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
        (true, json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/alice"}})),
        (false, json!({"StringEquals": {"kms:CallerArn": "arn:aws:iam::000000000000:user/alice"}})),
    ] {
        assert_eq!(alice_may(&world, &key, condition.clone(), &by_id(&key)).await, expected, "{condition}");
    }
    let by_alias = json!({"StringEquals": {"kms:RequestAlias": "alias/app"}});
    assert!(alice_may(&world, &key, by_alias.clone(), &named).await);
    assert!(!alice_may(&world, &key, by_alias, &by_id(&key)).await);
}

#[tokio::test]
async fn parameters_of_requests_are_condition_keys() {
    let world = World::new().await;
    let key = world.key().await;
    let mut deny =
        json!({"Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"});
    deny["Condition"] = json!({"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}});
    world.put(&key, with(deny)).await.unwrap();
    let soon = world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(7)).await;
    assert_eq!(soon.unwrap_err().kind(), ErrorKind::AccessDenied);
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), None).await.unwrap();
}

#[tokio::test]
async fn another_account_may_use_a_key_that_names_it_and_never_manage_it() {
    let world = World::new().await;
    let key = world.key().await;
    let (sealed, named) = (world.encrypt(&key).await, KeyRef::parse(key.arn.as_str()).unwrap());
    let other = CallContext::new(Caller::Owner(AccountId::parse("111122223333").unwrap()));
    let empty = EncryptionContext::new();
    let decrypt = async |cx: &CallContext, key: &KeyRef| {
        world
            .kms
            .decrypt(cx, Decrypt::new(&sealed).context(&empty).key(key))
            .await
            .map(|opened| opened.plaintext.expose().to_vec())
    };
    let hidden = |who: &str, action: &str| {
        format!(
            "User: arn:aws:iam::111122223333:{who} is not authorized to perform: kms:{action} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
        )
    };
    // Whether there is such a key, it does not name them, or denies them: they are told the same.
    let unknown =
        KeyRef::parse("arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012").unwrap();
    let text = hidden("root", "Decrypt");
    refused(decrypt(&other, &unknown).await, ErrorKind::AccessDenied, &text);
    refused(decrypt(&other, &named).await, ErrorKind::AccessDenied, &text);
    let deny =
        json!({"Effect": "Deny", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"});
    world.put(&key, with(deny)).await.unwrap();
    refused(decrypt(&other, &named).await, ErrorKind::AccessDenied, &text);
    world.put(&key, with(allow("111122223333", "kms:*"))).await.unwrap();
    assert_eq!(decrypt(&other, &named).await.unwrap(), b"plaintext");
    world.kms.describe_key(&other, DescribeKey::new(&named)).await.unwrap();
    refused(
        world.kms.disable_key(&other, &named).await,
        ErrorKind::AccessDenied,
        &hidden("root", "DisableKey"),
    );
    refused(
        world.kms.disable_key(&other, &unknown).await,
        ErrorKind::AccessDenied,
        &hidden("root", "DisableKey"),
    );
    // Names without an account mean something in their own.
    let id = format!("Key 'arn:aws:kms:us-east-1:111122223333:key/{}' does not exist", key.id);
    refused(decrypt(&other, &by_id(&key)).await, ErrorKind::NotFound, &id);
    refused(world.kms.disable_key(&other, &by_id(&key)).await, ErrorKind::NotFound, &id);
    world.kms.create_alias(&world.cx, &AliasName::parse("alias/pay").unwrap(), &by_id(&key)).await.unwrap();
    let alias = KeyRef::parse("alias/pay").unwrap();
    let missing = "Alias arn:aws:kms:us-east-1:111122223333:alias/pay is not found.";
    refused(decrypt(&other, &alias).await, ErrorKind::NotFound, missing);
    let alias = KeyRef::parse("arn:aws:kms:us-east-1:000000000000:alias/pay").unwrap();
    assert_eq!(decrypt(&other, &alias).await.unwrap(), b"plaintext");
    // A user of that account needs its own account's word too, and there is none here.
    let theirs = caller("iam::111122223333:user/eve");
    refused(decrypt(&theirs, &named).await, ErrorKind::AccessDenied, &hidden("user/eve", "Decrypt"));
}

#[tokio::test]
async fn a_managed_key_has_its_services_policy_and_cannot_be_managed() {
    let world = World::new().await;
    let service = world.kms.for_service(Service::SecretsManager);
    let named = KeyRef::parse("alias/aws/secretsmanager").unwrap();
    let key = service.describe_key(&world.cx, DescribeKey::new(&named)).await.unwrap();
    let policy: Value = serde_json::from_str(&world.policy(&key).await).unwrap();
    assert_eq!(policy["Id"], "auto-secretsmanager-2");
    assert_eq!(
        policy["Statement"][0]["Condition"]["StringEquals"]["kms:ViaService"],
        "secretsmanager.us-east-1.amazonaws.com"
    );
    assert_eq!(policy["Statement"][2]["Principal"]["AWS"], ROOT);
    let put = world.put(&key, with(allow("*", "kms:*"))).await;
    refused(
        put,
        ErrorKind::AccessDenied,
        &denied_text(
            "root",
            "PutKeyPolicy",
            &key,
            "because no resource-based policy allows the kms:PutKeyPolicy action",
        ),
    );
    for refusal in [
        world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap_err(),
        world.kms.schedule_key_deletion(&world.cx, &by_id(&key), None).await.unwrap_err(),
        service.disable_key(&world.cx, &by_id(&key)).await.unwrap_err(),
        world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await.unwrap_err(),
    ] {
        assert_eq!(refusal.kind(), ErrorKind::AccessDenied);
    }
    // Anybody of the account through the service, nobody directly.
    let empty = EncryptionContext::new();
    service.encrypt(&user("alice"), Encrypt::new(&by_id(&key), b"x").context(&empty)).await.unwrap();
    let stranger = caller("iam::111122223333:user/eve");
    assert!(service.encrypt(&stranger, Encrypt::new(&by_id(&key), b"x").context(&empty)).await.is_err());
    let parameters = world.kms.for_service(Service::ParameterStore);
    for handle in [&world.kms, &parameters] {
        let direct = handle.encrypt(&world.cx, Encrypt::new(&by_id(&key), b"x").context(&empty)).await;
        assert_eq!(direct.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
}

#[tokio::test]
async fn a_key_can_be_made_with_its_policy() {
    let world = World::new().await;
    let text = with(allow("arn:aws:iam::000000000000:user/alice", "kms:Encrypt"));
    let request = CreateKey::new().policy(PutKeyPolicy::new(&text));
    let key = world.kms.create_key(&world.cx, request).await.unwrap();
    assert_eq!(world.policy(&key).await, text);
    let empty = EncryptionContext::new();
    world.kms.encrypt(&user("alice"), Encrypt::new(&by_id(&key), b"x").context(&empty)).await.unwrap();
    let lockout = json!({"Statement": allow("arn:aws:iam::000000000000:user/alice", "kms:*")}).to_string();
    let refusal = world.kms.create_key(&world.cx, CreateKey::new().policy(PutKeyPolicy::new(&lockout))).await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::MalformedPolicy);
    assert_eq!(
        world.kms.list_keys(&world.cx, &ListPage::first()).await.unwrap().keys.len(),
        1,
        "none was made"
    );
    let bypassed = PutKeyPolicy::new(&lockout).bypass_lockout_check();
    world.kms.create_key(&world.cx, CreateKey::new().policy(bypassed)).await.unwrap();
}

#[tokio::test]
async fn what_is_about_no_key_is_the_accounts() {
    let world = World::new().await;
    let alice = user("alice");
    let text = |action: &str| {
        format!(
            "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: kms:{action} on resource: * because no identity-based policy allows the kms:{action} action"
        )
    };
    refused(
        world.kms.create_key(&alice, CreateKey::new()).await,
        ErrorKind::AccessDenied,
        &text("CreateKey"),
    );
    refused(
        world.kms.list_keys(&alice, &ListPage::first()).await,
        ErrorKind::AccessDenied,
        &text("ListKeys"),
    );
    refused(
        world.kms.list_aliases(&alice, None, &ListPage::first()).await,
        ErrorKind::AccessDenied,
        &text("ListAliases"),
    );
    refused(
        world.kms.generate_random(&alice, GenerateRandom::new(8)).await,
        ErrorKind::AccessDenied,
        &text("GenerateRandom"),
    );
}
