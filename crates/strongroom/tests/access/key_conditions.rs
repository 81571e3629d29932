//! §5.3: condition keys of the key service's own operations, each with a value that lets through and one that does not.

use std::sync::Arc;

use strongroom::kms::{
    CreateGrant, CreateKey, DescribeKey, Error, GenerateMac, GrantOperation, ImportKeyMaterial, KeyRef,
    KeySpec, MacAlgorithm, PutKeyPolicy, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom::{CallContext, EncryptionContext, Timestamp};
use strongroom::{KeyErrorKind as ErrorKind, KmsAdmin};

use crate::{DELEGATION, World, allow_with, document};

struct Asker {
    world: World,
    service: Arc<dyn KmsAdmin>,
    alice: CallContext,
}

impl Asker {
    async fn new() -> Self {
        let world = World::new().await;
        let alice = world.user("alice", "").await.caller().unwrap().into();
        let service = world.room.keys().service().unwrap();
        Self { world, service, alice }
    }

    /// A key of its own, made by the owner.
    async fn key(&self, request: CreateKey) -> KeyRef {
        let made = self.service.create_key(self.world.room.context(), request).await.unwrap();
        KeyRef::parse(made.arn.as_str()).unwrap()
    }

    /// Whether a user who may this one action on a condition, and all others, is let through, whatever comes of it then.
    async fn passes<T>(
        &self,
        action: &str,
        condition: &str,
        tried: impl AsyncFn() -> Result<T, Error>,
    ) -> bool {
        let rest = format!(r#"{{"Effect":"Allow","NotAction":"{action}","Resource":"*"}}"#);
        let policy = document(&[allow_with(&[action], &format!(r#","Condition":{condition}"#)), rest]);
        self.world.set("alice", &policy).await;
        !tried().await.is_err_and(|error| error.kind() == ErrorKind::AccessDenied)
    }

    async fn row<T>(&self, action: &str, good: &str, bad: &str, tried: impl AsyncFn() -> Result<T, Error>) {
        assert!(self.passes(action, good, &tried).await, "{action} {good}");
        assert!(!self.passes(action, bad, &tried).await, "{action} {bad}");
    }
}

#[tokio::test]
async fn keys_of_grants() {
    let asker = Asker::new().await;
    let key = KeyRef::parse(&asker.world.key).unwrap();
    let bob = asker.world.user("bob", "").await.arn;
    let context = EncryptionContext::from_pairs([("app", "a")]).unwrap();
    let grants = |request: CreateGrant| {
        let (service, cx, key) = (&asker.service, &asker.alice, &key);
        async move || service.create_grant(cx, key, request.clone()).await
    };
    let plain = CreateGrant::new(bob.as_str(), [GrantOperation::Decrypt]);
    let (retiring, equals) =
        (plain.clone().retiring(bob.as_str()), plain.clone().context_equals(context.clone()));
    let subset = plain.clone().context_subset(context);
    let act = "kms:CreateGrant";
    let is = |key: &str, value: &str| format!(r#"{{"StringEquals":{{"kms:{key}":"{value}"}}}}"#);
    let missing = |key: &str| format!(r#"{{"Null":{{"kms:{key}":"true"}}}}"#);
    asker
        .row(act, &is("GranteePrincipal", bob.as_str()), &is("GranteePrincipal", "x"), grants(plain.clone()))
        .await;
    asker
        .row(act, &is("RetiringPrincipal", bob.as_str()), &missing("RetiringPrincipal"), grants(retiring))
        .await;
    asker
        .row(
            act,
            &missing("RetiringPrincipal"),
            &is("RetiringPrincipal", bob.as_str()),
            grants(plain.clone()),
        )
        .await;
    let constraint = "GrantConstraintType";
    asker
        .row(
            act,
            &is(constraint, "EncryptionContextEquals"),
            &is(constraint, "EncryptionContextSubset"),
            grants(equals),
        )
        .await;
    asker
        .row(act, &is(constraint, "EncryptionContextSubset"), &missing(constraint), grants(subset.clone()))
        .await;
    asker
        .row(act, &missing(constraint), &is(constraint, "EncryptionContextSubset"), grants(plain.clone()))
        .await;
    asker
        .row(act, &is("EncryptionContext:app", "a"), &is("EncryptionContext:app", "b"), grants(subset))
        .await;
    let only = |operation: &str| {
        format!(r#"{{"ForAllValues:StringEquals":{{"kms:GrantOperations":"{operation}"}}}}"#)
    };
    asker.row(act, &only("Decrypt"), &only("Encrypt"), grants(plain.clone())).await;
    let for_service = |yes: bool| format!(r#"{{"Bool":{{"kms:GrantIsForAWSResource":"{yes}"}}}}"#);
    asker.row(act, &for_service(false), &for_service(true), grants(plain)).await;
}

#[tokio::test]
async fn keys_of_macs_imports_and_policies() {
    let asker = Asker::new().await;
    let (service, cx) = (&asker.service, &asker.alice);
    let is = |key: &str, value: &str| format!(r#"{{"StringEquals":{{"kms:{key}":"{value}"}}}}"#);
    let mac = asker.key(CreateKey::hmac(KeySpec::Hmac256)).await;
    let makes =
        async || service.generate_mac(cx, GenerateMac::new(&mac, b"m", MacAlgorithm::HmacSha256)).await;
    asker
        .row(
            "kms:GenerateMac",
            &is("MacAlgorithm", "HMAC_SHA_256"),
            &is("MacAlgorithm", "HMAC_SHA_512"),
            makes,
        )
        .await;
    asker
        .row("kms:GenerateMac", &is("KeySpec", "HMAC_256"), &is("KeySpec", "SYMMETRIC_DEFAULT"), makes)
        .await;
    asker
        .row(
            "kms:GenerateMac",
            &is("KeyUsage", "GENERATE_VERIFY_MAC"),
            &is("KeyUsage", "ENCRYPT_DECRYPT"),
            makes,
        )
        .await;

    let external = asker.key(CreateKey::external()).await;
    let parameters = async || {
        service
            .get_parameters_for_import(
                cx,
                &external,
                WrappingAlgorithm::RsaesOaepSha256,
                WrappingKeySpec::Rsa2048,
            )
            .await
    };
    let act = "kms:GetParametersForImport";
    asker
        .row(
            act,
            &is("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
            &is("WrappingAlgorithm", "RSAES_OAEP_SHA_1"),
            parameters,
        )
        .await;
    asker.row(act, &is("WrappingKeySpec", "RSA_2048"), &is("WrappingKeySpec", "RSA_4096"), parameters).await;
    asker.row(act, &is("KeyOrigin", "EXTERNAL"), &is("KeyOrigin", "AWS_KMS"), parameters).await;

    let for_ever =
        async || service.import_key_material(cx, &external, ImportKeyMaterial::new([1], [2])).await;
    let ends = Timestamp::from_millis(1_800_000_000_000 + 86_400_000);
    let until = async || {
        service.import_key_material(cx, &external, ImportKeyMaterial::new([1], [2]).expires(ends)).await
    };
    let act = "kms:ImportKeyMaterial";
    let (expires, never) = ("KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE");
    asker.row(act, &is("ExpirationModel", never), &is("ExpirationModel", expires), for_ever).await;
    asker.row(act, &is("ExpirationModel", expires), &is("ExpirationModel", never), until).await;
    let before = |date: &str| format!(r#"{{"DateLessThan":{{"kms:ValidTo":"{date}"}}}}"#);
    asker.row(act, &before("2030-01-01T00:00:00Z"), &before("2020-01-01T00:00:00Z"), until).await;
    assert!(!asker.passes(act, &before("2030-01-01T00:00:00Z"), for_ever).await, "it has no end");

    let key = KeyRef::parse(&asker.world.key).unwrap();
    let put = async || {
        service.put_key_policy(cx, &key, PutKeyPolicy::new(document(&[DELEGATION.to_owned()]))).await
    };
    let read = async || service.get_key_policy(cx, &key, None).await;
    asker.row("kms:PutKeyPolicy", &is("PolicyName", "default"), &is("PolicyName", "other"), put).await;
    asker.row("kms:GetKeyPolicy", &is("PolicyName", "default"), &is("PolicyName", "other"), read).await;

    let primary = asker.key(CreateKey::new().multi_region()).await;
    let describe = async || service.describe_key(cx, DescribeKey::new(&primary)).await;
    asker
        .row(
            "kms:DescribeKey",
            &is("MultiRegionKeyType", "PRIMARY"),
            &is("MultiRegionKeyType", "REPLICA"),
            describe,
        )
        .await;
    let multi = |yes: bool| format!(r#"{{"Bool":{{"kms:MultiRegion":"{yes}"}}}}"#);
    asker.row("kms:DescribeKey", &multi(true), &multi(false), describe).await;
}
