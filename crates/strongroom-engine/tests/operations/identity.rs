//! §3: names, ARNs, partial ARNs and their traps.

use super::*;

const INVALID: &str = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";

#[tokio::test]
async fn a_name_matches_exactly_and_by_case() {
    let world = World::with_secret().await;
    assert_eq!(world.current().await.unwrap(), "1");
    refused(world.get(GetSecretValue::new("S")).await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn a_name_with_suffix_but_without_arn_does_not_resolve() {
    let world = World::with_secret().await;
    let arn = world.describe("s").await.unwrap().arn;
    let tail = arn.as_str().rsplit(':').next().unwrap();
    refused(world.get(GetSecretValue::new(tail)).await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn a_full_arn_and_a_partial_arn_resolve() {
    let world = World::with_secret().await;
    let arn = world.describe("s").await.unwrap().arn.as_str().to_owned();
    assert_eq!(world.get(GetSecretValue::new(&arn)).await.unwrap(), "1");
    let partial = &arn[..arn.len() - 7];
    assert_eq!(world.get(GetSecretValue::new(partial)).await.unwrap(), "1");
}

#[tokio::test]
async fn a_name_that_looks_suffixed_is_not_found_by_its_partial_arn() {
    let world = World::new().await;
    for (name, by_partial) in [("x-a1b2c3", false), ("x-a1b2", true), ("x-a1b2c3-", true)] {
        let arn =
            world.create(CreateSecret::new(name).value(text("v"))).await.unwrap().arn.as_str().to_owned();
        assert_eq!(world.get(GetSecretValue::new(name)).await.unwrap(), "v");
        assert_eq!(world.get(GetSecretValue::new(&arn)).await.unwrap(), "v");
        let partial = world.get(GetSecretValue::new(&arn[..arn.len() - 7])).await;
        assert_eq!(partial.is_ok(), by_partial, "{name}");
    }
}

#[tokio::test]
async fn an_arn_of_another_suffix_region_account_or_service_is_not_found() {
    let world = World::with_secret().await;
    for arn in [
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-zzzzzz",
        "arn:aws:secretsmanager:eu-central-1:000000000000:secret:s",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:s",
        "arn:aws:ssm:us-east-1:000000000000:secret:s",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:",
        "arn:nonsense",
    ] {
        refused(world.get(GetSecretValue::new(arn)).await, ErrorKind::NotFound, NOT_FOUND);
    }
}

#[tokio::test]
async fn an_invalid_name_is_refused_before_existence_in_every_operation() {
    let world = World::new().await;
    let (engine, cx) = (&world.engine, &world.cx);
    for bad in ["a b", "a*", "a?", "a\\b", " a", "a "] {
        let id = SecretId::new(bad);
        let validation = ErrorKind::Validation;
        refused(world.create(CreateSecret::new(bad)).await, validation, INVALID);
        refused(world.get(GetSecretValue::new(bad)).await, validation, INVALID);
        refused(engine.put_secret_value(cx, PutSecretValue::new(bad, text("v"))).await, validation, INVALID);
        refused(
            engine.update_secret(cx, strongroom_store::UpdateSecret::new(bad)).await,
            validation,
            INVALID,
        );
        refused(engine.describe_secret(cx, &id).await, validation, INVALID);
        refused(engine.delete_secret(cx, DeleteSecret::new(bad)).await, validation, INVALID);
        refused(engine.restore_secret(cx, &id).await, validation, INVALID);
        refused(engine.tag_resource(cx, &id, vec![]).await, validation, INVALID);
        refused(engine.untag_resource(cx, &id, vec![]).await, validation, INVALID);
        refused(engine.get_resource_policy(cx, &id).await, validation, INVALID);
        refused(engine.delete_resource_policy(cx, &id).await, validation, INVALID);
        let policy = strongroom_store::PutResourcePolicy::new(bad, "{");
        refused(engine.put_resource_policy(cx, policy).await, validation, INVALID);
        let stage = strongroom_store::UpdateSecretVersionStage::new(bad, "x").move_to(token(1));
        refused(engine.update_secret_version_stage(cx, stage).await, validation, INVALID);
        let window = DeleteSecret::new(bad).recovery_window_days(6);
        refused(engine.delete_secret(cx, window).await, validation, INVALID);
        let versions = strongroom_store::ListSecretVersionIds::new(bad);
        refused(engine.list_secret_version_ids(cx, versions).await, validation, INVALID);
    }
}

#[tokio::test]
async fn a_name_used_again_gets_another_suffix() {
    let world = World::with_secret().await;
    let first = world.describe("s").await.unwrap().arn;
    world.engine.delete_secret(&world.cx, DeleteSecret::new("s").force()).await.unwrap();
    let second = world.create(CreateSecret::new("s")).await.unwrap().arn;
    assert_ne!(first, second);
    refused(world.describe(first.as_str()).await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn an_id_has_1_to_2048_characters() {
    let world = World::new().await;
    refused_with(world.describe("").await, ErrorKind::Validation, "at 'secretId'");
    refused_with(
        world.describe(&"x".repeat(2049)).await,
        ErrorKind::Validation,
        "less than or equal to 2048",
    );
    refused(world.describe(&"x".repeat(2048)).await, ErrorKind::NotFound, NOT_FOUND);
}
