//! Finding secrets, reading many, making passwords, policies, services: the facade of each, async and blocking.

#![cfg(test)]

use strongroom::{FilterKey, RootKey, SecretErrorKind, SortBy, SortOrder, Strongroom};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#;

async fn room() -> Strongroom {
    let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])).open().await.unwrap();
    for (name, team) in [("prod/db", "orders"), ("prod/api", "orders"), ("test/db", "payments")] {
        room.create(name).description("One and two").tag("team", team).text(name).send().await.unwrap();
    }
    room
}

#[tokio::test]
async fn secrets_are_found_by_filters() {
    let room = room().await;
    let found = room
        .list()
        .name_prefix("prod/")
        .filter(FilterKey::TagValue, ["orders", "payments"])
        .sort(SortBy::Name, SortOrder::Ascending)
        .all()
        .await
        .unwrap();
    let names: Vec<_> = found.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["prod/api", "prod/db"]);
    let page = room.list().filter(FilterKey::Description, ["!two"]).send().await.unwrap();
    assert!(page.secrets.is_empty());
}

#[tokio::test]
async fn many_values_are_read_at_once() {
    let room = room().await;
    let page = room.get_batch(["prod/db", "nobody"]).send().await.unwrap();
    assert_eq!(page.values[0].expose_text().unwrap(), "prod/db");
    assert_eq!(page.errors[0].id.as_str(), "nobody");
    assert_eq!(page.errors[0].error.kind(), SecretErrorKind::NotFound);
    let page =
        room.get_matching(FilterKey::TagValue, ["orders"]).filter(FilterKey::Name, ["prod"]).send().await;
    assert_eq!(page.unwrap().values.len(), 2);
    let first = room.get_matching(FilterKey::Name, ["prod"]).max_results(1).send().await.unwrap();
    let token = first.next_token.unwrap();
    let rest = room.get_matching(FilterKey::Name, ["prod"]).next_token(token).send().await.unwrap();
    assert_eq!((first.values.len(), rest.values.len()), (1, 1));
    let all = room.get_matching(FilterKey::Name, ["prod", "test"]).max_results(1).all().await.unwrap();
    assert_eq!(all.values.len(), 3);
}

#[tokio::test]
async fn a_random_password_is_made_and_kept_without_leaving_secret_memory() {
    let room = room().await;
    let password =
        room.random_password().length(40).exclude_punctuation().include_space().send().await.unwrap();
    assert_eq!(password.expose().len(), 40);
    let copy = password.duplicate();
    room.put("prod/db").text(password).send().await.unwrap();
    assert_eq!(room.get("prod/db").send().await.unwrap().expose_text().unwrap(), copy.expose());
    let digits =
        room.random_password().length(4).exclude_lowercase().exclude_uppercase().exclude_punctuation();
    let digits = digits.exclude_characters("0").any_types().send().await.unwrap();
    assert!(digits.expose().chars().all(|c| ('1'..='9').contains(&c)));
    let nothing = room.random_password().exclude_numbers().length(0).send().await.unwrap_err();
    assert!(nothing.to_string().contains("passwordLength"), "{nothing}");
}

#[tokio::test]
async fn policies_are_put_read_checked_and_taken_away() {
    let room = room().await;
    assert_eq!(room.policy("prod/db").get().await.unwrap(), None);
    room.policy("prod/db").put(POLICY).send().await.unwrap();
    assert_eq!(room.policy("prod/db").get().await.unwrap().as_deref(), Some(POLICY));
    let blocked = room.policy("prod/db").put(POLICY).block_public_policy().send().await.unwrap_err();
    assert!(blocked.to_string().contains("broad access"), "{blocked}");
    assert!(!room.validate_policy(POLICY).secret("prod/db").send().await.unwrap().passed);
    room.policy("prod/db").delete().await.unwrap();
    assert_eq!(room.policy("prod/db").get().await.unwrap(), None);
}

#[tokio::test]
async fn a_service_manages_its_secrets() {
    let room = room().await;
    let rds = room.for_service("rds").unwrap();
    rds.create("rds!db").text("1").send().await.unwrap();
    assert_eq!(room.get("rds!db").send().await.unwrap().expose_text().unwrap(), "1");
    assert_eq!(room.describe("rds!db").await.unwrap().owning_service.as_deref(), Some("rds"));
    let refused = room.put("rds!db").text("2").send().await.unwrap_err();
    assert!(refused.to_string().contains("managed by a service"), "{refused}");
    rds.put("rds!db").text("2").send().await.unwrap();
    room.for_service("Not A Service").unwrap_err();
}

#[tokio::test]
async fn reads_are_dated_by_the_day() {
    let room = room().await;
    assert_eq!(room.describe("prod/db").await.unwrap().last_accessed, None);
    room.get("prod/db").send().await.unwrap();
    assert!(room.describe("prod/db").await.unwrap().last_accessed.is_some());
    let versions = room.versions("prod/db").all().await.unwrap();
    assert!(versions[0].last_accessed.is_some());
}

#[tokio::test]
async fn what_a_key_is_used_for_is_listed_and_moved_to_its_newest_material() {
    let room = room().await;
    room.keys().create("alias/orders", "for the orders team").await.unwrap();
    for n in 0..3 {
        room.create(format!("orders/{n}")).key("alias/orders").text("v").send().await.unwrap();
    }
    assert_eq!(room.keys().uses("alias/orders").await.unwrap().len(), 3);
    room.keys().rotate("alias/orders").await.unwrap();
    let mut told = Vec::new();
    let done = room
        .keys()
        .rewrap("alias/orders", |progress| told.push((progress.done, progress.total)))
        .await
        .unwrap();
    assert_eq!((done.done, told), (3, vec![(1, 3), (2, 3), (3, 3)]));
    assert_eq!(room.get("orders/1").send().await.unwrap().expose_text().unwrap(), "v");
    // The managed key too.
    assert_eq!(room.keys().uses("alias/aws/secretsmanager").await.unwrap().len(), 3);
    assert!(room.keys().uses("alias/nobody").await.is_err());
}

#[cfg(feature = "blocking")]
#[test]
fn the_same_without_async() {
    let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32]));
    let room = strongroom::blocking::Strongroom::open(builder).unwrap();
    let password = room.random_password().length(20).send().unwrap();
    room.create("prod/db").text(password).tag("team", "orders").send().unwrap();
    assert_eq!(room.get_batch(["prod/db"]).send().unwrap().values.len(), 1);
    assert_eq!(room.get_matching(FilterKey::TagKey, ["team"]).all().unwrap().values.len(), 1);
    assert_eq!(room.list().name_prefix("prod").all().unwrap().len(), 1);
    room.policy("prod/db").put(POLICY).send().unwrap();
    assert!(room.policy("prod/db").get().unwrap().is_some());
    assert!(!room.validate_policy(POLICY).send().unwrap().passed);
    room.policy("prod/db").delete().unwrap();
    room.for_service("rds").unwrap().create("rds!x").send().unwrap();
}

/// The date of a read is handed over to the storage, not waited for: also while another process keeps the writer's lock.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_read_does_not_wait_until_its_date_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let open = || async {
        let builder =
            Strongroom::builder().directory(directory.path()).root_key(RootKey::from_bytes([7; 32]));
        builder.open().await.unwrap()
    };
    let room = open().await;
    room.create("prod/db").text("s3cret").send().await.unwrap();
    let other = rusqlite::Connection::open(directory.path().join("records.sqlite3")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // SQLite is given ten seconds to wait for the lock.
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), room.get("prod/db").send()).await;
    assert_eq!(read.expect("at once").unwrap().expose_text().unwrap(), "s3cret");
    assert!(room.describe("prod/db").await.unwrap().last_accessed.is_some(), "known here already");
    other.execute_batch("COMMIT").unwrap();
    // The last handle waits until what was handed over is written.
    drop(room);
    assert!(open().await.describe("prod/db").await.unwrap().last_accessed.is_some());
}
