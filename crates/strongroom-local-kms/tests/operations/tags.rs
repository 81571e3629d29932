//! §8: tags.

use strongroom_kms::{KeyTag, ListPage};

use super::*;

impl World {
    async fn tags_of(&self, key: &KeyMetadata) -> Vec<KeyTag> {
        self.kms.list_resource_tags(&self.cx, &by_id(key), &ListPage::first()).await.unwrap().tags
    }
}

#[tokio::test]
async fn tags_are_added_changed_removed_and_keep_their_place() {
    let world = World::new().await;
    let request = CreateKey::new().tag("b", "1").tag("a", "1");
    let key = world.kms.create_key(&world.cx, request).await.unwrap();
    let id = by_id(&key);
    world.kms.tag_resource(&world.cx, &id, vec![KeyTag::new("b", "2"), KeyTag::new("c", "")]).await.unwrap();
    let expected = [KeyTag::new("b", "2"), KeyTag::new("a", "1"), KeyTag::new("c", "")];
    assert_eq!(world.tags_of(&key).await, expected);
    world.kms.untag_resource(&world.cx, &id, vec!["a".into(), "absent".into()]).await.unwrap();
    assert_eq!(world.tags_of(&key).await, [KeyTag::new("b", "2"), KeyTag::new("c", "")]);
}

#[tokio::test]
async fn duplicate_reserved_and_too_many_tags() {
    let world = World::new().await;
    let key = world.key().await;
    let id = by_id(&key);
    let wrong = [
        (vec![KeyTag::new("a", "1"), KeyTag::new("a", "2")], "Duplicate tag keys"),
        (vec![KeyTag::new("Aws:a", "1")], "Tags beginning with aws: are reserved"),
    ];
    for (tags, message) in wrong {
        let create = tags.iter().fold(CreateKey::new(), |create, tag| create.tag(&tag.key, &tag.value));
        refused(world.kms.create_key(&world.cx, create).await, ErrorKind::Tag, message);
        refused(world.kms.tag_resource(&world.cx, &id, tags).await, ErrorKind::Tag, message);
    }
    let tags =
        |range: std::ops::Range<u32>| range.map(|n| KeyTag::new(format!("k{n}"), "")).collect::<Vec<_>>();
    world.kms.tag_resource(&world.cx, &id, tags(0..50)).await.unwrap();
    refused(world.kms.tag_resource(&world.cx, &id, tags(50..51)).await, ErrorKind::Tag, "Too many tags");
    world.kms.tag_resource(&world.cx, &id, tags(0..50)).await.expect("no more of them");
    assert_eq!(world.tags_of(&key).await.len(), 50);
}

#[tokio::test]
async fn over_long_tags_are_named() {
    let world = World::new().await;
    let id = by_id(&world.key().await);
    for (tag, member) in
        [(KeyTag::new("k".repeat(129), ""), "tagKey"), (KeyTag::new("k", "v".repeat(257)), "tagValue")]
    {
        let error = world.kms.tag_resource(&world.cx, &id, vec![tag]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains(&format!("'tags.1.member.{member}'")), "{error}");
    }
}

#[tokio::test]
async fn tags_are_listed_page_by_page() {
    let world = World::new().await;
    let request = ["a", "b", "c"].iter().fold(CreateKey::new(), |create, key| create.tag(*key, ""));
    let id = by_id(&world.kms.create_key(&world.cx, request).await.unwrap());
    let list = |page: ListPage| {
        let (kms, cx, id) = (&world.kms, &world.cx, &id);
        async move { kms.list_resource_tags(cx, id, &page).await }
    };
    let first = list(ListPage::first().limit(2)).await.unwrap();
    let rest = list(ListPage::after(first.next_marker.unwrap())).await.unwrap();
    assert_eq!((first.tags.len(), rest.tags, rest.next_marker), (2, vec![KeyTag::new("c", "")], None));
    assert_eq!(list(ListPage::after("nowhere")).await.unwrap_err().kind(), ErrorKind::InvalidMarker);
    for limit in [0, 51] {
        assert_eq!(list(ListPage::first().limit(limit)).await.unwrap_err().kind(), ErrorKind::Validation);
    }
}

#[tokio::test]
async fn a_key_pending_deletion_is_not_tagged_but_shows_its_tags() {
    let world = World::new().await;
    let key = world.kms.create_key(&world.cx, CreateKey::new().tag("a", "")).await.unwrap();
    let id = by_id(&key);
    world.kms.schedule_key_deletion(&world.cx, &id, None).await.unwrap();
    let message = format!("{} is pending deletion.", key.arn);
    let tags = vec![KeyTag::new("b", "")];
    refused(world.kms.tag_resource(&world.cx, &id, tags).await, ErrorKind::InvalidState, &message);
    let untag = world.kms.untag_resource(&world.cx, &id, vec!["a".into()]).await;
    refused(untag, ErrorKind::InvalidState, &message);
    assert_eq!(world.tags_of(&key).await.len(), 1);
}

#[tokio::test]
async fn an_alias_does_not_name_a_key_to_tag() {
    let world = World::new().await;
    let key = world.key().await;
    let alias = strongroom_kms::AliasName::parse("alias/mine").unwrap();
    world.kms.create_alias(&world.cx, &alias, &by_id(&key)).await.unwrap();
    let tagged = world.kms.tag_resource(&world.cx, &alias.into(), vec![]).await;
    assert_eq!(tagged.unwrap_err().kind(), ErrorKind::InvalidArn);
}
