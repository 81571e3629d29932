//! Each request of each operation fails once, in every way, before or after it took effect: what is told is what happened, and a repeat
//! with the same token makes it happen once.

#![cfg(test)]

#[path = "support/faulty_http.rs"]
mod faulty_http;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use faulty_http::{Fault, FaultyHttp};
use strongroom::Strongroom;
use strongroom_aws::{AwsKms, SecretsManagerStore};
use strongroom_kms::{GenerateDataKey, KeyRef, Kms};
use strongroom_server::test_server;
use strongroom_store::{
    CreateSecret, DeleteSecret, Error, ErrorKind, GetSecretValue, ListSecrets, PutResourcePolicy,
    PutSecretValue, SecretAdmin, SecretId, SecretStore, SecretValue, Stage, Tag, UpdateSecret,
    UpdateSecretVersionStage, VersionId,
};
use strongroom_types::Retry;
use support::{config, owner};

fn token(n: u32) -> VersionId {
    VersionId::new(format!("00000000-0000-4000-8000-{n:012}"))
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Create,
    Put,
    Update,
    Move,
    Tag,
    Untag,
    Delete,
    Restore,
    Policy,
    DropPolicy,
}

impl Change {
    const ALL: [Self; 10] = [
        Self::Create,
        Self::Put,
        Self::Update,
        Self::Move,
        Self::Tag,
        Self::Untag,
        Self::Delete,
        Self::Restore,
        Self::Policy,
        Self::DropPolicy,
    ];

    /// The state that it is made in.
    async fn prepare(self, room: &Strongroom, name: &str) {
        if matches!(self, Self::Create) {
            return;
        }
        room.create(name).tag("old", "1").text("1").token(token(1)).send().await.unwrap();
        room.put(name).text("2").token(token(2)).send().await.unwrap();
        match self {
            Self::Restore => {
                room.delete(name).send().await.unwrap();
            }
            Self::DropPolicy => {
                room.policy(name).put(POLICY).send().await.unwrap();
            }
            _ => (),
        }
    }

    async fn make(self, store: &SecretsManagerStore, name: &str) -> Result<(), Error> {
        let (cx, id) = (owner(), SecretId::new(name));
        let value = || SecretValue::text("3");
        match self {
            Self::Create => {
                let request = CreateSecret::new(name).value(value()).token(token(3)).tag("k", "v");
                store.create_secret(&cx, request).await.map(drop)
            }
            Self::Put => {
                let request = PutSecretValue::new(name, value()).token(token(3));
                store.put_secret_value(&cx, request).await.map(drop)
            }
            Self::Update => {
                let request = UpdateSecret::new(name).value(value()).token(token(3)).description("d");
                store.update_secret(&cx, request).await.map(drop)
            }
            Self::Move => {
                let request = UpdateSecretVersionStage::new(name, Stage::CURRENT)
                    .remove_from(token(2))
                    .move_to(token(1));
                store.update_secret_version_stage(&cx, request).await.map(drop)
            }
            Self::Tag => store.tag_resource(&cx, &id, vec![Tag::new("k", "v")]).await,
            Self::Untag => store.untag_resource(&cx, &id, vec!["old".to_owned()]).await,
            Self::Delete => {
                let request = DeleteSecret::new(name).recovery_window_days(7);
                store.delete_secret(&cx, request).await.map(drop)
            }
            Self::Restore => store.restore_secret(&cx, &id).await.map(drop),
            Self::Policy => {
                store.put_resource_policy(&cx, PutResourcePolicy::new(name, POLICY)).await.map(drop)
            }
            Self::DropPolicy => store.delete_resource_policy(&cx, &id).await.map(drop),
        }
    }

    /// Whether a repeat of what was done is refused: there is no token for it.
    fn is_refused_again(self) -> bool {
        matches!(self, Self::Move | Self::Delete)
    }
}

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:DeleteSecret","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/x":"y"}}}]}"#;

/// All there is of a secret but its dates and name; nothing when it is not there.
async fn told(room: &Strongroom, name: &str) -> Option<(String, BTreeMap<VersionId, Vec<Stage>>)> {
    let metadata = room.describe(name).await.ok()?;
    let mut versions = BTreeMap::new();
    let mut rest = (metadata.description, metadata.tags, metadata.deleted.is_some(), None);
    if metadata.deleted.is_none() {
        rest.3 = room.policy(name).get().await.unwrap();
        for version in room.versions(name).include_deprecated().all().await.unwrap() {
            versions.insert(version.version_id, version.stages.into_iter().collect());
        }
    }
    Some((format!("{rest:?}"), versions))
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_happen_once_or_not_at_all() {
    let server = test_server().await.unwrap();
    let room = server.server().room().await.unwrap();
    let http = FaultyHttp::new();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let mut tried = 0;
    for attempts in [1, 3] {
        let retries = RetryConfig::standard()
            .with_max_attempts(attempts)
            .with_initial_backoff(Duration::from_millis(1));
        let config = config.clone().into_builder().retry_config(retries).http_client(http.clone()).build();
        for change in Change::ALL {
            for fault in Fault::ALL {
                tried += 1;
                // Each by a client of its own: the SDK stops trying after too many failures.
                let store = SecretsManagerStore::new(&config);
                let case = format!("{change:?}, {fault:?}, {attempts} tries");
                let (name, twin) = (format!("s{tried}"), format!("twin-{tried}"));
                change.prepare(&room, &name).await;
                change.prepare(&room, &twin).await;
                change.make(&store, &twin).await.unwrap();
                let (before, wanted) = (told(&room, &name).await, told(&room, &twin).await);

                http.plan([fault]);
                let answer = change.make(&store, &name).await;
                assert!(http.done(), "{case}");
                let after = told(&room, &name).await;
                match &answer {
                    Ok(()) => assert_eq!(after, wanted, "{case}"),
                    Err(error) => {
                        assert!(error.operation().is_some(), "{case}: {error}");
                        match error.kind() {
                            ErrorKind::OutcomeUnknown => {
                                assert!(after == before || after == wanted, "{case}: {error}");
                                assert_eq!(error.retry(), Retry::Later);
                            }
                            kind => {
                                assert_eq!(after, before, "{case}: {error}");
                                let wanted = match fault {
                                    Fault::Throttled => ErrorKind::Throttled,
                                    Fault::Expired => ErrorKind::ExpiredToken,
                                    _ => panic!("{case}: {error}"),
                                };
                                assert_eq!(kind, wanted, "{case}");
                            }
                        }
                        assert!(!error.to_string().contains("\"3\""), "{error}");
                    }
                }
                // With three tries the SDK mends all but what only a new login does, and a refusal that its own first try has made.
                if attempts == 3
                    && fault != Fault::Expired
                    && fault != Fault::Cut
                    && !change.is_refused_again()
                {
                    assert!(answer.is_ok(), "{case}: {answer:?}");
                }
                // Once more, by hand.
                let again = change.make(&store, &name).await;
                if !(change.is_refused_again() && after == wanted) {
                    again.unwrap_or_else(|error| panic!("{case}: {error}"));
                }
                assert_eq!(told(&room, &name).await, wanted, "{case}: once, and no version twice");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_outcome_tells_its_token() {
    let server = test_server().await.unwrap();
    let http = FaultyHttp::new();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1").into_builder();
    let config = config.retry_config(RetryConfig::disabled()).http_client(http.clone()).build();
    let store = SecretsManagerStore::new(&config);
    http.plan([Fault::TimeoutAfter]);
    let request = CreateSecret::new("a").value(SecretValue::text("v"));
    let error = store.create_secret(&owner(), request).await.unwrap_err().to_string();
    let token = error.split("request token: ").nth(1).unwrap()[..36].to_owned();
    let again = CreateSecret::new("a").value(SecretValue::text("v")).token(token.as_str());
    let made = store.create_secret(&owner(), again).await.unwrap();
    assert_eq!(made.version_id, Some(VersionId::new(token)));
}

/// Reads and key operations change nothing: they fail so that they can be repeated, and go on.
#[tokio::test]
async fn reads_and_keys() {
    let server = test_server().await.unwrap();
    let room = server.server().room().await.unwrap();
    room.create("a").text("hunter2").send().await.unwrap();
    room.keys().create("alias/k", "").await.unwrap();
    let http = FaultyHttp::new();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1").into_builder();
    let config = config.retry_config(RetryConfig::disabled()).http_client(http.clone()).build();
    let (store, kms) = (SecretsManagerStore::new(&config), AwsKms::new(&config));
    let (cx, key) = (owner(), KeyRef::parse("alias/k").unwrap());
    for fault in Fault::ALL {
        http.plan([fault; 3]);
        let read = store.get_secret_value(&cx, GetSecretValue::new("a")).await.unwrap_err();
        let listed = store.list_secrets(&cx, ListSecrets::new()).await.unwrap_err();
        let made = kms.generate_data_key(&cx, GenerateDataKey::new(&key)).await.unwrap_err();
        for error in [&read, &listed] {
            let wanted = match fault {
                Fault::Throttled => ErrorKind::Throttled,
                Fault::Expired => ErrorKind::ExpiredToken,
                _ => ErrorKind::Internal,
            };
            assert_eq!(error.kind(), wanted, "{fault:?}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "half an answer stays unseen");
        }
        use strongroom_kms::ErrorKind as KmsError;
        let wanted: &[KmsError] = match fault {
            Fault::Throttled => &[KmsError::Throttled],
            Fault::Expired => &[KmsError::ExpiredToken],
            Fault::ServerError => &[KmsError::Internal],
            _ => &[KmsError::DependencyTimeout],
        };
        assert!(wanted.contains(&made.kind()), "{fault:?}: {made}");
        assert_eq!(made.retry() == Retry::Later, fault != Fault::Expired, "{made}");
        http.plan([]);
        assert!(store.get_secret_value(&cx, GetSecretValue::new("a")).await.is_ok());
    }
}
