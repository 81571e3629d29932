//! §4 and point 6 of the behaviour: dates.

use strongroom_store::{
    ListSecretVersionIds, ListSecrets, ServedReads, SortBy, SortOrder, Tag, UpdateSecret,
};
use strongroom_types::{Caller, Clock, Timestamp};

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

/// The first few reads of a minute are written at once, the others wait for each other; maintain writes what waits.
#[tokio::test]
async fn reads_of_many_secrets_are_written_together() {
    let world = World::with_secret().await;
    for n in 0..40 {
        world.create(CreateSecret::new(format!("many/{n}")).value(text("v"))).await.unwrap();
    }
    let other = world.another().await;
    let dated = |world: World| async move {
        let mut dated = 0;
        for n in 0..40 {
            dated += usize::from(world.describe(&format!("many/{n}")).await.unwrap().last_accessed.is_some());
        }
        (dated, world)
    };
    let before = world.records.change_token().await.unwrap();
    for n in 0..16 {
        world.get(GetSecretValue::new(format!("many/{n}"))).await.unwrap();
    }
    let (seen, other) = dated(other).await;
    assert_eq!(seen, 16, "written at once, also for others to see");
    let token = world.records.change_token().await.unwrap();
    assert_ne!(before, token);
    for n in 16..40 {
        world.get(GetSecretValue::new(format!("many/{n}"))).await.unwrap();
    }
    assert_eq!(world.records.change_token().await.unwrap(), token, "enough for this minute");
    let (seen, world) = dated(world).await;
    assert_eq!(seen, 40, "here all are known");
    let (seen, other) = dated(other).await;
    assert_eq!(seen, 16);
    world.engine.maintain().await.unwrap();
    assert_eq!(dated(other).await.0, 40);
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

/// Heads of any size: what does not fit into one commit goes into several.
#[tokio::test]
async fn notes_of_large_heads_fit_into_the_smallest_storage() {
    let small = strongroom_testkit::SmallRecords::new(Arc::new(MemoryRecords::new()));
    let world = World::over(Arc::new(small), Arc::default(), EngineLimits::default()).await;
    let padded = format!("{}{}", policies::NARROW, " ".repeat(20_000));
    for n in 0..60 {
        let name = format!("large/{n}");
        world.create(CreateSecret::new(&name).value(text("v"))).await.unwrap();
        let policy = strongroom_store::PutResourcePolicy::new(&name, &padded);
        world.engine.put_resource_policy(&world.cx, policy).await.unwrap();
        world.get(GetSecretValue::new(&name)).await.unwrap();
    }
    world.engine.maintain().await.unwrap();
    let other =
        World::over(Arc::clone(&world.records), Arc::clone(&world.clock), EngineLimits::default()).await;
    for n in 0..60 {
        assert!(other.describe(&format!("large/{n}")).await.unwrap().last_accessed.is_some(), "{n}");
    }
}

/// One damaged secret keeps neither the dates of the others back nor the housekeeping.
#[tokio::test]
async fn a_damaged_secret_does_not_keep_the_others() {
    let world = World::with_secret().await;
    for name in ["damaged", "gone"] {
        world.create(CreateSecret::new(name).value(text("v"))).await.unwrap();
    }
    world.engine.delete_secret(&world.cx, DeleteSecret::new("gone").recovery_window_days(7)).await.unwrap();
    // Use up what is written at once, so that both notes wait.
    for n in 0..16 {
        world.create(CreateSecret::new(format!("n/{n}")).value(text("v"))).await.unwrap();
        world.get(GetSecretValue::new(format!("n/{n}"))).await.unwrap();
    }
    world.current().await.unwrap();
    world.get(GetSecretValue::new("damaged")).await.unwrap();
    let place = strongroom_records::Key::realm(world.engine.realm()).then("secret").then("damaged");
    let record = world.records.read(std::slice::from_ref(&place)).await.unwrap().remove(0).unwrap();
    let mut value = record.value;
    *value.last_mut().unwrap() ^= 1;
    let batch = strongroom_records::Batch::new().put(&place, value, strongroom_records::Expect::Any);
    world.records.commit(batch).await.unwrap();
    world.clock.advance(DAY * 7);
    assert_eq!(world.engine.maintain().await.unwrap_err().kind(), ErrorKind::Tampered, "it is told");
    assert!(world.another().await.describe("s").await.unwrap().last_accessed.is_some());
    refused(world.describe("gone").await, ErrorKind::NotFound, NOT_FOUND);
    // And only once: what is damaged is not tried for ever.
    assert_eq!(world.engine.maintain().await.unwrap(), Some(0));
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

/// Reads that a cache has served date a secret as its own do, and nothing else.
#[tokio::test]
async fn reports_of_reads_date_what_the_caller_may_read() {
    let world = World::with_secret().await;
    let begun = world.clock.now();
    world.current().await.unwrap();
    let version = token(1);
    let dated = async || world.describe("s").await.unwrap().last_accessed;
    let report = async |cx: &CallContext, version: &VersionId, at: Timestamp| {
        let reads = [ServedReads::one(GetSecretValue::new("s"), version.clone(), at)];
        world.engine.report_reads(cx, &reads).await.unwrap();
    };
    world.clock.advance(3 * DAY);
    let stranger = CallContext::new(Caller::Service("test.amazonaws.com".into()));
    report(&stranger, &version, begun.after(2 * DAY)).await;
    report(&world.cx, &token(9), begun.after(2 * DAY)).await;
    assert_eq!(dated().await, Some(begun), "not allowed, and no such version");
    report(&world.cx, &version, begun.after(2 * DAY)).await;
    report(&world.cx, &version, begun.after(DAY)).await;
    assert_eq!(dated().await, Some(begun.after(2 * DAY)), "an older one takes nothing back");
    report(&world.cx, &version, begun.after(30 * DAY)).await;
    assert_eq!(dated().await, Some(begun.after(3 * DAY)), "nothing was read in the future");
    world.engine.maintain().await.unwrap();
    assert_eq!(world.another().await.describe("s").await.unwrap().last_accessed, Some(begun.after(3 * DAY)));
    // The rest of a report counts, whatever becomes of one of its secrets.
    world.create(CreateSecret::new("t").value(text("v"))).await.unwrap();
    world.engine.delete_secret(&world.cx, DeleteSecret::new("s")).await.unwrap();
    let other = world.describe("t").await.unwrap().versions.into_keys().next().unwrap();
    let one = |name: &str, version: &VersionId| {
        ServedReads::one(GetSecretValue::new(name), version.clone(), world.clock.now())
    };
    world.engine.report_reads(&world.cx, &[one("s", &version), one("t", &other)]).await.unwrap();
    assert_eq!(world.describe("t").await.unwrap().last_accessed, Some(begun.after(3 * DAY)));
}
