//! What is true of every call, whatever its operation: its error names it, its deadline holds.

use std::error::Error as _;

use async_trait::async_trait;
use strongroom_kms::ErrorKind as KmsErrorKind;
use strongroom_policy::{Authorizer, AuthorizerError, AuthorizerErrorKind, Known, Subject};
use strongroom_store::{
    BatchGetSecretValue, Filter, FilterKey, GetRandomPassword, ListSecretVersionIds, ListSecrets, Operation,
    PutResourcePolicy, ServedReads, Tag, UpdateSecret, UpdateSecretVersionStage, ValidateResourcePolicy,
};
use strongroom_types::{AccountId, Arn, Caller, Realm, Timestamp};

use super::*;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#;

/// An operation on a secret of this name. Exhaustive: a new operation must be tried here.
async fn call(engine: &Engine, cx: &CallContext, operation: Operation, name: &str) -> Result<(), Error> {
    let id = &SecretId::new(name);
    let key = &KeyId::parse("00000000-0000-4000-8000-000000000001").unwrap().into();
    match operation {
        Operation::CreateSecret => engine.create_secret(cx, CreateSecret::new(name)).await.map(drop),
        Operation::GetSecretValue => engine.get_secret_value(cx, GetSecretValue::new(name)).await.map(drop),
        Operation::PutSecretValue => {
            engine.put_secret_value(cx, PutSecretValue::new(name, text("2"))).await.map(drop)
        }
        Operation::UpdateSecret => {
            engine.update_secret(cx, UpdateSecret::new(name).description("d")).await.map(drop)
        }
        Operation::UpdateSecretVersionStage => {
            let request = UpdateSecretVersionStage::new(name, "a").move_to(token(1));
            engine.update_secret_version_stage(cx, request).await.map(drop)
        }
        Operation::DescribeSecret => engine.describe_secret(cx, id).await.map(drop),
        Operation::ListSecrets => {
            engine.list_secrets(cx, ListSecrets::new().next_token("none")).await.map(drop)
        }
        Operation::ListSecretVersionIds => {
            engine.list_secret_version_ids(cx, ListSecretVersionIds::new(name)).await.map(drop)
        }
        Operation::BatchGetSecretValue => {
            let filter = Filter::new(FilterKey::Name, ["s"]);
            let request = BatchGetSecretValue::matching(filter).next_token("none");
            engine.batch_get_secret_value(cx, request).await.map(drop)
        }
        Operation::GetRandomPassword => {
            let mut request = GetRandomPassword::new();
            request.length = Some(0);
            engine.get_random_password(cx, request).await.map(drop)
        }
        Operation::DeleteSecret => engine.delete_secret(cx, DeleteSecret::new(name)).await.map(drop),
        Operation::RestoreSecret => engine.restore_secret(cx, id).await.map(drop),
        Operation::TagResource => engine.tag_resource(cx, id, vec![Tag::new("a", "b")]).await,
        Operation::UntagResource => engine.untag_resource(cx, id, vec!["a".to_owned()]).await,
        Operation::PutResourcePolicy => {
            engine.put_resource_policy(cx, PutResourcePolicy::new(name, POLICY)).await.map(drop)
        }
        Operation::GetResourcePolicy => engine.get_resource_policy(cx, id).await.map(drop),
        Operation::DeleteResourcePolicy => engine.delete_resource_policy(cx, id).await.map(drop),
        Operation::ValidateResourcePolicy => {
            let request = ValidateResourcePolicy::new(POLICY).secret(name);
            engine.validate_resource_policy(cx, request).await.map(drop)
        }
        Operation::ReportReads => {
            let mut read = ServedReads::one(GetSecretValue::new(name), token(1), Timestamp::from_millis(0));
            read.count = 0;
            engine.report_reads(cx, &[read]).await.map(drop)
        }
        Operation::ListKeyUses => engine.key_uses(cx, key, None, None).await.map(drop),
        Operation::Rewrap => engine.rewrap(cx, key, |_| ()).await.map(drop),
        Operation::RetireMaterial => engine.close_material(cx, key, "m").await.map(drop),
        Operation::Verify => engine.verify(cx).await.map(drop),
        Operation::Maintain => engine.maintain().await.map(drop),
    }
}

fn everything() -> impl Iterator<Item = Operation> {
    Operation::ALL.iter().chain(Operation::OWN).copied()
}

/// Whether the operation names one secret.
fn names_a_secret(operation: Operation) -> bool {
    let none = [
        Operation::ListSecrets,
        Operation::BatchGetSecretValue,
        Operation::GetRandomPassword,
        Operation::ReportReads,
    ];
    operation.is_of_aws() && !none.contains(&operation)
}

#[tokio::test]
async fn every_error_names_the_operation_that_was_called_and_its_secret() {
    let world = World::with_secret().await;
    for operation in everything() {
        // Housekeeping asks nobody, and verifying finds nothing wrong; a secret `s` is there.
        if matches!(operation, Operation::Maintain | Operation::Verify) {
            continue;
        }
        let name = if operation == Operation::CreateSecret { "s" } else { "none" };
        let error = call(&world.engine, &world.cx, operation, name).await.expect_err(operation.name());
        assert_eq!(error.operation(), Some(operation.name()), "{error}");
        assert_eq!(error.context("secret"), names_a_secret(operation).then_some(name), "{error}");
        assert!(!error.message().contains("secret: "), "AWS's text stays: {error}");
    }
    let missing = world.describe("none").await.unwrap_err();
    let shown = "DescribeSecret: Secrets Manager can't find the specified secret. (secret: none)";
    assert_eq!((missing.to_string().as_str(), missing.is_not_found()), (shown, true));
}

#[tokio::test]
async fn an_invalid_name_is_shown() {
    let world = World::new().await;
    let text = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    for result in
        [world.describe("a b").await.map(drop), world.create(CreateSecret::new("a b")).await.map(drop)]
    {
        let error = result.unwrap_err();
        assert_eq!((error.message(), error.context("secret")), (text, Some("a b")));
    }
}

#[tokio::test]
async fn a_marked_secret_is_a_kind_of_its_own_and_says_what_helps() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let error = world.current().await.unwrap_err();
    assert!(error.is_marked_for_deletion() && error.code() == "InvalidRequestException");
    assert_eq!(error.context("help"), Some("restore() takes it back"));
    assert_eq!(error.context("secret"), Some("s"));
    assert_eq!(error.message(), MARKED);
}

/// The key service's error is the source, with its own operation.
#[tokio::test]
async fn a_failure_of_the_key_service_is_the_calls_own() {
    let world = World::with_secret().await;
    world.faults.plan([Some(KmsErrorKind::Internal)]);
    let get = world.current().await.unwrap_err();
    world.faults.plan([Some(KmsErrorKind::Disabled)]);
    let put = PutSecretValue::new("s", text("2"));
    let put = world.engine.put_secret_value(&world.cx, put).await.unwrap_err();
    for (error, called, used) in
        [(&get, "GetSecretValue", "Decrypt"), (&put, "PutSecretValue", "GenerateDataKey")]
    {
        assert_eq!((error.operation(), error.context("secret")), (Some(called), Some("s")));
        let source = error.source().and_then(|source| source.downcast_ref::<strongroom_kms::Error>());
        assert_eq!(source.expect("the key service's").operation(), Some(used));
    }
}

/// A directory that cannot be read.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Authorizer for Broken {
    async fn subject(&self, _: &CallContext, _: &Realm, _: Timestamp) -> Result<Subject, AuthorizerError> {
        Err(AuthorizerError::new(AuthorizerErrorKind::Internal, "the disk is gone").during("GetUser"))
    }

    async fn look_up(&self, _: &str, _: &Realm) -> Result<Known, AuthorizerError> {
        Err(AuthorizerError::new(AuthorizerErrorKind::Internal, "the disk is gone").during("GetUser"))
    }
}

#[tokio::test]
async fn a_failure_of_the_directory_is_the_calls_own() {
    let world = World::with_secret().await;
    let engine = world.engine.authorized_by(Arc::new(Broken));
    let alice =
        CallContext::new(Caller::Principal(Arn::parse("arn:aws:iam::000000000000:user/alice").unwrap()));
    for operation in everything().filter(|one| one.is_of_aws()) {
        let error = call(&engine, &alice, operation, "s").await.expect_err(operation.name());
        assert_eq!(error.operation(), Some(operation.name()), "{error}");
        assert!(error.message().contains("the disk is gone"), "{error}");
    }
}

#[tokio::test]
async fn what_is_the_owners_names_itself_when_it_is_refused() {
    let world = World::with_secret().await;
    let other = CallContext::new(Caller::Owner(AccountId::parse("111122223333").unwrap()));
    for operation in Operation::OWN {
        if matches!(operation, Operation::Maintain | Operation::ReportReads) {
            continue;
        }
        let error = call(&world.engine, &other, *operation, "s").await.unwrap_err();
        assert!(error.is_access_denied() && error.operation() == Some(operation.name()), "{error}");
        assert!(error.message().ends_with("only the owner is"), "{error}");
    }
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_does_nothing() {
    let world = World::with_secret().await;
    world.clock.advance(DAY);
    let late = world.cx.clone().with_deadline(Timestamp::from_millis(0));
    let before = world.describe("s").await.unwrap();
    for operation in everything() {
        // Housekeeping is nobody's call.
        if operation == Operation::Maintain {
            continue;
        }
        let name = if operation == Operation::CreateSecret { "new" } else { "s" };
        let error = call(&world.engine, &late, operation, name).await.expect_err(operation.name());
        assert!(error.is_throttled() && error.operation() == Some(operation.name()), "{error}");
    }
    assert_eq!(world.describe("s").await.unwrap(), before);
    assert!(world.describe("new").await.unwrap_err().is_not_found());
    assert!(world.faults.calls().iter().all(|one| *one != "Decrypt"), "no key was used");
    let in_time = world.cx.clone().with_deadline(Timestamp::from_millis(i64::MAX));
    call(&world.engine, &in_time, Operation::GetSecretValue, "s").await.unwrap();
}
