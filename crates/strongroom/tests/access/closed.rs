//! Ways round, closed.

use std::time::Duration;

use strongroom::kms::{CreateGrant, Decrypt, Encrypt, GrantOperation, GrantRef, KeyId, KeyRef};
use strongroom::{AccountId, CallContext, Caller, EncryptionContext, SessionFacts};

use crate::{DELEGATION, World, allow, allow_with, document, is_denied};

/// A key is named by who may name keys.
#[tokio::test]
async fn a_new_keys_name_takes_the_right_to_name() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["kms:CreateKey"])).await;
    let hers = world.as_user(&alice);
    assert_eq!(hers.keys().create("alias/app", "").await.unwrap_err().code(), "AccessDeniedException");
    let on = |resource: &str| {
        let name = format!(r#"{{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"{resource}"}}"#);
        document(&[allow_with(&["kms:CreateKey"], ""), name])
    };
    for resource in ["arn:aws:kms:*:*:alias/app", "arn:aws:kms:*:*:key/*"] {
        world.set("alice", &on(resource)).await;
        assert!(hers.keys().create("alias/app", "").await.is_err(), "{resource}");
    }
    assert!(world.room.keys().describe("alias/app").await.is_err());
    world.set("alice", &on("*")).await;
    hers.keys().create("alias/app", "").await.unwrap();
}

/// A condition on the key of a secret is about the key, whatever it is called.
#[tokio::test]
async fn a_key_cannot_be_passed_under_another_name() {
    let world = World::new().await;
    let evil = world.room.keys().create("alias/evil", "").await.unwrap();
    let alice = world.user("alice", "").await;
    let hers = world.as_user(&alice);
    let rest = r#"{"Effect":"Allow","NotAction":["secretsmanager:CreateSecret","secretsmanager:UpdateSecret"],"Resource":"*"}"#;
    let only = format!(
        r#"{{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*","Condition":{{"ArnEqualsIfExists":{{"secretsmanager:KmsKeyArn":"{}"}}}}}}"#,
        world.key
    );
    world.set("alice", &document(&[only, rest.to_owned()])).await;
    let named = [evil.arn.as_str(), evil.id.as_str(), "alias/evil", "alias/aws/secretsmanager", ""];
    for key in named {
        assert!(is_denied(&hers.update("own").key(key).send().await), "{key}");
    }
    for key in &named[..4] {
        assert!(is_denied(&hers.create("new").key(*key).text("v").send().await), "{key}");
    }
    for key in [world.key.as_str(), "alias/own"] {
        hers.update("own").key(key).send().await.unwrap();
    }
    // And the other way round: what is forbidden is, by every name of it.
    let all_but = format!(
        r#"{{"Effect":"Deny","Action":"secretsmanager:*","Resource":"*","Condition":{{"ArnEquals":{{"secretsmanager:KmsKeyArn":"{}"}}}}}}"#,
        evil.arn
    );
    world.set("alice", &document(&[all_but, allow_with(&["*"], "")])).await;
    for key in &named[..3] {
        assert!(is_denied(&hers.update("own").key(*key).send().await), "{key}");
    }
    hers.update("own").key("alias/own").send().await.unwrap();
}

/// Nor where the key's policy hides from the account what its alias stands for.
#[tokio::test]
async fn an_alias_that_nobody_may_look_up_stands_for_no_key() {
    let world = World::new().await;
    let deny = format!(
        r#"{{"Effect":"Deny","Action":"secretsmanager:CreateSecret","Resource":"*","Condition":{{"ArnEquals":{{"secretsmanager:KmsKeyArn":"{}"}}}}}}"#,
        world.key
    );
    let alice = world.user("alice", &document(&[allow_with(&["secretsmanager:*"], ""), deny])).await;
    let hers = world.as_user(&alice);
    let may = |actions: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::000000000000:user/alice"}},"Action":{actions},"Resource":"*"}}"#
        )
    };
    let keeps =
        r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:PutKeyPolicy","Resource":"*"}"#;
    for actions in
        [r#"["kms:GenerateDataKey","kms:Decrypt"]"#, r#"["kms:GenerateDataKey","kms:DescribeKey"]"#]
    {
        world.key_policy(&[keeps, &may(actions)]).await;
        for key in ["alias/own", &world.key] {
            assert!(is_denied(&hers.create("new").key(key).text("v").send().await), "{actions} {key}");
        }
    }
    // Who may make no secret is not told what there is.
    let bob = world.as_user(&world.user("bob", "").await);
    for key in ["alias/own", "alias/none", "alias/aws/secretsmanager"] {
        let refused = bob.create("new").key(key).text("v").send().await.unwrap_err();
        assert!(refused.message().contains("secretsmanager:CreateSecret"), "{refused}");
    }
    // Where no document asks what it stands for, it need not be known.
    world.set("alice", &document(&[allow_with(&["secretsmanager:*"], "")])).await;
    world.key_policy(&[keeps, &may(r#"["kms:GenerateDataKey","kms:Decrypt"]"#)]).await;
    hers.create("new").key("alias/own").text("v").send().await.unwrap();
}

/// Policies compare tag keys without case: a second one does not stand for the first.
#[tokio::test]
async fn a_tag_of_another_case_changes_nothing() {
    let world = World::new().await;
    let policy = document(&[
        allow_with(
            &["secretsmanager:GetSecretValue"],
            r#","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}"#,
        ),
        allow_with(&["secretsmanager:TagResource", "kms:TagResource", "kms:Decrypt"], ""),
    ]);
    let alice = world.user("alice", &policy).await;
    let hers = world.as_user(&alice);
    assert!(is_denied(&hers.get("own").send().await));
    hers.tag("own", "TEAM", "red").await.unwrap();
    assert!(is_denied(&hers.get("own").send().await));
    world.room.tag("own", "team", "red").await.unwrap();
    hers.get("own").send().await.unwrap();
    // A request that brings both brings the first.
    let brings = allow_with(
        &["secretsmanager:TagResource"],
        r#","Condition":{"StringEquals":{"aws:RequestTag/stage":"test"}}"#,
    );
    world.set("alice", &document(&[brings])).await;
    let tags = ["prod", "test"]
        .map(|value| strongroom::Tag::new(if value == "prod" { "stage" } else { "STAGE" }, value));
    let store = world.room.store();
    let refused = store.tag_resource(hers.context(), &"own".into(), tags.to_vec()).await;
    assert_eq!(refused.unwrap_err().code(), "AccessDeniedException");
}

/// The owner's own sessions end, and are limited, as others' are.
#[tokio::test]
async fn a_session_of_the_owner_is_a_session() {
    let world = World::new().await;
    let owner = world.room.context().caller().clone();
    let ends = world
        .room
        .context()
        .clone()
        .with_facts(SessionFacts::new().expires(strongroom::Timestamp::from_millis(1_800_000_010_000)));
    let session = world.room.with_context(ends);
    session.get("own").send().await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    for result in
        [session.get("own").send().await.map(drop), session.keys().describe("alias/own").await.map(drop)]
    {
        assert_eq!(result.unwrap_err().code(), "ExpiredTokenException");
    }
    assert!(session.roots().list().await.is_err() && session.verify().await.is_err());
    let reads = SessionFacts::new().policy(allow(&["secretsmanager:GetSecretValue", "kms:Decrypt"]));
    let reader = world.room.with_context(CallContext::new(owner).with_facts(reads));
    for secret in ["own", "managed"] {
        reader.get(secret).send().await.unwrap();
        assert!(is_denied(&reader.put(secret).text("x").send().await));
    }
    assert!(reader.keys().create("alias/new", "").await.is_err());
    assert!(reader.iam().create_user("x").await.is_err());
    assert!(is_denied(&reader.roots().list().await));
}

/// What stands for a service has a service's name.
#[tokio::test]
async fn a_services_name_is_not_somebody_elses() {
    let world = World::new().await;
    let there = "arn:aws:iam::111122223333:user/bob";
    world.grant(there, GrantOperation::Decrypt).await;
    let sealed = world.room.keys().encrypt("alias/own", b"x", &EncryptionContext::new()).await.unwrap();
    for name in [there, "arn:aws:iam::000000000000:root", "lambda", ""] {
        let pretends = world.room.as_caller(Caller::Service(name.to_owned()));
        let refused = pretends.keys().decrypt(&sealed, &EncryptionContext::new()).await.unwrap_err();
        assert_eq!(refused.code(), "AccessDeniedException", "{name}");
        assert!(is_denied(&pretends.get("own").send().await), "{name}");
    }
}

/// Who may not make a grant is not told who there is.
#[tokio::test]
async fn grants_do_not_tell_who_is_there() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let service = world.room.keys().service().unwrap();
    let key = KeyRef::parse(&world.key).unwrap();
    let foreign = CallContext::new(Caller::Owner(AccountId::parse("111122223333").unwrap()));
    for cx in [world.as_user(&alice).context().clone(), foreign] {
        for whom in ["arn:aws:iam::000000000000:user/alice", "arn:aws:iam::000000000000:user/nobody"] {
            let grant = CreateGrant::new(whom, [GrantOperation::Decrypt]);
            let refused = service.create_grant(&cx, &key, grant).await.unwrap_err();
            assert_eq!(refused.code(), "AccessDeniedException", "{whom}");
        }
    }
}

/// Another account is told one thing of a key that is not there, is not for it, or is denied to it, however it asks.
#[tokio::test]
async fn another_account_is_not_told_which_keys_there_are() {
    let world = World::new().await;
    let service = world.room.keys().service().unwrap();
    let foreign = CallContext::new(Caller::Owner(AccountId::parse("111122223333").unwrap()));
    let there = KeyRef::parse(&world.key).unwrap();
    let id = KeyId::parse("00000000-0000-0000-0000-000000000001").unwrap();
    let not_there = KeyRef::Arn(id.arn(world.room.realm()), id);
    let odd = EncryptionContext::from_pairs([("a", "1"), ("A", "2")]).unwrap();
    let plain = EncryptionContext::new();
    let sealed = world.room.keys().encrypt("alias/own", b"x", &plain).await.unwrap();
    let none = "0".repeat(64);
    let told = |error: strongroom::kms::Error| (error.code(), error.message().to_owned());
    let mut answers = Vec::new();
    for key in [&there, &not_there] {
        answers.push(vec![
            told(service.encrypt(&foreign, Encrypt::new(key, b"x").context(&plain)).await.unwrap_err()),
            told(
                service
                    .encrypt(&foreign, Encrypt::new(key, b"x").context(&plain).grant_token("bm9uZQ=="))
                    .await
                    .unwrap_err(),
            ),
            told(service.encrypt(&foreign, Encrypt::new(key, b"x").context(&odd)).await.unwrap_err()),
            told(service.decrypt(&foreign, Decrypt::new(&sealed).context(&odd).key(key)).await.unwrap_err()),
            told(
                service
                    .retire_grant(&foreign, &GrantRef::Id { key: key.clone(), id: none.clone() }, false)
                    .await
                    .unwrap_err(),
            ),
            told(service.revoke_grant(&foreign, key, &none, false).await.unwrap_err()),
        ]);
    }
    assert_eq!(answers[0], answers[1]);
}

/// A guardrail on the account of the resource lets the account's own resources pass.
#[tokio::test]
async fn the_resources_account_is_known_everywhere() {
    let world = World::new().await;
    let alice = world.user("alice", &allow(&["*"])).await;
    let perimeter = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"000000000000"}}}}"#;
    world.room.iam().put_guardrail("perimeter", perimeter).await.unwrap();
    let hers = world.as_user(&alice);
    hers.get("own").send().await.unwrap();
    hers.put("own").text("x").send().await.unwrap();
    hers.create("new").key("alias/own").text("v").send().await.unwrap();
    hers.list().send().await.unwrap();
    hers.random_password().send().await.unwrap();
    hers.keys().create("alias/new", "").await.unwrap();
    hers.iam().create_user("bob").await.unwrap();
    hers.iam().list(strongroom::IdentityKind::User).await.unwrap();
}

/// What is destroyed at once is not scheduled with a wait.
#[tokio::test]
async fn a_longest_wait_forbids_destruction_at_once() {
    let world = World::new().await;
    let old = world.room.keys().describe("alias/own").await.unwrap().current_key_material_id.unwrap();
    world.room.keys().rotate("alias/own").await.unwrap();
    world.room.keys().rewrap("alias/own", |_| ()).await.unwrap();
    let wait = r#"{"Effect":"Deny","Principal":"*","Action":"kms:ScheduleKeyDeletion","Resource":"*","Condition":{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}}}"#;
    world.key_policy(&[DELEGATION, wait]).await;
    let confirmed = strongroom::Retirement::LosesCiphertextsElsewhere;
    let refused = world.room.keys().retire_material("alias/own", &old, confirmed).await;
    assert_eq!(refused.unwrap_err().code(), "AccessDeniedException");
    assert!(world.room.keys().schedule_deletion("alias/own", 29).await.is_err());
    world.key_policy(&[DELEGATION]).await;
    world.room.keys().retire_material("alias/own", &old, confirmed).await.unwrap();
}

/// A grant that was made for somebody who is gone is not given again to who has the name.
#[tokio::test]
async fn a_named_grant_is_repeated_for_the_same_grantee_only() {
    let world = World::new().await;
    let service = world.room.keys().service().unwrap();
    let key = KeyRef::parse(&world.key).unwrap();
    let alice = world.user("alice", "").await;
    let ask = || CreateGrant::new(alice.arn.as_str(), [GrantOperation::Decrypt]).named("once");
    let first = service.create_grant(world.room.context(), &key, ask()).await.unwrap().id;
    assert_eq!(service.create_grant(world.room.context(), &key, ask()).await.unwrap().id, first);
    world.room.iam().delete(&alice).await.unwrap();
    let again = world.user("alice", "").await;
    assert_ne!(service.create_grant(world.room.context(), &key, ask()).await.unwrap().id, first);
    let sealed = world.room.keys().encrypt("alias/own", b"x", &EncryptionContext::new()).await.unwrap();
    world.as_user(&again).keys().decrypt(&sealed, &EncryptionContext::new()).await.unwrap();
}
