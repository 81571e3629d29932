//! §6.4 and §6.5, GetSecretValue and BatchGetSecretValue.

use strongroom_store::BatchGetSecretValue;

use super::*;

#[tokio::test]
async fn neither_is_the_current_version() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    assert_eq!(world.current().await.unwrap(), "2");
}

#[tokio::test]
async fn version_id_only_reads_deprecated_versions_too() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    world.put(3, "3").await;
    assert_eq!(world.get(GetSecretValue::new("s").version_id(token(1))).await.unwrap(), "1");
}

#[tokio::test]
async fn both_must_agree() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    let both = |n: u32, stage: Stage| world.get(GetSecretValue::new("s").version_id(token(n)).stage(stage));
    assert_eq!(both(1, Stage::PREVIOUS).await.unwrap(), "1");
    let message = "You provided a VersionStage that is not associated to the provided VersionId.";
    refused(both(1, Stage::CURRENT).await, ErrorKind::InvalidRequest, message);
    refused(both(1, Stage::new("nowhere")).await, ErrorKind::InvalidRequest, message);
}

#[tokio::test]
async fn stage_absent() {
    let world = World::with_secret().await;
    let message = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING";
    refused(world.get(GetSecretValue::new("s").stage(Stage::PENDING)).await, ErrorKind::NotFound, message);
}

#[tokio::test]
async fn version_id_unknown() {
    let world = World::with_secret().await;
    let message =
        format!("Secrets Manager can't find the specified secret value for VersionId: {}", token(9));
    refused(world.get(GetSecretValue::new("s").version_id(token(9))).await, ErrorKind::NotFound, &message);
    let both = GetSecretValue::new("s").version_id(token(9)).stage(Stage::PENDING);
    refused(world.get(both).await, ErrorKind::NotFound, &message);
}

#[tokio::test]
async fn marked_for_deletion() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    refused(world.current().await, ErrorKind::MarkedForDeletion, MARKED);
}

#[tokio::test]
async fn members_out_of_bounds() {
    let world = World::with_secret().await;
    refused_with(
        world.get(GetSecretValue::new("s").version_id("short")).await,
        ErrorKind::Validation,
        "at 'versionId'",
    );
    refused_with(
        world.get(GetSecretValue::new("s").stage("")).await,
        ErrorKind::Validation,
        "at 'versionStage'",
    );
    let long = GetSecretValue::new("s").stage("x".repeat(257));
    refused_with(world.get(long).await, ErrorKind::Validation, "at 'versionStage'");
}

#[tokio::test]
async fn the_created_date_is_that_of_the_version() {
    let world = World::with_secret().await;
    world.clock.advance(DAY);
    world.put(2, "2").await;
    let version = world.engine.get_secret_value(&world.cx, GetSecretValue::new("s")).await.unwrap();
    assert_eq!(version.created, world.describe("s").await.unwrap().created.after(DAY));
}

#[tokio::test]
async fn a_batch_tells_what_each_secret_fails_with() {
    let world = World::with_secret().await;
    world.create(CreateSecret::new("deleted").value(text("x"))).await.unwrap();
    world.engine.delete_secret(&world.cx, DeleteSecret::new("deleted")).await.unwrap();
    world.create(CreateSecret::new("empty")).await.unwrap();
    // The first three make no call of the key service; the next may not.
    world.faults.plan([Some(strongroom_kms::ErrorKind::AccessDenied), None]);
    let ids = ["absent", "deleted", "empty", "s", "s"];
    let page = world.engine.batch_get_secret_value(&world.cx, BatchGetSecretValue::of(ids)).await.unwrap();
    assert_eq!(page.values.len(), 1);
    let errors: Vec<_> = page
        .errors
        .iter()
        .map(|failed| (failed.id.as_str(), failed.error.code(), failed.error.message()))
        .collect();
    assert_eq!(
        errors,
        [
            ("absent", "ResourceNotFoundException", NOT_FOUND),
            ("deleted", "InvalidRequestException", MARKED),
            (
                "empty",
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
            ),
            ("s", "AccessDeniedException", "Access to KMS is not allowed"),
        ]
    );
}

#[tokio::test]
async fn a_key_service_that_is_down_fails_the_secrets_it_is_asked_for_and_no_others() {
    let world = World::with_secret().await;
    world.faults.plan([Some(strongroom_kms::ErrorKind::DependencyTimeout), None]);
    let page =
        world.engine.batch_get_secret_value(&world.cx, BatchGetSecretValue::of(["s", "s"])).await.unwrap();
    assert_eq!((page.values.len(), page.errors.len()), (1, 1));
    assert_eq!(page.errors[0].error.code(), "InternalServiceError");
}

#[tokio::test]
async fn a_batch_names_secrets_or_filters_but_not_both() {
    let world = World::with_secret().await;
    let message = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
    let none: [&str; 0] = [];
    let result = world.engine.batch_get_secret_value(&world.cx, BatchGetSecretValue::of(none)).await;
    refused(result, ErrorKind::InvalidParameter, message);
}

#[tokio::test]
async fn a_batch_has_max_results_only_with_filters() {
    let world = World::with_secret().await;
    let request = BatchGetSecretValue::of(["s"]).max_results(1);
    let message = "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.";
    refused(
        world.engine.batch_get_secret_value(&world.cx, request).await,
        ErrorKind::InvalidParameter,
        message,
    );
}
