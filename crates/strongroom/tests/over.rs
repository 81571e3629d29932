//! The same handle over stores that have less than a strongroom of one's own.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use strongroom::store::{ReadOnly, ReadSecrets, SecretArn};
use strongroom::{
    CachePolicy, CallContext, Error, ErrorKind, Migration, Realm, RootKey, SecretAdmin, SecretErrorKind,
    SecretId, SecretMetadata, SecretStore, SecretText, SecretValue, Strongroom, Timestamp, VersionId,
};

async fn own() -> Strongroom {
    Strongroom::builder().memory().root_key(RootKey::generate().unwrap()).open().await.unwrap()
}

fn unsupported<T>(result: Result<T, Error>) -> String {
    let error = result.err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::Secret(SecretErrorKind::Unsupported), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_store_without_an_admin_part_does_what_it_can_and_refuses_the_rest() {
    let own = own().await;
    let plain: Arc<dyn SecretStore> = own.store();
    let room = Strongroom::over(plain, own.realm().clone());
    room.create("db").text("1").send().await.unwrap();
    room.put("db").text("2").send().await.unwrap();
    room.rollback("db").await.unwrap();
    assert_eq!(room.get("db").send().await.unwrap().into_text().unwrap().expose(), "1");
    assert_eq!(room.list().all().await.unwrap().len(), 1);
    for text in [
        unsupported(room.delete("db").send().await),
        unsupported(room.restore("db").await),
        unsupported(room.tag("db", "k", "v").await),
        unsupported(room.untag("db", "k").await),
    ] {
        assert!(text.contains("has no admin part"), "{text}");
    }
    unsupported(room.policy("db").put("{}").send().await);
    unsupported(room.policy("db").get().await);
    unsupported(
        room.iam().explain(room.context().clone(), strongroom::Operation::GetSecretValue, "db").await,
    );
    assert_eq!(own.get("db").send().await.unwrap().expose_text().unwrap(), "1", "nothing was deleted");
}

/// Secrets from variables such as the environment's: `SECRET_DB` is the secret `DB`.
#[derive(Debug)]
struct Environment(BTreeMap<String, SecretValue>);

impl Environment {
    fn new(variables: impl Iterator<Item = (String, String)>) -> Self {
        let secret = |(name, value): (String, String)| {
            name.strip_prefix("SECRET_").map(|name| (name.to_owned(), SecretValue::text(value)))
        };
        Self(variables.filter_map(secret).collect())
    }

    fn metadata(name: &str) -> SecretMetadata {
        let arn = SecretArn::of(&Realm::default(), name, "000000");
        SecretMetadata::new(arn, name.to_owned(), Timestamp::from_millis(0)).with_current("1")
    }
}

type Read<T> = Result<T, strongroom::store::Error>;

#[async_trait]
impl ReadSecrets for Environment {
    async fn get(&self, _: &CallContext, secret: &SecretMetadata, _: &VersionId) -> Read<SecretValue> {
        self.0.get(&secret.name).cloned().ok_or_else(strongroom::store::Error::not_found)
    }

    async fn describe(&self, _: &CallContext, id: &SecretId) -> Read<SecretMetadata> {
        let mut known = self.0.keys().map(|name| Self::metadata(name));
        known.find(|secret| secret.is_named(id)).ok_or_else(strongroom::store::Error::not_found)
    }

    async fn list(&self, _: &CallContext) -> Read<Vec<SecretMetadata>> {
        Ok(self.0.keys().map(|name| Self::metadata(name)).collect())
    }
}

fn environment() -> Environment {
    let variables =
        [("SECRET_DB", r#"{"user":"app","password":"s3cret"}"#), ("SECRET_API", "k3y"), ("HOME", "/root")];
    Environment::new(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
}

#[tokio::test]
async fn environment_variables_are_read_by_the_same_calls_also_through_a_cache() {
    #[derive(Deserialize)]
    struct Config {
        user: String,
        password: SecretText,
    }
    let room = Strongroom::over(Arc::new(ReadOnly::new(environment())), Realm::default());
    let cached = room.cached_with(CachePolicy::ttl(Duration::from_secs(60)), None).unwrap();
    for room in [&room, cached.room()] {
        let config: Config = room.get("DB").send().await.unwrap().into_json().unwrap();
        assert_eq!((config.user.as_str(), config.password.expose()), ("app", "s3cret"));
        let names: Vec<_> = room.list().all().await.unwrap().into_iter().map(|secret| secret.name).collect();
        assert_eq!(names, ["API", "DB"]);
        assert_eq!(room.get_batch(["DB", "HOME"]).send().await.unwrap().errors.len(), 1);
        for text in [
            unsupported(room.create("NEW").text("v").send().await),
            unsupported(room.put("DB").text("v").send().await),
            unsupported(room.update("DB").description("d").send().await),
        ] {
            assert!(text.contains("read-only"), "{text}");
        }
        unsupported(room.delete("DB").send().await);
    }
}

#[tokio::test]
async fn secrets_move_from_a_store_that_only_reads() {
    let (own, from) = (own().await, ReadOnly::new(environment()));
    let (owner, to) = (CallContext::owner(&Realm::default()), own.store());
    let migration = Migration::new((&from as &dyn SecretAdmin, &owner), (&*to, own.context()));
    let report = migration.run(|_| {}).await.unwrap();
    assert!(report.complete(), "{report}");
    assert_eq!(own.get("API").send().await.unwrap().expose_text().unwrap(), "k3y");
}
