//! The rows of the specification's tables, operation by operation, each under a name of its own. Rows that a typed request
//! cannot break (a missing member, text and binary at once) are the wire's; rows of rotation and replication come with them.

#![cfg(test)]

mod calls;
mod create;
mod dates;
mod delete;
mod get;
mod identity;
mod keys;
mod lists;
mod owner;
mod passwords;
mod policies;
mod put;
mod stages;
mod tags;
mod uses;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use strongroom_engine::{Engine, EngineLimits};
use strongroom_kms::{CreateKey, KeyId, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_store::{
    CreateSecret, DeleteSecret, Error, ErrorKind, GetSecretValue, PutSecretValue, SecretAdmin, SecretId,
    SecretMetadata, SecretStore, SecretValue, Stage, VersionId,
};
use strongroom_testkit::{FaultyKms, ManualClock};
use strongroom_types::{CallContext, PurgePermit, Service};

const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";
const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An engine in memory with a clock that moves when told and a key service that fails when told.
struct World {
    engine: Engine,
    kms: LocalKms,
    faults: FaultyKms,
    clock: Arc<ManualClock>,
    cx: CallContext,
    records: Arc<dyn Records>,
}

/// Permits when told.
#[derive(Debug, Default)]
struct Permit(AtomicBool);

impl Permit {
    fn grant(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl PurgePermit for Permit {
    fn may_destroy(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn token(n: u32) -> VersionId {
    VersionId::new(format!("00000000-0000-4000-8000-{n:012}"))
}

fn text(value: &str) -> SecretValue {
    SecretValue::text(value)
}

/// Kind, and text.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.expect_err(message);
    assert_eq!((error.kind(), error.message()), (kind, message));
}

/// Kind, and a part of the text.
#[track_caller]
fn refused_with<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.expect_err(part);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{error}");
}

impl World {
    async fn new() -> Self {
        Self::over(Arc::new(MemoryRecords::new()), Arc::new(ManualClock::default()), EngineLimits::default())
            .await
    }

    async fn over(records: Arc<dyn Records>, clock: Arc<ManualClock>, limits: EngineLimits) -> Self {
        let root = RootKey::from_bytes([5; 32]);
        let trusted = TrustedRecords::open(Arc::clone(&records), root, None, &*clock).await.unwrap();
        let kms = LocalKms::new(trusted.clone(), clock.clone());
        let faults = FaultyKms::new(Arc::new(kms.for_service(Service::SecretsManager)));
        let cx = CallContext::owner(trusted.realm());
        let engine = Engine::with_limits(trusted, Arc::new(faults.clone()), clock.clone(), limits);
        Self { engine, kms, faults, clock, cx, records }
    }

    /// The same store, opened by another process.
    async fn another(&self) -> Self {
        Self::over(Arc::clone(&self.records), Arc::clone(&self.clock), EngineLimits::default()).await
    }

    /// With a secret `s` of the value `1` under the token 1.
    async fn with_secret() -> Self {
        let world = Self::new().await;
        world.create(CreateSecret::new("s").value(text("1")).token(token(1))).await.unwrap();
        world
    }

    async fn create(&self, request: CreateSecret) -> Result<strongroom_store::SecretCreated, Error> {
        self.engine.create_secret(&self.cx, request).await
    }

    async fn put(&self, n: u32, value: &str) {
        let request = PutSecretValue::new("s", text(value)).token(token(n));
        self.engine.put_secret_value(&self.cx, request).await.unwrap();
    }

    async fn get(&self, request: GetSecretValue) -> Result<String, Error> {
        let version = self.engine.get_secret_value(&self.cx, request).await?;
        Ok(version.expose_text()?.to_owned())
    }

    async fn current(&self) -> Result<String, Error> {
        self.get(GetSecretValue::new("s")).await
    }

    async fn describe(&self, id: &str) -> Result<SecretMetadata, Error> {
        self.engine.describe_secret(&self.cx, &SecretId::new(id)).await
    }

    async fn labels(&self, n: u32) -> Vec<String> {
        let described = self.describe("s").await.unwrap();
        let stages = described.versions.get(&token(n)).cloned().unwrap_or_default();
        stages.iter().map(|stage| stage.as_str().to_owned()).collect()
    }

    async fn mark_deleted(&self) {
        self.engine.delete_secret(&self.cx, DeleteSecret::new("s")).await.unwrap();
    }

    async fn key(&self) -> KeyId {
        self.kms.create_key(&self.cx, CreateKey::new()).await.unwrap().id
    }

    async fn disable(&self, key: &KeyId) {
        self.kms.disable_key(&self.cx, &key.clone().into()).await.unwrap();
    }
}

/// "Several violated constraints are reported together."
#[tokio::test]
async fn violations_are_reported_together() {
    let world = World::new().await;
    let request =
        CreateSecret::new("").description("d".repeat(2049)).kms_key_id("k".repeat(2049)).value(text(""));
    let error = world.create(request).await.unwrap_err();
    assert!(
        error.message().starts_with("4 validation errors detected: Value '' at 'name' failed"),
        "{error}"
    );
    for part in ["at 'description'", "at 'kmsKeyId'", "Value at 'secretString' failed"] {
        assert!(error.message().contains(part), "{part}");
    }
}

/// A secret's `{'a':1}`, as people type it in shells, is kept byte for byte; a field of it is refused without quoting it.
#[tokio::test]
async fn a_pseudo_json_text_is_kept_and_said_not_to_be_json() {
    let world = World::new().await;
    let typed = "{'username':'admin','password':'hunter2'}";
    world.create(CreateSecret::new("s").value(text(typed))).await.unwrap();
    let version = world.engine.get_secret_value(&world.cx, GetSecretValue::new("s")).await.unwrap();
    assert_eq!(version.expose_text().unwrap(), typed);
    let error = version.field("password").unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotOfThisForm, "the secret is not JSON"));
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn the_stage_of_a_version_without_labels_is_not_shown() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    world.put(3, "3").await;
    let version =
        world.engine.get_secret_value(&world.cx, GetSecretValue::new("s").version_id(token(1))).await;
    assert!(version.unwrap().stages.is_empty());
    assert!(!world.describe("s").await.unwrap().versions.contains_key(&token(1)));
    assert_eq!(world.labels(2).await, [Stage::PREVIOUS.as_str()]);
}
