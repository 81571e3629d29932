//! The owner's access keys: where they come from, and how they go.

use std::time::Duration;

use strongroom_envelope::SecretText;
use strongroom_iam::AccessKeyOrigin;

use super::*;

fn text(text: &str) -> SecretText {
    SecretText::copy_from(text)
}

fn given(id: &str, secret: &str) -> Option<(String, SecretText)> {
    Some((id.to_owned(), text(secret)))
}

const FIRST: &str = "AKIAEXAMPLE000001";
const SECOND: &str = "AKIAEXAMPLE000002";

impl World {
    async fn is_let_in(&self, id: &str) -> bool {
        self.iam.credentials(id).await.unwrap().is_some()
    }

    async fn listed(&self) -> Vec<(String, Option<AccessKeyOrigin>)> {
        let keys = self.iam.owner_access_keys().list(&self.cx).await.unwrap();
        keys.into_iter().map(|key| (key.id, key.origin)).collect()
    }
}

#[test]
fn a_key_that_is_given_stands_for_the_owner_and_for_nobody_else() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let alice = world.user("alice").await;
        let hers = iam.access_keys().create(cx, "alice").await.unwrap();
        let put = async |given| iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given).await;
        put(given(FIRST, "secret")).await.unwrap();
        put(given(FIRST, "secret")).await.unwrap();
        let found = iam.credentials(FIRST).await.unwrap().unwrap();
        assert!(found.context.caller().is_owner_of(world.realm.account()));
        let refused = put(given(&hers.id, hers.secret.expose())).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        for (id, secret) in [("short", "secret"), ("AKIAEXAMPLE00000/", "secret"), (SECOND, "")] {
            assert_eq!(put(given(id, secret)).await.unwrap_err().kind(), ErrorKind::Validation, "{id}");
        }
        let made = iam.owner_access_keys().put(cx, AccessKeyOrigin::Api, None).await.unwrap();
        let another = given(&made.id, "another");
        assert_eq!(put(another).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        for refused in [
            iam.owner_access_keys().put(&context(&alice), AccessKeyOrigin::Api, None).await.unwrap_err(),
            iam.owner_access_keys().list(&context(&alice)).await.unwrap_err(),
            iam.owner_access_keys().delete(&context(&alice), FIRST).await.unwrap_err(),
            iam.owner_access_keys().rotate(&context(&alice), FIRST, None).await.unwrap_err(),
            iam.owner_access_keys().set_active(&context(&alice), FIRST, false).await.unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::AccessDenied);
        }
        // The operations on the owner's keys do not reach users' keys.
        let gone = iam.owner_access_keys().delete(cx, &hers.id).await.unwrap_err();
        assert_eq!(gone.message(), format!("The Access Key with id {} cannot be found.", hers.id));
        assert!(iam.verify(cx).await.unwrap().problems.is_empty());
    });
}

#[test]
fn a_key_given_by_environment_replaces_the_earlier_one_given_so() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let server = iam.owner_access_keys().put(cx, AccessKeyOrigin::Server, None).await.unwrap();
        let api = iam.owner_access_keys().put(cx, AccessKeyOrigin::Api, None).await.unwrap();
        for (id, secret) in [(FIRST, "one"), (SECOND, "two"), (SECOND, "three")] {
            iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given(id, secret)).await.unwrap();
            let found = iam.credentials(id).await.unwrap().unwrap();
            assert_eq!(found.secret.expose(), secret.as_bytes());
        }
        assert!(!world.is_let_in(FIRST).await);
        assert!(world.is_let_in(&server.id).await && world.is_let_in(&api.id).await);
        // The same for the one that a server makes.
        let next = iam.owner_access_keys().put(cx, AccessKeyOrigin::Server, None).await.unwrap();
        assert!(!world.is_let_in(&server.id).await && world.is_let_in(&next.id).await);
        let mut listed = world.listed().await;
        listed.sort();
        let mut expected = [
            (next.id, Some(AccessKeyOrigin::Server)),
            (api.id, Some(AccessKeyOrigin::Api)),
            (SECOND.to_owned(), Some(AccessKeyOrigin::Environment)),
        ];
        expected.sort();
        assert_eq!(listed, expected);
    });
}

#[test]
fn of_two_processes_that_give_different_keys_at_once_one_prevails() {
    run(async {
        for _ in 0..20 {
            let world = world().await;
            let World { iam, other, cx, .. } = &world;
            std::thread::scope(|scope| {
                for (directory, id) in [(iam, FIRST), (other, SECOND)] {
                    scope.spawn(move || {
                        let put = directory.owner_access_keys().put(
                            cx,
                            AccessKeyOrigin::Environment,
                            given(id, "s"),
                        );
                        pollster::block_on(put).unwrap();
                    });
                }
            });
            assert_eq!(world.listed().await.len(), 1);
        }
    });
}

#[test]
fn a_revoked_key_stops_working_at_once_here_and_soon_elsewhere() {
    run(async {
        let world = world().await;
        let World { iam, other, cx, .. } = &world;
        iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given(FIRST, "secret")).await.unwrap();
        let known = async || other.credentials(FIRST).await.unwrap().is_some();
        assert!(world.is_let_in(FIRST).await && known().await);
        iam.owner_access_keys().set_active(cx, FIRST, false).await.unwrap();
        assert!(!world.is_let_in(FIRST).await);
        assert!(
            !iam.owner_access_keys()
                .keep(cx, AccessKeyOrigin::Environment, FIRST, &text("secret"))
                .await
                .unwrap()
        );
        assert!(!iam.owner_access_keys().list(cx).await.unwrap()[0].active);
        iam.owner_access_keys().set_active(cx, FIRST, true).await.unwrap();
        assert!(world.is_let_in(FIRST).await && known().await);
        assert!(
            iam.owner_access_keys()
                .keep(cx, AccessKeyOrigin::Environment, FIRST, &text("secret"))
                .await
                .unwrap()
        );
        assert!(
            !iam.owner_access_keys()
                .keep(cx, AccessKeyOrigin::Environment, FIRST, &text("another"))
                .await
                .unwrap()
        );
        iam.owner_access_keys().delete(cx, FIRST).await.unwrap();
        assert!(!world.is_let_in(FIRST).await);
        std::thread::sleep(Duration::from_millis(110));
        assert!(!known().await);
        // The last one may go, and a new one come.
        assert_eq!(world.listed().await, []);
        assert!(
            !iam.owner_access_keys()
                .keep(cx, AccessKeyOrigin::Environment, FIRST, &text("secret"))
                .await
                .unwrap()
        );
        let fresh = iam.owner_access_keys().put(cx, AccessKeyOrigin::Server, None).await.unwrap();
        assert!(world.is_let_in(&fresh.id).await);
        assert_eq!(
            iam.owner_access_keys().delete(cx, FIRST).await.unwrap_err().kind(),
            ErrorKind::NoSuchEntity
        );
    });
}

#[test]
fn a_key_that_is_rotated_gives_way_to_one_of_the_same_origin() {
    run(async {
        let world = world().await;
        let World { iam, cx, .. } = &world;
        let old = iam.owner_access_keys().put(cx, AccessKeyOrigin::Server, None).await.unwrap();
        let api = iam.owner_access_keys().put(cx, AccessKeyOrigin::Api, None).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        let new = iam.owner_access_keys().rotate(cx, &old.id, None).await.unwrap();
        assert!(!world.is_let_in(&old.id).await && world.is_let_in(&new.id).await);
        assert_eq!(
            world.listed().await,
            [(api.id.clone(), Some(AccessKeyOrigin::Api)), (new.id.clone(), Some(AccessKeyOrigin::Server))]
        );
        iam.owner_access_keys().put(cx, AccessKeyOrigin::Api, None).await.unwrap();
        let third = iam.owner_access_keys().put(cx, AccessKeyOrigin::Api, None).await.unwrap_err();
        assert_eq!(third.message(), "Cannot exceed quota for AccessKeysPerUser: 2");
        assert_eq!(
            iam.owner_access_keys().rotate(cx, &old.id, None).await.unwrap_err().kind(),
            ErrorKind::NoSuchEntity
        );
    });
}

#[test]
fn a_key_of_an_earlier_version_has_no_origin_until_it_is_given_again() {
    run(async {
        let world = world().await;
        let World { iam, cx, records, realm, .. } = &world;
        iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given(FIRST, "secret")).await.unwrap();
        // As it was written before keys had an origin, and before their changes were counted.
        let directory = Key::realm(realm).then("iam").then(realm.account().as_str());
        let mut batch = records.batch();
        let old = format!(r#"{{"id":"{FIRST}","created":1700000000000}}"#);
        batch.put(&directory.clone().then("access-key").then(FIRST), old.as_bytes(), Expect::Any);
        batch.delete(&directory.then("owner-keys"), Expect::Any);
        records.commit(batch).await.unwrap();
        assert_eq!(world.listed().await, [(FIRST.to_owned(), None)]);
        assert!(world.is_let_in(FIRST).await);
        // Another key does not replace it, because its origin is unknown.
        iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given(SECOND, "two")).await.unwrap();
        assert!(world.is_let_in(FIRST).await);
        iam.owner_access_keys().put(cx, AccessKeyOrigin::Environment, given(FIRST, "secret")).await.unwrap();
        assert_eq!(world.listed().await, [(FIRST.to_owned(), Some(AccessKeyOrigin::Environment))]);
        let told = iam.owner_access_keys().list(cx).await.unwrap();
        assert_eq!(told[0].created.as_millis(), 1_700_000_000_000);
    });
}
