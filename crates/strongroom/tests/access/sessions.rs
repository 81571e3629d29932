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
    let denied = strongroom::kms::ErrorKind::AccessDenied;
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
    let put = || world.room.put_policy("managed", document(&[statement.to_owned()]));
    put().send().await.unwrap();
    let tries = async |cx: CallContext, operation| world.tries_as(&cx, operation, "managed").await;
    let describe = strongroom::Operation::DescribeSecret;
    tries(CallContext::new(lambda.clone()), describe).await.unwrap();
    tries(limited(&lambda, &["secretsmanager:Describe*"]), describe).await.unwrap();
    assert!(is_denied(&tries(limited(&lambda, &["kms:*"]), describe).await));
}
