//! §6.2 and §6.3, PutSecretValue and UpdateSecret.

use strongroom_store::UpdateSecret;

use super::*;

#[tokio::test]
async fn marked_for_deletion() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let (engine, cx) = (&world.engine, &world.cx);
    refused(
        engine.put_secret_value(cx, PutSecretValue::new("s", text("2"))).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
    refused(
        engine.update_secret(cx, UpdateSecret::new("s").description("d")).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
}

#[tokio::test]
async fn a_repeat_with_the_same_value_changes_nothing_in_put_and_update() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    let before = world.describe("s").await.unwrap();
    let (engine, cx) = (&world.engine, &world.cx);
    let put = PutSecretValue::new("s", text("1")).token(token(1)).stage("other-labels");
    assert_eq!(engine.put_secret_value(cx, put).await.unwrap().version_id, token(1));
    let update = UpdateSecret::new("s").value(text("1")).token(token(1)).description("not taken over");
    assert_eq!(engine.update_secret(cx, update).await.unwrap().version_id, Some(token(1)));
    assert_eq!(world.describe("s").await.unwrap(), before);
}

#[tokio::test]
async fn a_repeat_with_another_value_is_refused_in_put_and_update() {
    let world = World::with_secret().await;
    let (engine, cx) = (&world.engine, &world.cx);
    let put = engine.put_secret_value(cx, PutSecretValue::new("s", text("other")).token(token(1))).await;
    refused_with(put, ErrorKind::Exists, "already in use for a version of secret arn:aws:");
    let update = engine.update_secret(cx, UpdateSecret::new("s").value(text("other")).token(token(1))).await;
    refused_with(
        update,
        ErrorKind::Exists,
        "You can't use ClientRequestToken 00000000-0000-4000-8000-000000000001",
    );
}

#[tokio::test]
async fn text_may_become_binary() {
    let world = World::with_secret().await;
    let request = PutSecretValue::new("s", SecretValue::binary(vec![0, 255]));
    world.engine.put_secret_value(&world.cx, request).await.unwrap();
    let version = world.engine.get_secret_value(&world.cx, GetSecretValue::new("s")).await.unwrap();
    assert!(!version.value.is_text());
    assert_eq!(version.expose_bytes(), [0, 255]);
}

#[tokio::test]
async fn labels_1_to_20_each_1_to_256_characters() {
    let world = World::with_secret().await;
    let put = |stages: Vec<Stage>| {
        let mut request = PutSecretValue::new("s", text("2"));
        request.stages = Some(stages);
        world.engine.put_secret_value(&world.cx, request)
    };
    refused_with(put(vec![]).await, ErrorKind::Validation, "at 'versionStages'");
    refused_with(put(vec![Stage::new("x"); 21]).await, ErrorKind::Validation, "at 'versionStages'");
    refused_with(put(vec![Stage::new("")]).await, ErrorKind::Validation, "at 'versionStages.1.member'");
    refused_with(put(vec![Stage::new("x".repeat(257))]).await, ErrorKind::Validation, "256");
    put(vec![Stage::new("x".repeat(256))]).await.unwrap();
    // The same label twice is one label.
    put(vec![Stage::new("x"); 20]).await.unwrap();
}

#[tokio::test]
async fn a_hundred_versions_and_none_old_enough_to_go() {
    let world = World::with_secret().await;
    for n in 2..=100 {
        world.put(n, "v").await;
    }
    let more =
        || world.engine.put_secret_value(&world.cx, PutSecretValue::new("s", text("v")).token(token(101)));
    refused_with(more().await, ErrorKind::LimitExceeded, "100 versions");
    world.clock.advance(DAY);
    more().await.unwrap();
    let oldest = world.get(GetSecretValue::new("s").version_id(token(1))).await;
    refused_with(oldest, ErrorKind::NotFound, "for VersionId: ");
    world.get(GetSecretValue::new("s").version_id(token(2))).await.expect("only the oldest goes");
}

#[tokio::test]
async fn the_smallest_quota_keeps_current_and_previous() {
    let limits = EngineLimits::default().versions(2);
    let world = World::over(Arc::new(MemoryRecords::new()), Arc::default(), limits).await;
    world.create(CreateSecret::new("s").value(text("1")).token(token(1))).await.unwrap();
    world.put(2, "2").await;
    let third = || PutSecretValue::new("s", text("3")).token(token(3));
    let young = world.engine.put_secret_value(&world.cx, third()).await;
    refused_with(young, ErrorKind::LimitExceeded, "2 versions");
    world.clock.advance(DAY + Duration::from_secs(1));
    world.engine.put_secret_value(&world.cx, third()).await.unwrap();
    assert_eq!(
        (world.labels(2).await, world.labels(3).await),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into()])
    );
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn labelled_versions_are_never_pruned() {
    let world = World::with_secret().await;
    let keep = strongroom_store::UpdateSecretVersionStage::new("s", "keep").move_to(token(1));
    world.engine.update_secret_version_stage(&world.cx, keep).await.unwrap();
    for n in 2..=100 {
        world.put(n, "v").await;
    }
    world.clock.advance(DAY + Duration::from_secs(1));
    world.put(101, "v").await;
    assert_eq!(world.get(GetSecretValue::new("s").stage("keep")).await.unwrap(), "1");
    refused_with(
        world.get(GetSecretValue::new("s").version_id(token(2))).await,
        ErrorKind::NotFound,
        "for VersionId: ",
    );
}

#[tokio::test]
async fn an_update_without_value_has_no_version_and_keeps_what_is_absent() {
    let world = World::with_secret().await;
    let (engine, cx) = (&world.engine, &world.cx);
    let updated = engine.update_secret(cx, UpdateSecret::new("s").description("d")).await.unwrap();
    assert_eq!(updated.version_id, None);
    engine.update_secret(cx, UpdateSecret::new("s").value(text("2")).token(token(2))).await.unwrap();
    let described = world.describe("s").await.unwrap();
    assert_eq!(described.description.as_deref(), Some("d"));
    assert_eq!(
        (world.labels(1).await, world.labels(2).await),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into()])
    );
}

#[tokio::test]
async fn a_refused_put_changes_nothing() {
    let world = World::with_secret().await;
    let before = world.describe("s").await.unwrap();
    world.faults.plan([Some(strongroom_kms::ErrorKind::Disabled)]);
    let put = world.engine.put_secret_value(&world.cx, PutSecretValue::new("s", text("2"))).await;
    assert_eq!(put.unwrap_err().kind(), ErrorKind::EncryptionFailure);
    assert_eq!(world.describe("s").await.unwrap(), before);
    assert_eq!(world.current().await.unwrap(), "1");
}
