//! §5 and §6.21: labels.

use strongroom_store::UpdateSecretVersionStage;

use super::*;

async fn move_stage(
    world: &World,
    request: UpdateSecretVersionStage,
) -> Result<strongroom_store::SecretRef, Error> {
    world.engine.update_secret_version_stage(&world.cx, request).await
}

fn stage(label: &str) -> UpdateSecretVersionStage {
    UpdateSecretVersionStage::new("s", label)
}

/// Two versions: the first previous, the second current.
async fn two() -> World {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    world
}

#[tokio::test]
async fn move_to_without_remove_from_of_a_label_that_is_held() {
    let world = two().await;
    let message = format!(
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
        token(2)
    );
    refused(
        move_stage(&world, stage("AWSCURRENT").move_to(token(1))).await,
        ErrorKind::InvalidParameter,
        &message,
    );
}

#[tokio::test]
async fn remove_from_is_not_the_holder() {
    let world = two().await;
    let message = "When you move staging label AWSCURRENT, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label AWSCURRENT.";
    let wrong = stage("AWSCURRENT").remove_from(token(1)).move_to(token(1));
    refused(move_stage(&world, wrong).await, ErrorKind::InvalidParameter, message);
}

#[tokio::test]
async fn remove_from_only_of_current() {
    let world = two().await;
    let message = "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed.";
    refused(
        move_stage(&world, stage("AWSCURRENT").remove_from(token(2))).await,
        ErrorKind::InvalidParameter,
        message,
    );
}

#[tokio::test]
async fn remove_from_only_of_other_labels() {
    let world = two().await;
    for label in ["AWSPREVIOUS", "AWSPENDING", "mine"] {
        let holder = stage(label).move_to(token(1));
        let _ = move_stage(&world, holder).await;
        move_stage(&world, stage(label).remove_from(token(1))).await.unwrap();
    }
    assert!(world.labels(1).await.is_empty());
}

#[tokio::test]
async fn unknown_versions() {
    let world = two().await;
    let message = format!("Not a valid version: {}", token(9));
    refused(move_stage(&world, stage("x").move_to(token(9))).await, ErrorKind::InvalidParameter, &message);
    refused(
        move_stage(&world, stage("x").remove_from(token(9))).await,
        ErrorKind::InvalidParameter,
        &message,
    );
}

#[tokio::test]
async fn neither_version_given() {
    assert_eq!(move_stage(&two().await, stage("x")).await.unwrap_err().kind(), ErrorKind::InvalidParameter);
}

#[tokio::test]
async fn a_label_attached_nowhere_needs_no_remove_from() {
    let world = two().await;
    move_stage(&world, stage("mine").move_to(token(1))).await.unwrap();
    assert_eq!(world.labels(1).await, ["AWSPREVIOUS", "mine"]);
}

#[tokio::test]
async fn a_label_that_is_there_already_is_a_no_op() {
    let world = two().await;
    move_stage(&world, stage("AWSCURRENT").move_to(token(2))).await.unwrap();
    assert_eq!(
        (world.labels(1).await, world.labels(2).await),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into()])
    );
}

#[tokio::test]
async fn more_than_20_labels() {
    let world = two().await;
    for n in 0..18 {
        move_stage(&world, stage(&format!("l{n}")).move_to(token(1))).await.unwrap();
    }
    refused_with(
        move_stage(&world, stage("one-more").move_to(token(1))).await,
        ErrorKind::LimitExceeded,
        "20",
    );
}

#[tokio::test]
async fn marked_for_deletion() {
    let world = two().await;
    world.mark_deleted().await;
    refused(move_stage(&world, stage("x").move_to(token(1))).await, ErrorKind::MarkedForDeletion, MARKED);
}

#[tokio::test]
async fn a_label_has_1_to_256_characters() {
    let world = two().await;
    for label in [String::new(), "x".repeat(257)] {
        let request = stage(&label).move_to(token(1));
        refused_with(move_stage(&world, request).await, ErrorKind::Validation, "at 'versionStage'");
    }
    refused_with(
        move_stage(&world, stage("x").move_to("short")).await,
        ErrorKind::Validation,
        "at 'moveToVersionId'",
    );
    refused_with(
        move_stage(&world, stage("x").remove_from("short")).await,
        ErrorKind::Validation,
        "at 'removeFromVersionId'",
    );
}

#[tokio::test]
async fn current_moves_with_previous_and_leaves_the_rest() {
    let world = two().await;
    move_stage(&world, stage("AWSPENDING").move_to(token(1))).await.unwrap();
    move_stage(&world, stage("mine").move_to(token(2))).await.unwrap();
    move_stage(&world, stage("AWSCURRENT").remove_from(token(2)).move_to(token(1))).await.unwrap();
    assert_eq!(world.labels(1).await, ["AWSCURRENT", "AWSPENDING"]);
    assert_eq!(world.labels(2).await, ["AWSPREVIOUS", "mine"]);
}

#[tokio::test]
async fn another_label_moves_alone() {
    let world = two().await;
    world.put(3, "3").await;
    move_stage(&world, stage("mine").move_to(token(2))).await.unwrap();
    move_stage(&world, stage("mine").remove_from(token(2)).move_to(token(3))).await.unwrap();
    assert_eq!(
        (world.labels(2).await, world.labels(3).await),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into(), "mine".into()])
    );
}

#[tokio::test]
async fn a_put_takes_pending_from_the_version_that_was_current() {
    let world = World::with_secret().await;
    move_stage(&world, stage("AWSPENDING").move_to(token(1))).await.unwrap();
    world.put(2, "2").await;
    assert_eq!(
        (world.labels(1).await, world.labels(2).await),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into()])
    );
}

#[tokio::test]
async fn a_put_abandons_what_another_version_has_pending() {
    let world = World::with_secret().await;
    let pending = PutSecretValue::new("s", text("2")).token(token(2)).stage(Stage::PENDING);
    world.engine.put_secret_value(&world.cx, pending).await.unwrap();
    world.put(3, "3").await;
    assert!(world.labels(2).await.is_empty(), "deprecated");
}

#[tokio::test]
async fn a_deprecated_version_gets_a_label_again() {
    let world = two().await;
    world.put(3, "3").await;
    assert!(world.labels(1).await.is_empty());
    move_stage(&world, stage("back").move_to(token(1))).await.unwrap();
    assert_eq!(world.labels(1).await, ["back"]);
}

#[tokio::test]
async fn other_aws_names_are_custom_labels() {
    let world = World::with_secret().await;
    let odd = PutSecretValue::new("s", text("2")).token(token(2)).stage("AWSODD");
    world.engine.put_secret_value(&world.cx, odd).await.unwrap();
    assert_eq!(
        (world.labels(1).await, world.labels(2).await),
        (vec!["AWSCURRENT".into()], vec!["AWSODD".into()])
    );
}
