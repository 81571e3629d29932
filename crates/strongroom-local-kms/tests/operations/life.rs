//! §3.2: how a key is named, described, stopped, planned for deletion and deleted.

use strongroom_kms::{DescribeKey, KeyState, ListPage};

use super::*;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

impl World {
    async fn described(&self, key: &KeyMetadata) -> Result<KeyMetadata, Error> {
        self.kms.describe_key(&self.cx, DescribeKey::new(&by_id(key))).await
    }
}

#[tokio::test]
async fn an_unknown_key_is_told_by_its_arn() {
    let world = World::new().await;
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{NOBODY}");
    let text = format!("Key '{arn}' does not exist");
    for given in [NOBODY, &arn] {
        let key = KeyRef::parse(given).unwrap();
        refused(world.kms.describe_key(&world.cx, DescribeKey::new(&key)).await, ErrorKind::NotFound, &text);
        refused(world.kms.enable_key(&world.cx, &key).await, ErrorKind::NotFound, &text);
        refused(world.kms.disable_key(&world.cx, &key).await, ErrorKind::NotFound, &text);
        refused(world.kms.cancel_key_deletion(&world.cx, &key).await, ErrorKind::NotFound, &text);
        refused(world.kms.schedule_key_deletion(&world.cx, &key, None).await, ErrorKind::NotFound, &text);
        refused(world.kms.update_key_description(&world.cx, &key, "").await, ErrorKind::NotFound, &text);
    }
}

#[test]
fn a_malformed_key_id() {
    for given in ["not-a-key", "1234abcd12ab34cd56ef1234567890ab", "mrk-1234"] {
        refused(KeyRef::parse(given), ErrorKind::NotFound, &format!("Invalid keyId '{given}'"));
    }
}

#[tokio::test]
async fn a_key_of_another_region() {
    let world = World::new().await;
    let key = KeyRef::parse(&format!("arn:aws:kms:eu-west-1:000000000000:key/{NOBODY}")).unwrap();
    let described = world.kms.describe_key(&world.cx, DescribeKey::new(&key)).await;
    refused(described, ErrorKind::NotFound, "Invalid arn eu-west-1");
}

#[tokio::test]
async fn enable_and_disable_may_be_repeated() {
    let world = World::new().await;
    let key = world.key().await;
    let sealed = world.encrypt(&key).await;
    for _ in 0..2 {
        world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap();
        refused(world.decrypt(&sealed).await, ErrorKind::Disabled, &format!("{} is disabled.", key.arn));
    }
    for _ in 0..2 {
        world.kms.enable_key(&world.cx, &by_id(&key)).await.unwrap();
        assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    }
}

#[tokio::test]
async fn a_description_has_a_length() {
    let world = World::new().await;
    let key = world.key().await;
    // Characters, not bytes.
    let longest = "ä".repeat(8192);
    world.kms.update_key_description(&world.cx, &by_id(&key), &longest).await.unwrap();
    assert_eq!(world.described(&key).await.unwrap().description, longest);
    let text = "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192";
    let longer = format!("{longest}a");
    refused(
        world.kms.update_key_description(&world.cx, &by_id(&key), &longer).await,
        ErrorKind::Validation,
        text,
    );
    refused(
        world.kms.create_key(&world.cx, CreateKey::new().description(longer)).await,
        ErrorKind::Validation,
        text,
    );
    assert_eq!(world.described(&key).await.unwrap().description, longest);
}

#[tokio::test]
async fn the_window_of_a_deletion_is_seven_to_thirty_days() {
    let world = World::new().await;
    for (days, window) in [(None, 30), (Some(7), 7), (Some(30), 30)] {
        let key = world.key().await;
        let planned = world.kms.schedule_key_deletion(&world.cx, &by_id(&key), days).await.unwrap();
        assert_eq!(planned.key_arn, key.arn);
        assert_eq!(planned.deletion_date, key.created.after(DAY * window));
        let described = world.described(&key).await.unwrap();
        assert_eq!(described.state, KeyState::PendingDeletion);
        assert_eq!(described.deletion_date, Some(planned.deletion_date));
    }
    let key = world.key().await;
    for days in [0, 6, 31] {
        let planned = world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(days)).await;
        assert_eq!(planned.unwrap_err().kind(), ErrorKind::Validation);
    }
    assert_eq!(world.described(&key).await.unwrap().state, KeyState::Enabled);
}

#[tokio::test]
async fn a_planned_deletion_is_not_planned_again_and_stops_all_use() {
    let world = World::new().await;
    let key = world.key().await;
    let sealed = world.encrypt(&key).await;
    let id = by_id(&key);
    world.kms.schedule_key_deletion(&world.cx, &id, Some(7)).await.unwrap();
    let text = format!("{} is pending deletion.", key.arn);
    refused(world.kms.schedule_key_deletion(&world.cx, &id, Some(30)).await, ErrorKind::InvalidState, &text);
    refused(world.kms.enable_key(&world.cx, &id).await, ErrorKind::InvalidState, &text);
    refused(world.kms.disable_key(&world.cx, &id).await, ErrorKind::InvalidState, &text);
    refused(world.kms.update_key_description(&world.cx, &id, "").await, ErrorKind::InvalidState, &text);
    refused(world.decrypt(&sealed).await, ErrorKind::InvalidState, &text);
    let listed = world.kms.list_keys(&world.cx, &ListPage::first()).await.unwrap();
    assert_eq!(listed.keys.len(), 1, "it is still listed");
}

#[tokio::test]
async fn a_deletion_taken_back_leaves_a_disabled_key() {
    let world = World::new().await;
    let key = world.key().await;
    let id = by_id(&key);
    let sealed = world.encrypt(&key).await;
    let not_planned = world.kms.cancel_key_deletion(&world.cx, &id).await;
    assert_eq!(not_planned.unwrap_err().kind(), ErrorKind::InvalidState);
    world.kms.schedule_key_deletion(&world.cx, &id, Some(7)).await.unwrap();
    assert_eq!(world.kms.cancel_key_deletion(&world.cx, &id).await.unwrap(), key.arn);
    let described = world.described(&key).await.unwrap();
    assert_eq!((described.state, described.deletion_date), (KeyState::Disabled, None));
    refused(world.decrypt(&sealed).await, ErrorKind::Disabled, &format!("{} is disabled.", key.arn));
    world.kms.enable_key(&world.cx, &id).await.unwrap();
    assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.key().await.id.to_string());
    }
    made.sort();
    let (mut found, mut page) = (Vec::new(), ListPage::first().limit(2));
    loop {
        let listed = world.kms.list_keys(&world.cx, &page).await.unwrap();
        assert!(listed.keys.len() <= 2);
        found.extend(listed.keys.iter().map(|entry| entry.id.to_string()));
        match listed.next_marker {
            Some(marker) => page = ListPage::after(marker).limit(2),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, made);
    for limit in [0, 1001] {
        let listed = world.kms.list_keys(&world.cx, &ListPage::first().limit(limit)).await;
        assert_eq!(listed.unwrap_err().kind(), ErrorKind::Validation);
    }
}
