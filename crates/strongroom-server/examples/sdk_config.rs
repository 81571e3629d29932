//! AWS's SDK for Rust against a local server:
//! `cargo run -p strongroom-server --example sdk_config`.
//!
//! Tests need only `sdk_config`; the rest of the program is the same as against AWS.

#![allow(clippy::print_stdout, reason = "an example prints its output")]

use std::error::Error;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use strongroom_server::{TestServer, test_server};

/// The configuration from which to create the SDK's clients.
fn sdk_config(server: &TestServer) -> SdkConfig {
    let secret = server.secret_access_key().expose();
    let credentials = Credentials::from_keys(server.access_key_id(), secret, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(server.endpoint_url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = test_server().await?;
    let config = sdk_config(&server);

    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let created = secrets.create_secret().name("prod/db").secret_string("hunter2").send().await?;
    println!("created   {}", created.arn().unwrap_or_default());
    secrets.put_secret_value().secret_id("prod/db").secret_string("correct horse").send().await?;
    let got = secrets.get_secret_value().secret_id("prod/db").version_stage("AWSPREVIOUS").send().await?;
    println!("previous  {} bytes", got.secret_string().unwrap_or_default().len());

    let keys = aws_sdk_kms::Client::new(&config);
    let key = keys.create_key().description("orders").send().await?.key_metadata.ok_or("no key")?;
    let encrypted = keys.encrypt().key_id(key.key_id()).plaintext(b"a card number"[..].into()).send().await?;
    println!("encrypted under {}", encrypted.key_id().unwrap_or_default());
    let decrypted =
        keys.decrypt().ciphertext_blob(encrypted.ciphertext_blob.ok_or("no ciphertext")?).send().await?;
    assert_eq!(decrypted.plaintext.ok_or("no plaintext")?.as_ref(), b"a card number");
    println!("decrypted");
    Ok(())
}
