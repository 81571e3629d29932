//! Parameter Store as a secret store, on an emulator of AWS that nobody here wrote. What it does otherwise than AWS is listed by name.

#![cfg(test)]
#![cfg(feature = "parameter-store")]

#[path = "support/moto.rs"]
mod emulator;
mod support;

use std::sync::Arc;

use emulator::{Moto, compare, failing};
use strongroom::store::ClientEncrypted;
use strongroom::{Migration, RootKey, Stage, Strongroom};
use strongroom_aws::ParameterStore;
use strongroom_store::{
    CreateSecret, ErrorKind, GetSecretValue, PutSecretValue, SecretAdmin, SecretStore, SecretValue,
};
use strongroom_testkit::store;
use strongroom_types::{AccountId, Realm, Region};
use support::owner;

/// The account that moto has.
fn realm() -> Realm {
    Realm::new(AccountId::parse("123456789012").unwrap(), Region::parse("us-east-1").unwrap())
}

/// The cases that moto does not pass, and the first thing in each that it does otherwise than AWS.
const OTHERWISE: [(&str, &str); 1] = [("own_labels_move", "UnlabelParameterVersion is not there")];

async fn cases(store: Arc<dyn SecretAdmin>) -> std::collections::BTreeMap<&'static str, String> {
    use store::{counted, secrets};
    let subject = store::Fixture { store, cx: owner() };
    failing!(
        subject,
        counted::a_secret_is_made_and_read,
        counted::values_of_all_sizes_come_back,
        counted::the_newest_version_is_the_current_one,
        counted::what_it_cannot_do_is_refused,
        counted::own_labels_move,
        counted::unknown_things_are_not_found,
        secrets::errors_name_the_call_and_its_secret,
        counted::metadata_is_kept,
        counted::deletion_at_once_frees_the_name,
        counted::lists_are_paged,
        counted::several_values_are_read_at_once,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_on_moto() {
    let moto = Moto::start().await;
    let parameters = ParameterStore::new(&moto.config(), realm());
    compare(&cases(Arc::new(parameters.clone())).await, &OTHERWISE);
    compare(&cases(Arc::new(parameters.clone().under("/app/x").unwrap())).await, &OTHERWISE);
    store::counted::racing_puts_are_all_kept(&store::Fixture { store: Arc::new(parameters), cx: owner() });
}

/// ClientEncrypted, with a key that AWS does not have, it takes bytes too.
#[tokio::test(flavor = "multi_thread")]
async fn sealed_parameters_on_moto() {
    let moto = Moto::start().await;
    let own = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    own.keys().create("alias/seal", "").await.unwrap();
    let parameters = ParameterStore::new(&moto.config(), realm());
    let (key, cx) = (own.keys().service().unwrap(), own.context().clone());
    let sealed = ClientEncrypted::new(parameters.clone(), key, cx, "alias/seal").unwrap();
    compare(&cases(Arc::new(sealed.clone())).await, &OTHERWISE);
    let create = CreateSecret::new("bytes").value(SecretValue::binary(vec![0, 255]));
    sealed.create_secret(&owner(), create).await.unwrap();
    let stored = parameters.get_secret_value(&owner(), GetSecretValue::new("bytes")).await.unwrap();
    assert!(stored.expose_text().unwrap().starts_with("strongroom-sealed:1:"));
    // Under another name it does not open.
    let moved = CreateSecret::new("moved").value(stored.value);
    parameters.create_secret(&owner(), moved).await.unwrap();
    let error = sealed.get_secret_value(&owner(), GetSecretValue::new("moved")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DecryptionFailure);
    assert_eq!((error.operation(), error.context("secret")), (Some("GetSecretValue"), Some("moved")));
}

/// A secret with its history, and back; what does not fit is told.
#[tokio::test(flavor = "multi_thread")]
async fn copied_there_and_back() {
    let moto = Moto::start().await;
    let open = |byte| Strongroom::builder().memory().root_key(RootKey::from_bytes([byte; 32])).open();
    let (from, back) = (open(1).await.unwrap(), open(2).await.unwrap());
    from.create("prod/db").description("orders").tag("team", "orders").text("1").send().await.unwrap();
    for value in ["2", "3", "4"] {
        from.put("prod/db").text(value).send().await.unwrap();
    }
    let second = from.versions("prod/db").include_deprecated().all().await.unwrap()[1].version_id.clone();
    from.move_stage("prod/db", "blue").to(&second).send().await.unwrap();
    let parameters = Strongroom::over(Arc::new(ParameterStore::new(&moto.config(), realm())), realm());
    let (source, target, home) = (from.store(), parameters.store(), back.store());
    let there = || Migration::new((&*source, from.context()), (&*target, parameters.context()));
    for told in ["1 copied", "0 copied, 1 there already"] {
        let report = there().run(|_| ()).await.unwrap();
        assert!(report.complete() && report.to_string().contains(told), "{report}");
    }
    let again = Migration::new((&*target, parameters.context()), (&*home, back.context()));
    for told in ["1 copied", "0 copied, 1 there already"] {
        let report = again.run(|_| ()).await.unwrap();
        assert!(report.complete() && report.to_string().contains(told), "{report}");
    }
    for (stage, value) in [(Stage::CURRENT, "4"), (Stage::PREVIOUS, "3"), (Stage::new("blue"), "2")] {
        for room in [&from, &parameters, &back] {
            let read = room.get("prod/db").stage(stage.clone()).send().await.unwrap();
            assert_eq!(read.expose_text().unwrap(), value, "{stage}");
        }
    }
    let described = back.describe("prod/db").await.unwrap();
    assert_eq!(described.description.as_deref(), Some("orders"));
    assert_eq!(back.versions("prod/db").include_deprecated().all().await.unwrap().len(), 4);

    from.put("prod/db").text("next").stage(Stage::PENDING).send().await.unwrap();
    from.create("bytes").binary(vec![0]).send().await.unwrap();
    from.create("empty").send().await.unwrap();
    let report = there().run(|_| ()).await.unwrap();
    assert_eq!(report.failures().count(), 3, "{report}");
    assert!(report.failures().all(|(_, error)| error.kind() == ErrorKind::Unsupported), "{report}");
}

#[tokio::test]
async fn tiers_and_quoted_values() {
    let moto = Moto::start().await;
    let store = ParameterStore::new(&moto.config(), realm());
    let sdk = aws_sdk_ssm::Client::new(&moto.config());
    let tier = async |name: &str| {
        let told = sdk.describe_parameters().send().await.unwrap().parameters.unwrap();
        told.into_iter().find(|told| told.name.as_deref() == Some(name)).unwrap().tier.unwrap()
    };
    for (name, len, wanted) in [("a", 4096, "Standard"), ("b", 4097, "Advanced"), ("c", 8192, "Advanced")] {
        let create = CreateSecret::new(name).value(SecretValue::text("x".repeat(len)));
        store.create_secret(&owner(), create).await.unwrap();
        assert_eq!(tier(name).await.as_str(), wanted);
    }
    let put = PutSecretValue::new("a", SecretValue::text("x".repeat(5000)));
    store.put_secret_value(&owner(), put).await.unwrap();
    assert_eq!(tier("a").await.as_str(), "Advanced");

    // A plain parameter is no secret, and is neither read nor overwritten.
    let plain =
        sdk.put_parameter().name("plain").value("v").r#type(aws_sdk_ssm::types::ParameterType::String);
    plain.send().await.unwrap();
    let error = store.get_secret_value(&owner(), GetSecretValue::new("plain")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidRequest && error.message().contains("SecureString"), "{error}");
    let put = PutSecretValue::new("plain", SecretValue::text("hunter2"));
    let error = store.put_secret_value(&owner(), put).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidRequest && !error.to_string().contains("hunter2"), "{error}");
}

/// The handle on Parameter Store, by its builder.
#[tokio::test]
async fn the_builder_knows_it() {
    let moto = Moto::start().await;
    let aws =
        || Strongroom::aws().region("us-east-1").endpoint(&moto.url).credentials("test", "test".to_owned());
    let all = aws().parameters("/").send().await.unwrap();
    let below = aws().parameters("/app").send().await.unwrap();
    below.create("prod/db").text("v").send().await.unwrap();
    assert_eq!(all.get("app/prod/db").send().await.unwrap().expose_text().unwrap(), "v");
    assert_eq!(below.list().name_prefix("prod/").all().await.unwrap().len(), 1);
    assert!(below.get("app/prod/db").send().await.is_err());
    let error = below.rollback("prod/db").await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFoundException", "{error}");
    assert!(aws().parameters("/a b").send().await.is_err());
}
