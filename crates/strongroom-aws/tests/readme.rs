//! The example of the README, with four builders: in memory, on SQLite, on our server and on an emulator of AWS.

#![cfg(test)]

#[path = "support/moto.rs"]
mod emulator;
mod support;

use emulator::Moto;
use serde::Deserialize;
use strongroom::{RootKey, SecretText, Stage, Strongroom};
use strongroom_server::test_server;

type Anything = Box<dyn std::error::Error>;

#[derive(Debug, Deserialize)]
struct Credentials {
    username: String,
    password: SecretText,
}

fn log_in(username: &str, password: &str) {
    assert_eq!((username, password), ("app", "s3cret"));
}

#[rustfmt::skip]
async fn example(room: Strongroom) -> Result<(), Anything> {
    room.create("prod/db").description("orders database").tag("team", "orders")
        .text(r#"{"username": "app", "password": "s3cret"}"#)   // or .json(&..), .binary(..)
        .send().await?;

    let creds: Credentials = room.get("prod/db").send().await?.into_json()?;
    log_in(&creds.username, creds.password.expose());
    let password = room.get("prod/db").send().await?.field("password")?;   // one field of a JSON secret
    assert_eq!(password, creds.password);

    room.put("prod/db").text("new value").send().await?;
    let old = room.get("prod/db").stage(Stage::PREVIOUS).send().await?;
    assert!(old.expose_text()?.contains("s3cret"));

    room.rollback("prod/db").await?;            // AWSCURRENT and AWSPREVIOUS change places
    room.delete("prod/db").send().await?;       // unreadable now, gone in thirty days ...
    room.restore("prod/db").await?;             // ... or not
    Ok(())
}

/// What stands between the builder and the end, here and there.
fn body(source: &str) -> &str {
    let begin = source.find("    room.create(\"prod/db\").description").unwrap();
    let end = begin + source[begin..].find("    Ok(())\n").unwrap();
    &source[begin..end]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_runs_anywhere() {
    let readme = include_str!("../../../README.md");
    assert_eq!(body(readme), body(include_str!("readme.rs")), "the program is the README's, to the letter");

    let memory = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    example(memory).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let root = RootKey::file_or_create(directory.path().join("app.key")).unwrap();
    let builder = Strongroom::builder().directory(directory.path().join("app.strongroom"));
    example(builder.root_key(root).open().await.unwrap()).await.unwrap();

    let server = test_server().await.unwrap();
    let aws = Strongroom::aws().region("us-east-1").endpoint(server.endpoint_url());
    let aws = aws.credentials(server.access_key_id(), server.secret_access_key().expose().to_owned());
    example(aws.send().await.unwrap()).await.unwrap();

    let moto = Moto::start().await;
    let aws =
        Strongroom::aws().region("us-east-1").endpoint(&moto.url).credentials("test", "test".to_owned());
    example(aws.send().await.unwrap()).await.unwrap();
}
