//! §6.9 and §6.10, DeleteSecret and RestoreSecret.

use super::*;

async fn delete(world: &World, request: DeleteSecret) -> Result<strongroom_store::SecretDeleted, Error> {
    world.engine.delete_secret(&world.cx, request).await
}

#[tokio::test]
async fn both_parameters() {
    let world = World::with_secret().await;
    let message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
    let request = DeleteSecret::new("s").recovery_window_days(7).force();
    refused(delete(&world, request).await, ErrorKind::InvalidParameter, message);
}

#[tokio::test]
async fn window_not_within_7_to_30() {
    let world = World::with_secret().await;
    let message = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
    for days in [6, 31, 0, -7, i64::MAX, i64::MIN] {
        let request = DeleteSecret::new("s").recovery_window_days(days);
        refused(delete(&world, request).await, ErrorKind::InvalidParameter, message);
    }
}

#[tokio::test]
async fn the_answer_says_when_the_window_ends_and_the_secret_when_it_was_asked_for() {
    let world = World::with_secret().await;
    let mut now = world.describe("s").await.unwrap().created;
    for days in [7u32, 30] {
        world.clock.advance(Duration::from_millis(1234));
        now = now.after(Duration::from_millis(1234));
        let request = DeleteSecret::new("s").recovery_window_days(days.into());
        assert_eq!(delete(&world, request).await.unwrap().deletion_date, now.after(DAY * days));
        world.clock.advance(DAY);
        // Issue 16 and AWS's answers: `DeletedDate` is the time of the request; DeleteSecret's `DeletionDate` alone is the end.
        assert_eq!(world.describe("s").await.unwrap().deleted, Some(now));
        let all = strongroom_store::ListSecrets::new().include_planned_deletion();
        let listed = world.engine.list_secrets(&world.cx, all).await.unwrap().secrets;
        assert_eq!(listed[0].deleted, Some(now));
        now = now.after(DAY);
        world.engine.restore_secret(&world.cx, &"s".into()).await.unwrap();
    }
    assert_eq!(delete(&world, DeleteSecret::new("s")).await.unwrap().deletion_date, now.after(DAY * 30));
}

#[tokio::test]
async fn force_and_unknown_id() {
    let world = World::new().await;
    let deleted = delete(&world, DeleteSecret::new("nobody").force()).await.unwrap();
    assert_eq!(deleted.name, "nobody");
    assert!(deleted.arn.as_str().contains(":secret:nobody-"));
}

#[tokio::test]
async fn force_and_already_scheduled() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    delete(&world, DeleteSecret::new("s").force()).await.unwrap();
    refused(world.describe("s").await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn not_forced_and_already_scheduled() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let message = "You tried to perform the operation on a secret that's currently marked deleted.";
    refused(delete(&world, DeleteSecret::new("s")).await, ErrorKind::MarkedForDeletion, message);
}

#[tokio::test]
async fn not_forced_and_unknown() {
    refused(delete(&World::new().await, DeleteSecret::new("s")).await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn while_scheduled_it_is_frozen_hidden_and_its_name_reserved() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let (engine, cx) = (&world.engine, &world.cx);
    refused(world.current().await, ErrorKind::MarkedForDeletion, MARKED);
    let stage = strongroom_store::UpdateSecretVersionStage::new("s", "x").move_to(token(1));
    refused(engine.update_secret_version_stage(cx, stage).await, ErrorKind::MarkedForDeletion, MARKED);
    let policy = strongroom_store::PutResourcePolicy::new("s", policies::NARROW);
    refused(engine.put_resource_policy(cx, policy).await, ErrorKind::MarkedForDeletion, MARKED);
    assert!(engine.list_secrets(cx, strongroom_store::ListSecrets::new()).await.unwrap().secrets.is_empty());
    world.describe("s").await.expect("it can be described");
    let versions = strongroom_store::ListSecretVersionIds::new("s");
    assert_eq!(engine.list_secret_version_ids(cx, versions).await.unwrap().versions.len(), 1);
}

#[tokio::test]
async fn after_its_date_it_is_purged_and_not_before() {
    let world = World::with_secret().await;
    delete(&world, DeleteSecret::new("s").recovery_window_days(7)).await.unwrap();
    world.clock.advance(DAY * 7 - Duration::from_millis(1));
    assert_eq!(world.engine.maintain().await.unwrap(), Some(0));
    world.describe("s").await.unwrap();
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.engine.maintain().await.unwrap(), Some(1));
    refused(world.describe("s").await, ErrorKind::NotFound, NOT_FOUND);
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty(), "nothing is left");
}

#[tokio::test]
async fn restore_clears_the_date() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let restored = world.engine.restore_secret(&world.cx, &"s".into()).await.unwrap();
    assert_eq!(restored.name, "s");
    assert_eq!(world.describe("s").await.unwrap().deleted, None);
    assert_eq!(world.current().await.unwrap(), "1");
}

#[tokio::test]
async fn restore_of_a_live_secret_has_no_effect() {
    let world = World::with_secret().await;
    let before = world.describe("s").await.unwrap();
    world.engine.restore_secret(&world.cx, &"s".into()).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap(), before);
}

#[tokio::test]
async fn restore_of_an_unknown_secret() {
    let world = World::new().await;
    refused(world.engine.restore_secret(&world.cx, &"s".into()).await, ErrorKind::NotFound, NOT_FOUND);
}
