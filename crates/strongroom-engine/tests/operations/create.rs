//! §6.1, CreateSecret.

use super::*;

#[tokio::test]
async fn name_exists_and_token_is_not_a_version_of_it() {
    let world = World::with_secret().await;
    let request = CreateSecret::new("s").value(text("1")).token(token(2));
    refused(
        world.create(request).await,
        ErrorKind::Exists,
        "The operation failed because the secret s already exists.",
    );
    let without_value = CreateSecret::new("s").token(token(1));
    refused(
        world.create(without_value).await,
        ErrorKind::Exists,
        "The operation failed because the secret s already exists.",
    );
}

#[tokio::test]
async fn name_exists_and_token_matches() {
    let world = World::with_secret().await;
    let before = world.describe("s").await.unwrap();
    let again = world.create(CreateSecret::new("s").value(text("1")).token(token(1))).await.unwrap();
    assert_eq!((again.arn, again.version_id), (before.arn.clone(), Some(token(1))));
    assert_eq!(world.describe("s").await.unwrap(), before, "nothing changes");
    let other = world.create(CreateSecret::new("s").value(text("2")).token(token(1))).await;
    let message = format!(
        "You can't use ClientRequestToken {} because that value is already in use for a version of secret {}.",
        token(1),
        before.arn
    );
    refused(other, ErrorKind::Exists, &message);
}

/// §6, IDEM: the comparison is of type and bytes.
#[tokio::test]
async fn a_token_with_the_same_bytes_of_another_type_is_another_value() {
    let world = World::with_secret().await;
    let request = CreateSecret::new("s").value(SecretValue::binary(b"1".to_vec())).token(token(1));
    assert_eq!(world.create(request).await.unwrap_err().kind(), ErrorKind::Exists);
}

/// Point 4 of the behaviour: also in another process and after a restart.
#[tokio::test]
async fn a_token_means_the_same_in_another_process() {
    let world = World::with_secret().await;
    let other = world.another().await;
    let again = CreateSecret::new("s").value(text("1")).token(token(1));
    assert_eq!(other.create(again).await.unwrap().version_id, Some(token(1)));
    let request = PutSecretValue::new("s", text("2")).token(token(2));
    other.engine.put_secret_value(&other.cx, request.clone()).await.unwrap();
    let here = world.engine.put_secret_value(&world.cx, request).await.unwrap();
    assert_eq!(here.version_id, token(2));
    assert_eq!(world.labels(1).await, ["AWSPREVIOUS"], "one put, not two");
}

#[tokio::test]
async fn name_scheduled_for_deletion() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let message =
        "You can't create this secret because a secret with this name is already scheduled for deletion.";
    let request = || CreateSecret::new("s").value(text("1")).token(token(1));
    refused(world.create(request()).await, ErrorKind::MarkedForDeletion, message);
    // When its time is over the name is free, whether or not anybody has purged it.
    world.clock.advance(30 * DAY);
    world.create(request()).await.unwrap();
}

#[tokio::test]
async fn a_name_past_its_date_stays_taken_while_purging_is_not_permitted() {
    let mut world = World::with_secret().await;
    let permit = Arc::new(Permit::default());
    world.engine = world.engine.purging_by(permit.clone());
    world.mark_deleted().await;
    world.clock.advance(40 * DAY);
    let message =
        "You can't create this secret because a secret with this name is already scheduled for deletion.";
    let request = || CreateSecret::new("s").value(text("2")).token(token(2));
    refused(world.create(request()).await, ErrorKind::MarkedForDeletion, message);
    assert_eq!(world.engine.maintain().await.unwrap(), Some(0));
    world.engine.restore_secret(&world.cx, &SecretId::new("s")).await.unwrap();
    assert_eq!(world.current().await.unwrap(), "1");
    world.mark_deleted().await;
    world.clock.advance(30 * DAY);
    refused(world.create(request()).await, ErrorKind::MarkedForDeletion, message);
    permit.grant();
    world.create(request()).await.unwrap();
    assert_eq!(world.current().await.unwrap(), "2");
}

#[tokio::test]
async fn maintain_purges_once_it_is_permitted() {
    let mut world = World::with_secret().await;
    let permit = Arc::new(Permit::default());
    world.engine = world.engine.purging_by(permit.clone());
    world.mark_deleted().await;
    world.clock.advance(30 * DAY);
    assert_eq!(world.engine.maintain().await.unwrap(), Some(0));
    permit.grant();
    assert_eq!(world.engine.maintain().await.unwrap(), Some(1));
}

#[tokio::test]
async fn name_force_deleted_moments_ago_is_free_at_once() {
    let world = World::with_secret().await;
    world.engine.delete_secret(&world.cx, DeleteSecret::new("s").force()).await.unwrap();
    world.create(CreateSecret::new("s").value(text("2"))).await.unwrap();
    assert_eq!(world.current().await.unwrap(), "2");
}

#[tokio::test]
async fn duplicate_tags() {
    let request = CreateSecret::new("s").tag("k", "1").tag("k", "2");
    refused_with(World::new().await.create(request).await, ErrorKind::InvalidParameter, "Duplicate key: k");
}

#[tokio::test]
async fn too_many_tags() {
    let tagged = |count: usize| (0..count).fold(CreateSecret::new("s"), |r, n| r.tag(format!("k{n}"), ""));
    let world = World::new().await;
    refused(
        world.create(tagged(51)).await,
        ErrorKind::InvalidParameter,
        "A secret can have at most 50 tags.",
    );
    world.create(tagged(50)).await.unwrap();
}

#[tokio::test]
async fn tags_that_begin_with_aws() {
    let world = World::new().await;
    for key in ["aws:k", "AWS:k"] {
        let request = CreateSecret::new("s").tag(key, "v");
        refused_with(world.create(request).await, ErrorKind::InvalidParameter, "Reserved key:");
    }
    world.create(CreateSecret::new("s").tag("awsk", "v")).await.unwrap();
}

#[tokio::test]
async fn the_version_id_is_there_only_with_a_value() {
    let world = World::new().await;
    assert_eq!(world.create(CreateSecret::new("s")).await.unwrap().version_id, None);
    let described = world.describe("s").await.unwrap();
    assert!(described.versions.is_empty() && described.tags.is_none() && described.description.is_none());
    let message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    refused(world.current().await, ErrorKind::NotFound, message);
}

#[tokio::test]
async fn a_name_has_1_to_512_characters_and_no_bang() {
    let world = World::new().await;
    world.create(CreateSecret::new("n".repeat(512))).await.unwrap();
    refused_with(world.create(CreateSecret::new("n".repeat(513))).await, ErrorKind::Validation, "at 'name'");
    refused_with(world.create(CreateSecret::new("rds!n")).await, ErrorKind::Validation, "Invalid name.");
}

#[tokio::test]
async fn a_token_has_32_to_64_characters() {
    let world = World::new().await;
    for length in [31, 65] {
        let request = CreateSecret::new("s").value(text("1")).token("t".repeat(length));
        let message = "ClientRequestToken must be 32-64 characters long.";
        refused(world.create(request).await, ErrorKind::InvalidParameter, message);
    }
    for (name, length) in [("short", 32), ("long", 64)] {
        world.create(CreateSecret::new(name).value(text("1")).token("t".repeat(length))).await.unwrap();
    }
}

#[tokio::test]
async fn a_description_has_at_most_2048_characters() {
    let world = World::new().await;
    world.create(CreateSecret::new("s").description("é".repeat(2048))).await.unwrap();
    let long = CreateSecret::new("t").description("é".repeat(2049));
    refused_with(world.create(long).await, ErrorKind::Validation, "at 'description'");
}

/// §6, VAL.
#[tokio::test]
async fn a_value_has_1_to_65536_bytes() {
    let world = World::new().await;
    world.create(CreateSecret::new("one").value(text("x"))).await.unwrap();
    world.create(CreateSecret::new("all").value(text(&"é".repeat(32_768)))).await.unwrap();
    for value in [
        text(""),
        text(&"x".repeat(65_537)),
        SecretValue::binary(vec![]),
        SecretValue::binary(vec![0; 65_537]),
    ] {
        let member = if value.is_text() { "Value at 'secretString'" } else { "Value at 'secretBinary'" };
        refused_with(world.create(CreateSecret::new("s").value(value)).await, ErrorKind::Validation, member);
    }
    refused(world.describe("s").await, ErrorKind::NotFound, NOT_FOUND);
}

/// Point 4 of the behaviour: several processes at once with one token make one version, and all are told the same.
#[tokio::test]
async fn a_token_used_by_several_processes_at_once_makes_one_version() {
    let world = World::with_secret().await;
    let others = [world.another().await, world.another().await, world.another().await];
    for n in 2..30 {
        let same = PutSecretValue::new("s", text("v")).token(token(n));
        let create = CreateSecret::new(format!("new/{n}")).value(text("v")).token(token(n));
        let (puts, made): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
            let threads = others.each_ref().map(|other| {
                let (same, create) = (same.clone(), create.clone());
                scope.spawn(move || {
                    pollster::block_on(async {
                        let put = other.engine.put_secret_value(&other.cx, same).await.unwrap();
                        (put, other.engine.create_secret(&other.cx, create).await.unwrap())
                    })
                })
            });
            threads.map(|thread| thread.join().unwrap()).into_iter().unzip()
        });
        assert!(puts.iter().all(|put| put == &puts[0]) && made.iter().all(|secret| secret == &made[0]));
        assert_eq!(puts[0].stages, [Stage::CURRENT].into());
        assert_eq!(world.labels(n - 1).await, ["AWSPREVIOUS"], "one put, not three");
    }
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}
