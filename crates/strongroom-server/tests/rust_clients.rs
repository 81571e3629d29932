//! AWS's own clients for Rust: both services of the SDK, and the caching client.

#![cfg(test)]

use std::num::NonZeroUsize;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::DataKeySpec;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use aws_secretsmanager_caching::SecretsManagerCachingClient;
use strongroom_server::{TestServer, test_server};

fn config(server: &TestServer, secret: &str) -> SdkConfig {
    let credentials = Credentials::from_keys(server.access_key_id(), secret, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(server.endpoint_url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn secrets() -> (TestServer, aws_sdk_secretsmanager::Client) {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose());
    (server, aws_sdk_secretsmanager::Client::new(&config))
}

#[tokio::test]
async fn the_life_of_a_secret() {
    let (_server, client) = secrets().await;
    let tag = Tag::builder().key("team").value("orders").build();
    let made =
        client.create_secret().name("rs/db").secret_string("one").tags(tag.clone()).send().await.unwrap();
    let error = client.create_secret().name("rs/db").secret_string("x").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_exists_exception());

    // The same token again is the same version; with another value it is refused.
    let token = "0a1b2c3d-0000-4000-8000-0123456789ab";
    let put = |value: &[u8]| {
        client
            .put_secret_value()
            .secret_id("rs/db")
            .secret_binary(Blob::new(value))
            .client_request_token(token)
    };
    let first = put(&[0, 255]).send().await.unwrap();
    let again = put(&[0, 255]).send().await.unwrap();
    assert_eq!((first.version_id(), again.version_id()), (Some(token), Some(token)));
    let error = put(&[1]).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_exists_exception(), "{error:?}");

    let got = client.get_secret_value().secret_id(made.arn().unwrap()).send().await.unwrap();
    assert_eq!(got.secret_binary().unwrap().as_ref(), [0, 255]);
    assert_eq!((got.version_id(), got.version_stages()), (Some(token), &["AWSCURRENT".to_owned()][..]));
    assert!(got.created_date().unwrap().secs() > 1_700_000_000);
    let old = client.get_secret_value().secret_id("rs/db").version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(old.secret_string(), Some("one"));
    client
        .update_secret_version_stage()
        .secret_id("rs/db")
        .version_stage("AWSCURRENT")
        .remove_from_version_id(token)
        .move_to_version_id(made.version_id().unwrap())
        .send()
        .await
        .unwrap();
    let now = client.get_secret_value().secret_id("rs/db").send().await.unwrap();
    assert_eq!(now.secret_string(), Some("one"));
    let described = client.describe_secret().secret_id("rs/db").send().await.unwrap();
    assert_eq!(described.tags(), [tag]);
    assert_eq!(described.version_ids_to_stages().unwrap()[token], ["AWSPREVIOUS"]);
    let versions = client.list_secret_version_ids().secret_id("rs/db").send().await.unwrap();
    assert_eq!(versions.versions().len(), 2);

    client.delete_secret().secret_id("rs/db").recovery_window_in_days(7).send().await.unwrap();
    let error = client.get_secret_value().secret_id("rs/db").send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_request_exception(), "{error:?}");
    client.restore_secret().secret_id("rs/db").send().await.unwrap();
    client.delete_secret().secret_id("rs/db").force_delete_without_recovery(true).send().await.unwrap();
    let error = client.get_secret_value().secret_id("rs/db").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert_eq!(error.message(), Some("Secrets Manager can't find the specified secret."));
    let error = client.get_secret_value().secret_id("").send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
}

#[tokio::test]
async fn lists_by_filter_and_page() {
    let (_server, client) = secrets().await;
    for n in 0..12 {
        client.create_secret().name(format!("many/{n}")).secret_string("v").send().await.unwrap();
    }
    client.create_secret().name("else").secret_string("v").send().await.unwrap();
    let filter = Filter::builder().key(FilterNameStringType::Name).values("many/").build();
    let mut pages = client.list_secrets().filters(filter.clone()).into_paginator().page_size(5).send();
    let mut sizes = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.secret_list().len());
        names.extend(page.secret_list().iter().map(|secret| secret.name().unwrap().to_owned()));
    }
    assert_eq!((sizes, names.len()), (vec![5, 5, 2], 12));
    let batch = client.batch_get_secret_value().filters(filter).max_results(20).send().await.unwrap();
    assert_eq!(batch.secret_values().len(), 12);
    let batch =
        client.batch_get_secret_value().secret_id_list("else").secret_id_list("none").send().await.unwrap();
    assert_eq!((batch.secret_values().len(), batch.errors().len()), (1, 1));
    assert_eq!(batch.errors()[0].error_code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn keys() {
    let server = test_server().await.unwrap();
    let client = aws_sdk_kms::Client::new(&config(&server, server.secret_access_key().expose()));
    let key = client.create_key().send().await.unwrap().key_metadata.unwrap();
    client.create_alias().alias_name("alias/rs").target_key_id(key.key_id()).send().await.unwrap();
    let plain = Blob::new("plain");
    let sealed = client
        .encrypt()
        .key_id("alias/rs")
        .plaintext(plain.clone())
        .encryption_context("a", "b")
        .send()
        .await;
    let blob = sealed.unwrap().ciphertext_blob.unwrap();
    let opened =
        client.decrypt().ciphertext_blob(blob.clone()).encryption_context("a", "b").send().await.unwrap();
    assert_eq!((opened.plaintext(), opened.key_id()), (Some(&plain), key.arn()));
    let error = client.decrypt().ciphertext_blob(blob.clone()).send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_ciphertext_exception(), "{error:?}");
    let made =
        client.generate_data_key().key_id("alias/rs").key_spec(DataKeySpec::Aes128).send().await.unwrap();
    assert_eq!(made.plaintext().unwrap().as_ref().len(), 16);
    let dry = client.encrypt().key_id("alias/rs").plaintext(plain.clone()).dry_run(true).send().await;
    assert!(dry.unwrap_err().into_service_error().is_dry_run_operation_exception());

    client.disable_key().key_id(key.key_id()).send().await.unwrap();
    let error = client.encrypt().key_id("alias/rs").plaintext(plain.clone()).send().await.unwrap_err();
    assert!(error.into_service_error().is_disabled_exception());
    client.schedule_key_deletion().key_id(key.key_id()).pending_window_in_days(7).send().await.unwrap();
    let error = client.encrypt().key_id("alias/rs").plaintext(plain).send().await.unwrap_err();
    assert!(error.into_service_error().is_kms_invalid_state_exception());
    let error = client.describe_key().key_id("alias/none").send().await.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");

    // Sixty more keys, found again page by page.
    for _ in 0..60 {
        client.create_key().send().await.unwrap();
    }
    let listed = client.list_keys().into_paginator().page_size(25).items().send();
    let listed: Vec<_> = listed.collect::<Result<_, _>>().await.unwrap();
    assert_eq!(listed.len(), 61);
}

#[tokio::test]
async fn a_wrong_secret_access_key() {
    let server = test_server().await.unwrap();
    let config = config(&server, "not that");
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let error = client.list_secrets().send().await.unwrap_err();
    assert!(matches!(error, SdkError::ServiceError(_)));
    assert_eq!(error.code(), Some("InvalidSignatureException"));
}

#[tokio::test]
async fn the_caching_client() {
    let (_server, client) = secrets().await;
    client.create_secret().name("db").secret_string("one").send().await.unwrap();
    let size = NonZeroUsize::new(10).unwrap();
    let cache =
        SecretsManagerCachingClient::new(client.clone(), size, Duration::from_secs(300), false).unwrap();
    let get = async |id: &str, stage: Option<&str>, refresh: bool| {
        cache.get_secret_value(id, None, stage, refresh).await.map(|got| got.secret_string.unwrap())
    };
    assert_eq!(get("db", None, false).await.unwrap(), "one");
    client.put_secret_value().secret_id("db").secret_string("two").send().await.unwrap();
    assert_eq!(get("db", None, false).await.unwrap(), "one", "it is a cache");
    assert_eq!(get("db", None, true).await.unwrap(), "two");
    assert_eq!(get("db", None, false).await.unwrap(), "two");
    assert_eq!(get("db", Some("AWSPREVIOUS"), false).await.unwrap(), "one");
    let ids = Some(vec!["db".to_owned()]);
    let batch = cache.batch_get_secret_value(ids, None, None, None).await.unwrap().unwrap();
    assert_eq!(batch.secret_values()[0].secret_string(), Some("two"));
    let error = get("none", None, false).await.unwrap_err();
    let error = error
        .downcast_ref::<SdkError<aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError>>();
    assert!(error.unwrap().as_service_error().unwrap().is_resource_not_found_exception());
}
