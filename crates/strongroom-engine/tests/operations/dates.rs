//! §4 and point 6 of the behaviour: dates.

use strongroom_store::{ListSecretVersionIds, ListSecrets, SortBy, SortOrder, Tag, UpdateSecret};

use super::*;

#[tokio::test]
async fn the_last_change_is_strictly_increasing_while_the_clock_stands() {
    let world = World::with_secret().await;
    let (engine, cx) = (&world.engine, &world.cx);
    let mut last = world.describe("s").await.unwrap().last_changed;
    for round in 0..3 {
        engine.update_secret(cx, UpdateSecret::new("s").description("the same")).await.unwrap();
        let now = world.describe("s").await.unwrap().last_changed;
        assert!(now > last, "update {round}");
        engine.tag_resource(cx, &"s".into(), vec![Tag::new("k", "v")]).await.unwrap();
        let then = world.describe("s").await.unwrap().last_changed;
        assert!(then > now, "tag {round}");
        last = then;
    }
}

#[tokio::test]
async fn last_accessed_is_the_day_of_the_last_read_and_a_read_changes_nothing_else() {
    let world = World::with_secret().await;
    world.clock.advance(DAY / 2);
    let before = world.describe("s").await.unwrap();
    assert_eq!(before.last_accessed, None);
    world.current().await.unwrap();
    let after = world.describe("s").await.unwrap();
    assert_eq!(after.last_accessed, Some(before.created), "the clock began at midnight");
    assert_eq!(after.last_changed, before.last_changed);
    world.clock.advance(DAY);
    world.current().await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().last_accessed, Some(before.created.after(DAY)));
}

#[tokio::test]
async fn only_the_version_that_was_read_is_dated() {
    let world = World::with_secret().await;
    world.put(2, "2").await;
    world.get(GetSecretValue::new("s").version_id(token(1))).await.unwrap();
    let listed =
        world.engine.list_secret_version_ids(&world.cx, ListSecretVersionIds::new("s")).await.unwrap();
    let dated: Vec<bool> = listed.versions.iter().map(|version| version.last_accessed.is_some()).collect();
    assert_eq!(dated, [true, false]);
}

#[tokio::test]
async fn a_read_that_fails_is_not_dated() {
    let world = World::with_secret().await;
    world.faults.plan([Some(strongroom_kms::ErrorKind::AccessDenied)]);
    world.current().await.unwrap_err();
    assert_eq!(world.describe("s").await.unwrap().last_accessed, None);
}

/// A thousand reads a day are one durable write, seen by other processes too.
#[tokio::test]
async fn reads_of_a_day_are_written_once() {
    let world = World::with_secret().await;
    world.current().await.unwrap();
    let token = world.records.change_token().await.unwrap();
    for _ in 0..1000 {
        world.current().await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.records.change_token().await.unwrap(), token, "nothing was committed");
    let other = world.another().await;
    assert!(other.describe("s").await.unwrap().last_accessed.is_some());
}

/// Reads of many secrets wait for each other; maintain writes what waits.
#[tokio::test]
async fn reads_of_many_secrets_are_written_together() {
    let world = World::with_secret().await;
    for n in 0..20 {
        world.create(CreateSecret::new(format!("many/{n}")).value(text("v"))).await.unwrap();
    }
    world.current().await.unwrap();
    let token = world.records.change_token().await.unwrap();
    for n in 0..20 {
        world.get(GetSecretValue::new(format!("many/{n}"))).await.unwrap();
    }
    assert_eq!(world.records.change_token().await.unwrap(), token);
    let other = world.another().await;
    assert_eq!(other.describe("many/7").await.unwrap().last_accessed, None, "not yet");
    assert!(world.describe("many/7").await.unwrap().last_accessed.is_some(), "here already");
    world.engine.maintain().await.unwrap();
    assert!(other.describe("many/7").await.unwrap().last_accessed.is_some());
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn what_was_never_read_is_listed_first_by_last_access() {
    let world = World::with_secret().await;
    for name in ["a", "b"] {
        world.create(CreateSecret::new(name).value(text("v"))).await.unwrap();
    }
    world.get(GetSecretValue::new("a")).await.unwrap();
    world.clock.advance(DAY);
    world.current().await.unwrap();
    world.engine.maintain().await.unwrap();
    let names = |order| {
        let request = ListSecrets::new().sort(SortBy::LastAccessedDate, order);
        async {
            let listed = world.engine.list_secrets(&world.cx, request).await.unwrap().secrets;
            listed.into_iter().map(|secret| secret.name).collect::<Vec<_>>()
        }
    };
    assert_eq!(names(SortOrder::Ascending).await, ["b", "a", "s"]);
    assert_eq!(names(SortOrder::Descending).await, ["s", "a", "b"]);
}

/// A read succeeds where its note cannot be written.
#[tokio::test]
async fn storage_that_refuses_to_write_does_not_hinder_reads() {
    let memory: Arc<dyn Records> = Arc::new(MemoryRecords::new());
    let faulty = strongroom_testkit::FaultyRecords::new(memory);
    let world =
        World::over(Arc::new(faulty.clone()), Arc::new(ManualClock::default()), EngineLimits::default())
            .await;
    world.create(CreateSecret::new("s").value(text("1"))).await.unwrap();
    faulty.plan([strongroom_testkit::Fault::Before(strongroom_records::ErrorKind::Unavailable)]);
    assert_eq!(world.current().await.unwrap(), "1");
    assert!(world.describe("s").await.unwrap().last_accessed.is_some());
    world.engine.maintain().await.unwrap();
    assert!(world.another().await.describe("s").await.unwrap().last_accessed.is_some(), "it was kept");
}
