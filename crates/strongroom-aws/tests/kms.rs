//! The adapter through real HTTP, against our own server.

#![cfg(test)]

mod support;

use std::sync::Arc;

use strongroom_aws::AwsKms;
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    DataKeySpec, Decrypt, DescribeKey, Encrypt, ErrorKind, GenerateDataKey, GenerateMac, GenerateRandom,
    KeyManager, KeyRef, KeySpec, KeyState, Kms, MacAlgorithm, ReEncrypt, VerifyMac,
};
use strongroom_server::{TestServer, test_server};
use strongroom_testkit::kms;
use strongroom_types::{CallContext, Caller, Retry};
use support::{config, owner};

/// A server, the adapter over it, and two keys.
struct World {
    server: TestServer,
    kms: AwsKms,
    cx: CallContext,
    admin: aws_sdk_kms::Client,
    key: KeyRef,
    other: KeyRef,
}

async fn world() -> World {
    let server = test_server().await.unwrap();
    let config = config(&server, server.secret_access_key().expose(), "us-east-1");
    let admin = aws_sdk_kms::Client::new(&config);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = admin.create_key().send().await.unwrap().key_metadata.unwrap();
        keys.push(KeyRef::parse(key.arn().unwrap()).unwrap());
    }
    let [key, other] = keys.try_into().unwrap();
    World { kms: AwsKms::new(&config), server, cx: owner(), admin, key, other }
}

fn context(value: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("tenant", value)]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let world = world().await;
    world
        .admin
        .create_alias()
        .alias_name("alias/conformance")
        .target_key_id(world.key.to_string())
        .send()
        .await
        .unwrap();
    let alias = KeyRef::parse("alias/conformance").unwrap();
    for key in [world.key.clone(), alias] {
        kms::conformance(async || kms::Fixture {
            kms: Arc::new(world.kms.clone()),
            cx: world.cx.clone(),
            key: key.clone(),
            other: world.other.clone(),
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_asked_of_it_arrives() {
    let World { server: _server, kms, cx, admin, key, other } = world().await;
    // Options: lengths, a dry run, the material's id.
    for (spec, length) in
        [(DataKeySpec::Aes128, 16), (DataKeySpec::Bytes(1), 1), (DataKeySpec::Bytes(1024), 1024)]
    {
        let pair = kms
            .generate_data_key(&cx, GenerateDataKey::new(&key).context(&context("a")).spec(spec))
            .await
            .unwrap();
        assert_eq!((pair.plaintext.len(), pair.key_material_id.is_some()), (length, true));
        let wrapped = kms
            .generate_data_key_without_plaintext(
                &cx,
                GenerateDataKey::new(&key).context(&context("a")).spec(spec),
            )
            .await
            .unwrap();
        let opened =
            kms.decrypt(&cx, Decrypt::new(&wrapped.ciphertext).context(&context("a"))).await.unwrap();
        assert_eq!(opened.plaintext.len(), length);
    }
    let dry = kms.encrypt(&cx, Encrypt::new(&key, b"x").context(&context("a")).dry_run()).await.unwrap_err();
    assert_eq!(dry.kind(), ErrorKind::DryRun);
    let sealed = kms.encrypt(&cx, Encrypt::new(&key, b"x").context(&context("a"))).await.unwrap();
    let moved = kms
        .re_encrypt(
            &cx,
            ReEncrypt::new(&sealed.ciphertext, &other)
                .source_context(&context("a"))
                .context(&context("b"))
                .source_key(&key),
        )
        .await
        .unwrap();
    assert_eq!(
        (moved.source_key_arn.as_str(), moved.key_arn.as_str()),
        (&*key.to_string(), &*other.to_string())
    );
    assert_eq!(kms.generate_random(&cx, GenerateRandom::new(7)).await.unwrap().len(), 7);

    // HMAC keys.
    let mac_key =
        admin.create_key().key_usage("GENERATE_VERIFY_MAC".into()).key_spec("HMAC_256".into()).send().await;
    let mac_key = KeyRef::parse(mac_key.unwrap().key_metadata.unwrap().key_id()).unwrap();
    let algorithm = MacAlgorithm::HmacSha256;
    let mac = kms.generate_mac(&cx, GenerateMac::new(&mac_key, b"message", algorithm)).await.unwrap();
    kms.verify_mac(&cx, VerifyMac::new(&mac_key, b"message", &mac.mac, algorithm)).await.unwrap();
    let wrong = kms.verify_mac(&cx, VerifyMac::new(&mac_key, b"another", &mac.mac, algorithm)).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidMac);

    // What is told of keys.
    let told = kms.describe_key(&cx, DescribeKey::new(&mac_key)).await.unwrap();
    assert_eq!(
        (told.spec, told.state, told.manager),
        (KeySpec::Hmac256, KeyState::Enabled, KeyManager::Customer)
    );
    admin.disable_key().key_id(key.to_string()).send().await.unwrap();
    let told = kms.describe_key(&cx, DescribeKey::new(&key)).await.unwrap();
    assert_eq!((told.state, told.current_key_material_id.is_some()), (KeyState::Disabled, true));
    let error = kms.decrypt(&cx, Decrypt::new(&sealed.ciphertext).context(&context("a"))).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Disabled, Some("Decrypt")));
    assert!(error.to_string().contains("request: "), "{error}");
}

#[tokio::test]
async fn for_its_own_credentials_and_its_own_keys() {
    let World { server, kms, cx, key, other, admin: _ } = world().await;
    // Another caller is refused before AWS is asked.
    let user = strongroom_types::Arn::parse("arn:aws:iam::000000000000:user/alice").unwrap();
    let alice = CallContext::new(Caller::Principal(user));
    let error = kms.generate_random(&alice, GenerateRandom::new(1)).await.unwrap_err();
    assert!(error.kind() == ErrorKind::AccessDenied && error.to_string().contains("alice"), "{error}");
    let managed = KeyRef::parse("alias/aws/secretsmanager").unwrap();
    let error = kms.encrypt(&cx, Encrypt::new(&managed, b"x").context(&context("a"))).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::AccessDenied && error.message().contains("customer managed key"),
        "{error}"
    );
    assert!(kms.describe_key(&cx, DescribeKey::new(&managed)).await.is_ok(), "it may be looked at");

    // Keys that are not allowed, by an alias and by what the ciphertext says.
    let sealed = kms.encrypt(&cx, Encrypt::new(&key, b"x").context(&context("a"))).await.unwrap();
    let strict = kms.clone().only([other.clone()]);
    let error =
        strict.decrypt(&cx, Decrypt::new(&sealed.ciphertext).context(&context("a"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncorrectKey, "{error}");
    let error =
        strict.generate_data_key(&cx, GenerateDataKey::new(&key).context(&context("a"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncorrectKey, "{error}");
    let by_id = KeyRef::from(match &other {
        KeyRef::Arn(_, id) => id.clone(),
        _ => unreachable!(),
    });
    for allowed in [other.clone(), by_id] {
        let strict = kms.clone().only([allowed]);
        assert!(strict.encrypt(&cx, Encrypt::new(&other, b"x").context(&context("a"))).await.is_ok());
    }

    // Wrong credentials, a key of another region, nobody there.
    let wrong = AwsKms::new(&config(&server, "wrong", "us-east-1"));
    let error = wrong.generate_random(&cx, GenerateRandom::new(1)).await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::AccessDenied && error.to_string().contains("InvalidSignatureException"),
        "{error}"
    );
    assert_eq!(error.retry(), Retry::Never);
    let elsewhere = AwsKms::new(&config(&server, server.secret_access_key().expose(), "eu-west-1"));
    let error = elsewhere.describe_key(&cx, DescribeKey::new(&key)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let gone = config(&server, "x", "us-east-1").into_builder().endpoint_url("http://127.0.0.1:1");
    let gone = gone.retry_config(aws_config::retry::RetryConfig::disabled()).build();
    let error = AwsKms::new(&gone).generate_random(&cx, GenerateRandom::new(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::DependencyTimeout, Retry::Later), "{error}");
}
