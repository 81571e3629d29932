//! Imported key material: GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial, expiry.

use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    DescribeKey, Encrypt, ExpirationModel, GenerateMac, ImportKeyMaterial, ImportType, ImportedMaterial,
    KeyOrigin, KeyState, ListPage, Rotation, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_records::{Key, Scan};

use super::*;

const INCORRECT: &str =
    "The key material in the request is not the key material that was previously imported into this KMS key.";

fn stays() -> ImportKeyMaterial {
    ImportKeyMaterial::new([], [])
}

fn bytes(byte: u8) -> SecretBytes {
    SecretBytes::from_vec(vec![byte; 32])
}

impl World {
    async fn external(&self) -> KeyMetadata {
        self.kms.create_key(&self.cx, CreateKey::external()).await.unwrap()
    }

    async fn import(
        &self,
        key: &KeyMetadata,
        byte: u8,
        options: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        self.kms.import_plain_material(&self.cx, &by_id(key), &bytes(byte), options).await
    }

    async fn metadata(&self, key: &KeyMetadata) -> KeyMetadata {
        self.kms.describe_key(&self.cx, DescribeKey::new(&by_id(key))).await.unwrap()
    }

    async fn delete(&self, key: &KeyMetadata, id: Option<&str>) -> Result<ImportedMaterial, Error> {
        self.kms.delete_imported_key_material(&self.cx, &by_id(key), id).await
    }

    async fn rotations(&self, key: &KeyMetadata) -> Vec<Rotation> {
        self.kms.list_key_rotations(&self.cx, &by_id(key), true, &ListPage::first()).await.unwrap().rotations
    }

    /// The words of everything stored about materials.
    async fn materials(&self) -> usize {
        let prefix = Key::realm(self.kms.realm()).then("material");
        self.records.snapshot().await.unwrap().scan(&Scan::prefix(&prefix)).await.unwrap().records.len()
    }
}

#[tokio::test]
async fn a_key_waits_for_its_material() {
    let world = World::new().await;
    let key = world.external().await;
    assert_eq!((key.state, key.origin), (KeyState::PendingImport, KeyOrigin::External));
    assert_eq!((key.current_key_material_id.as_ref(), key.expiration), (None, None));
    let waits = format!("{} is pending import.", key.arn);
    let empty = EncryptionContext::new();
    let encrypt = world.kms.encrypt(&world.cx, Encrypt::new(&by_id(&key), b"x").context(&empty)).await;
    refused(encrypt, ErrorKind::InvalidState, &waits);
    refused(world.kms.enable_key(&world.cx, &by_id(&key)).await, ErrorKind::InvalidState, &waits);
    refused(world.kms.disable_key(&world.cx, &by_id(&key)).await, ErrorKind::InvalidState, &waits);
    refused(world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await, ErrorKind::InvalidState, &waits);
    let told = world.import(&key, 1, &stays()).await.unwrap();
    let described = world.metadata(&key).await;
    assert_eq!(
        (described.state, described.expiration),
        (KeyState::Enabled, Some(ExpirationModel::DoesNotExpire))
    );
    assert_eq!((told.key_material_id, &told.key_arn), (described.current_key_material_id, &key.arn));
    let sealed = world.encrypt(&key).await;
    assert_eq!(world.another().await.decrypt(&sealed).await.unwrap(), b"plaintext");
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn what_was_deleted_comes_back_with_the_same_material_only() {
    let world = World::new().await;
    let key = world.external().await;
    let first = world.import(&key, 1, &stays()).await.unwrap();
    let sealed = world.encrypt(&key).await;
    let deleted = world.delete(&key, None).await.unwrap();
    assert_eq!(deleted, first);
    let described = world.metadata(&key).await;
    assert_eq!((described.state, described.expiration), (KeyState::PendingImport, None));
    assert_eq!(described.current_key_material_id, first.key_material_id, "it stays");
    assert_eq!(world.materials().await, 0, "the material is gone");
    refused(
        world.decrypt(&sealed).await,
        ErrorKind::InvalidState,
        &format!("{} is pending import.", key.arn),
    );
    assert_eq!(world.delete(&key, None).await.unwrap(), first, "accepted, no effect");
    refused(world.import(&key, 2, &stays()).await, ErrorKind::IncorrectKeyMaterial, INCORRECT);
    let short = SecretBytes::from_vec(vec![1; 31]);
    let short = world.kms.import_plain_material(&world.cx, &by_id(&key), &short, &stays()).await;
    refused(short, ErrorKind::IncorrectKeyMaterial, INCORRECT);
    assert_eq!(world.import(&key, 1, &stays()).await.unwrap(), first);
    assert_eq!(world.import(&key, 1, &stays()).await.unwrap(), first, "again is fine");
    assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn material_goes_at_its_date() {
    let world = World::new().await;
    let key = world.external().await;
    let date = world.clock.now().after(DAY * 2);
    let first = world.import(&key, 1, &stays().expires(date)).await.unwrap();
    let described = world.metadata(&key).await;
    assert_eq!((described.expiration, described.valid_to), (Some(ExpirationModel::Expires), Some(date)));
    let sealed = world.encrypt(&key).await;
    world.clock.advance(DAY);
    assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    world.clock.advance(DAY);
    // At once, before anybody has cleaned up.
    assert_eq!(world.decrypt(&sealed).await.unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(world.metadata(&key).await.state, KeyState::PendingImport);
    assert_eq!(world.materials().await, 1);
    world.kms.maintain().await.unwrap();
    assert_eq!(world.materials().await, 0);
    assert_eq!(world.metadata(&key).await.current_key_material_id, first.key_material_id);
    // Another date takes the place of the old one.
    let later = world.clock.now().after(DAY);
    world.import(&key, 1, &stays().expires(later)).await.unwrap();
    world.import(&key, 1, &stays()).await.unwrap();
    world.clock.advance(DAY * 3);
    world.kms.maintain().await.unwrap();
    assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn dates_and_models_must_fit() {
    let world = World::new().await;
    let key = world.external().await;
    let mut without = stays();
    without.expiration = ExpirationModel::Expires;
    refused(
        world.import(&key, 1, &without).await,
        ErrorKind::Validation,
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    );
    let now = world.clock.now();
    let mut both = stays().expires(now.after(DAY));
    both.expiration = ExpirationModel::DoesNotExpire;
    for bad in [
        both,
        stays().expires(now),
        stays().expires(now.after(DAY * 366)),
        stays().description("d".repeat(257)),
    ] {
        assert_eq!(world.import(&key, 1, &bad).await.unwrap_err().kind(), ErrorKind::Validation);
    }
    world.import(&key, 1, &stays().expires(now.after(DAY * 365)).description("d".repeat(256))).await.unwrap();
}

#[tokio::test]
async fn new_material_waits_for_a_rotation() {
    let world = World::new().await;
    let key = world.external().await;
    let first = world.import(&key, 1, &stays()).await.unwrap();
    let old = world.encrypt(&key).await;
    let rotate = || async { world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await };
    let none = format!("No available key material pending rotation for the key: {}.", key.arn);
    refused(rotate().await, ErrorKind::InvalidState, &none);
    let new = stays().kind(ImportType::NewKeyMaterial).description("second");
    refused(world.import(&key, 1, &new).await, ErrorKind::IncorrectKeyMaterial, INCORRECT);
    let second = world.import(&key, 2, &new).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(world.metadata(&key).await.current_key_material_id, first.key_material_id, "not yet");
    let third = world.import(&key, 3, &new).await.unwrap_err();
    assert_eq!(third.kind(), ErrorKind::InvalidState);
    let (text, waiting) = (third.message(), second.key_material_id.clone().unwrap());
    assert!(text.starts_with("New key material (id: "), "{text}");
    let end = format!(
        ") cannot be imported into KMS key {}, because another key material (id: {waiting}) is pending rotation.",
        key.id
    );
    assert!(text.ends_with(&end), "{text}");
    let told = world.rotations(&key).await;
    assert_eq!(
        told.iter().map(|one| (one.current, one.pending)).collect::<Vec<_>>(),
        [(true, false), (false, true)]
    );
    assert_eq!(told[1].imported.as_ref().unwrap().description.as_deref(), Some("second"));
    rotate().await.unwrap();
    assert_eq!(world.metadata(&key).await.current_key_material_id, second.key_material_id);
    assert_eq!(world.decrypt(&old).await.unwrap(), b"plaintext");
    let new = world.encrypt(&key).await;
    refused(rotate().await, ErrorKind::InvalidState, &none);
    // One missing of the two, and the key waits; by its id it can be deleted, and comes back.
    world.delete(&key, first.key_material_id.as_deref()).await.unwrap();
    assert_eq!(world.decrypt(&new).await.unwrap_err().kind(), ErrorKind::InvalidState);
    let wrong = stays().key_material_id(waiting.clone());
    refused(world.import(&key, 1, &wrong).await, ErrorKind::IncorrectKeyMaterial, INCORRECT);
    world.import(&key, 1, &stays().kind(ImportType::ExistingKeyMaterial)).await.unwrap();
    for sealed in [old, new] {
        assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
    }
    let missing = world.delete(&key, Some(&"0".repeat(64))).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn waiting_material_that_went_makes_room() {
    let world = World::new().await;
    let key = world.external().await;
    world.import(&key, 1, &stays()).await.unwrap();
    let new = stays().kind(ImportType::NewKeyMaterial);
    let second = world.import(&key, 2, &new).await.unwrap();
    world.delete(&key, second.key_material_id.as_deref()).await.unwrap();
    assert_eq!(world.metadata(&key).await.state, KeyState::Enabled, "it was not in use");
    let third = world.import(&key, 3, &new).await.unwrap();
    world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await.unwrap();
    assert_eq!(world.metadata(&key).await.current_key_material_id, third.key_material_id);
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn what_is_not_for_keys_made_here_and_what_is() {
    let world = World::new().await;
    let (own, external) = (world.key().await, world.external().await);
    let text = format!("{} origin is AWS_KMS which is not valid for this operation.", own.arn);
    refused(world.import(&own, 1, &stays()).await, ErrorKind::Unsupported, &text);
    refused(world.delete(&own, None).await, ErrorKind::Unsupported, &text);
    let (algorithm, spec) = (WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
    let parameters = world.kms.get_parameters_for_import(&world.cx, &by_id(&own), algorithm, spec).await;
    refused(parameters, ErrorKind::Unsupported, &text);
    let wrapped = ImportKeyMaterial::new([1], [1]);
    refused(
        world.kms.import_key_material(&world.cx, &by_id(&own), wrapped).await,
        ErrorKind::Unsupported,
        &text,
    );
    let text = format!("{} origin is EXTERNAL which is not valid for this operation.", external.arn);
    for _ in 0..2 {
        refused(
            world.kms.enable_key_rotation(&world.cx, &by_id(&external), None).await,
            ErrorKind::Unsupported,
            &text,
        );
        refused(
            world.kms.disable_key_rotation(&world.cx, &by_id(&external)).await,
            ErrorKind::Unsupported,
            &text,
        );
        refused(
            world.kms.get_key_rotation_status(&world.cx, &by_id(&external)).await,
            ErrorKind::Unsupported,
            &text,
        );
        world.import(&external, 1, &stays()).await.unwrap();
    }
}

#[tokio::test]
async fn states_around_imports() {
    let world = World::new().await;
    let key = world.external().await;
    // Tags, aliases, description and deletion do not need the material.
    let (cx, named) = (&world.cx, by_id(&key));
    world.kms.update_key_description(cx, &named, "d").await.unwrap();
    world.kms.create_alias(cx, &strongroom_kms::AliasName::parse("alias/a").unwrap(), &named).await.unwrap();
    world.kms.schedule_key_deletion(cx, &named, None).await.unwrap();
    let pending = format!("{} is pending deletion.", key.arn);
    refused(world.import(&key, 1, &stays()).await, ErrorKind::InvalidState, &pending);
    world.kms.cancel_key_deletion(cx, &named).await.unwrap();
    assert_eq!(world.metadata(&key).await.state, KeyState::PendingImport);
    world.import(&key, 1, &stays()).await.unwrap();
    assert_eq!(world.metadata(&key).await.state, KeyState::Disabled, "as the cancellation left it");
    world.kms.enable_key(cx, &named).await.unwrap();
    world.encrypt(&key).await;
}

#[tokio::test]
async fn an_hmac_key_may_be_imported_and_does_not_rotate() {
    let world = World::new().await;
    let mut request = CreateKey::hmac(KeySpec::Hmac256);
    request.origin = KeyOrigin::External;
    let key = world.kms.create_key(&world.cx, request).await.unwrap();
    world.import(&key, 7, &stays()).await.unwrap();
    let mac = world
        .kms
        .generate_mac(
            &world.cx,
            GenerateMac::new(&by_id(&key), b"Hi There", strongroom_kms::MacAlgorithm::HmacSha256),
        )
        .await
        .unwrap();
    assert_eq!(mac.mac.len(), 32);
    let new = world.import(&key, 8, &stays().kind(ImportType::NewKeyMaterial)).await;
    refused(new, ErrorKind::Unsupported, "");
}

#[tokio::test]
async fn nothing_past_its_date_goes_while_purging_is_not_permitted() {
    let mut world = World::new().await;
    let permit = Arc::new(Permit::default());
    world.kms = world.kms.purging_by(permit.clone());
    let (key, doomed) = (world.external().await, world.key().await);
    world.import(&key, 1, &stays()).await.unwrap();
    let new = || stays().kind(ImportType::NewKeyMaterial);
    world.import(&key, 2, &new().expires(world.clock.now().after(DAY * 2))).await.unwrap();
    world.kms.schedule_key_deletion(&world.cx, &by_id(&doomed), Some(7)).await.unwrap();
    let right = world.clock.now();
    world.clock.advance(DAY * 8);
    // Neither does other material take the place of what waits for a rotation.
    assert_eq!(world.import(&key, 3, &new()).await.unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(world.kms.maintain().await.unwrap(), 0);
    world.clock.set(right);
    world.kms.cancel_key_deletion(&world.cx, &by_id(&doomed)).await.unwrap();
    world.kms.rotate_key_on_demand(&world.cx, &by_id(&key)).await.unwrap();
    assert!(world.kms.verify().await.unwrap().is_clean());
}

#[tokio::test]
async fn what_is_past_its_date_goes_once_purging_is_permitted() {
    let mut world = World::new().await;
    let permit = Arc::new(Permit::default());
    world.kms = world.kms.purging_by(permit.clone());
    let (key, doomed) = (world.external().await, world.key().await);
    world.import(&key, 1, &stays()).await.unwrap();
    let new = || stays().kind(ImportType::NewKeyMaterial);
    world.import(&key, 2, &new().expires(world.clock.now().after(DAY * 2))).await.unwrap();
    world.kms.schedule_key_deletion(&world.cx, &by_id(&doomed), Some(7)).await.unwrap();
    world.clock.advance(DAY * 8);
    permit.grant();
    world.import(&key, 3, &new()).await.unwrap();
    assert_eq!(world.kms.maintain().await.unwrap(), 1);
}

#[tokio::test]
async fn imported_material_goes_with_its_key() {
    let world = World::new().await;
    let key = world.external().await;
    world.import(&key, 1, &stays().expires(world.clock.now().after(DAY * 60))).await.unwrap();
    world.import(&key, 2, &stays().kind(ImportType::NewKeyMaterial)).await.unwrap();
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), Some(7)).await.unwrap();
    world.clock.advance(DAY * 8);
    assert_eq!(world.kms.maintain().await.unwrap(), 1);
    let left = world.records.snapshot().await.unwrap();
    let realm = Key::realm(world.kms.realm());
    assert_eq!(left.scan(&Scan::prefix(&realm)).await.unwrap().records.len(), 0);
}

#[cfg(not(feature = "aws-lc-rs"))]
#[tokio::test]
async fn without_the_feature_wrapped_material_is_refused() {
    let world = World::new().await;
    let key = world.external().await;
    let (algorithm, spec) = (WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
    let refusal = world.kms.get_parameters_for_import(&world.cx, &by_id(&key), algorithm, spec).await;
    refused(refusal, ErrorKind::Unsupported, "wrapped key material needs the feature aws-lc-rs");
}

/// The way of AWS's clients: a public key, a token, wrapped material.
#[cfg(feature = "aws-lc-rs")]
mod wrapped {
    use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
    use aws_lc_rs::rsa::{
        OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey,
        PublicEncryptingKey,
    };
    use strongroom_kms::ImportParameters;

    use super::*;

    fn oaep(parameters: &ImportParameters, algorithm: &'static OaepAlgorithm, plaintext: &[u8]) -> Vec<u8> {
        let key = PublicEncryptingKey::from_der(&parameters.public_key).unwrap();
        let key = OaepPublicEncryptingKey::new(key).unwrap();
        let mut out = vec![0; key.ciphertext_size()];
        key.encrypt(algorithm, plaintext, &mut out, None).unwrap();
        out
    }

    fn two_steps(
        parameters: &ImportParameters,
        algorithm: &'static OaepAlgorithm,
        material: &[u8],
    ) -> Vec<u8> {
        let mut wrapped = oaep(parameters, algorithm, &[9; 32]);
        let mut out = vec![0; material.len() + 15];
        let kek = AesKek::new(&AES_256, &[9; 32]).unwrap();
        wrapped.extend_from_slice(kek.wrap_with_padding(material, &mut out).unwrap());
        wrapped
    }

    async fn parameters(world: &World, key: &KeyMetadata, algorithm: WrappingAlgorithm) -> ImportParameters {
        let spec = WrappingKeySpec::Rsa2048;
        world.kms.get_parameters_for_import(&world.cx, &by_id(key), algorithm, spec).await.unwrap()
    }

    #[tokio::test]
    async fn every_algorithm_unwraps() {
        let world = World::new().await;
        for algorithm in [
            WrappingAlgorithm::RsaesOaepSha256,
            WrappingAlgorithm::RsaesOaepSha1,
            WrappingAlgorithm::RsaAesKeyWrapSha256,
            WrappingAlgorithm::RsaAesKeyWrapSha1,
        ] {
            let key = world.external().await;
            let parameters = parameters(&world, &key, algorithm).await;
            assert_eq!(parameters.key_arn, key.arn);
            assert_eq!(parameters.valid_to, world.clock.now().after(DAY));
            let wrapped = match algorithm {
                WrappingAlgorithm::RsaesOaepSha256 => oaep(&parameters, &OAEP_SHA256_MGF1SHA256, &[5; 32]),
                WrappingAlgorithm::RsaesOaepSha1 => oaep(&parameters, &OAEP_SHA1_MGF1SHA1, &[5; 32]),
                WrappingAlgorithm::RsaAesKeyWrapSha1 => two_steps(&parameters, &OAEP_SHA1_MGF1SHA1, &[5; 32]),
                _ => two_steps(&parameters, &OAEP_SHA256_MGF1SHA256, &[5; 32]),
            };
            let request = ImportKeyMaterial::new(parameters.import_token, wrapped);
            world.kms.import_key_material(&world.cx, &by_id(&key), request).await.unwrap();
            let sealed = world.encrypt(&key).await;
            assert_eq!(world.decrypt(&sealed).await.unwrap(), b"plaintext");
            // It is these very bytes.
            world.delete(&key, None).await.unwrap();
            world.import(&key, 5, &stays()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_size_of_wrapping_key() {
        let world = World::new().await;
        let key = world.external().await;
        for (spec, len) in [
            (WrappingKeySpec::Rsa2048, 256),
            (WrappingKeySpec::Rsa3072, 384),
            (WrappingKeySpec::Rsa4096, 512),
        ] {
            let algorithm = WrappingAlgorithm::RsaesOaepSha256;
            let named = by_id(&key);
            let parameters =
                world.kms.get_parameters_for_import(&world.cx, &named, algorithm, spec).await.unwrap();
            assert!(parameters.import_token.len() <= 6144);
            let wrapped = oaep(&parameters, &OAEP_SHA256_MGF1SHA256, &[5; 32]);
            assert_eq!(wrapped.len(), len);
            let request = ImportKeyMaterial::new(parameters.import_token, wrapped);
            world.kms.import_key_material(&world.cx, &named, request).await.unwrap();
        }
    }

    #[tokio::test]
    async fn tokens_are_of_their_key_and_for_a_day() {
        let world = World::new().await;
        let (key, other) = (world.external().await, world.external().await);
        let made = parameters(&world, &key, WrappingAlgorithm::RsaesOaepSha256).await;
        let wrapped = oaep(&made, &OAEP_SHA256_MGF1SHA256, &[5; 32]);
        let request = || ImportKeyMaterial::new(made.import_token.clone(), wrapped.clone());
        let import = |key: &KeyMetadata, request: ImportKeyMaterial| {
            let (kms, cx, key) = (world.kms.clone(), world.cx.clone(), by_id(key));
            async move { kms.import_key_material(&cx, &key, request).await }
        };
        refused(import(&other, request()).await, ErrorKind::InvalidImportToken, "");
        let mut damaged = request();
        damaged.import_token[40] ^= 1;
        refused(import(&key, damaged).await, ErrorKind::InvalidImportToken, "");
        let mut damaged = request();
        damaged.encrypted_key_material[40] ^= 1;
        refused(import(&key, damaged).await, ErrorKind::InvalidCiphertext, "");
        // Parameters of one call go together.
        let again = parameters(&world, &key, WrappingAlgorithm::RsaesOaepSha256).await;
        let mixed = ImportKeyMaterial::new(again.import_token, wrapped.clone());
        refused(import(&key, mixed).await, ErrorKind::InvalidCiphertext, "");
        for len in [0, 6145] {
            let bad = ImportKeyMaterial::new(vec![1; len], wrapped.clone());
            assert_eq!(import(&key, bad).await.unwrap_err().kind(), ErrorKind::Validation);
        }
        world.clock.advance(DAY);
        refused(import(&key, request()).await, ErrorKind::ExpiredImportToken, "");
        assert_eq!(world.metadata(&key).await.state, KeyState::PendingImport);
    }

    #[tokio::test]
    async fn wrapped_in_the_wrong_way_or_too_much() {
        let world = World::new().await;
        let key = world.external().await;
        let import = |request: ImportKeyMaterial| {
            let (kms, cx, key) = (world.kms.clone(), world.cx.clone(), by_id(&key));
            async move { kms.import_key_material(&cx, &key, request).await }
        };
        let one = parameters(&world, &key, WrappingAlgorithm::RsaesOaepSha256).await;
        let two = parameters(&world, &key, WrappingAlgorithm::RsaAesKeyWrapSha256).await;
        for (made, wrapped) in [
            (&one, oaep(&one, &OAEP_SHA1_MGF1SHA1, &[5; 32])),
            (&one, two_steps(&one, &OAEP_SHA256_MGF1SHA256, &[5; 32])),
            (&two, oaep(&two, &OAEP_SHA256_MGF1SHA256, &[5; 32])),
            (&two, vec![7; 10]),
        ] {
            let request = ImportKeyMaterial::new(made.import_token.clone(), wrapped);
            refused(import(request).await, ErrorKind::InvalidCiphertext, "");
        }
        let long =
            ImportKeyMaterial::new(one.import_token.clone(), oaep(&one, &OAEP_SHA256_MGF1SHA256, &[5; 33]));
        refused(import(long).await, ErrorKind::IncorrectKeyMaterial, INCORRECT);
    }
}
