//! The embedded strongroom with AWS KMS beneath it.

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use strongroom::cache::{CachedKms, DataKeyPolicy};
use strongroom::records::SecretRecords;
use strongroom::{KmsRoot, RootKey, Strongroom};
use strongroom_aws::{AwsKms, SecretsManagerStore};
use strongroom_server::test_server;
use strongroom_testkit::FaultyKms;
use support::{config, owner};

/// Data keys are made here; AWS protects the store, and is asked once, at the start.
#[tokio::test(flavor = "multi_thread")]
async fn aws_kms_as_the_root() {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let admin = aws_sdk_kms::Client::new(&config);
    let key = admin.create_key().send().await.unwrap().key_metadata.unwrap();
    let directory = tempfile::tempdir().unwrap();
    // It counts the calls, and passes them on.
    let counted = FaultyKms::new(Arc::new(AwsKms::new(&config)));
    let open = async || {
        let root = KmsRoot::new(Arc::new(counted.clone()), owner(), key.arn().unwrap()).unwrap();
        Strongroom::builder()
            .directory(directory.path())
            .root_key(RootKey::wrapped_by(Arc::new(root)))
            .open()
            .await
    };
    let room = open().await.unwrap();
    for n in 0..20 {
        room.create(format!("s{n}")).text("value").send().await.unwrap();
    }
    drop(room);
    assert_eq!(counted.calls(), ["GenerateDataKey"], "made once, for the store");
    let room = open().await.unwrap();
    assert_eq!(counted.calls(), ["Decrypt"], "one call at start");
    for n in 0..20 {
        assert_eq!(room.get(format!("s{n}")).send().await.unwrap().expose_text().unwrap(), "value");
    }
    assert!(counted.calls().is_empty(), "and none for the secrets");
    drop(room);

    // Without AWS's key it does not open.
    admin.disable_key().key_id(key.key_id()).send().await.unwrap();
    let error = open().await.unwrap_err();
    assert!(
        error.to_string().contains("DisabledException") || error.to_string().contains("disabled"),
        "{error}"
    );
}

/// Secrets here, each under a key that AWS keeps.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_under_keys_of_aws() {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let admin = aws_sdk_kms::Client::new(&config);
    let key = admin.create_key().send().await.unwrap().key_metadata.unwrap();
    let room = Strongroom::builder()
        .memory()
        .root_key(RootKey::from_bytes([1; 32]))
        .kms(Arc::new(AwsKms::new(&config)))
        .open()
        .await
        .unwrap();
    room.create("db").text("one").key(key.key_id()).send().await.unwrap();
    room.put("db").text("two").send().await.unwrap();
    assert_eq!(room.get("db").send().await.unwrap().expose_text().unwrap(), "two");
    let error = room.create("managed").text("x").send().await.unwrap_err();
    assert!(error.message().contains("name a customer key"), "{error}");
    admin.disable_key().key_id(key.key_id()).send().await.unwrap();
    let error = room.get("db").send().await.unwrap_err();
    assert_eq!(error.code(), "DecryptionFailure", "{error}");
}

/// Sixteen who read one secret at once, under a key that AWS keeps: AWS is asked once where data keys are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_asks_aws_once() {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let admin = aws_sdk_kms::Client::new(&config);
    let key = admin.create_key().send().await.unwrap().key_metadata.unwrap();
    let counted = FaultyKms::new(Arc::new(AwsKms::new(&config)));
    let policy = DataKeyPolicy::new(Duration::from_secs(300));
    let kms = CachedKms::new(Arc::new(counted.clone()), policy).unwrap();
    let builder = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32]));
    let room = builder.kms(Arc::new(kms)).open().await.unwrap();
    room.create("db").text("value").key(key.key_id()).send().await.unwrap();
    let _ = counted.calls();
    let barrier = Arc::new(tokio::sync::Barrier::new(16));
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let (room, barrier) = (room.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                room.get("db").send().await.unwrap().expose_text().unwrap().to_owned()
            })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), "value");
    }
    assert_eq!(counted.calls(), ["Decrypt"]);
}

/// Keys that are made here and kept by AWS, as one secret: two programs without a disk share them.
#[tokio::test(flavor = "multi_thread")]
async fn aws_secrets_manager_keeps_the_keys() {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let open = async || {
        let store = Arc::new(SecretsManagerStore::new(&config));
        let records = SecretRecords::new(store, owner(), "strongroom/keys").unwrap();
        let builder = Strongroom::builder().records(Arc::new(records));
        builder.root_key(RootKey::from_bytes([2; 32])).open().await.unwrap()
    };
    let (one, other) = (open().await, open().await);
    one.keys().create("alias/orders", "").await.unwrap();
    let none = strongroom::EncryptionContext::new();
    let ciphertext = other.keys().encrypt("alias/orders", b"s3cret", &none).await.unwrap();
    assert_eq!(one.keys().decrypt(&ciphertext, &none).await.unwrap().plaintext.expose(), b"s3cret");
    assert!(one.verify().await.unwrap().problems.is_empty());
}
