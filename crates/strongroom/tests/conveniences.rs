//! The short ways: exists, put_or_create, a rotation by hand, a cached room's own reads.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom::store::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, Error as StoreError, GetRandomPassword,
    GetSecretValue, ListSecretVersionIds, ListSecrets, PutSecretValue, SecretCreated, SecretPage,
    SecretUpdated, UpdateSecret, UpdateSecretVersionStage, ValuePut, VersionPage,
};
use strongroom::{
    CachePolicy, CallContext, ErrorKind, RootKey, SecretAdmin, SecretErrorKind, SecretId, SecretMetadata,
    SecretRef, SecretStore, SecretText, SecretVersion, Stage, Strongroom,
};

const TOKEN: &str = "11111111-2222-4333-8444-555555555555";

async fn memory() -> Strongroom {
    Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap()
}

async fn text(room: &Strongroom, name: &str) -> String {
    room.get(name).send().await.unwrap().expose_text().unwrap().to_owned()
}

#[tokio::test]
async fn a_secret_exists_until_it_is_purged() {
    let room = memory().await;
    assert!(!room.exists("prod/db").await.unwrap());
    let arn = room.create("prod/db").text("v").send().await.unwrap().arn;
    assert!(room.exists("prod/db").await.unwrap() && room.exists(arn.as_str()).await.unwrap());
    room.delete("prod/db").send().await.unwrap();
    assert!(room.exists("prod/db").await.unwrap());
    room.restore("prod/db").await.unwrap();
    room.delete("prod/db").without_recovery().send().await.unwrap();
    assert!(!room.exists("prod/db").await.unwrap());
    // What cannot be known is not "no".
    assert!(room.exists("no name").await.is_err());
    let alice = room.iam().create_user("alice").await.unwrap().caller().unwrap();
    assert!(room.as_caller(alice).exists("prod/db").await.unwrap_err().is_access_denied());
}

#[tokio::test]
async fn put_or_create_creates_first_and_then_adds_versions() {
    let room = memory().await;
    let first = room.put_or_create("prod/db").description("orders").tag("team", "orders").text("one");
    let first = first.send().await.unwrap();
    assert!(first.created);
    let second = room.put_or_create("prod/db").description("ignored").text("two").send().await.unwrap();
    assert!(!second.created && second.arn == first.arn && second.version_id != first.version_id);
    assert_eq!(text(&room, "prod/db").await, "two");
    assert_eq!(room.describe("prod/db").await.unwrap().description.as_deref(), Some("orders"));

    let nothing = room.put_or_create("prod/other").send().await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Secret(SecretErrorKind::InvalidRequest));
    assert!(!room.exists("prod/other").await.unwrap());
    room.delete("prod/db").send().await.unwrap();
    let marked = room.put_or_create("prod/db").text("three").send().await.unwrap_err();
    assert!(marked.is_marked_for_deletion(), "{marked}");
}

#[tokio::test]
async fn a_repeated_put_or_create_with_the_same_token_stores_nothing_twice() {
    let room = memory().await;
    let store = || room.put_or_create("prod/db").token(TOKEN).text("one").send();
    let (first, again) = (store().await.unwrap(), store().await.unwrap());
    assert_eq!((first.version_id.as_str(), &again.version_id), (TOKEN, &first.version_id));
    assert!(first.created && !again.created);
    assert_eq!(room.versions("prod/db").all().await.unwrap().len(), 1);
    let other = room.put_or_create("prod/db").token(TOKEN).text("two").send().await.unwrap_err();
    assert!(!other.is_exists() && !other.is_not_found(), "{other}");
    assert_eq!(text(&room, "prod/db").await, "one");
}

/// A store in which somebody else creates the secret between the two calls of `put_or_create`.
#[derive(Debug)]
struct Faster(Arc<dyn SecretAdmin>);

#[async_trait]
impl SecretStore for Faster {
    async fn create_secret(
        &self,
        cx: &CallContext,
        request: CreateSecret,
    ) -> Result<SecretCreated, StoreError> {
        let mut theirs = request.clone();
        (theirs.token, theirs.value) = (None, Some(strongroom::SecretValue::text("theirs")));
        self.0.create_secret(cx, theirs).await?;
        self.0.create_secret(cx, request).await
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, StoreError> {
        self.0.get_secret_value(cx, request).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, StoreError> {
        self.0.batch_get_secret_value(cx, request).await
    }

    async fn put_secret_value(
        &self,
        cx: &CallContext,
        request: PutSecretValue,
    ) -> Result<ValuePut, StoreError> {
        self.0.put_secret_value(cx, request).await
    }

    async fn update_secret(
        &self,
        cx: &CallContext,
        request: UpdateSecret,
    ) -> Result<SecretUpdated, StoreError> {
        self.0.update_secret(cx, request).await
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, StoreError> {
        self.0.update_secret_version_stage(cx, request).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, StoreError> {
        self.0.describe_secret(cx, id).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, StoreError> {
        self.0.list_secrets(cx, request).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, StoreError> {
        self.0.list_secret_version_ids(cx, request).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, StoreError> {
        self.0.get_random_password(cx, request).await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
}

#[tokio::test]
async fn put_or_create_adds_a_version_when_somebody_else_creates_the_secret_first() {
    let room = memory().await;
    let store: Arc<dyn SecretStore> = Arc::new(Faster(room.store()));
    let racing = Strongroom::over(store, room.realm().clone());
    let stored = racing.put_or_create("prod/db").text("ours").send().await.unwrap();
    assert!(!stored.created);
    assert_eq!(text(&room, "prod/db").await, "ours");
    let before = room.get("prod/db").stage(Stage::PREVIOUS).send().await.unwrap();
    assert_eq!(before.expose_text().unwrap(), "theirs");
}

#[tokio::test]
async fn many_that_put_or_create_at_once_create_one_secret() {
    let room = memory().await;
    let tasks: Vec<_> = (0..8)
        .map(|number: u32| {
            let room = room.clone();
            tokio::spawn(async move { room.put_or_create("prod/db").text(number.to_string()).send().await })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += u32::from(task.await.unwrap().unwrap().created);
    }
    assert_eq!(created, 1);
    assert_eq!(room.versions("prod/db").include_deprecated().all().await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_pending_version_is_promoted_and_a_repeat_changes_nothing() {
    let room = memory().await;
    let old = room.create("prod/db").text("old").send().await.unwrap().version_id.unwrap();
    let new = room.put("prod/db").text("new").stage(Stage::PENDING).send().await.unwrap().version_id;
    assert_eq!(text(&room, "prod/db").await, "old");
    for _ in 0..2 {
        room.promote("prod/db", &new).await.unwrap();
        let known = room.describe("prod/db").await.unwrap().versions;
        assert_eq!(known[&new], [Stage::CURRENT].into());
        assert_eq!(known[&old], [Stage::PREVIOUS].into());
    }
    // What was interrupted between the two moves is finished.
    room.move_stage("prod/db", Stage::PENDING).to(&new).send().await.unwrap();
    room.promote("prod/db", &new).await.unwrap();
    assert_eq!(room.describe("prod/db").await.unwrap().versions[&new], [Stage::CURRENT].into());
}

#[tokio::test]
async fn only_the_pending_version_is_promoted() {
    let room = memory().await;
    let old = room.create("prod/db").text("old").send().await.unwrap().version_id.unwrap();
    let first = room.put("prod/db").text("first").stage(Stage::PENDING).send().await.unwrap().version_id;
    // Another rotation begins and takes the label.
    let second = room.put("prod/db").text("second").stage(Stage::PENDING).send().await.unwrap().version_id;
    let refused = room.promote("prod/db", &first).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Secret(SecretErrorKind::InvalidRequest));
    assert!(refused.to_string().contains("prod/db"), "{refused}");
    assert_eq!(text(&room, "prod/db").await, "old");
    room.promote("prod/db", &second).await.unwrap();
    assert_eq!(text(&room, "prod/db").await, "second");
    assert!(room.promote("prod/db", &old).await.is_err());
    assert!(room.promote("prod/none", &old).await.unwrap_err().is_not_found());

    // A secret without a value has no current version to take the label from.
    room.create("prod/empty").send().await.unwrap();
    let new = room.put("prod/empty").text("v").stage(Stage::PENDING).send().await.unwrap().version_id;
    room.promote("prod/empty", &new).await.unwrap();
    assert_eq!(text(&room, "prod/empty").await, "v");
}

#[tokio::test]
async fn a_cached_room_reads_by_itself_and_as_others() {
    let room = memory().await;
    room.create("prod/db").text(r#"{"password": "s3cret"}"#).send().await.unwrap();
    let cached = room.cached_with(CachePolicy::ttl(Duration::from_secs(300)), None).unwrap();
    for _ in 0..3 {
        let password = cached.get("prod/db").send().await.unwrap().field("password").unwrap();
        assert_eq!(password.expose(), "s3cret");
    }
    assert_eq!((cached.stats().misses, cached.stats().hits), (1, 2));
    assert_eq!(cached.read("prod/db").await.unwrap().source(), strongroom::cache::Source::Cache);
    assert_eq!(cached.get_batch(["prod/db"]).send().await.unwrap().values.len(), 1);
    assert_eq!(cached.list().all().await.unwrap().len(), 1);
    assert_eq!(cached.versions("prod/db").all().await.unwrap().len(), 1);
    assert!(cached.exists("prod/db").await.unwrap() && !cached.exists("prod/none").await.unwrap());
    assert_eq!(cached.describe("prod/db").await.unwrap().name, "prod/db");
    let alice = room.iam().create_user("alice").await.unwrap().caller().unwrap();
    let hers = cached.as_caller(alice);
    assert!(hers.get("prod/db").send().await.unwrap_err().is_access_denied());
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn with_tokio_a_cache_and_a_watch_need_no_closures() {
    let room = memory().await;
    room.create("prod/db").text("old").send().await.unwrap();
    let cached = room.cached(CachePolicy::ttl(Duration::from_secs(300))).unwrap();
    let options = strongroom::WatchOptions::every(Duration::from_millis(5));
    let mut watch = cached.watch("prod/db", options).await.unwrap();
    assert_eq!(watch.current().unwrap().expose_bytes(), b"old");
    room.put("prod/db").text("new").send().await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), watch.changed()).await.unwrap().unwrap();
    assert_eq!(watch.current().unwrap().expose_bytes(), b"new");
}

#[cfg(feature = "tokio")]
#[test]
fn a_cache_on_tokio_is_refused_where_there_is_no_runtime() {
    let room = pollster::block_on(memory());
    let refused = room.cached(CachePolicy::default()).unwrap_err();
    assert!(refused.to_string().contains("no current Tokio runtime"), "{refused}");
}

#[cfg(feature = "blocking")]
#[test]
fn without_async_it_is_the_same() {
    use strongroom::blocking;
    let room = blocking::Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32]));
    let room = blocking::Strongroom::open(room).unwrap();
    assert!(!room.exists("prod/db").unwrap());
    assert!(room.put_or_create("prod/db").text("old").send().unwrap().created);
    let new = room.put("prod/db").text("new").stage(Stage::PENDING).send().unwrap().version_id;
    room.promote("prod/db", &new).unwrap();

    let cached = room.cached(CachePolicy::default()).unwrap();
    for _ in 0..3 {
        assert_eq!(cached.get("prod/db").send().unwrap().expose_text().unwrap(), "new");
    }
    assert_eq!(cached.stats().hits, 2);
    let handle = cached.handle("prod/db");
    assert_eq!(handle.get().unwrap().expose_bytes(), b"new");
    assert_eq!(handle.peek().unwrap().expose_bytes(), b"new");
    assert_eq!(cached.read("prod/db").unwrap().expose_bytes(), b"new");

    let over = blocking::Strongroom::over(room.as_async().store(), room.realm().clone());
    assert_eq!(over.get("prod/db").send().unwrap().expose_text().unwrap(), "new");
    let code = room.roots().add_recovery_code("the safe").unwrap();
    assert_eq!(room.roots().list().unwrap().len(), 2);
    drop(code);
}
