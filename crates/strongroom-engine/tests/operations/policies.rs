//! §6.13 to §6.16 and §10: resource policies.

use strongroom_store::{PutResourcePolicy, ValidateResourcePolicy};

use super::*;

pub(crate) const NARROW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
const BROAD: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;

async fn put(world: &World, policy: &str) -> Result<strongroom_store::SecretRef, Error> {
    world.engine.put_resource_policy(&world.cx, PutResourcePolicy::new("s", policy)).await
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_put_and_replaced() {
    let world = World::with_secret().await;
    for policy in [NARROW, BROAD] {
        put(&world, policy).await.unwrap();
        let found = world.engine.get_resource_policy(&world.cx, &"s".into()).await.unwrap();
        assert_eq!(found.policy.as_deref(), Some(policy));
    }
}

#[tokio::test]
async fn deleting_a_policy_succeeds_if_there_is_none() {
    let world = World::with_secret().await;
    put(&world, NARROW).await.unwrap();
    for _ in 0..2 {
        world.engine.delete_resource_policy(&world.cx, &"s".into()).await.unwrap();
    }
    assert_eq!(world.engine.get_resource_policy(&world.cx, &"s".into()).await.unwrap().policy, None);
}

#[tokio::test]
async fn syntax() {
    let world = World::with_secret().await;
    let message = "This resource policy contains a syntax error.";
    refused(put(&world, "{").await, ErrorKind::MalformedPolicy, message);
    let validated = world.engine.validate_resource_policy(&world.cx, ValidateResourcePolicy::new("{")).await;
    refused(validated, ErrorKind::MalformedPolicy, message);
}

#[tokio::test]
async fn unsupported_principal() {
    let world = World::with_secret().await;
    let policy = NARROW.replace("arn:aws:iam::111122223333:role/r", "nobody");
    refused(
        put(&world, &policy).await,
        ErrorKind::MalformedPolicy,
        "This resource policy contains an unsupported principal.",
    );
}

#[tokio::test]
async fn invalid_service_principal() {
    let world = World::with_secret().await;
    let policy = NARROW.replace(r#""AWS":"arn:aws:iam::111122223333:role/r""#, r#""Service":"nothing""#);
    refused(
        put(&world, &policy).await,
        ErrorKind::MalformedPolicy,
        "This resource policy contains an invalid service principal.",
    );
}

#[tokio::test]
async fn the_caller_would_lock_himself_out() {
    let world = World::with_secret().await;
    let policy = BROAD.replace("Allow", "Deny").replace("GetSecretValue", "*");
    refused(
        put(&world, &policy).await,
        ErrorKind::MalformedPolicy,
        "Your requested changes will not allow you to manage this secret in the future.",
    );
}

#[tokio::test]
async fn a_broad_policy_where_public_ones_are_blocked() {
    let world = World::with_secret().await;
    let blocked = |policy: &str| PutResourcePolicy::new("s", policy).block_public_policy();
    let result = world.engine.put_resource_policy(&world.cx, blocked(BROAD)).await;
    refused(
        result,
        ErrorKind::PublicPolicy,
        "You can't attach a resource-based policy that allows broad access to the secret.",
    );
    world.engine.put_resource_policy(&world.cx, blocked(NARROW)).await.unwrap();
    put(&world, BROAD).await.expect("where they are not, it is accepted");
}

#[tokio::test]
async fn more_than_20480_characters() {
    let world = World::with_secret().await;
    let padded = |length: usize| format!("{NARROW}{}", " ".repeat(length - NARROW.len()));
    put(&world, &padded(20_480)).await.unwrap();
    refused_with(put(&world, &padded(20_481)).await, ErrorKind::Validation, "at 'resourcePolicy'");
    refused_with(put(&world, "").await, ErrorKind::Validation, "at 'resourcePolicy'");
}

#[tokio::test]
async fn validating_stores_nothing_and_tells_all_findings() {
    let world = World::with_secret().await;
    let validate = |policy: String| async {
        let request = ValidateResourcePolicy::new(policy).secret("s");
        world.engine.validate_resource_policy(&world.cx, request).await.unwrap()
    };
    assert!(validate(NARROW.into()).await.passed);
    let both = BROAD.replace(r#""*","Action""#, r#"{"AWS":["*","nobody"]},"Action""#);
    let verdict = validate(both).await;
    let checks: Vec<_> = verdict.findings.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!((verdict.passed, checks), (false, vec!["PRINCIPAL", "PUBLIC_ACCESS"]));
    assert_eq!(world.engine.get_resource_policy(&world.cx, &"s".into()).await.unwrap().policy, None);
    let unknown = ValidateResourcePolicy::new(NARROW).secret("nobody");
    refused(world.engine.validate_resource_policy(&world.cx, unknown).await, ErrorKind::NotFound, NOT_FOUND);
}

#[tokio::test]
async fn marked_for_deletion() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    refused(put(&world, NARROW).await, ErrorKind::MarkedForDeletion, MARKED);
    refused(
        world.engine.get_resource_policy(&world.cx, &"s".into()).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
    refused(
        world.engine.delete_resource_policy(&world.cx, &"s".into()).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
}
