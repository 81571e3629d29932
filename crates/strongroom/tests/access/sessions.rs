//! What is known of a session limits it, whoever calls: the owner and services too, and with keys as with secrets.

use strongroom::kms::{CreateGrant, GrantOperation, KeyRef, PutKeyPolicy};
use strongroom::{CallContext, Caller, EncryptionContext, SessionFacts};

use crate::{DELEGATION, NO_KMS, World, allow, document, is_denied};

fn limited(caller: &Caller, actions: &[&str]) -> CallContext {
    CallContext::new(caller.clone()).with_facts(SessionFacts::new().policy(allow(actions)))
}

#[tokio::test]
async fn a_session_of_the_owner_is_limited_with_keys() {
    let world = World::new().await;
    let owner = world.room.context().caller().clone();
    let sealed = world.room.keys().encrypt("alias/own", b"x", &EncryptionContext::new()).await.unwrap();
    let reader =
        world.room.with_context(limited(&owner, &["secretsmanager:GetSecretValue", "kms:DescribeKey"]));
    let (keys, service) = (reader.keys(), world.room.keys().service().unwrap());
    keys.describe("alias/own").await.unwrap();
    let key = KeyRef::parse(&world.key).unwrap();
    let put = PutKeyPolicy::new(document(&[DELEGATION.to_owned()]));
    let grant = CreateGrant::new("arn:aws:iam::000000000000:root", [GrantOperation::Decrypt]);
    let denied = strongroom::KeyErrorKind::AccessDenied;
    let refused = service.put_key_policy(reader.context(), &key, put.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), denied);
    assert!(
        refused.message().ends_with("because no session policy allows the kms:PutKeyPolicy action"),
        "{refused}"
    );
    assert_eq!(service.create_grant(reader.context(), &key, grant).await.unwrap_err().kind(), denied);
    assert!(is_denied(&keys.schedule_deletion("alias/own", 7).await));
    assert!(is_denied(&keys.decrypt(&sealed, &EncryptionContext::new()).await));
    let refused = reader.get("own").send().await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), ("AccessDeniedException", NO_KMS));
    reader
        .get("managed")
        .send()
        .await
        .expect("the managed key's policy names everybody who comes through the service, not the owner");
    // What its session allows, it may.
    let manager = world.room.with_context(limited(&owner, &["kms:*"]));
    service.put_key_policy(manager.context(), &key, put).await.unwrap();
    manager.keys().decrypt(&sealed, &EncryptionContext::new()).await.unwrap();
    assert!(is_denied(&manager.get("own").send().await));
}

#[tokio::test]
async fn a_session_of_a_service_is_limited() {
    let world = World::new().await;
    let lambda = Caller::Service("lambda.amazonaws.com".to_owned());
    let statement = r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"secretsmanager:*","Resource":"*"}"#;
    let put = || world.room.policy("managed").put(document(&[statement.to_owned()]));
    put().send().await.unwrap();
    let tries = async |cx: CallContext, operation| world.tries_as(&cx, operation, "managed").await;
    let describe = strongroom::Operation::DescribeSecret;
    tries(CallContext::new(lambda.clone()), describe).await.unwrap();
    tries(limited(&lambda, &["secretsmanager:Describe*"]), describe).await.unwrap();
    assert!(is_denied(&tries(limited(&lambda, &["kms:*"]), describe).await));
}

/// Whoever may retire a grant by what it says, may not in a session that is limited otherwise: with and without rights of its own.
#[tokio::test]
async fn a_limited_session_retires_nothing() {
    let world = World::new().await;
    let (service, owner) = (world.room.keys().service().unwrap(), world.room.context());
    let key = KeyRef::parse(&world.key).unwrap();
    for rights in
        ["", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#]
    {
        let role = world.role(if rights.is_empty() { "bare" } else { "rich" }, rights).await;
        let grant =
            CreateGrant::new(role.arn.as_str(), [GrantOperation::Decrypt]).retiring(role.arn.as_str());
        let grant = service.create_grant(owner, &key, grant).await.unwrap();
        let session = role.session("run-1").unwrap();
        let retire = async |cx: CallContext| {
            service.retire_grant(&cx, &strongroom::kms::GrantRef::Token(grant.token.clone()), false).await
        };
        let refused = retire(limited(&session, &["secretsmanager:*"])).await.unwrap_err();
        assert!(
            refused.message().ends_with("because no session policy allows the kms:RetireGrant action"),
            "{refused}"
        );
        retire(CallContext::new(session)).await.unwrap();
    }
}

/// A service that takes on a role, as its trust demands to know for whom, gets a session that works.
#[tokio::test]
async fn a_service_takes_on_a_role() {
    let world = World::new().await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:000000000000:function:*"}}}}"#;
    let iam = world.room.iam();
    let role = iam.create_role(strongroom::CreateRole::new("function", trust)).await.unwrap();
    iam.put_policy(&role, "own", &allow(&["secretsmanager:GetSecretValue"])).await.unwrap();
    let source = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let lambda = CallContext::new(Caller::Service("lambda.amazonaws.com".to_owned()))
        .with_facts(SessionFacts::new().key("aws:SourceArn", source).key("acme:ticket", "7"));
    let asked = strongroom::AssumeRole::new(role.arn.clone(), "run-1");
    let session = iam.directory().unwrap().assume_role(&lambda, asked).await.unwrap().context;
    world.tries_as(&session, strongroom::Operation::GetSecretValue, "managed").await.unwrap();
    let keys: Vec<_> = session.facts().unwrap().keys.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["acme:ticket"]);
}
