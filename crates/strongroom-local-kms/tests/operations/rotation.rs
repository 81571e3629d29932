//! §7: rotation on demand and by the clock.

use strongroom_kms::{AliasName, DescribeKey, ListPage, RotationStatus, RotationType};
use strongroom_types::Service;

use super::*;

impl World {
    async fn status(&self, key: &KeyMetadata) -> RotationStatus {
        self.kms.get_key_rotation_status(&self.cx, &by_id(key)).await.unwrap()
    }

    async fn enable(&self, key: &KeyMetadata, days: Option<u16>) {
        self.kms.enable_key_rotation(&self.cx, &by_id(key), days).await.unwrap();
    }

    async fn kinds(&self, key: &KeyMetadata) -> Vec<Option<RotationType>> {
        let page =
            self.kms.list_key_rotations(&self.cx, &by_id(key), true, &ListPage::first()).await.unwrap();
        page.rotations.iter().map(|rotation| rotation.kind).collect()
    }
}

#[tokio::test]
async fn off_tells_nothing_else() {
    let world = World::new().await;
    let key = world.key().await;
    assert_eq!(world.status(&key).await, RotationStatus::new(key.arn.clone()));
}

#[tokio::test]
async fn on_tells_the_period_and_the_next_date_and_called_again_changes_the_period() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, None).await;
    let status = world.status(&key).await;
    assert_eq!((status.enabled, status.period_days), (true, Some(365)));
    assert_eq!(status.next_rotation, Some(key.created.after(DAY * 365)));
    world.clock.advance(DAY * 10);
    world.enable(&key, Some(365)).await;
    assert_eq!(world.status(&key).await, status, "the same again changes nothing");
    world.enable(&key, Some(90)).await;
    assert_eq!(world.status(&key).await.next_rotation, Some(key.created.after(DAY * 100)));
    world.kms.disable_key_rotation(&world.cx, &by_id(&key)).await.unwrap();
    world.kms.disable_key_rotation(&world.cx, &by_id(&key)).await.expect("fine when it is off");
    assert!(!world.status(&key).await.enabled);
    assert!(world.kms.verify().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn a_period_is_90_to_2560_days() {
    let world = World::new().await;
    let id = by_id(&world.key().await);
    for days in [89, 2561] {
        let error = world.kms.enable_key_rotation(&world.cx, &id, Some(days)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains("at 'rotationPeriodInDays'"), "{error}");
    }
    world.kms.enable_key_rotation(&world.cx, &id, Some(2560)).await.unwrap();
}

#[tokio::test]
async fn the_clock_rotates_at_the_next_use_and_old_ciphertexts_open_for_ever() {
    let world = World::new().await;
    let key = world.key().await;
    let first = world.material(&key).await;
    let old = world.encrypt(&key).await;
    world.enable(&key, Some(90)).await;
    world.clock.advance(DAY * 90 - Duration::from_millis(1));
    world.encrypt(&key).await;
    assert_eq!(world.material(&key).await, first, "not yet");
    world.clock.advance(Duration::from_millis(1));
    let new = world.encrypt(&key).await;
    assert_ne!(world.material(&key).await, first);
    assert_eq!(world.status(&key).await.next_rotation, Some(key.created.after(DAY * 180)));
    let other = world.another().await;
    for ciphertext in [&old, &new] {
        assert_eq!(world.decrypt(ciphertext).await.unwrap(), b"plaintext");
        assert_eq!(other.decrypt(ciphertext).await.unwrap(), b"plaintext");
    }
    assert_eq!(world.kinds(&key).await, [None, Some(RotationType::Automatic)]);
}

#[tokio::test]
async fn maintain_rotates_what_is_due_and_nothing_else() {
    let world = World::new().await;
    let (due, later, never) = (world.key().await, world.key().await, world.key().await);
    world.enable(&due, Some(90)).await;
    world.enable(&later, Some(91)).await;
    world.clock.advance(DAY * 90);
    world.kms.maintain().await.unwrap();
    world.kms.maintain().await.unwrap();
    for (key, rotations) in [(&due, 2), (&later, 1), (&never, 1)] {
        assert_eq!(world.kinds(key).await.len(), rotations);
    }
    assert!(world.kms.verify().await.unwrap().problems.is_empty());
}

/// Long unused, a key rotates once, not once for each period that has passed.
#[tokio::test]
async fn overdue_is_made_up_for_once() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, Some(90)).await;
    world.clock.advance(DAY * 1000);
    world.encrypt(&key).await;
    world.encrypt(&key).await;
    assert_eq!(world.kinds(&key).await.len(), 2);
}

#[tokio::test]
async fn several_processes_rotate_a_due_key_once() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, Some(90)).await;
    world.clock.advance(DAY * 90);
    let others = [world.another().await, world.another().await, world.another().await];
    std::thread::scope(|scope| {
        for other in &others {
            scope.spawn(|| pollster::block_on(other.encrypt(&key)));
        }
    });
    assert_eq!(world.kinds(&key).await.len(), 2);
}

#[tokio::test]
async fn a_disabled_key_keeps_its_flag_and_rotates_when_enabled_again() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, Some(90)).await;
    world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap();
    world.clock.advance(DAY * 100);
    world.kms.maintain().await.unwrap();
    assert!(world.status(&key).await.enabled);
    assert_eq!(world.kinds(&key).await.len(), 1);
    let message = format!("{} is disabled.", key.arn);
    let enable = world.kms.enable_key_rotation(&world.cx, &by_id(&key), None).await;
    refused(enable, ErrorKind::Disabled, &message);
    world.kms.enable_key(&world.cx, &by_id(&key)).await.unwrap();
    world.kms.maintain().await.unwrap();
    assert_eq!(world.kinds(&key).await.len(), 2);
}

#[tokio::test]
async fn pending_deletion_reports_none_and_a_saved_key_has_it_back() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, Some(90)).await;
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), None).await.unwrap();
    assert!(!world.status(&key).await.enabled);
    world.kms.cancel_key_deletion(&world.cx, &by_id(&key)).await.unwrap();
    assert_eq!(world.status(&key).await.period_days, Some(90));
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(7)).await.unwrap();
    world.clock.advance(DAY * 120);
    assert_eq!(world.kms.maintain().await.unwrap(), 1);
    assert!(world.kms.verify().await.unwrap().problems.is_empty(), "nothing is left");
}

#[tokio::test]
async fn hmac_keys_do_not_rotate_at_all() {
    let world = World::new().await;
    let key = world.hmac(KeySpec::Hmac256).await;
    let (kms, cx, id) = (&world.kms, &world.cx, by_id(&key));
    let unsupported = ErrorKind::Unsupported;
    refused(kms.enable_key_rotation(cx, &id, None).await, unsupported, "");
    refused(kms.disable_key_rotation(cx, &id).await, unsupported, "");
    refused(kms.get_key_rotation_status(cx, &id).await, unsupported, "");
    refused(kms.list_key_rotations(cx, &id, false, &ListPage::first()).await, unsupported, "");
    refused(kms.rotate_key_on_demand(cx, &id).await, unsupported, "");
    kms.disable_key(cx, &id).await.unwrap();
    refused(kms.enable_key_rotation(cx, &id, None).await, unsupported, "");
}

#[tokio::test]
async fn on_demand_25_times_and_the_schedule_stays() {
    let world = World::new().await;
    let key = world.key().await;
    world.enable(&key, None).await;
    let (status, first) = (world.status(&key).await, world.encrypt(&key).await);
    for _ in 0..25 {
        assert_eq!(world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await.unwrap(), key.arn);
    }
    let message = format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {}",
        key.arn
    );
    let more = world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await;
    refused(more, ErrorKind::LimitExceeded, &message);
    assert_eq!(world.status(&key).await, status);
    assert_eq!(world.decrypt(&first).await.unwrap(), b"plaintext");
}

#[tokio::test]
async fn rotations_are_listed_oldest_first_page_by_page() {
    let world = World::new().await;
    let key = world.key().await;
    let mut ids = vec![world.material(&key).await.unwrap()];
    for _ in 0..3 {
        world.clock.advance(DAY);
        world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await.unwrap();
        ids.push(world.material(&key).await.unwrap());
    }
    let list = |all: bool, page: ListPage| {
        let (kms, cx, id) = (&world.kms, &world.cx, by_id(&key));
        async move { kms.list_key_rotations(cx, &id, all, &page).await }
    };
    let all = list(true, ListPage::first()).await.unwrap().rotations;
    let found: Vec<_> = all.iter().map(|rotation| rotation.key_material_id.clone()).collect();
    assert_eq!(found, ids);
    assert_eq!((all[0].date, all[1].date), (None, Some(key.created.after(DAY))));
    let current: Vec<bool> = all.iter().map(|rotation| rotation.current).collect();
    assert_eq!(current, [false, false, false, true]);
    let first = list(false, ListPage::first().limit(2)).await.unwrap();
    let rest = list(false, ListPage::after(first.next_marker.unwrap())).await.unwrap();
    let found: Vec<_> = [first.rotations, rest.rotations]
        .concat()
        .into_iter()
        .map(|rotation| rotation.key_material_id)
        .collect();
    assert_eq!((found.as_slice(), rest.next_marker), (&ids[1..], None), "without the first material");
    assert_eq!(list(true, ListPage::after("x")).await.unwrap_err().kind(), ErrorKind::InvalidMarker);
}

#[tokio::test]
async fn a_managed_key_rotates_every_year_and_nobody_stops_it() {
    let world = World::new().await;
    let service = world.kms.for_service(Service::SecretsManager);
    let alias = KeyRef::from(AliasName::parse("alias/aws/secretsmanager").unwrap());
    let key = service.describe_key(&world.cx, DescribeKey::new(&alias)).await.unwrap();
    let stop = world.kms.disable_key_rotation(&world.cx, &by_id(&key)).await;
    assert_eq!(stop.unwrap_err().kind(), ErrorKind::AccessDenied);
    world.clock.advance(DAY * 365);
    world.kms.maintain().await.unwrap();
    assert_ne!(world.material(&key).await, key.current_key_material_id);
}

/// What a process keeps of a key may be a moment old; what another process sealed in that moment opens all the same.
#[tokio::test]
async fn what_another_process_seals_after_a_rotation_opens_here_at_once() {
    let (one, other) = {
        let world = World::new().await;
        let other = world.another().await;
        (world, other)
    };
    let key = one.key().await;
    for _ in 0..20 {
        let here = one.encrypt(&key).await;
        assert_eq!(other.decrypt(&here).await.unwrap(), b"plaintext");
        one.kms.rotate_key_on_demand(&one.cx, &by_id(&key)).await.unwrap();
        let new = one.encrypt(&key).await;
        assert_eq!(other.decrypt(&new).await.unwrap(), b"plaintext");
    }
}
