//! §3.1 and §5.1: specs and usages.

use strongroom_kms::{Decrypt, Encrypt, GenerateDataKey, KeyUsage, ReEncrypt};

use super::*;

#[tokio::test]
async fn hmac_must_say_its_usage() {
    let world = World::new().await;
    let mut request = CreateKey::hmac(KeySpec::Hmac256);
    request.usage = None;
    let message = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
    refused(world.kms.create_key(&world.cx, request).await, ErrorKind::Validation, message);
}

#[tokio::test]
async fn usage_and_spec_must_be_compatible() {
    let world = World::new().await;
    let mut request = CreateKey::new();
    for usage in [
        KeyUsage::GenerateVerifyMac,
        KeyUsage::SignVerify,
        KeyUsage::KeyAgreement,
        KeyUsage::EncapsulateDecapsulate,
    ] {
        request.usage = Some(usage);
        let message = format!("KeyUsage {usage} is not compatible with KeySpec SYMMETRIC_DEFAULT");
        refused(world.kms.create_key(&world.cx, request.clone()).await, ErrorKind::Validation, &message);
    }
    request.usage = Some(KeyUsage::EncryptDecrypt);
    world.kms.create_key(&world.cx, request).await.unwrap();
    let mut request = CreateKey::hmac(KeySpec::Hmac512);
    request.usage = Some(KeyUsage::EncryptDecrypt);
    let message = "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_512";
    refused(world.kms.create_key(&world.cx, request).await, ErrorKind::Validation, message);
}

#[test]
fn asymmetric_specs_are_refused_by_name() {
    for word in ["RSA_2048", "ECC_NIST_P256", "SM2", "ML_DSA_44"] {
        let error = KeySpec::parse(word).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(word), "{error}");
    }
    let error = KeySpec::parse("AES").unwrap_err();
    // In the order of AWS's service model: a recorded one is of before the newer specs.
    let specs = "RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, SYMMETRIC_DEFAULT, HMAC_224, HMAC_256, HMAC_384, HMAC_512, SM2, ML_DSA_44, ML_DSA_65, ML_DSA_87, ECC_NIST_EDWARDS25519, ML_KEM_512, ML_KEM_768, ML_KEM_1024";
    let text = format!(
        "1 validation error detected: Value 'AES' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [{specs}]"
    );
    assert_eq!((error.kind(), error.message()), (ErrorKind::Validation, text.as_str()));
    for spec in ["SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"] {
        assert_eq!(KeySpec::parse(spec).unwrap().as_str(), spec);
    }
}

#[tokio::test]
async fn metadata_of_an_hmac_key_has_no_material_id() {
    let world = World::new().await;
    for spec in [KeySpec::Hmac224, KeySpec::Hmac256, KeySpec::Hmac384, KeySpec::Hmac512] {
        let key = world.hmac(spec).await;
        assert_eq!((key.spec, key.usage), (spec, KeyUsage::GenerateVerifyMac));
        assert_eq!(key.current_key_material_id, None);
    }
    assert!(world.key().await.current_key_material_id.is_some());
}

#[tokio::test]
async fn an_hmac_key_does_not_encrypt() {
    let world = World::new().await;
    let (hmac, key) = (world.hmac(KeySpec::Hmac256).await, world.key().await);
    let (kms, cx, context) = (&world.kms, &world.cx, EncryptionContext::new());
    let message = |operation: &str| {
        format!("{} key usage is GENERATE_VERIFY_MAC which is not valid for {operation}.", hmac.arn)
    };
    let usage = ErrorKind::InvalidKeyUsage;
    let result = kms.encrypt(cx, Encrypt::new(&by_id(&hmac), b"x").context(&context)).await;
    refused(result, usage, &message("Encrypt"));
    let result = kms.generate_data_key(cx, GenerateDataKey::new(&by_id(&hmac)).context(&context)).await;
    refused(result.map(|_| ()), usage, &message("GenerateDataKey"));
    let ciphertext = world.encrypt(&key).await;
    let result = kms
        .re_encrypt(cx, ReEncrypt::new(&ciphertext, &by_id(&hmac)).source_context(&context).context(&context))
        .await;
    refused(result, usage, &message("ReEncrypt"));
    // Decrypt names a key that cannot be the source.
    let message = "The key ID in the request does not identify a CMK that can perform this operation.";
    refused(
        kms.decrypt(cx, Decrypt::new(&ciphertext).context(&context).key(&by_id(&hmac))).await.map(|_| ()),
        ErrorKind::IncorrectKey,
        message,
    );
}
