//! §5: keys: key policy, the account's policies where it delegates, grants; what is about no key; aliases.

use strongroom::kms::{
    AliasName, CreateGrant, CreateKey, GenerateRandom, GrantOperation, KeyRef, ListPage, PutKeyPolicy,
};
use strongroom::{Caller, EncryptionContext, Error, Strongroom};

use crate::{DELEGATION, World, allow, document};

fn decrypts(principal: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:Decrypt","Resource":"*"}}"#
    )
}

impl World {
    async fn sealed(&self) -> Vec<u8> {
        self.room.keys().encrypt("alias/own", b"x", &EncryptionContext::new()).await.unwrap()
    }

    fn key_ref(&self) -> KeyRef {
        KeyRef::parse(&self.key).unwrap()
    }
}

async fn opens(room: &Strongroom, sealed: &[u8]) -> bool {
    match room.keys().decrypt(sealed, &EncryptionContext::new()).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code(), "AccessDeniedException");
            // Who did not name the key is not told which it is.
            assert!(error.message().starts_with("The ciphertext refers to"), "{error}");
            false
        }
    }
}

/// §5.1.
#[tokio::test]
async fn the_key_policy_decides_whether_the_accounts_policies_count() {
    let world = World::new().await;
    let sealed = world.sealed().await;
    let (alice, bob) = (world.user("alice", &allow(&["kms:Decrypt"])).await, world.user("bob", "").await);
    let (hers, his) = (world.as_user(&alice), world.as_user(&bob));
    let deny = |principal: &str| decrypts(principal).replace("Allow", "Deny");
    // Nothing about the account or the caller: nobody, the administrator and the owner not either.
    let only_bob = r#"{"Effect":"Allow","Principal":{"AWS":"BOB"},"Action":"kms:*","Resource":"*"}"#
        .replace("BOB", bob.arn.as_str());
    for (statements, by_alice, by_bob, by_owner) in [
        (vec![DELEGATION.to_owned()], true, false, true),
        (vec![DELEGATION.to_owned(), decrypts(bob.arn.as_str())], true, true, true),
        (vec![DELEGATION.to_owned(), deny(alice.arn.as_str())], false, false, true),
        (vec![DELEGATION.to_owned(), deny("*")], false, false, false),
        (vec![only_bob.clone()], false, true, false),
    ] {
        let put = PutKeyPolicy::new(document(&statements)).bypass_lockout_check();
        // Bob can always put another one: by the key's policy, or because he is given the account's.
        let service = world.room.keys().service().unwrap();
        world.set("bob", &allow(&["kms:PutKeyPolicy"])).await;
        service.put_key_policy(his.context(), &world.key_ref(), put).await.unwrap();
        assert_eq!(opens(&hers, &sealed).await, by_alice, "{statements:?}");
        assert_eq!(opens(&his, &sealed).await, by_bob, "{statements:?}");
        assert_eq!(opens(&world.room, &sealed).await, by_owner, "{statements:?}");
    }
    // An identity's deny wins over the key's policy.
    let all = document(&[r#"{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#.to_owned()]);
    world.room.iam().put_policy(&bob, "not", &all).await.unwrap();
    assert!(!opens(&his, &sealed).await);
}

/// §5.2, §5.4.
#[tokio::test]
async fn grants_add_to_policies_and_win_over_no_deny() {
    let world = World::new().await;
    let sealed = world.sealed().await;
    let role = world.role("reader", "").await;
    let session = world.room.as_caller(role.session("run-1").unwrap());
    assert!(!opens(&session, &sealed).await);
    let grant = world.grant(role.arn.as_str(), GrantOperation::Decrypt).await;
    assert!(opens(&session, &sealed).await);
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*"}}"#;
    world.room.iam().put_policy(&role, "not", deny).await.unwrap();
    assert!(!opens(&session, &sealed).await);
    world.room.iam().delete_policy(&role, "not").await.unwrap();
    assert!(opens(&session, &sealed).await);
    // A role made again under the name is another grantee.
    world.room.iam().delete(&role).await.unwrap();
    assert!(!opens(&session, &sealed).await);
    let again = world.role("reader", "").await;
    assert!(!opens(&world.room.as_caller(again.session("run-1").unwrap()), &sealed).await);
    world.revoke(&grant).await;
    let nobody = CreateGrant::new("arn:aws:iam::000000000000:user/nobody", [GrantOperation::Decrypt]);
    let refused = world
        .room
        .keys()
        .service()
        .unwrap()
        .create_grant(world.room.context(), &world.key_ref(), nobody)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "InvalidArnException");
    assert_eq!(
        refused.message(),
        "ARN does not refer to a valid principal: arn:aws:iam::000000000000:user/nobody"
    );
}

/// A policy names who is there, and means them: not who comes after.
#[tokio::test]
async fn key_policies_mean_the_one_who_was_there() {
    let world = World::new().await;
    let sealed = world.sealed().await;
    let alice = world.user("alice", "").await;
    world.key_policy(&[DELEGATION, &decrypts(alice.arn.as_str())]).await;
    assert!(opens(&world.as_user(&alice), &sealed).await);
    world.room.iam().delete(&alice).await.unwrap();
    let service = world.room.keys().service().unwrap();
    let shown = service.get_key_policy(world.room.context(), &world.key_ref(), None).await.unwrap();
    assert!(shown.contains(&alice.id) && !shown.contains(alice.arn.as_str()), "{shown}");
    let again = world.user("alice", "").await;
    assert!(!opens(&world.as_user(&again), &sealed).await);
    // What is shown cannot be put again while nobody has the id; of one who is there, the id is as good as the name.
    let put = async |text: String| {
        service.put_key_policy(world.room.context(), &world.key_ref(), PutKeyPolicy::new(text)).await
    };
    let refused = put(shown.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "MalformedPolicyDocumentException");
    assert_eq!(refused.message(), "Policy contains a statement with one or more invalid principals.");
    put(shown.replace(&alice.id, &again.id)).await.unwrap();
    assert!(opens(&world.as_user(&again), &sealed).await);
    let nobody = document(&[DELEGATION.to_owned(), decrypts("arn:aws:iam::000000000000:role/nobody")]);
    assert_eq!(put(nobody).await.unwrap_err().code(), "MalformedPolicyDocumentException");
    put(document(&[DELEGATION.to_owned(), decrypts("arn:aws:iam::111122223333:role/nobody")])).await.unwrap();
}

/// §5.1: "Only IAM (no key involved)"; "Alias operations: IAM on the alias and key policy/IAM on the key".
#[tokio::test]
async fn what_is_about_no_key_is_the_callers_own_policies() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let hers = world.as_user(&alice);
    let (service, cx) = (hers.keys().service().unwrap(), hers.context().clone());
    let key = world.key_ref();
    let alias = AliasName::parse("alias/hers").unwrap();
    let page = ListPage::first();
    let code = |result: Result<(), strongroom::kms::Error>| result.map_err(|error| error.code().to_owned());
    let denied = Err("AccessDeniedException".to_owned());
    let does = async |what: &str| match what {
        "CreateKey" => code(service.create_key(&cx, CreateKey::new()).await.map(drop)),
        "ListKeys" => code(service.list_keys(&cx, &page).await.map(drop)),
        "ListAliases" => code(service.list_aliases(&cx, None, &page).await.map(drop)),
        "GenerateRandom" => code(service.generate_random(&cx, GenerateRandom::new(8)).await.map(drop)),
        "CreateAlias" => code(service.create_alias(&cx, &alias, &key).await),
        "UpdateAlias" => code(service.update_alias(&cx, &alias, &key).await),
        "DeleteAlias" => code(service.delete_alias(&cx, &alias).await),
        _ => code(service.list_retirable_grants(&cx, alice.arn.as_str(), &page).await.map(drop)),
    };
    for what in [
        "CreateKey",
        "ListKeys",
        "ListAliases",
        "GenerateRandom",
        "ListRetirableGrants",
        "CreateAlias",
        "UpdateAlias",
        "DeleteAlias",
    ] {
        world.set("alice", &allow(&["s3:GetObject"])).await;
        assert_eq!(does(what).await, denied, "{what}");
        world.set("alice", &allow(&[&format!("kms:{what}")])).await;
        assert_eq!(does(what).await, Ok(()), "{what}");
    }
    // The alias alone, or the key alone, is not enough.
    let on = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"{resource}"}}}}"#
        )
    };
    for resource in ["arn:aws:kms:*:*:alias/*", "arn:aws:kms:*:*:key/*"] {
        world.set("alice", &on(resource)).await;
        assert_eq!(does("CreateAlias").await, denied, "{resource}");
    }
    world.set("alice", &on("*")).await;
    assert_eq!(does("CreateAlias").await, Ok(()));
    // A key with tags takes the permission to tag.
    world.set("alice", &allow(&["kms:CreateKey"])).await;
    let tagged = || CreateKey::new().tag("a", "b");
    assert_eq!(code(service.create_key(&cx, tagged()).await.map(drop)), denied);
    world.set("alice", &allow(&["kms:CreateKey", "kms:TagResource"])).await;
    assert_eq!(code(service.create_key(&cx, tagged()).await.map(drop)), Ok(()));
}

/// A condition on what the new key will be.
#[tokio::test]
async fn conditions_on_new_keys() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let hers = world.as_user(&alice);
    let service = hers.keys().service().unwrap();
    for (condition, expected) in [
        (
            r#"{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT","kms:KeyUsage":"ENCRYPT_DECRYPT","kms:KeyOrigin":"AWS_KMS"}}"#,
            true,
        ),
        (r#"{"StringEquals":{"kms:KeySpec":"HMAC_256"}}"#, false),
        (r#"{"Bool":{"kms:MultiRegion":"false","kms:BypassPolicyLockoutSafetyCheck":"false"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestTag/team":"orders"}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"other"}}"#, false),
    ] {
        let policy = document(&[crate::allow_with(
            &["kms:CreateKey", "kms:TagResource"],
            &format!(r#","Condition":{condition}"#),
        )]);
        world.set("alice", &policy).await;
        let made = service.create_key(hers.context(), CreateKey::new().tag("team", "orders")).await;
        assert_eq!(made.is_ok(), expected, "{condition}: {made:?}");
    }
}

/// PutKeyPolicy: decided as the next one would be.
#[tokio::test]
async fn a_key_policy_leaves_its_author_a_way_back() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["kms:PutKeyPolicy", "kms:CreateKey"])).await;
    let (hers, service) = (world.as_user(&alice), world.room.keys().service().unwrap());
    let put = async |statement: &str, bypass: bool| {
        let put = PutKeyPolicy::new(document(&[statement.to_owned()]));
        let put = if bypass { put.bypass_lockout_check() } else { put };
        service.put_key_policy(hers.context(), &world.key_ref(), put).await.map_err(Error::from)
    };
    put(DELEGATION, false).await.unwrap();
    let locked = put(&decrypts(alice.arn.as_str()), false).await.unwrap_err();
    assert_eq!(
        locked.message(),
        "The new key policy will not allow you to update the key policy in the future."
    );
    // To the account, which her policy makes hers; to her by name; not to the account if her own policy forbids it.
    let of_bob = DELEGATION.replace("000000000000", "111122223333");
    assert!(put(&of_bob, false).await.is_err());
    let to_her = DELEGATION.replace("\"000000000000\"", &format!("\"{}\"", alice.arn));
    put(&to_her, false).await.unwrap();
    put(&of_bob, true).await.unwrap();
    assert!(put(DELEGATION, false).await.is_err());
    // A key that is made with a policy is asked the same.
    let locked = CreateKey::new().policy(PutKeyPolicy::new(document(&[decrypts(alice.arn.as_str())])));
    assert_eq!(
        service.create_key(hers.context(), locked).await.unwrap_err().code(),
        "MalformedPolicyDocumentException"
    );
}

#[tokio::test]
async fn who_is_not_known_may_nothing_with_keys() {
    let world = World::new().await;
    let sealed = world.sealed().await;
    let everybody = r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}"#;
    world.key_policy(&[DELEGATION, everybody]).await;
    let alice = world.user("alice", "").await;
    assert!(opens(&world.as_user(&alice), &sealed).await);
    let nobody = strongroom::Arn::parse("arn:aws:iam::000000000000:user/nobody").unwrap();
    assert!(!opens(&world.room.as_caller(Caller::Principal(nobody)), &sealed).await);
}
