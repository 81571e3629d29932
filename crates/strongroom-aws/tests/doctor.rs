//! What the doctor says, against our own server, whose policies are decided as AWS's.

#![cfg(test)]

mod support;

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_async::time::TimeSource;
use strongroom::Strongroom;
use strongroom_aws::{Connection, Diagnosis, Doctor, Verdict, who_am_i};
use strongroom_server::{TestServer, test_server};
use strongroom_store::ErrorKind;
use support::{config, config_at};

fn said<'a>(found: &'a Diagnosis, what: &str) -> (Verdict, &'a str) {
    let check = found.checks.iter().find(|check| check.what == what);
    let check = check.unwrap_or_else(|| panic!("nothing is said of {what}:\n{found}"));
    (check.verdict, &check.words)
}

fn owner_of(server: &TestServer) -> SdkConfig {
    config(server, server.secret_access_key().expose(), "us-east-1")
}

/// A user of this policy, and the configuration it has.
async fn user(server: &TestServer, policy: &str) -> SdkConfig {
    let room = server.server().room().await.unwrap();
    let user = room.iam().create_user("alice").await.unwrap();
    room.iam().put_policy(&user, "p", policy).await.unwrap();
    let key = room.iam().directory().unwrap().access_keys().create(room.context(), "alice").await.unwrap();
    config_at(&server.endpoint_url(), &key.id, key.secret.expose(), "us-east-1")
}

#[tokio::test]
async fn all_is_well() {
    let server = test_server().await.unwrap();
    let room = server.server().room().await.unwrap();
    room.create("prod/db").text("s3cret").send().await.unwrap();
    room.keys().create("alias/orders", "").await.unwrap();
    let doctor = Doctor::new(&owner_of(&server));
    let found = doctor.secret("prod/db").key("alias/orders").try_writing("probe").examine().await;
    assert!(found.healthy(), "{found}");
    assert!(found.checks.iter().all(|check| check.verdict == Verdict::Good), "{found}");
    assert_eq!(found.checks.len(), 8, "{found}");
    assert!(!found.to_string().contains("s3cret"));
    assert!(room.describe("probe").await.is_err(), "nothing is left");
}

/// Encrypt and Decrypt are not enough for a customer key.
#[tokio::test]
async fn a_policy_without_generate_data_key() {
    let server = test_server().await.unwrap();
    server.server().room().await.unwrap().keys().create("alias/orders", "").await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"},
        {"Effect":"Allow","Action":["kms:DescribeKey","kms:Encrypt","kms:Decrypt"],"Resource":"*"}]}"#;
    let doctor = Doctor::new(&user(&server, policy).await);
    let found = doctor.key("alias/orders").try_writing("probe").examine().await;
    assert!(!found.healthy());
    let (verdict, words) = said(&found, "key for writing");
    assert!(
        verdict == Verdict::Bad && words.contains("kms:Encrypt is allowed, but kms:GenerateDataKey is not")
    );
    assert_eq!(said(&found, "key for reading").0, Verdict::Good, "{found}");
    let (verdict, words) = said(&found, "writing");
    assert!(verdict == Verdict::Bad && words.contains("the secret's key is not"), "{found}");
}

#[tokio::test]
async fn missing_permissions_are_named() {
    let server = test_server().await.unwrap();
    let room = server.server().room().await.unwrap();
    let key = room.keys().create("alias/orders", "").await.unwrap();
    room.create("db").key(&*key.id.to_string()).text("v").send().await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
    let alice = user(&server, policy).await;
    let found = Doctor::new(&alice).secret("db").key("alias/orders").try_writing("probe").examine().await;
    assert_eq!(said(&found, "listing").0, Verdict::Doubtful, "{found}");
    let (verdict, words) = said(&found, "secret");
    assert!(verdict == Verdict::Bad && words.contains("the secret's key is not"), "{found}");
    assert_eq!(said(&found, "key").0, Verdict::Doubtful, "{found}");
    assert!(said(&found, "key for writing").1.starts_with("kms:GenerateDataKey is not allowed"), "{found}");
    assert_eq!(said(&found, "key for reading").0, Verdict::NotTried, "{found}");
    assert!(said(&found, "writing").1.starts_with("secretsmanager:CreateSecret is not allowed"), "{found}");
}

#[tokio::test]
async fn keys_that_cannot_be_used() {
    let server = test_server().await.unwrap();
    let (room, owner) = (server.server().room().await.unwrap(), owner_of(&server));
    room.keys().create("alias/off", "").await.unwrap();
    room.keys().disable("alias/off").await.unwrap();
    room.create("any").text("v").send().await.unwrap();
    for (key, verdict, words) in [
        ("alias/off", Verdict::Bad, "its state is Disabled"),
        ("alias/nobody", Verdict::Bad, "alias/nobody"),
        ("not a key", Verdict::Bad, "not a key"),
        ("alias/aws/secretsmanager", Verdict::Doubtful, "AWS manages it"),
    ] {
        let found = Doctor::new(&owner).key(key).examine().await;
        let (is, told) = said(&found, "key");
        assert!(is == verdict && told.contains(words), "{found}");
    }
}

/// A clock that is wrong by so much, in either direction.
#[derive(Debug)]
struct Skewed(i64);

impl TimeSource for Skewed {
    #[allow(clippy::disallowed_methods, reason = "the clock of AWS's SDK, not ours")]
    fn now(&self) -> SystemTime {
        let by = Duration::from_secs(self.0.unsigned_abs());
        if self.0 < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
    }
}

#[tokio::test]
async fn clocks_and_credentials() {
    let server = test_server().await.unwrap();
    let wrong = config(&server, "wrong", "us-east-1");
    let found = Doctor::new(&wrong).secret("db").examine().await;
    let (verdict, words) = said(&found, "credentials");
    assert!(verdict == Verdict::Bad && words.starts_with("they are not accepted"), "{found}");
    assert_eq!(said(&found, "clock").0, Verdict::Good, "{found}");
    assert_eq!(said(&found, "secret").0, Verdict::NotTried);

    for (seconds, verdict, words) in [
        (600, Verdict::Bad, "seconds ahead of AWS, which refuses more than 300"),
        (-600, Verdict::Bad, "seconds behind AWS"),
        (100, Verdict::Doubtful, "seconds ahead of AWS: set the clock"),
        (0, Verdict::Good, "seconds"),
    ] {
        let there = owner_of(&server).into_builder().time_source(Skewed(seconds)).build();
        let found = Doctor::new(&there).examine().await;
        let (is, told) = said(&found, "clock");
        assert!(is == verdict && told.contains(words), "{seconds}: {found}");
    }
}

/// From AWS's own configuration: what is there counts, what is said counts more.
#[tokio::test]
async fn connections() {
    let server = test_server().await.unwrap();
    let secret = || server.secret_access_key().expose().to_owned();
    let there = || {
        let there = Strongroom::aws().region("us-east-1").endpoint(server.endpoint_url());
        there.credentials(server.access_key_id(), secret())
    };
    let room = there().send().await.unwrap();
    assert_eq!(room.realm().to_string(), server.server().room().await.unwrap().realm().to_string());
    room.create("db").text("v").send().await.unwrap();
    assert_eq!(room.get("db").send().await.unwrap().expose_text().unwrap(), "v");
    assert!(room.rollback("db").await.is_err());
    assert_eq!(room.maintain().await.unwrap(), strongroom::Maintained::default());
    // What only a strongroom of one's own has.
    let refused = [
        room.verify().await.unwrap_err(),
        room.iam().create_user("alice").await.unwrap_err(),
        room.keys().create("alias/k", "").await.unwrap_err(),
        room.roots().list().await.unwrap_err(),
        room.for_service("rds").unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("kept by another store"), "{error}");
    }
    // Debug shows no credential.
    assert!(!format!("{:?}", there()).contains(&secret()));

    let wrong = there().credentials(server.access_key_id(), "wrong").send().await.unwrap_err();
    assert_eq!(wrong.code(), "AccessDeniedException", "{wrong}");
    let connection = Connection::new().region("us-east-1").endpoint("http://127.0.0.1:1").attempts(1);
    let nowhere = connection.credentials("AKIA", "x").load().await;
    let error = who_am_i(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    let found = Doctor::new(&nowhere).examine().await;
    assert_eq!(said(&found, "clock").0, Verdict::NotTried, "{found}");
    // Nobody to be.
    let nobody = owner_of(&server).into_builder().credentials_provider(Nobody.into()).build();
    let error = who_am_i(&nobody).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::AccessDenied && error.message().contains("no AWS credentials were found")
    );
    assert!(!error.to_string().contains("refused by"), "AWS was not asked: {error}");

    let config = Connection::new().region("eu-central-1").fips().dual_stack().load().await;
    assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(true), Some(true)));
    let limits = config.timeout_config().unwrap();
    assert_eq!(limits.operation_timeout(), Some(Duration::from_secs(30)), "AWS's own default has none");
}

/// A provider without credentials.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody")))
    }
}

impl From<Nobody> for SharedCredentialsProvider {
    fn from(nobody: Nobody) -> Self {
        Self::new(nobody)
    }
}
