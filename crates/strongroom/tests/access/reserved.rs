//! Reserved names, attempted: nobody but those excepted makes, reads, changes or deletes what is named so.

use strongroom::presets::{ADMINISTRATOR_ACCESS, ReservedNames};
use strongroom::{Caller, Operation, Strongroom};

use crate::{World, is_denied};

const RESERVED: [&str; 2] = ["ams/db", "customer-shared/a/b"];

async fn tries_everything(room: &Strongroom, secret: &str) -> Vec<(&'static str, bool)> {
    let secret = secret.to_owned();
    vec![
        ("get", is_denied(&room.get(&secret).send().await)),
        ("describe", is_denied(&room.describe(&secret).await)),
        ("put", is_denied(&room.put(&secret).text("x").send().await)),
        ("update", is_denied(&room.update(&secret).description("x").send().await)),
        ("tag", is_denied(&room.tag(&secret, "a", "b").await)),
        ("untag", is_denied(&room.untag(&secret, "a").await)),
        ("policy", is_denied(&room.policy(&secret).put(crate::other_account()).send().await)),
        ("no policy", is_denied(&room.policy(&secret).delete().await)),
        ("delete", is_denied(&room.delete(&secret).send().await)),
        ("restore", is_denied(&room.restore(&secret).await)),
        ("create", is_denied(&room.create(format!("{secret}-2")).text("x").send().await)),
    ]
}

#[tokio::test]
async fn nobody_touches_reserved_names_but_those_excepted() {
    let world = World::new().await;
    let iam = world.room.iam();
    for name in RESERVED {
        world.room.create(name).text("v").send().await.unwrap();
    }
    world.room.create("ams-free").text("v").send().await.unwrap();
    let (alice, platform) = (world.user("alice", "").await, world.role("platform-ops", "").await);
    iam.attach_policy(&alice, ADMINISTRATOR_ACCESS).await.unwrap();
    iam.attach_policy(&platform, ADMINISTRATOR_ACCESS).await.unwrap();
    let reserved =
        ReservedNames::new(["ams/*", "customer-shared/*"]).except("arn:aws:iam::*:role/platform-*");
    iam.put_guardrail("reserved", &reserved.document()).await.unwrap();
    let hers = world.as_user(&alice);
    let theirs = world.room.as_caller(platform.session("run-1").unwrap());
    for name in RESERVED {
        // By its ARN as by its name.
        let arn = world
            .room
            .iam()
            .explain(world.room.context().clone(), Operation::DescribeSecret, name)
            .await
            .unwrap()
            .secret;
        for way in [name, &arn] {
            for (what, denied) in tries_everything(&hers, way).await {
                // A name that begins as an ARN does not exist.
                assert!(denied || (what == "create" && way == arn), "{what} {way}");
            }
        }
        for (what, denied) in tries_everything(&theirs, name).await {
            assert!(!denied, "{what} {name}");
        }
    }
    for (what, denied) in tries_everything(&hers, "ams-free").await {
        assert!(!denied, "{what}");
    }
    // Nor by way of a list of names.
    let page = hers.get_batch(RESERVED).send().await.unwrap();
    assert_eq!((page.values.len(), page.errors.len()), (0, 2));
    // Readable, where that is wished.
    iam.put_guardrail("reserved", &ReservedNames::new(["ams/*"]).readable().document()).await.unwrap();
    world.room.restore("ams/db").await.unwrap();
    hers.get("ams/db").send().await.unwrap();
    assert!(is_denied(&hers.put("ams/db").text("x").send().await));
    // The account's owner stands above it.
    let owner = Caller::Owner(world.room.realm().account());
    world.room.as_caller(owner).put("ams/db").text("x").send().await.unwrap();
}
