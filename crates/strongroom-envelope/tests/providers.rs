//! Two providers, the same bytes: what one seals the other opens.

#![cfg(test)]
#![cfg(feature = "aws-lc-rs")]

use strongroom_envelope::{
    AwsLc, DataKey, EncryptionContext, Envelope, ErrorKind, Label, Provider, RustCrypto, Sealer, SecretKey,
    WrappingKey,
};

fn sizes() -> impl Iterator<Item = usize> {
    let powers = (9..=20).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]);
    (0..=300).chain(powers)
}

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs([("SecretARN", "arn"), ("SecretVersionId", "v1")]).unwrap()
}

fn plaintext(size: usize) -> Vec<u8> {
    (0..=255u8).cycle().take(size).collect()
}

fn cross<A: Provider, B: Provider>() {
    let (from, to) = (Sealer::<A>::with_provider(), Sealer::<B>::with_provider());
    let (key, secret, context) = (DataKey::generate().unwrap(), SecretKey::generate().unwrap(), context());
    let (wrap, unwrap) =
        (WrappingKey::<A>::with_provider("k", &secret), WrappingKey::<B>::with_provider("k", &secret));
    for size in sizes() {
        let plaintext = plaintext(size);
        let sealed = from.seal(&key, "key", b"wrapped", &context, &plaintext).unwrap();
        let envelope = Envelope::parse(&sealed).unwrap();
        assert!(to.open(&envelope, &key, &context).unwrap().expose() == plaintext, "{size} bytes");
        let wrapped = wrap.seal(&context, &plaintext).unwrap();
        assert!(unwrap.open(&context, &wrapped).unwrap().expose() == plaintext, "{size} bytes, wrapped");
        let mut boxed = Vec::new();
        from.seal_box(&secret, Label::new("test"), b"aad", &plaintext, &mut boxed).unwrap();
        assert!(to.open_box(&secret, Label::new("test"), b"aad", &boxed).unwrap().expose() == plaintext);
    }
}

#[test]
fn what_rust_crypto_seals_aws_lc_opens() {
    cross::<RustCrypto, AwsLc>();
}

#[test]
fn what_aws_lc_seals_rust_crypto_opens() {
    cross::<AwsLc, RustCrypto>();
}

/// On failure the caller's buffer holds nothing of the plaintext, with either provider, also when
/// only the commitment is wrong or the last byte of the tag.
fn failures_leave_nothing<P: Provider>() {
    let sealer = Sealer::<P>::with_provider();
    let (key, context) = (DataKey::generate().unwrap(), context());
    for size in [1, 15, 16, 17, 64, 1000, 70_000] {
        let plaintext = plaintext(size).iter().map(|byte| byte | 1).collect::<Vec<_>>();
        let sealed = sealer.seal(&key, "key", b"wrapped", &context, &plaintext).unwrap();
        let commitment = 4 + 2 + 3 + 2 + 7 + 4 + 32;
        for at in [commitment, sealed.len() - 1, sealed.len() - 17, 5] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let Ok(envelope) = Envelope::parse(&changed) else { continue };
            let mut out = vec![0x55; size];
            let error = sealer.open_into(&envelope, &key, &context, &mut out).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decryption);
            assert!(out.iter().all(|byte| *byte == 0), "byte {at} of {size}");
        }
    }
}

#[test]
fn failures_leave_nothing_in_the_buffer() {
    failures_leave_nothing::<RustCrypto>();
    failures_leave_nothing::<AwsLc>();
}
