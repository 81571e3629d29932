//! What is encrypted under which generation of a key, and moving it to the newest.

use strongroom_engine::KeyUse;
use strongroom_kms::KeyRef;
use strongroom_store::UpdateSecretVersionStage;

use super::*;

impl World {
    async fn uses(&self, key: &KeyRef, material: Option<&str>) -> Vec<KeyUse> {
        let (mut uses, mut token) = (Vec::new(), None);
        loop {
            let page = self.engine.key_uses(&self.cx, key, material, token.as_deref()).await.unwrap();
            uses.extend(page.uses);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return uses,
            }
        }
    }

    async fn rotate(&self, key: &KeyRef) -> String {
        self.kms.rotate_key_on_demand(&self.cx, key).await.unwrap();
        let request = strongroom_kms::DescribeKey::new(key);
        let described = strongroom_kms::Kms::describe_key(&self.kms, &self.cx, request).await.unwrap();
        described.current_key_material_id.unwrap()
    }
}

#[tokio::test]
async fn every_version_under_a_key_is_listed_labelled_or_not() {
    let world = World::with_secret().await;
    let key = KeyRef::from(world.key().await);
    world.create(CreateSecret::new("other").kms_key_id(key.to_string()).value(text("v"))).await.unwrap();
    assert_eq!(world.uses(&key, None).await.len(), 1);
    let update = strongroom_store::UpdateSecret::new("s").kms_key_id(key.to_string());
    world.engine.update_secret(&world.cx, update).await.unwrap();
    for n in 2..=4 {
        world.put(n, "v").await;
    }
    let names: Vec<_> = world.uses(&key, None).await.into_iter().map(|used| used.name).collect();
    assert_eq!(names, ["other", "s", "s", "s", "s"]);
    let generation = world.uses(&key, None).await[0].key_material_id.clone().unwrap();
    assert_eq!(world.uses(&key, Some(&generation)).await.len(), 5);
    let second = world.rotate(&key).await;
    assert!(world.uses(&key, Some(&second)).await.is_empty());
    world.put(5, "v").await;
    assert_eq!(world.uses(&key, Some(&second)).await.len(), 1);
    world.engine.delete_secret(&world.cx, DeleteSecret::new("s").force()).await.unwrap();
    assert_eq!(world.uses(&key, None).await.len(), 1, "what is gone uses nothing");
}

#[tokio::test]
async fn rewrap_moves_all_to_the_newest_generation_and_changes_nothing_else() {
    let world = World::new().await;
    let key = KeyRef::from(world.key().await);
    for n in 0..130 {
        let request = CreateSecret::new(format!("many/{n:03}")).kms_key_id(key.to_string());
        world.create(request.value(text(&n.to_string()))).await.unwrap();
    }
    world
        .create(CreateSecret::new("s").kms_key_id(key.to_string()).value(text("1")).token(token(1)))
        .await
        .unwrap();
    world.put(2, "2").await;
    let stage = UpdateSecretVersionStage::new("s", "mine").move_to(token(1));
    world.engine.update_secret_version_stage(&world.cx, stage).await.unwrap();
    // A version that stays under the key while the secret has another.
    let update = strongroom_store::UpdateSecret::new("many/000").kms_key_id("");
    world.engine.update_secret(&world.cx, update).await.unwrap();
    let before = world.describe("s").await.unwrap();
    let newest = world.rotate(&key).await;
    let mut told = Vec::new();
    let done = world.engine.rewrap(&world.cx, &key, |progress| told.push(progress.done)).await.unwrap();
    assert_eq!((done.done, done.total), (131, 131));
    assert_eq!(told, (1..=131).collect::<Vec<_>>());
    let uses = world.uses(&key, None).await;
    assert!(uses.len() == 131 && uses.iter().all(|used| used.key_material_id.as_deref() == Some(&newest)));
    let after = world.describe("s").await.unwrap();
    assert_eq!((after.versions, after.created), (before.versions, before.created));
    assert_eq!(world.get(GetSecretValue::new("s").stage("mine")).await.unwrap(), "1");
    assert_eq!(world.get(GetSecretValue::new("many/077")).await.unwrap(), "77");
    let again = world.engine.rewrap(&world.cx, &key, |_| {}).await.unwrap();
    assert_eq!((again.done, again.total), (0, 0), "nothing is left to do");
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn rewrap_goes_on_where_it_stopped() {
    let world = World::new().await;
    let key = KeyRef::from(world.key().await);
    for n in 0..20 {
        let request = CreateSecret::new(format!("n/{n}")).kms_key_id(key.to_string()).value(text("v"));
        world.create(request).await.unwrap();
    }
    world.rotate(&key).await;
    // Each version takes a Decrypt and a GenerateDataKey; the eleventh call fails.
    let plan = (0..10).map(|_| None).chain([Some(strongroom_kms::ErrorKind::Throttled)]);
    world.faults.plan(plan);
    let stopped = world.engine.rewrap(&world.cx, &key, |_| {}).await;
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Throttled);
    let other = world.another().await;
    let rest = other.engine.rewrap(&other.cx, &key, |_| {}).await.unwrap();
    assert_eq!((rest.done, rest.total), (15, 15), "five were done before");
}

#[tokio::test]
async fn writers_and_rewrap_do_not_lose_each_others_work() {
    let world = World::with_secret().await;
    let key = KeyRef::from(world.key().await);
    let update = strongroom_store::UpdateSecret::new("s").kms_key_id(key.to_string());
    world.engine.update_secret(&world.cx, update).await.unwrap();
    let other = world.another().await;
    for round in 0..20 {
        world.rotate(&key).await;
        std::thread::scope(|scope| {
            scope.spawn(|| pollster::block_on(other.engine.rewrap(&other.cx, &key, |_| {})).unwrap());
            pollster::block_on(world.put(round + 2, &format!("v{round}")));
        });
        assert_eq!(world.current().await.unwrap(), format!("v{round}"));
    }
    assert_eq!(world.get(GetSecretValue::new("s").version_id(token(1))).await.unwrap(), "1");
    assert!(world.engine.verify(&world.cx).await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn tokens_of_pages_are_bound_to_the_key_and_its_generation() {
    let world = World::new().await;
    let (key, other) = (KeyRef::from(world.key().await), KeyRef::from(world.key().await));
    for n in 0..101 {
        let request = CreateSecret::new(format!("n/{n}")).kms_key_id(key.to_string()).value(text("v"));
        world.create(request).await.unwrap();
    }
    let first = world.engine.key_uses(&world.cx, &key, None, None).await.unwrap();
    let token = first.next_token.unwrap();
    assert_eq!(world.engine.key_uses(&world.cx, &key, None, Some(&token)).await.unwrap().uses.len(), 1);
    for (key, material) in [(&other, None), (&key, Some("x"))] {
        let wrong = world.engine.key_uses(&world.cx, key, material, Some(&token)).await;
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidNextToken);
    }
}
