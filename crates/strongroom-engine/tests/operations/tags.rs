//! §6.11 and §6.12, TagResource and UntagResource.

use strongroom_store::Tag;

use super::*;

#[tokio::test]
async fn a_tag_is_put_by_its_key_and_keeps_its_place() {
    let world = World::with_secret().await;
    let tag = |tags: Vec<Tag>| async { world.engine.tag_resource(&world.cx, &"s".into(), tags).await };
    tag(vec![Tag::new("b", "1"), Tag::new("a", "")]).await.unwrap();
    tag(vec![Tag::new("b", "2")]).await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().tags.unwrap(), [Tag::new("b", "2"), Tag::new("a", "")]);
}

#[tokio::test]
async fn untag_of_an_absent_key_is_ignored_and_no_tag_left_is_an_empty_list() {
    let world = World::with_secret().await;
    let untag = |key: &str| {
        let keys = vec![key.to_owned()];
        async { world.engine.untag_resource(&world.cx, &"s".into(), keys).await }
    };
    untag("absent").await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().tags, None, "it never had a tag");
    world.engine.tag_resource(&world.cx, &"s".into(), vec![Tag::new("k", "v")]).await.unwrap();
    untag("k").await.unwrap();
    assert_eq!(world.describe("s").await.unwrap().tags, Some(vec![]));
}

#[tokio::test]
async fn marked_for_deletion() {
    let world = World::with_secret().await;
    world.mark_deleted().await;
    let (engine, cx) = (&world.engine, &world.cx);
    refused(
        engine.tag_resource(cx, &"s".into(), vec![Tag::new("k", "v")]).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
    refused(
        engine.untag_resource(cx, &"s".into(), vec!["k".into()]).await,
        ErrorKind::MarkedForDeletion,
        MARKED,
    );
}

#[tokio::test]
async fn more_than_50_tags() {
    let world = World::with_secret().await;
    let tags = |range: std::ops::Range<u32>| range.map(|n| Tag::new(format!("k{n}"), "")).collect::<Vec<_>>();
    world.engine.tag_resource(&world.cx, &"s".into(), tags(0..50)).await.unwrap();
    let more = world.engine.tag_resource(&world.cx, &"s".into(), tags(50..51)).await;
    refused(more, ErrorKind::InvalidParameter, "A secret can have at most 50 tags.");
    world
        .engine
        .tag_resource(&world.cx, &"s".into(), vec![Tag::new("k0", "other")])
        .await
        .expect("no more of them");
}

#[tokio::test]
async fn keys_and_values_out_of_bounds() {
    let world = World::with_secret().await;
    let tag = |tag: Tag| async { world.engine.tag_resource(&world.cx, &"s".into(), vec![tag]).await };
    refused_with(tag(Tag::new("", "v")).await, ErrorKind::Validation, "at 'tags.1.member.key'");
    refused_with(tag(Tag::new("k".repeat(129), "v")).await, ErrorKind::Validation, "at 'tags.1.member.key'");
    refused_with(
        tag(Tag::new("k", "v".repeat(257))).await,
        ErrorKind::Validation,
        "at 'tags.1.member.value'",
    );
    refused_with(tag(Tag::new("aws:k", "v")).await, ErrorKind::InvalidParameter, "Reserved key: aws:k");
    tag(Tag::new("k".repeat(128), "v".repeat(256))).await.unwrap();
}
