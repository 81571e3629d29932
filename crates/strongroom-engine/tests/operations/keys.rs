//! §12: which call of the key service is made when, and what its failures become.

use strongroom_kms::ErrorKind as Kms;
use strongroom_store::{ListSecretVersionIds, UpdateSecret};

use super::*;

const CLOSED_FOR_WRITING: &str = "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.";
const CLOSED_FOR_READING: &str =
    "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";

impl World {
    /// A secret `k` under a customer's key.
    async fn with_key(&self) -> KeyId {
        let key = self.key().await;
        let request = CreateSecret::new("k").kms_key_id(key.to_string()).value(text("1")).token(token(1));
        self.create(request).await.unwrap();
        let _ = self.faults.calls();
        key
    }

    async fn update(&self, request: UpdateSecret) -> Result<strongroom_store::SecretUpdated, Error> {
        self.engine.update_secret(&self.cx, request).await
    }

    async fn keys_of(&self, id: &str) -> Vec<String> {
        let request = ListSecretVersionIds::new(id).include_deprecated();
        let listed = self.engine.list_secret_version_ids(&self.cx, request).await.unwrap();
        listed.versions.into_iter().map(|version| version.kms_key_ids.join(",")).collect()
    }
}

#[tokio::test]
async fn value_written() {
    let world = World::with_secret().await;
    assert_eq!(world.faults.calls(), ["GenerateDataKey"]);
    world.put(2, "2").await;
    assert_eq!(world.faults.calls(), ["GenerateDataKey"]);
    world.update(UpdateSecret::new("s").value(text("3"))).await.unwrap();
    assert_eq!(world.faults.calls(), ["GenerateDataKey"]);
}

#[tokio::test]
async fn value_read() {
    let world = World::with_secret().await;
    let _ = world.faults.calls();
    world.current().await.unwrap();
    assert_eq!(world.faults.calls(), ["Decrypt"]);
}

#[tokio::test]
async fn a_repeat_is_compared() {
    let world = World::with_secret().await;
    let _ = world.faults.calls();
    world.put(1, "1").await;
    assert_eq!(world.faults.calls(), ["Decrypt"]);
}

#[tokio::test]
async fn a_key_set_at_creation_is_probed() {
    let world = World::new().await;
    let key = world.key().await;
    let request = CreateSecret::new("k").kms_key_id(key.to_string()).value(text("1"));
    world.create(request).await.unwrap();
    assert_eq!(world.faults.calls(), ["GenerateDataKey", "Decrypt", "GenerateDataKey"]);
    world.create(CreateSecret::new("e").kms_key_id(key.to_string())).await.unwrap();
    assert_eq!(world.faults.calls(), ["GenerateDataKey", "Decrypt"]);
}

#[tokio::test]
async fn a_changed_key_is_probed_and_the_three_staged_versions_are_encrypted_again() {
    let world = World::with_secret().await;
    for n in 2..=4 {
        world.put(n, "v").await;
    }
    let pending = PutSecretValue::new("s", text("p")).token(token(5)).stage(Stage::PENDING);
    world.engine.put_secret_value(&world.cx, pending).await.unwrap();
    let custom = PutSecretValue::new("s", text("c")).token(token(6)).stage("custom");
    world.engine.put_secret_value(&world.cx, custom).await.unwrap();
    let (key, _) = (world.key().await, world.faults.calls());
    world.update(UpdateSecret::new("s").kms_key_id(key.to_string())).await.unwrap();
    // The probe, then previous, current and pending.
    assert_eq!(
        world.faults.calls(),
        [
            ["GenerateDataKey", "Decrypt"].as_slice(),
            &["Decrypt", "Encrypt", "GenerateDataKey"],
            &["Decrypt", "Encrypt", "GenerateDataKey"],
            &["Decrypt", "Encrypt", "GenerateDataKey"]
        ]
        .concat()
    );
    let arn = key.arn(world.engine.realm()).to_string();
    let (own, managed) = (arn.as_str(), "DefaultEncryptionKey");
    assert_eq!(world.keys_of("s").await, [managed, managed, own, own, own, managed]);
    for (stage, value) in [("AWSCURRENT", "v"), ("AWSPREVIOUS", "v"), ("AWSPENDING", "p"), ("custom", "c")] {
        assert_eq!(world.get(GetSecretValue::new("s").stage(stage)).await.unwrap(), value);
    }
    assert_eq!(world.describe("s").await.unwrap().kms_key_id, Some(key.to_string()));
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn the_same_key_again_is_not_probed() {
    let world = World::new().await;
    let key = world.with_key().await;
    world.update(UpdateSecret::new("k").kms_key_id(key.to_string()).description("d")).await.unwrap();
    assert!(world.faults.calls().is_empty());
}

#[tokio::test]
async fn an_empty_key_is_the_managed_one_again() {
    let world = World::new().await;
    world.with_key().await;
    world.update(UpdateSecret::new("k").kms_key_id("")).await.unwrap();
    assert_eq!(world.keys_of("k").await, ["DefaultEncryptionKey"]);
    assert_eq!(world.describe("k").await.unwrap().kms_key_id, None, "not shown");
}

#[tokio::test]
async fn describe_list_tag_policy_and_labels_call_nothing() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    let _ = world.faults.calls();
    let (engine, cx) = (&world.engine, &world.cx);
    world.describe("s").await.unwrap();
    engine.list_secrets(cx, strongroom_store::ListSecrets::new()).await.unwrap();
    world.keys_of("s").await;
    engine.tag_resource(cx, &"s".into(), vec![strongroom_store::Tag::new("k", "v")]).await.unwrap();
    engine
        .put_resource_policy(cx, strongroom_store::PutResourcePolicy::new("s", policies::NARROW))
        .await
        .unwrap();
    let stage = strongroom_store::UpdateSecretVersionStage::new("s", "x").move_to(token(1));
    engine.update_secret_version_stage(cx, stage).await.unwrap();
    world.mark_deleted().await;
    engine.restore_secret(cx, &"s".into()).await.unwrap();
    assert!(world.faults.calls().is_empty());
}

#[tokio::test]
async fn the_caller_lacks_permission() {
    let world = World::with_secret().await;
    let denied = "Access to KMS is not allowed";
    world.faults.plan([Some(Kms::AccessDenied)]);
    refused(world.current().await, ErrorKind::AccessDenied, denied);
    world.faults.plan([Some(Kms::AccessDenied)]);
    refused(world.create(CreateSecret::new("t").value(text("1"))).await, ErrorKind::AccessDenied, denied);
}

#[tokio::test]
async fn the_key_is_disabled_on_write_and_on_read() {
    let world = World::new().await;
    let key = world.with_key().await;
    world.disable(&key).await;
    let put = world.engine.put_secret_value(&world.cx, PutSecretValue::new("k", text("2"))).await;
    refused(put, ErrorKind::EncryptionFailure, CLOSED_FOR_WRITING);
    refused(world.get(GetSecretValue::new("k")).await, ErrorKind::DecryptionFailure, CLOSED_FOR_READING);
    refused(
        world.create(CreateSecret::new("n").kms_key_id(key.to_string())).await,
        ErrorKind::EncryptionFailure,
        CLOSED_FOR_WRITING,
    );
}

#[tokio::test]
async fn the_key_is_pending_deletion() {
    let world = World::new().await;
    let key = world.with_key().await;
    world.kms.schedule_key_deletion(&world.cx, &key.into(), Some(7)).await.unwrap();
    let put = world.engine.put_secret_value(&world.cx, PutSecretValue::new("k", text("2"))).await;
    refused(put, ErrorKind::EncryptionFailure, CLOSED_FOR_WRITING);
    refused(world.get(GetSecretValue::new("k")).await, ErrorKind::DecryptionFailure, CLOSED_FOR_READING);
}

#[tokio::test]
async fn the_key_is_unknown() {
    let world = World::with_secret().await;
    let create = world.create(CreateSecret::new("n").kms_key_id("alias/nobody")).await;
    refused_with(create, ErrorKind::InvalidParameter, "alias/nobody is not found");
    let update =
        world.update(UpdateSecret::new("s").kms_key_id("1234abcd-12ab-34cd-56ef-1234567890ab")).await;
    refused_with(update, ErrorKind::InvalidParameter, "does not exist");
    assert_eq!(world.describe("s").await.unwrap().kms_key_id, None, "unchanged");
}

#[tokio::test]
async fn a_change_of_key_whose_old_key_is_disabled_changes_nothing() {
    let world = World::new().await;
    let old = world.with_key().await;
    world.disable(&old).await;
    let update = world.update(UpdateSecret::new("k").kms_key_id("")).await;
    refused(update, ErrorKind::DecryptionFailure, CLOSED_FOR_READING);
    assert_eq!(world.describe("k").await.unwrap().kms_key_id, Some(old.to_string()));
}

#[tokio::test]
async fn the_managed_key_is_not_named_by_its_id() {
    let world = World::with_secret().await;
    let version = world.engine.get_secret_value(&world.cx, GetSecretValue::new("s")).await.unwrap();
    assert_eq!(version.name, "s");
    let alias = strongroom_kms::KeyRef::parse("alias/aws/secretsmanager").unwrap();
    let request = strongroom_kms::DescribeKey::new(&alias);
    let managed = strongroom_kms::Kms::describe_key(&world.kms, &world.cx, request).await.unwrap();
    let create = world.create(CreateSecret::new("n").kms_key_id(managed.id.to_string())).await;
    assert_eq!(create.unwrap_err().kind(), ErrorKind::InvalidParameter);
}

/// The version that loses its last label, and goes because there are too many, is one that the change of key encrypts again.
#[tokio::test]
async fn a_change_of_key_with_a_value_may_push_out_what_it_has_just_encrypted() {
    let limits = EngineLimits::default().versions(2);
    let world = World::over(Arc::new(MemoryRecords::new()), Arc::default(), limits).await;
    world.create(CreateSecret::new("s").value(text("1")).token(token(1))).await.unwrap();
    world.put(2, "2").await;
    world.clock.advance(DAY + Duration::from_secs(1));
    let key = world.key().await;
    let update = UpdateSecret::new("s").kms_key_id(key.to_string()).value(text("3")).token(token(3));
    world.update(update).await.unwrap();
    assert_eq!(world.keys_of("s").await.len(), 2);
    assert_eq!(world.get(GetSecretValue::new("s").stage(Stage::PREVIOUS)).await.unwrap(), "2");
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}
