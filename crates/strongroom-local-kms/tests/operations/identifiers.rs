//! How keys are named, what is told of them, and pages.

use strongroom_kms::{
    AliasName, CreateGrant, DataKeySpec, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac,
    GrantOperation, GrantRef, KeyManager, KeyTag, ListPage, MacAlgorithm, MultiRegionKeyType, PutKeyPolicy,
    ReEncrypt, RotationType, VerifyMac,
};
use strongroom_records::Expect;
use strongroom_types::Service;

use super::*;

fn all_names(key: &KeyMetadata, alias: &str) -> [KeyRef; 4] {
    let alias_arn = format!("arn:aws:kms:us-east-1:000000000000:{alias}");
    [key.id.as_str(), key.arn.as_str(), alias, &alias_arn].map(|name| KeyRef::parse(name).unwrap())
}

#[tokio::test]
async fn every_crypto_operation_takes_all_four_names() {
    let world = World::new().await;
    let (kms, cx) = (&world.kms, &world.cx);
    let (key, hmac) = (world.key().await, world.hmac(KeySpec::Hmac256).await);
    for (key, name) in [(&key, "alias/k"), (&hmac, "alias/h")] {
        kms.create_alias(cx, &AliasName::parse(name).unwrap(), &by_id(key)).await.unwrap();
    }
    let (empty, algorithm) = (EncryptionContext::new(), MacAlgorithm::HmacSha256);
    for name in all_names(&key, "alias/k") {
        let sealed = kms.encrypt(cx, Encrypt::new(&name, b"x").context(&empty)).await.unwrap();
        assert_eq!(sealed.key_arn, key.arn);
        assert_eq!(
            kms.decrypt(cx, Decrypt::new(&sealed.ciphertext).context(&empty).key(&name))
                .await
                .unwrap()
                .key_arn,
            key.arn
        );
        let pair = kms.generate_data_key(cx, GenerateDataKey::new(&name).context(&empty)).await.unwrap();
        assert_eq!(pair.key_arn, key.arn);
        kms.generate_data_key_without_plaintext(
            cx,
            GenerateDataKey::new(&name).context(&empty).spec(DataKeySpec::Aes128),
        )
        .await
        .unwrap();
        let moved = kms
            .re_encrypt(
                cx,
                ReEncrypt::new(&sealed.ciphertext, &name)
                    .source_context(&empty)
                    .context(&empty)
                    .source_key(&name),
            )
            .await
            .unwrap();
        assert_eq!((&moved.source_key_arn, &moved.key_arn), (&key.arn, &key.arn));
        kms.describe_key(cx, DescribeKey::new(&name)).await.unwrap();
    }
    for name in all_names(&hmac, "alias/h") {
        let mac = kms.generate_mac(cx, GenerateMac::new(&name, b"m", algorithm)).await.unwrap();
        let verified = kms.verify_mac(cx, VerifyMac::new(&name, b"m", &mac.mac, algorithm)).await.unwrap();
        assert_eq!(verified.key_arn, hmac.arn);
    }
}

#[test]
fn malformed_arns() {
    for bad in
        ["arn:aws:kms:us-east-1:000000000000", "arn:aws:kms:us-east-1:000000000000:thing/x", "arn:aws:s3:::b"]
    {
        assert_eq!(KeyRef::parse(bad).unwrap_err().kind(), ErrorKind::InvalidArn, "{bad}");
    }
}

#[test]
fn an_unknown_mac_algorithm() {
    refused(
        MacAlgorithm::parse("HMAC_MD5"),
        ErrorKind::Validation,
        "1 validation error detected: Value 'HMAC_MD5' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
    );
}

#[tokio::test]
async fn a_multi_region_key_says_so() {
    let world = World::new().await;
    let key = world.kms.create_key(&world.cx, CreateKey::new().multi_region()).await.unwrap();
    let id = key.id.as_str();
    assert!(id.starts_with("mrk-") && id.len() == 36 && !id[4..].contains('-'), "{id}");
    let configuration = key.multi_region_configuration().unwrap();
    assert_eq!((configuration.kind, &configuration.primary), (MultiRegionKeyType::Primary, &key.arn));
    assert!(key.multi_region && configuration.replicas.is_empty());
    let sealed = world.encrypt(&key).await;
    assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    assert!(world.key().await.multi_region_configuration().is_none());
}

#[tokio::test]
async fn metadata_of_each_kind_of_key() {
    let world = World::new().await;
    let service = world.kms.for_service(Service::SecretsManager);
    let managed = KeyRef::parse("alias/aws/secretsmanager").unwrap();
    let managed = service.describe_key(&world.cx, DescribeKey::new(&managed)).await.unwrap();
    let own = world.key().await;
    assert_eq!((managed.manager, own.manager), (KeyManager::Aws, KeyManager::Customer));
    assert_eq!(own.account.to_string(), "000000000000");
    let material = own.current_key_material_id.unwrap();
    assert!(material.len() == 64 && material.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(world.hmac(KeySpec::Hmac224).await.current_key_material_id, None);
    assert_eq!(own.created, world.clock.now());
    // All keys are listed, those of services too.
    let listed = world.kms.list_keys(&world.cx, &ListPage::first()).await.unwrap().keys;
    assert!(listed.len() == 3 && listed.iter().any(|entry| entry.arn == managed.arn));
}

#[tokio::test]
async fn a_managed_key_gets_no_alias_tag_or_grant_and_rotates() {
    let world = World::new().await;
    let service = world.kms.for_service(Service::SecretsManager);
    let named = KeyRef::parse("alias/aws/secretsmanager").unwrap();
    let key = by_id(&service.describe_key(&world.cx, DescribeKey::new(&named)).await.unwrap());
    let (kms, cx) = (&world.kms, &world.cx);
    let grant = CreateGrant::new("arn:aws:iam::000000000000:user/a", [GrantOperation::Decrypt]);
    for refusal in [
        kms.create_alias(cx, &AliasName::parse("alias/x").unwrap(), &key).await,
        kms.tag_resource(cx, &key, vec![KeyTag::new("a", "b")]).await,
        kms.create_grant(cx, &key, grant).await.map(drop),
        kms.update_key_description(cx, &key, "mine").await,
        kms.disable_key_rotation(cx, &key).await,
    ] {
        assert_eq!(refusal.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
    let own = AliasName::parse("alias/aws/secretsmanager").unwrap();
    let other = by_id(&world.key().await);
    refused(kms.update_alias(cx, &own, &other).await, ErrorKind::NotAuthorized, "");
    let status = kms.get_key_rotation_status(cx, &key).await.unwrap();
    assert_eq!((status.enabled, status.period_days), (true, Some(365)));
    let unknown = KeyRef::parse("alias/aws/xyz").unwrap();
    let text = "Alias arn:aws:kms:us-east-1:000000000000:alias/aws/xyz is not found.";
    refused(service.describe_key(cx, DescribeKey::new(&unknown)).await, ErrorKind::NotFound, text);
}

#[tokio::test]
async fn ciphertexts_of_no_length_and_too_long() {
    let world = World::new().await;
    let text = |bound: &str| {
        format!(
            "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length {bound}"
        )
    };
    refused(world.decrypt(&[]).await, ErrorKind::Validation, &text("greater than or equal to 1"));
    refused(world.decrypt(&[0; 6145]).await, ErrorKind::Validation, &text("less than or equal to 6144"));
    refused(world.decrypt(&[0; 6144]).await, ErrorKind::InvalidCiphertext, "");
}

#[tokio::test]
async fn a_context_may_be_larger_than_a_grants() {
    let world = World::new().await;
    let key = world.key().await;
    let large = EncryptionContext::from_pairs((0..20).map(|n| (format!("k{n}"), "v".repeat(500)))).unwrap();
    let sealed = world.encrypt_for(&key, &large).await;
    assert_eq!(world.decrypt_as(&world.cx, &key, &sealed, &large).await.unwrap(), b"plaintext");
}

#[tokio::test]
async fn a_key_may_refuse_an_alias_and_an_alias_arn_is_no_resource() {
    let world = World::new().await;
    let key = world.key().await;
    let put = async |statement: &str| {
        let policy = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"000000000000"}},"Action":"kms:*","Resource":"*"}},{statement}]}}"#
        );
        world.kms.put_key_policy(&world.cx, &by_id(&key), PutKeyPolicy::new(policy)).await.unwrap();
    };
    let alias = AliasName::parse("alias/a").unwrap();
    put(r#"{"Effect":"Deny","Principal":"*","Action":"kms:CreateAlias","Resource":"*"}"#).await;
    let refusal = world.kms.create_alias(&world.cx, &alias, &by_id(&key)).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::AccessDenied);
    put(r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"arn:aws:kms:us-east-1:000000000000:alias/a"}"#)
        .await;
    world.kms.create_alias(&world.cx, &alias, &by_id(&key)).await.unwrap();
    let named = KeyRef::from(alias);
    let empty = EncryptionContext::new();
    world.kms.encrypt(&world.cx, Encrypt::new(&named, b"x").context(&empty)).await.unwrap();
}

#[tokio::test]
async fn shortly_before_the_schedule_none_is_made_on_demand() {
    let world = World::new().await;
    let key = by_id(&world.key().await);
    let minute = Duration::from_secs(60);
    world.kms.enable_key_rotation(&world.cx, &key, Some(90)).await.unwrap();
    world.clock.advance(DAY * 90 - minute * 21);
    world.kms.rotate_key_on_demand(&world.cx, &key).await.unwrap();
    world.clock.advance(minute * 2);
    let soon = world.kms.rotate_key_on_demand(&world.cx, &key).await.unwrap_err();
    assert_eq!(soon.kind(), ErrorKind::Conflict, "{soon}");
    let rotations =
        world.kms.list_key_rotations(&world.cx, &key, false, &ListPage::first()).await.unwrap().rotations;
    assert_eq!(rotations.iter().map(|one| one.kind).collect::<Vec<_>>(), [Some(RotationType::OnDemand)]);
    for bad in [0, 1001] {
        let page = ListPage::first().limit(bad);
        let refusal = world.kms.list_key_rotations(&world.cx, &key, false, &page).await.unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Validation);
    }
}

#[tokio::test]
async fn pages_have_their_default_sizes_and_markers_are_checked() {
    let world = World::new().await;
    let key = world.key().await;
    for n in 0..100 {
        world.key().await;
        let grantee = format!("arn:aws:iam::000000000000:user/u{n}");
        if n < 51 {
            let request = CreateGrant::new(grantee, [GrantOperation::Decrypt]);
            world.kms.create_grant(&world.cx, &by_id(&key), request).await.unwrap();
        }
    }
    let first = ListPage::first();
    let keys = world.kms.list_keys(&world.cx, &first).await.unwrap();
    assert_eq!((keys.keys.len(), keys.next_marker.is_some()), (100, true));
    let all = strongroom_kms::GrantFilter::all();
    let grants = world.kms.list_grants(&world.cx, &by_id(&key), &all, &first).await.unwrap();
    assert_eq!((grants.grants.len(), grants.next_marker.is_some()), (50, true));
    for n in 0..50 {
        let alias = AliasName::parse(&format!("alias/a{n}")).unwrap();
        world.kms.create_alias(&world.cx, &alias, &by_id(&key)).await.unwrap();
    }
    let other = by_id(&world.key().await);
    world.kms.create_alias(&world.cx, &AliasName::parse("alias/b").unwrap(), &other).await.unwrap();
    let aliases = world.kms.list_aliases(&world.cx, None, &first).await.unwrap();
    assert_eq!((aliases.aliases.len(), aliases.next_marker.is_some()), (50, true));
    let full = world.kms.create_alias(&world.cx, &AliasName::parse("alias/c").unwrap(), &by_id(&key)).await;
    assert_eq!(full.unwrap_err().kind(), ErrorKind::LimitExceeded);
    for bad in ["", &"x".repeat(1025)] {
        let page = ListPage::after(bad);
        assert_eq!(world.kms.list_keys(&world.cx, &page).await.unwrap_err().kind(), ErrorKind::InvalidMarker);
        assert_eq!(
            world.kms.list_aliases(&world.cx, None, &page).await.unwrap_err().kind(),
            ErrorKind::InvalidMarker
        );
    }
}

/// The quota of grants, without making them: the key's record counts them.
#[tokio::test]
async fn the_grants_of_a_key_are_limited() {
    let world = World::new().await;
    let key = world.key().await;
    let root = RootKey::from_bytes([5; 32]);
    let records = TrustedRecords::open(Arc::clone(&world.records), root, None, &*world.clock).await.unwrap();
    let place = strongroom_records::Key::realm(records.realm()).then("key").then(key.id.as_str());
    let stored = records.get(&place).await.unwrap().unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&stored.content).unwrap();
    record["grants"] = 49_999.into();
    let mut batch = records.batch();
    batch.put(&place, &serde_json::to_vec(&record).unwrap(), Expect::At(stored.revision));
    records.commit(batch).await.unwrap();
    let request = || CreateGrant::new("arn:aws:iam::000000000000:user/a", [GrantOperation::Decrypt]);
    world.kms.create_grant(&world.cx, &by_id(&key), request()).await.unwrap();
    let full = world.kms.create_grant(&world.cx, &by_id(&key), request()).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::LimitExceeded);
}

#[tokio::test]
async fn what_retiring_goes_by() {
    let world = World::new().await;
    let key = world.key().await;
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["000000000000","arn:aws:iam::000000000000:user/eve"]},"Action":"kms:*","Resource":"*"}]}"#;
    world.kms.put_key_policy(&world.cx, &by_id(&key), PutKeyPolicy::new(policy)).await.unwrap();
    let alice = "arn:aws:iam::000000000000:user/alice";
    let request = CreateGrant::new(alice, [GrantOperation::RetireGrant]).context_equals(pairs(&[("a", "1")]));
    let made = world.kms.create_grant(&world.cx, &by_id(&key), request).await.unwrap();
    let grant = GrantRef::Token(made.token);
    // An ordinary permission is not the basis; a constraint does not count.
    let eve = world.kms.retire_grant(&user("eve"), &grant, false).await.unwrap_err();
    assert_eq!(eve.kind(), ErrorKind::AccessDenied);
    world.kms.retire_grant(&user("alice"), &grant, false).await.unwrap();
    let listing =
        world.kms.list_retirable_grants(&user("alice"), alice, &ListPage::first()).await.unwrap_err();
    assert_eq!(listing.kind(), ErrorKind::AccessDenied);
}

#[tokio::test]
async fn another_account_may_call_these_and_no_others() {
    let world = World::new().await;
    let key = world.key().await;
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["000000000000","111122223333"]},"Action":"kms:*","Resource":"*"}]}"#;
    world.kms.put_key_policy(&world.cx, &by_id(&key), PutKeyPolicy::new(policy)).await.unwrap();
    let other = CallContext::new(Caller::Owner(strongroom_types::AccountId::parse("111122223333").unwrap()));
    let named = KeyRef::parse(key.arn.as_str()).unwrap();
    let (kms, cx, page) = (&world.kms, &other, ListPage::first());
    let request = CreateGrant::new("arn:aws:iam::111122223333:user/a", [GrantOperation::Decrypt]);
    let made = kms.create_grant(cx, &named, request).await.unwrap();
    let listed =
        kms.list_grants(cx, &named, &strongroom_kms::GrantFilter::all(), &page).await.unwrap().grants;
    assert_eq!(listed[0].issuing_account, "arn:aws:iam::111122223333:root");
    kms.get_key_rotation_status(cx, &named).await.unwrap();
    let sealed = world.encrypt(&key).await;
    let empty = EncryptionContext::new();
    kms.re_encrypt(cx, ReEncrypt::new(&sealed, &named).source_context(&empty).context(&empty)).await.unwrap();
    kms.retire_grant(cx, &GrantRef::Token(made.token), false).await.unwrap();
    for refusal in [
        kms.enable_key(cx, &named).await,
        kms.get_key_policy(cx, &named, None).await.map(drop),
        kms.list_resource_tags(cx, &named, &page).await.map(drop),
        kms.schedule_key_deletion(cx, &named, None).await.map(drop),
        kms.rotate_key_on_demand(cx, &named).await.map(drop),
        kms.update_key_description(cx, &named, "theirs").await,
        kms.create_key(cx, CreateKey::new()).await.map(drop),
    ] {
        assert_eq!(refusal.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
}
