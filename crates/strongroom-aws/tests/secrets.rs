//! The secret store through real HTTP, against our own server.

#![cfg(test)]

mod support;

use std::sync::Arc;

use strongroom_aws::SecretsManagerStore;
use strongroom_server::{TestServer, test_server};
use strongroom_store::{CreateSecret, ErrorKind, GetSecretValue, SecretAdmin, SecretStore, SecretValue};
use strongroom_testkit::store;
use strongroom_types::{Arn, CallContext, Caller, Retry};
use support::{config, owner};

async fn world() -> (TestServer, SecretsManagerStore) {
    let server = test_server().await.unwrap();
    let store = SecretsManagerStore::new(&config(&server, server.secret_access_key().expose(), "us-east-1"));
    (server, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let (_server, secrets) = world().await;
    store::conformance(async || store::Fixture { store: Arc::new(secrets.clone()), cx: owner() }).await;
}

#[tokio::test]
async fn who_refused_is_told() {
    let (server, secrets) = world().await;
    // Before AWS is asked.
    let user = Arn::parse("arn:aws:iam::000000000000:user/alice").unwrap();
    let alice = CallContext::new(Caller::Principal(user));
    let error = secrets.describe_secret(&alice, &"db".into()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::AccessDenied && error.message().contains("the owner only"), "{error}");

    // A key whose policy lets nobody decrypt: Secrets Manager allows the call, the key service does not.
    let sdk = config(&server, server.secret_access_key().expose(), "us-east-1");
    let keys = aws_sdk_kms::Client::new(&sdk);
    let key = keys.create_key().send().await.unwrap().key_metadata.unwrap();
    let create = CreateSecret::new("db").value(SecretValue::text("v")).kms_key_id(key.key_id());
    secrets.create_secret(&owner(), create).await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}"#;
    keys.put_key_policy().key_id(key.key_id()).policy_name("default").policy(policy).send().await.unwrap();
    let error = secrets.get_secret_value(&owner(), GetSecretValue::new("db")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::AccessDenied, Some("GetSecretValue")),
        "{error}"
    );
    assert_eq!(error.context("secret"), Some("db"));
    let told = error.to_string();
    assert!(told.contains("refused by: KMS") && told.contains("request: "), "{told}");

    // Credentials that are none.
    let wrong = SecretsManagerStore::new(&config(&server, "wrong", "us-east-1"));
    let error = wrong.restore_secret(&owner(), &"db".into()).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::AccessDenied && error.to_string().contains("InvalidSignatureException"),
        "{error}"
    );
    assert!(error.to_string().contains("refused by: Secrets Manager"), "{error}");

    // Nobody there: what changes may have been done, what reads was not.
    let gone = config(&server, "x", "us-east-1").into_builder().endpoint_url("http://127.0.0.1:1");
    let gone =
        SecretsManagerStore::new(&gone.retry_config(aws_config::retry::RetryConfig::disabled()).build());
    let error = gone.create_secret(&owner(), CreateSecret::new("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::OutcomeUnknown, Retry::Later), "{error}");
    let error = gone.describe_secret(&owner(), &"x".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Internal, Retry::Later), "{error}");
}
