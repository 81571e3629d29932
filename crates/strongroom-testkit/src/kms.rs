//! The conformance suite of [`Kms`].

use std::future::Future;
use std::sync::Arc;
use std::thread;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{
    DataKeySpec, Decrypt, DescribeKey, Encrypt, Error, ErrorKind, GenerateDataKey, KeyRef, Kms, ReEncrypt,
};
use strongroom_types::CallContext;

use crate::runtime::Runtime;

/// What the suite needs: a key service, a permitted caller, two enabled symmetric keys.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers build it")]
pub struct Fixture {
    /// The key service.
    pub kms: Arc<dyn Kms>,
    /// The caller.
    pub cx: CallContext,
    /// An enabled symmetric key that the caller may use, in any of the four forms.
    pub key: KeyRef,
    /// Another.
    pub other: KeyRef,
}

/// Runs every case on what `make` returns.
///
/// # Panics
/// When a case fails, with what is wrong.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Fixture>,
{
    data_keys_come_back_by_decrypt(&make().await).await;
    plaintexts_of_all_sizes_come_back(&make().await).await;
    contexts_must_match_exactly(&make().await).await;
    damage_is_refused_and_looks_like_a_wrong_context(&make().await).await;
    the_key_demanded_must_be_the_key_used(&make().await).await;
    re_encrypt_moves_between_keys_and_contexts(&make().await).await;
    unknown_keys_are_not_found(&make().await).await;
    answers_name_the_key_by_arn(&make().await).await;
    concurrent_use_is_fine(&make().await);
}

fn context(value: &str) -> EncryptionContext {
    EncryptionContext::from_pairs([("purpose", "test"), ("value", value)]).unwrap()
}

async fn decrypt(
    subject: &Fixture,
    ciphertext: &[u8],
    context: &EncryptionContext,
) -> Result<Vec<u8>, Error> {
    let opened = subject.kms.decrypt(&subject.cx, Decrypt::new(ciphertext).context(context)).await?;
    Ok(opened.plaintext.expose().to_vec())
}

async fn encrypt(subject: &Fixture, plaintext: &[u8], context: &EncryptionContext) -> Result<Vec<u8>, Error> {
    Ok(subject
        .kms
        .encrypt(&subject.cx, Encrypt::new(&subject.key, plaintext).context(context))
        .await?
        .ciphertext)
}

/// Both kinds of data key, of every length; no two alike.
pub async fn data_keys_come_back_by_decrypt(subject: &Fixture) {
    let context = context("data key");
    let mut seen = Vec::new();
    for (spec, len) in [
        (DataKeySpec::Aes256, 32),
        (DataKeySpec::Aes128, 16),
        (DataKeySpec::Bytes(1), 1),
        (DataKeySpec::Bytes(1024), 1024),
        (DataKeySpec::Aes256, 32),
    ] {
        let (kms, cx, key) = (&subject.kms, &subject.cx, &subject.key);
        let pair =
            kms.generate_data_key(cx, GenerateDataKey::new(key).context(&context).spec(spec)).await.unwrap();
        assert_eq!(pair.plaintext.len(), len, "{spec:?}");
        assert!(pair.ciphertext.len() <= 6144);
        assert_eq!(decrypt(subject, &pair.ciphertext, &context).await.unwrap(), pair.plaintext.expose());
        if len > 1 {
            assert!(!seen.contains(&pair.plaintext.expose().to_vec()), "two data keys are alike");
            seen.push(pair.plaintext.expose().to_vec());
        }
        let wrapped = kms
            .generate_data_key_without_plaintext(cx, GenerateDataKey::new(key).context(&context).spec(spec))
            .await
            .unwrap();
        assert_eq!(decrypt(subject, &wrapped.ciphertext, &context).await.unwrap().len(), len);
    }
    for bad in [0, 1025] {
        let error = subject
            .kms
            .generate_data_key(
                &subject.cx,
                GenerateDataKey::new(&subject.key).context(&context).spec(DataKeySpec::Bytes(bad)),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{bad} bytes");
    }
}

/// 1 to 4,096 bytes; the same plaintext never gives the same ciphertext.
pub async fn plaintexts_of_all_sizes_come_back(subject: &Fixture) {
    let context = context("sizes");
    for len in [1, 2, 31, 32, 33, 1000, 4095, 4096] {
        let plaintext: Vec<u8> = (0..=255u8).cycle().take(len).collect();
        let (one, two) = (
            encrypt(subject, &plaintext, &context).await.unwrap(),
            encrypt(subject, &plaintext, &context).await.unwrap(),
        );
        assert_ne!(one, two, "{len} bytes");
        assert!(one.len() <= 6144);
        assert_eq!(decrypt(subject, &one, &context).await.unwrap(), plaintext);
    }
    assert_eq!(encrypt(subject, b"", &context).await.unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(encrypt(subject, &[0; 4097], &context).await.unwrap_err().kind(), ErrorKind::Validation);
}

/// Case, subset, superset, swapped values: none opens. Order does not matter; empty and none are
/// the same.
pub async fn contexts_must_match_exactly(subject: &Fixture) {
    let pairs = |pairs: &[(&str, &str)]| EncryptionContext::from_pairs(pairs.iter().copied()).unwrap();
    let sealed = encrypt(subject, b"plaintext", &pairs(&[("a", "1"), ("b", "2")])).await.unwrap();
    decrypt(subject, &sealed, &pairs(&[("b", "2"), ("a", "1")])).await.expect("the order does not matter");
    for wrong in [
        &[("a", "1")][..],
        &[],
        &[("a", "1"), ("b", "2"), ("c", "3")],
        &[("A", "1"), ("b", "2")],
        &[("a", "1"), ("b", "2 ")],
        &[("a", "2"), ("b", "1")],
        &[("a", "1b"), ("", "2")],
    ] {
        let error = decrypt(subject, &sealed, &pairs(wrong)).await.expect_err("another context");
        assert_eq!(error.kind(), ErrorKind::InvalidCiphertext, "{wrong:?}");
        assert_eq!(error.message(), "", "nothing tells why");
    }
    let bare = encrypt(subject, b"plaintext", &EncryptionContext::new()).await.unwrap();
    decrypt(subject, &bare, &pairs(&[])).await.unwrap();
}

/// Every changed byte and every cut is refused; where the key is still the one named, with the same
/// error as a wrong context.
pub async fn damage_is_refused_and_looks_like_a_wrong_context(subject: &Fixture) {
    let context = context("damage");
    let sealed = encrypt(subject, b"plaintext", &context).await.unwrap();
    let wrong_context = decrypt(subject, &sealed, &EncryptionContext::new()).await.unwrap_err();
    let mut alike = 0;
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x20;
        let error = decrypt(subject, &changed, &context).await.expect_err("a changed byte");
        // A byte of the key's name may make it another key's ciphertext.
        let other_key = matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::NotFound);
        if !other_key {
            // What a request was called may be told with it.
            let told = |error: &Error| (error.kind(), error.operation(), error.message().to_owned());
            assert_eq!(told(&error), told(&wrong_context), "byte {at}");
            alike += 1;
        }
    }
    assert!(alike > sealed.len() / 2, "most damage looks like a wrong context");
    for cut in [0, 1, sealed.len() / 2, sealed.len() - 1] {
        decrypt(subject, &sealed[..cut], &context).await.expect_err("a cut ciphertext");
    }
    decrypt(subject, &[sealed.as_slice(), b"x"].concat(), &context).await.expect_err("a longer ciphertext");
    let foreign = decrypt(subject, b"not a ciphertext at all", &context).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::InvalidCiphertext);
}

/// Naming the right key passes, naming another one does not.
pub async fn the_key_demanded_must_be_the_key_used(subject: &Fixture) {
    let context = context("named");
    let sealed = encrypt(subject, b"plaintext", &context).await.unwrap();
    let (kms, cx) = (&subject.kms, &subject.cx);
    kms.decrypt(cx, Decrypt::new(&sealed).context(&context).key(&subject.key))
        .await
        .expect("the key it was made with");
    let error = kms
        .decrypt(cx, Decrypt::new(&sealed).context(&context).key(&subject.other))
        .await
        .expect_err("another key");
    assert_eq!(error.kind(), ErrorKind::IncorrectKey);
}

/// The new ciphertext opens under the new context only; the old one stays as it was.
pub async fn re_encrypt_moves_between_keys_and_contexts(subject: &Fixture) {
    let (from, to) = (context("from"), context("to"));
    let sealed = encrypt(subject, b"plaintext", &from).await.unwrap();
    let (kms, cx) = (&subject.kms, &subject.cx);
    let moved = kms
        .re_encrypt(cx, ReEncrypt::new(&sealed, &subject.other).source_context(&from).context(&to))
        .await
        .unwrap();
    assert_ne!(moved.key_arn, moved.source_key_arn);
    assert_eq!(decrypt(subject, &moved.ciphertext, &to).await.unwrap(), b"plaintext");
    decrypt(subject, &moved.ciphertext, &from).await.expect_err("the old context");
    assert_eq!(decrypt(subject, &sealed, &from).await.unwrap(), b"plaintext");
    let error = kms
        .re_encrypt(cx, ReEncrypt::new(&sealed, &subject.other).source_context(&to).context(&to))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCiphertext);
}

/// A well-formed id of no key.
pub async fn unknown_keys_are_not_found(subject: &Fixture) {
    let unknown = KeyRef::parse("00000000-0000-4000-8000-000000000000").unwrap();
    let (kms, cx, context) = (&subject.kms, &subject.cx, context("unknown"));
    let error =
        kms.generate_data_key(cx, GenerateDataKey::new(&unknown).context(&context)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = kms.describe_key(cx, DescribeKey::new(&unknown)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Whatever form the key was named in, the answers name it by the same ARN.
pub async fn answers_name_the_key_by_arn(subject: &Fixture) {
    let (kms, cx, context) = (&subject.kms, &subject.cx, context("arn"));
    let described = kms.describe_key(cx, DescribeKey::new(&subject.key)).await.unwrap();
    assert!(described.arn.resource().ends_with(described.id.as_str()));
    let by_arn = KeyRef::parse(described.arn.as_str()).unwrap();
    for key in [&subject.key, &by_arn] {
        let pair = kms.generate_data_key(cx, GenerateDataKey::new(key).context(&context)).await.unwrap();
        assert_eq!(pair.key_arn, described.arn);
        let opened = kms.decrypt(cx, Decrypt::new(&pair.ciphertext).context(&context)).await.unwrap();
        assert_eq!(opened.key_arn, described.arn);
        assert_eq!(opened.key_material_id, pair.key_material_id);
    }
}

/// Several threads wrap and unwrap under one key.
pub fn concurrent_use_is_fine(subject: &Fixture) {
    let runtime = &Runtime::current();
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                runtime.block_on(async {
                    for n in 0..25 {
                        let context = context(&format!("{thread}-{n}"));
                        let sealed = encrypt(subject, b"plaintext", &context).await.unwrap();
                        assert_eq!(decrypt(subject, &sealed, &context).await.unwrap(), b"plaintext");
                    }
                });
            });
        }
    });
}
