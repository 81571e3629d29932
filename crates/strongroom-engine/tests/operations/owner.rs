//! §6.3 and §9: secrets that a service manages.

use strongroom_engine::OwningService;
use strongroom_store::{
    Filter, FilterKey, ListSecrets, PutResourcePolicy, Tag, UpdateSecret, UpdateSecretVersionStage,
};

use super::*;

/// A world, the service's handle, and a secret it has made.
async fn managed() -> (World, Engine) {
    let world = World::with_secret().await;
    let rds = world.engine.for_service(OwningService::new("rds").unwrap());
    let request = CreateSecret::new("rds!db-1").value(text("1")).token(token(1));
    rds.create_secret(&world.cx, request).await.unwrap();
    (world, rds)
}

#[tokio::test]
async fn the_account_reads_describes_and_finds_it() {
    let (world, _) = managed().await;
    assert_eq!(world.get(GetSecretValue::new("rds!db-1")).await.unwrap(), "1");
    let described = world.describe("rds!db-1").await.unwrap();
    assert_eq!(described.owning_service.as_deref(), Some("rds"));
    assert_eq!(world.get(GetSecretValue::new(described.arn.as_str())).await.unwrap(), "1");
    assert_eq!(world.describe("s").await.unwrap().owning_service, None);
    let request = ListSecrets::new().filter(Filter::new(FilterKey::OwningService, ["rds"]));
    let listed = world.engine.list_secrets(&world.cx, request).await.unwrap().secrets;
    assert_eq!(listed.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["rds!db-1"]);
}

#[tokio::test]
async fn the_account_does_not_change_its_value_and_is_told_who_does() {
    let (world, _) = managed().await;
    let (engine, cx, id) = (&world.engine, &world.cx, "rds!db-1");
    let message = "You can't perform this operation on the secret because it is managed by a service. To change it, use rds.";
    let kind = ErrorKind::InvalidRequest;
    refused(engine.update_secret(cx, UpdateSecret::new(id).description("d")).await, kind, message);
    refused(engine.put_secret_value(cx, PutSecretValue::new(id, text("2"))).await, kind, message);
    let stage = UpdateSecretVersionStage::new(id, "x").move_to(token(1));
    refused(engine.update_secret_version_stage(cx, stage).await, kind, message);
    refused(engine.delete_secret(cx, DeleteSecret::new(id)).await, kind, message);
    refused(engine.delete_secret(cx, DeleteSecret::new(id).force()).await, kind, message);
    // Tags and policy are the account's own.
    engine.tag_resource(cx, &id.into(), vec![Tag::new("k", "v")]).await.unwrap();
    engine.put_resource_policy(cx, PutResourcePolicy::new(id, policies::NARROW)).await.unwrap();
}

#[tokio::test]
async fn the_service_changes_its_own_and_nobody_elses() {
    let (world, rds) = managed().await;
    let cx = &world.cx;
    rds.put_secret_value(cx, PutSecretValue::new("rds!db-1", text("2"))).await.unwrap();
    assert_eq!(world.get(GetSecretValue::new("rds!db-1")).await.unwrap(), "2");
    let message = "rds may change only the secrets that it manages";
    refused(
        rds.put_secret_value(cx, PutSecretValue::new("s", text("2"))).await,
        ErrorKind::AccessDenied,
        message,
    );
    let tags = || vec![Tag::new("k", "v")];
    refused(rds.tag_resource(cx, &"s".into(), tags()).await, ErrorKind::AccessDenied, message);
    rds.tag_resource(cx, &"rds!db-1".into(), tags()).await.unwrap();
    let other = world.engine.for_service(OwningService::new("redshift").unwrap());
    let policy = PutResourcePolicy::new("rds!db-1", policies::NARROW);
    assert_eq!(other.put_resource_policy(cx, policy).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let put = other.put_secret_value(cx, PutSecretValue::new("rds!db-1", text("3"))).await;
    assert_eq!(put.unwrap_err().kind(), ErrorKind::InvalidRequest);
    rds.delete_secret(cx, DeleteSecret::new("rds!db-1").force()).await.unwrap();
}

#[tokio::test]
async fn its_name_begins_with_the_service_and_a_bang() {
    let (world, rds) = managed().await;
    for name in ["db", "redshift!db", "rdsx!db"] {
        let result = rds.create_secret(&world.cx, CreateSecret::new(name)).await;
        refused(
            result,
            ErrorKind::InvalidParameter,
            "the secrets that rds manages have names that begin with rds!",
        );
    }
    for name in ["rds!", "rds!a!b", "rds!a b"] {
        refused_with(
            rds.create_secret(&world.cx, CreateSecret::new(name)).await,
            ErrorKind::Validation,
            "Invalid name.",
        );
    }
    for bad in ["", "RDS", "a b", "a!b"] {
        OwningService::new(bad).expect_err("no service's name");
    }
}
