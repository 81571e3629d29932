//! §5: Encrypt, Decrypt, ReEncrypt and the data keys.

use strongroom_kms::{DataKeySpec, Decrypt, Encrypt, GenerateDataKey, ReEncrypt};

use super::*;

const WRONG_KEY: &str = "The key ID in the request does not identify a CMK that can perform this operation.";
const DRY: &str = "The request would have succeeded, but the DryRun option is set.";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    EncryptionContext::from_pairs(pairs.iter().copied()).unwrap()
}

impl World {
    async fn seal(&self, key: &KeyMetadata, plaintext: &[u8], context: &EncryptionContext) -> Vec<u8> {
        let sealed =
            self.kms.encrypt(&self.cx, Encrypt::new(&by_id(key), plaintext).context(context)).await.unwrap();
        assert_eq!(sealed.key_arn, key.arn);
        sealed.ciphertext
    }
}

#[tokio::test]
async fn a_plaintext_has_one_to_4096_bytes() {
    let world = World::new().await;
    let key = world.key().await;
    let none = context(&[]);
    for len in [1, 4095, 4096] {
        let plaintext = vec![7; len];
        let sealed = world.seal(&key, &plaintext, &none).await;
        assert!(sealed.len() <= len + 150, "{} bytes for {len}", sealed.len());
        assert_eq!(world.decrypt(&sealed).await.unwrap(), plaintext);
    }
    for (len, bound) in [(0, "greater than or equal to 1"), (4097, "less than or equal to 4096")] {
        let text = format!(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length {bound}"
        );
        let plaintext = vec![7; len];
        let sealed =
            world.kms.encrypt(&world.cx, Encrypt::new(&by_id(&key), &plaintext).context(&none)).await;
        refused(sealed, ErrorKind::Validation, &text);
    }
}

#[tokio::test]
async fn the_context_must_be_the_same_pairs() {
    let world = World::new().await;
    let key = world.key().await;
    let given = context(&[("a", "1"), ("b", "2")]);
    let sealed = world.seal(&key, b"plaintext", &given).await;
    let reordered = context(&[("b", "2"), ("a", "1")]);
    let opened = world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&reordered)).await.unwrap();
    assert_eq!((opened.plaintext.expose(), opened.key_arn), (b"plaintext".as_slice(), key.arn));
    let wrong: [&[(&str, &str)]; 7] = [
        &[],
        &[("a", "1")],
        &[("a", "1"), ("b", "2"), ("c", "3")],
        &[("a", "1"), ("b", "3")],
        &[("A", "1"), ("b", "2")],
        &[("a", "2"), ("b", "1")],
        &[("a1", ""), ("b", "2")],
    ];
    for pairs in wrong {
        let opened = world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&context(pairs))).await;
        refused(opened, ErrorKind::InvalidCiphertext, "");
    }
}

#[tokio::test]
async fn what_is_no_ciphertext_of_ours() {
    let world = World::new().await;
    let sealed = world.encrypt(&world.key().await).await;
    let (cut, more) = (&sealed[..sealed.len() - 1], [sealed.as_slice(), b"x"].concat());
    for bytes in [b"x".as_slice(), &[0; 200], &[0; 6144], cut, &more] {
        refused(world.decrypt(bytes).await, ErrorKind::InvalidCiphertext, "");
    }
}

#[tokio::test]
async fn a_ciphertext_of_another_store_names_an_unknown_key() {
    let (world, another) = (World::new().await, World::new().await);
    let sealed = another.encrypt(&another.key().await).await;
    let text = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    refused(world.decrypt(&sealed).await, ErrorKind::AccessDenied, text);
}

#[tokio::test]
async fn a_key_named_to_decrypt_must_be_the_one() {
    let world = World::new().await;
    let (key, other, macs) = (world.key().await, world.key().await, world.hmac(KeySpec::Hmac256).await);
    let sealed = world.encrypt(&key).await;
    let none = context(&[]);
    let by_arn = KeyRef::parse(&key.arn.to_string()).unwrap();
    for right in [by_id(&key), by_arn] {
        world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&none).key(&right)).await.unwrap();
    }
    for wrong in [&other, &macs] {
        let opened =
            world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&none).key(&by_id(wrong))).await;
        refused(opened, ErrorKind::IncorrectKey, WRONG_KEY);
        let moved = world
            .kms
            .re_encrypt(
                &world.cx,
                ReEncrypt::new(&sealed, &by_id(&key))
                    .source_context(&none)
                    .context(&none)
                    .source_key(&by_id(wrong)),
            )
            .await;
        refused(moved, ErrorKind::IncorrectKey, WRONG_KEY);
    }
    let unknown = KeyRef::parse(UNKNOWN).unwrap();
    let opened = world.kms.decrypt(&world.cx, Decrypt::new(&sealed).context(&none).key(&unknown)).await;
    let text = format!("Key 'arn:aws:kms:us-east-1:000000000000:key/{UNKNOWN}' does not exist");
    refused(opened, ErrorKind::NotFound, &text);
}

#[tokio::test]
async fn re_encrypt_moves_to_another_key_and_context() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    let (old, new) = (context(&[("of", "old")]), context(&[("of", "new")]));
    let sealed = world.seal(&one, b"plaintext", &old).await;
    let moved = world
        .kms
        .re_encrypt(&world.cx, ReEncrypt::new(&sealed, &by_id(&two)).source_context(&old).context(&new))
        .await
        .unwrap();
    assert_eq!((&moved.source_key_arn, &moved.key_arn), (&one.arn, &two.arn));
    assert_eq!(moved.source_key_material_id.as_deref(), world.material(&one).await.as_deref());
    assert_eq!(moved.key_material_id.as_deref(), world.material(&two).await.as_deref());
    let opened = world.kms.decrypt(&world.cx, Decrypt::new(&moved.ciphertext).context(&new)).await.unwrap();
    assert_eq!((opened.plaintext.expose(), opened.key_arn), (b"plaintext".as_slice(), two.arn.clone()));
    let opened = world.kms.decrypt(&world.cx, Decrypt::new(&moved.ciphertext).context(&old)).await;
    refused(opened, ErrorKind::InvalidCiphertext, "");
    let moved = world
        .kms
        .re_encrypt(&world.cx, ReEncrypt::new(&sealed, &by_id(&two)).source_context(&new).context(&new))
        .await;
    refused(moved, ErrorKind::InvalidCiphertext, "");
}

#[tokio::test]
async fn both_keys_of_a_re_encrypt_must_be_usable() {
    let world = World::new().await;
    let (one, two) = (world.key().await, world.key().await);
    let sealed = world.encrypt(&one).await;
    let none = context(&[]);
    for key in [&one, &two] {
        world.kms.disable_key(&world.cx, &by_id(key)).await.unwrap();
        let moved = world
            .kms
            .re_encrypt(&world.cx, ReEncrypt::new(&sealed, &by_id(&two)).source_context(&none).context(&none))
            .await;
        refused(moved, ErrorKind::Disabled, &format!("{} is disabled.", key.arn));
        world.kms.enable_key(&world.cx, &by_id(key)).await.unwrap();
    }
    let macs = world.hmac(KeySpec::Hmac256).await;
    let moved = world
        .kms
        .re_encrypt(&world.cx, ReEncrypt::new(&sealed, &by_id(&macs)).source_context(&none).context(&none))
        .await;
    let text = format!("{} key usage is GENERATE_VERIFY_MAC which is not valid for ReEncrypt.", macs.arn);
    refused(moved, ErrorKind::InvalidKeyUsage, &text);
}

#[tokio::test]
async fn data_keys_are_fresh_and_decrypt_to_themselves() {
    let world = World::new().await;
    let key = world.key().await;
    let given = context(&[("a", "1")]);
    let mut seen = std::collections::BTreeSet::new();
    for (spec, len) in [(DataKeySpec::Aes256, 32), (DataKeySpec::Aes128, 16)] {
        for _ in 0..3 {
            let pair = world
                .kms
                .generate_data_key(&world.cx, GenerateDataKey::new(&by_id(&key)).context(&given).spec(spec))
                .await
                .unwrap();
            assert_eq!((pair.plaintext.len(), &pair.key_arn), (len, &key.arn));
            let opened =
                world.kms.decrypt(&world.cx, Decrypt::new(&pair.ciphertext).context(&given)).await.unwrap();
            assert_eq!(opened.plaintext.expose(), pair.plaintext.expose());
            assert!(seen.insert(pair.plaintext.expose().to_vec()), "a data key came twice");
        }
        let wrapped = world
            .kms
            .generate_data_key_without_plaintext(
                &world.cx,
                GenerateDataKey::new(&by_id(&key)).context(&given).spec(spec),
            )
            .await
            .unwrap();
        let opened =
            world.kms.decrypt(&world.cx, Decrypt::new(&wrapped.ciphertext).context(&given)).await.unwrap();
        assert_eq!(opened.plaintext.len(), len);
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_does_nothing() {
    let world = World::new().await;
    let (key, none) = (world.key().await, context(&[]));
    let (id, cx) = (by_id(&key), &world.cx);
    let sealed = world.encrypt(&key).await;
    let told = [
        world.kms.encrypt(cx, Encrypt::new(&id, b"x").context(&none).dry_run()).await.map(drop),
        world.kms.decrypt(cx, Decrypt::new(&sealed).context(&none).dry_run()).await.map(drop),
        world.kms.generate_data_key(cx, GenerateDataKey::new(&id).context(&none).dry_run()).await.map(drop),
        world
            .kms
            .generate_data_key_without_plaintext(cx, GenerateDataKey::new(&id).context(&none).dry_run())
            .await
            .map(drop),
        world
            .kms
            .re_encrypt(cx, ReEncrypt::new(&sealed, &id).source_context(&none).context(&none).dry_run())
            .await
            .map(drop),
    ];
    for result in told {
        refused(result, ErrorKind::DryRun, DRY);
    }
    world.kms.disable_key(cx, &id).await.unwrap();
    let text = format!("{} is disabled.", key.arn);
    refused(
        world.kms.encrypt(cx, Encrypt::new(&id, b"x").context(&none).dry_run()).await,
        ErrorKind::Disabled,
        &text,
    );
    refused(
        world.kms.decrypt(cx, Decrypt::new(&sealed).context(&none).dry_run()).await,
        ErrorKind::Disabled,
        &text,
    );
}

#[tokio::test]
async fn a_data_key_has_one_to_1024_bytes() {
    let world = World::new().await;
    let (id, none) = (by_id(&world.key().await), context(&[]));
    for count in [1, 1024] {
        let pair = world
            .kms
            .generate_data_key(
                &world.cx,
                GenerateDataKey::new(&id).context(&none).spec(DataKeySpec::Bytes(count)),
            )
            .await
            .unwrap();
        assert_eq!(pair.plaintext.len(), usize::from(count));
    }
    for (count, bound) in [(0, "greater than or equal to 1"), (1025, "less than or equal to 1024")] {
        let text = format!(
            "1 validation error detected: Value '{count}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {bound}"
        );
        let made = world
            .kms
            .generate_data_key(
                &world.cx,
                GenerateDataKey::new(&id).context(&none).spec(DataKeySpec::Bytes(count)),
            )
            .await
            .map(drop);
        refused(made, ErrorKind::Validation, &text);
    }
}

#[tokio::test]
async fn a_key_for_macs_makes_no_data_keys() {
    let world = World::new().await;
    let macs = world.hmac(KeySpec::Hmac256).await;
    let made = world
        .kms
        .generate_data_key(&world.cx, GenerateDataKey::new(&by_id(&macs)).context(&context(&[])))
        .await
        .map(drop);
    let text =
        format!("{} key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey.", macs.arn);
    refused(made, ErrorKind::InvalidKeyUsage, &text);
}
