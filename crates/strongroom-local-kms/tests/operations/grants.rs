//! Grants: CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant, and what they allow.

use strongroom_kms::{
    CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateMac, GrantConstraint, GrantFilter, GrantOperation,
    GrantRef, ListPage, MacAlgorithm, PutKeyPolicy,
};
use strongroom_records::{Batch, Key, Scan};

use super::*;

const ALICE: &str = "arn:aws:iam::000000000000:user/alice";
const BOB: &str = "arn:aws:iam::000000000000:user/bob";
const DRY: &str = "The request would have succeeded, but the DryRun option is set.";

fn decrypting() -> CreateGrant {
    CreateGrant::new(ALICE, [GrantOperation::Decrypt])
}

impl World {
    async fn grant(&self, key: &KeyMetadata, request: CreateGrant) -> strongroom_kms::CreatedGrant {
        self.kms.create_grant(&self.cx, &by_id(key), request).await.unwrap()
    }

    async fn listed(&self, key: &KeyMetadata) -> Vec<strongroom_kms::Grant> {
        let (all, page) = (GrantFilter::all(), ListPage::first());
        self.kms.list_grants(&self.cx, &by_id(key), &all, &page).await.unwrap().grants
    }

    async fn alice_decrypts(&self, key: &KeyMetadata, context: &EncryptionContext) -> Result<Vec<u8>, Error> {
        let sealed = self.encrypt_for(key, context).await;
        self.decrypt_as(&user("alice"), key, &sealed, context).await
    }
}

#[tokio::test]
async fn a_grant_allows_until_it_is_revoked() {
    let world = World::new().await;
    let (key, empty) = (world.key().await, EncryptionContext::new());
    assert_eq!(world.alice_decrypts(&key, &empty).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    let made = world.grant(&key, decrypting().retiring(BOB)).await;
    assert_eq!(world.alice_decrypts(&key, &empty).await.unwrap(), b"plaintext");
    let encrypt = world.kms.encrypt(&user("alice"), Encrypt::new(&by_id(&key), b"x").context(&empty)).await;
    assert_eq!(encrypt.unwrap_err().kind(), ErrorKind::AccessDenied, "only what it names");
    let bob = world.decrypt_as(&user("bob"), &key, &world.encrypt(&key).await, &empty).await;
    assert_eq!(bob.unwrap_err().kind(), ErrorKind::AccessDenied, "only whom it names");
    let [told] = <[_; 1]>::try_from(world.listed(&key).await).unwrap();
    assert_eq!((told.id.as_str(), told.name.as_str(), &told.key_arn), (made.id.as_str(), "", &key.arn));
    assert_eq!((told.grantee.as_str(), told.retiring.as_deref()), (ALICE, Some(BOB)));
    assert_eq!(told.issuing_account, "arn:aws:iam::000000000000:root");
    assert_eq!((told.operations, told.constraint), (vec![GrantOperation::Decrypt], None));
    assert!(made.id.len() == 64 && (1..=8192).contains(&made.token.len()));
    world.kms.revoke_grant(&world.cx, &by_id(&key), &made.id, false).await.unwrap();
    assert_eq!(world.alice_decrypts(&key, &empty).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    let gone = world.kms.revoke_grant(&world.cx, &by_id(&key), &made.id, false).await;
    refused(gone, ErrorKind::NotFound, &format!("Grant ID {} not found", made.id));
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn constraints_compare_the_requests_context() {
    let world = World::new().await;
    let key = world.key().await;
    let (one, both) = (pairs(&[("a", "1")]), pairs(&[("a", "1"), ("b", "2")]));
    let other = pairs(&[("a", "2")]);
    let equals = world.grant(&key, decrypting().context_equals(one.clone())).await;
    assert!(world.alice_decrypts(&key, &one).await.is_ok());
    for wrong in [&both, &other, &EncryptionContext::new()] {
        assert_eq!(world.alice_decrypts(&key, wrong).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
    world.kms.revoke_grant(&world.cx, &by_id(&key), &equals.id, false).await.unwrap();
    world.grant(&key, decrypting().context_subset(one.clone())).await;
    // Keys are compared without case (KMS API Reference, `GrantConstraints`).
    for right in [&one, &both, &pairs(&[("A", "1")])] {
        assert!(world.alice_decrypts(&key, right).await.is_ok());
    }
    for wrong in [&other, &EncryptionContext::new(), &pairs(&[("b", "1")])] {
        assert_eq!(world.alice_decrypts(&key, wrong).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
    assert_eq!(world.listed(&key).await[0].constraint, Some(GrantConstraint::EncryptionContextSubset(one)));
}

/// "In a grant constraint, the key in each key-value pair is not case sensitive, but the value is case sensitive." (KMS API
/// Reference, `GrantConstraints`.) The ciphertext goes on being bound to its context as it was written.
#[tokio::test]
async fn constraints_compare_keys_without_case_and_values_with_it() {
    let world = World::new().await;
    let key = world.key().await;
    let wanted = pairs(&[("Department", "IT"), ("Stage", "Prod")]);
    let equals = world.grant(&key, decrypting().context_equals(wanted.clone())).await;
    let right = [
        pairs(&[("Department", "IT"), ("Stage", "Prod")]),
        pairs(&[("DEPARTMENT", "IT"), ("stage", "Prod")]),
    ];
    let wrong = [
        pairs(&[("department", "it"), ("stage", "Prod")]),
        pairs(&[("department", "IT"), ("stage", "PROD")]),
        pairs(&[("department", "IT")]),
    ];
    let try_all = async || {
        for context in &right {
            assert!(world.alice_decrypts(&key, context).await.is_ok(), "{context:?}");
        }
        for context in &wrong {
            let refused = world.alice_decrypts(&key, context).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::AccessDenied, "{context:?}");
        }
    };
    try_all().await;
    world.kms.revoke_grant(&world.cx, &by_id(&key), &equals.id, false).await.unwrap();
    world.grant(&key, decrypting().context_subset(wanted.clone())).await;
    try_all().await;
    let more = pairs(&[("DEPARTMENT", "IT"), ("STAGE", "Prod"), ("more", "x")]);
    assert!(world.alice_decrypts(&key, &more).await.is_ok());
    // The grant counts, the ciphertext does not open.
    let sealed = world.encrypt_for(&key, &right[0]).await;
    let refused = world.decrypt_as(&user("alice"), &key, &sealed, &right[1]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidCiphertext);
}

/// Who passes a grant on may write the keys of its constraint otherwise, the values not.
#[tokio::test]
async fn a_grantee_passes_on_its_constraint_in_another_case() {
    let world = World::new().await;
    let key = world.key().await;
    let operations = [GrantOperation::CreateGrant, GrantOperation::Decrypt];
    world.grant(&key, CreateGrant::new(ALICE, operations).context_subset(pairs(&[("Stage", "Prod")]))).await;
    let pass = async |context: &[(&str, &str)]| {
        let request = CreateGrant::new(BOB, [GrantOperation::Decrypt]).context_subset(pairs(context));
        world.kms.create_grant(&user("alice"), &by_id(&key), request).await
    };
    pass(&[("STAGE", "Prod")]).await.unwrap();
    assert_eq!(pass(&[("Stage", "PROD")]).await.unwrap_err().kind(), ErrorKind::AccessDenied);
}

#[tokio::test]
async fn constraints_do_not_count_for_describe_key() {
    let world = World::new().await;
    let key = world.key().await;
    let operations = [GrantOperation::DescribeKey, GrantOperation::Decrypt];
    world.grant(&key, CreateGrant::new(ALICE, operations).context_equals(pairs(&[("a", "1")]))).await;
    world.kms.describe_key(&user("alice"), DescribeKey::new(&by_id(&key))).await.unwrap();
}

#[tokio::test]
async fn a_role_is_all_its_sessions_and_deny_wins() {
    let world = World::new().await;
    let (key, empty) = (world.key().await, EncryptionContext::new());
    let sealed = world.encrypt(&key).await;
    world
        .grant(&key, CreateGrant::new("arn:aws:iam::000000000000:role/app", [GrantOperation::Decrypt]))
        .await;
    let session = caller("sts::000000000000:assumed-role/app/one");
    assert_eq!(world.decrypt_as(&session, &key, &sealed, &empty).await.unwrap(), b"plaintext");
    let other = caller("sts::000000000000:assumed-role/other/one");
    assert!(world.decrypt_as(&other, &key, &sealed, &empty).await.is_err());
    let policy = r#"{"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::000000000000:role/app"}, "Action": "kms:Decrypt", "Resource": "*"}
    ]}"#;
    world.kms.put_key_policy(&world.cx, &by_id(&key), PutKeyPolicy::new(policy)).await.unwrap();
    let denied = world.decrypt_as(&session, &key, &sealed, &empty).await.unwrap_err();
    assert!(denied.message().ends_with("with an explicit deny in a resource-based policy"), "{denied}");
}

#[tokio::test]
async fn a_named_request_repeated_gives_the_same_grant() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    let named = || decrypting().named("app");
    let first = world.grant(&key, named()).await;
    let again = world.another().await.grant(&key, named()).await;
    assert_eq!(first.id, again.id);
    assert_ne!(first.token, again.token, "the token is a fresh one");
    assert_ne!(world.grant(&key, named().retiring(BOB)).await.id, first.id, "other parameters");
    assert_ne!(world.grant(&other, named()).await.id, first.id, "another key");
    assert_eq!(world.listed(&key).await.len(), 2);
    assert_ne!(world.grant(&key, decrypting()).await.id, world.grant(&key, decrypting()).await.id);
    world.kms.revoke_grant(&world.cx, &by_id(&key), &first.id, false).await.unwrap();
    assert_ne!(world.grant(&key, named()).await.id, first.id, "the name is free again");
}

#[tokio::test]
async fn who_may_retire_a_grant() {
    let world = World::new().await;
    let key = world.key().await;
    let retire = |cx: CallContext, grant: GrantRef| {
        let kms = world.kms.clone();
        async move { kms.retire_grant(&cx, &grant, false).await }
    };
    let by_id_of = |id: &str| GrantRef::Id { key: by_id(&key), id: id.to_owned() };
    let made = world.grant(&key, decrypting().retiring(BOB)).await;
    let refusal = retire(user("alice"), by_id_of(&made.id)).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::AccessDenied, "the grantee may not by itself");
    assert!(refusal.message().contains("kms:RetireGrant"), "{refusal}");
    retire(user("bob"), by_id_of(&made.id)).await.unwrap();
    let made = world.grant(&key, CreateGrant::new(ALICE, [GrantOperation::RetireGrant])).await;
    retire(user("alice"), GrantRef::Token(made.token.clone())).await.unwrap();
    refused(
        retire(user("alice"), GrantRef::Token(made.token)).await,
        ErrorKind::NotFound,
        &format!("Grant ID {} not found", made.id),
    );
    let made = world.grant(&key, decrypting()).await;
    retire(world.cx.clone(), by_id_of(&made.id)).await.unwrap();
    refused(
        retire(world.cx.clone(), GrantRef::Token("nonsense".into())).await,
        ErrorKind::InvalidGrantToken,
        "",
    );
    let short = by_id_of("12");
    assert_eq!(retire(world.cx.clone(), short).await.unwrap_err().kind(), ErrorKind::InvalidGrantId);
    assert!(world.listed(&key).await.is_empty());
}

#[tokio::test]
async fn revoking_needs_the_keys_permission_and_a_grants_id() {
    let world = World::new().await;
    let key = world.key().await;
    let made = world.grant(&key, decrypting().retiring(BOB)).await;
    let revoke = |cx: CallContext, id: String| {
        let (kms, key) = (world.kms.clone(), by_id(&key));
        async move { kms.revoke_grant(&cx, &key, &id, false).await }
    };
    assert_eq!(revoke(user("bob"), made.id.clone()).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(revoke(world.cx.clone(), "x".into()).await.unwrap_err().kind(), ErrorKind::InvalidGrantId);
    assert_eq!(revoke(world.cx.clone(), "0".repeat(64)).await.unwrap_err().kind(), ErrorKind::NotFound);
    revoke(world.cx.clone(), made.id).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_does_nothing() {
    let world = World::new().await;
    let key = world.key().await;
    let dry = world.kms.create_grant(&world.cx, &by_id(&key), decrypting().dry_run()).await;
    refused(dry, ErrorKind::DryRun, DRY);
    assert!(world.listed(&key).await.is_empty());
    let made = world.grant(&key, decrypting()).await;
    refused(world.kms.revoke_grant(&world.cx, &by_id(&key), &made.id, true).await, ErrorKind::DryRun, DRY);
    let token = GrantRef::Token(made.token);
    refused(world.kms.retire_grant(&world.cx, &token, true).await, ErrorKind::DryRun, DRY);
    assert_eq!(world.listed(&key).await.len(), 1);
    // What would fail fails as ever.
    let dry = world.kms.retire_grant(&user("bob"), &token, true).await.unwrap_err();
    assert_eq!(dry.kind(), ErrorKind::AccessDenied);
    world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap();
    let dry = world.kms.create_grant(&world.cx, &by_id(&key), decrypting().dry_run()).await;
    assert_eq!(dry.unwrap_err().kind(), ErrorKind::Disabled);
}

#[tokio::test]
async fn key_states() {
    let world = World::new().await;
    let key = world.key().await;
    let made = [world.grant(&key, decrypting()).await, world.grant(&key, decrypting()).await];
    let arn = &key.arn;
    world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap();
    let disabled = world.kms.create_grant(&world.cx, &by_id(&key), decrypting()).await;
    refused(disabled, ErrorKind::Disabled, &format!("{arn} is disabled."));
    world.kms.revoke_grant(&world.cx, &by_id(&key), &made[0].id, false).await.unwrap();
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), None).await.unwrap();
    let pending = world.kms.create_grant(&world.cx, &by_id(&key), decrypting()).await;
    refused(pending, ErrorKind::InvalidState, &format!("{arn} is pending deletion."));
    assert_eq!(world.listed(&key).await.len(), 1);
    let token = GrantRef::Token(made[1].token.clone());
    world.kms.retire_grant(&world.cx, &token, false).await.unwrap();
}

#[tokio::test]
async fn a_grantee_passes_on_no_more_than_it_has() {
    let world = World::new().await;
    let key = world.key().await;
    let (one, both) = (pairs(&[("a", "1")]), pairs(&[("a", "1"), ("b", "2")]));
    let operations = [GrantOperation::CreateGrant, GrantOperation::Decrypt];
    world.grant(&key, CreateGrant::new(ALICE, operations).context_subset(one.clone())).await;
    let pass = |request: CreateGrant| {
        let (kms, key) = (world.kms.clone(), by_id(&key));
        async move { kms.create_grant(&user("alice"), &key, request).await }
    };
    let to_bob = |operation| CreateGrant::new(BOB, [operation]);
    for refusal in [
        pass(to_bob(GrantOperation::Decrypt)).await,
        pass(to_bob(GrantOperation::Decrypt).context_subset(pairs(&[("b", "2")]))).await,
        pass(to_bob(GrantOperation::Encrypt).context_subset(one.clone())).await,
    ] {
        assert_eq!(refusal.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
    pass(to_bob(GrantOperation::Decrypt).context_equals(both.clone())).await.unwrap();
    let sealed = world.encrypt_for(&key, &both).await;
    assert_eq!(world.decrypt_as(&user("bob"), &key, &sealed, &both).await.unwrap(), b"plaintext");
}

#[tokio::test]
async fn operations_must_fit_the_key() {
    let world = World::new().await;
    let (key, hmac) = (world.key().await, world.hmac(KeySpec::Hmac256).await);
    let mac = CreateGrant::new(ALICE, [GrantOperation::GenerateMac]);
    let refusal = world.kms.create_grant(&world.cx, &by_id(&key), mac.clone()).await;
    refused(
        refusal,
        ErrorKind::Validation,
        "Grant operation GenerateMac is not valid for a key of usage ENCRYPT_DECRYPT",
    );
    let refusal = world.kms.create_grant(&world.cx, &by_id(&hmac), decrypting()).await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Validation);
    let constrained = mac.clone().context_equals(pairs(&[("a", "1")]));
    let refusal = world.kms.create_grant(&world.cx, &by_id(&hmac), constrained).await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Validation);
    world.grant(&hmac, mac).await;
    let alice = user("alice");
    let algorithm = MacAlgorithm::HmacSha256;
    world.kms.generate_mac(&alice, GenerateMac::new(&by_id(&hmac), b"m", algorithm)).await.unwrap();
}

#[tokio::test]
async fn tokens_are_checked_and_add_nothing() {
    let world = World::new().await;
    let (key, empty) = (world.key().await, EncryptionContext::new());
    let made = world.grant(&key, decrypting()).await;
    let sealed = world.encrypt(&key).await;
    world
        .kms
        .decrypt(&user("alice"), Decrypt::new(&sealed).context(&empty).grant_token(&made.token))
        .await
        .unwrap();
    let bob =
        world.kms.decrypt(&user("bob"), Decrypt::new(&sealed).context(&empty).grant_token(&made.token)).await;
    assert_eq!(bob.unwrap_err().kind(), ErrorKind::AccessDenied, "it gives nobody else anything");
    for bad in ["", "nonsense", &made.token[1..]] {
        let refusal =
            world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&empty).grant_token(bad)).await;
        refused(refusal, ErrorKind::InvalidGrantToken, "");
    }
}

#[tokio::test]
async fn grants_are_listed_page_by_page_and_by_grantee_and_id() {
    let world = World::new().await;
    let key = world.key().await;
    for n in 0..7 {
        let grantee = if n % 3 == 0 { BOB } else { ALICE };
        world.grant(&key, CreateGrant::new(grantee, [GrantOperation::Decrypt])).await;
    }
    let pages = |filter: GrantFilter| {
        let (kms, cx, key) = (world.kms.clone(), world.cx.clone(), by_id(&key));
        async move {
            let (mut page, mut sizes) = (ListPage::first().limit(2), Vec::new());
            loop {
                let found = kms.list_grants(&cx, &key, &filter, &page).await.unwrap();
                sizes.push(found.grants.len());
                match found.next_marker {
                    Some(marker) => page = ListPage::after(marker).limit(2),
                    None => return sizes,
                }
            }
        }
    };
    assert_eq!(pages(GrantFilter::all()).await.iter().sum::<usize>(), 7);
    assert_eq!(pages(GrantFilter::all().grantee(ALICE)).await.iter().sum::<usize>(), 4);
    assert_eq!(pages(GrantFilter::all().grantee("arn:aws:iam::000000000000:user/none")).await, [0]);
    let one = world.listed(&key).await.remove(0);
    assert_eq!(pages(GrantFilter::all().id(&one.id)).await, [1]);
    let list = |filter: GrantFilter, page: ListPage| {
        let (kms, cx, key) = (world.kms.clone(), world.cx.clone(), by_id(&key));
        async move { kms.list_grants(&cx, &key, &filter, &page).await.unwrap_err().kind() }
    };
    assert_eq!(list(GrantFilter::all().id("x"), ListPage::first()).await, ErrorKind::InvalidGrantId);
    assert_eq!(list(GrantFilter::all().id("0".repeat(64)), ListPage::first()).await, ErrorKind::NotFound);
    assert_eq!(list(GrantFilter::all(), ListPage::after("")).await, ErrorKind::InvalidMarker);
    assert_eq!(list(GrantFilter::all(), ListPage::first().limit(101)).await, ErrorKind::Validation);
}

#[tokio::test]
async fn retirable_grants_are_listed_over_all_keys() {
    let world = World::new().await;
    let keys = [world.key().await, world.key().await];
    for key in &keys {
        for _ in 0..2 {
            world.grant(key, decrypting().retiring(BOB)).await;
        }
        world.grant(key, decrypting().retiring(ALICE)).await;
    }
    let (mut page, mut found) = (ListPage::first().limit(3), Vec::new());
    loop {
        let next = world.kms.list_retirable_grants(&world.cx, BOB, &page).await.unwrap();
        found.extend(next.grants);
        match next.next_marker {
            Some(marker) => page = ListPage::after(marker).limit(3),
            None => break,
        }
    }
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|grant| grant.retiring.as_deref() == Some(BOB)));
    for key in &keys {
        assert_eq!(found.iter().filter(|grant| grant.key_arn == key.arn).count(), 2);
    }
    let bad = ListPage::after("nonsense");
    let refusal = world.kms.list_retirable_grants(&world.cx, BOB, &bad).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::InvalidMarker);
    let refusal = world.kms.list_retirable_grants(&world.cx, "bob", &ListPage::first()).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::InvalidArn);
}

/// Everything stored under these words.
async fn stored(world: &World) -> Vec<String> {
    let prefix = Key::realm(world.kms.realm());
    let snapshot = world.records.snapshot().await.unwrap();
    let found = snapshot.scan(&Scan::prefix(&prefix).limit(1000)).await.unwrap();
    found
        .records
        .iter()
        .map(|record| format!("{:?}", record.key))
        .filter(|key| key.contains("grant"))
        .collect()
}

#[tokio::test]
async fn grants_go_with_their_key() {
    let world = World::new().await;
    let key = world.key().await;
    for n in 0..45 {
        world.grant(&key, decrypting().retiring(BOB).named(format!("n{n}"))).await;
    }
    assert_eq!(stored(&world).await.len(), 4 * 45);
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(7)).await.unwrap();
    world.clock.advance(DAY * 8);
    assert_eq!(world.kms.maintain().await.unwrap(), 1);
    assert_eq!(stored(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_index_entry_is_found() {
    let world = World::new().await;
    let key = world.key().await;
    let made = world.grant(&key, decrypting()).await;
    assert!(world.kms.verify().await.unwrap().is_clean());
    let place =
        Key::realm(world.kms.realm()).then("grant-for").then(key.id.as_str()).then(ALICE).then(&made.id);
    world.records.commit(Batch::new().delete(&place, strongroom_records::Expect::Any)).await.unwrap();
    assert!(!world.kms.verify().await.unwrap().is_clean());
}
