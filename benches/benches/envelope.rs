//! Sealing and opening an envelope under a wrapping key at hand, beside its floor in the same run.
//!
//! The floor of a seal is what no implementation can avoid: one OS random call for all bytes needed, key set-up and AEAD
//! of the payload, the AEAD wrap of a 32-byte data key under a ready wrapping key, and the bare hash calls of derivation and
//! commitment, with the same primitives. Open likewise.
//!
//! Ids: `seal/<size>`, `open/<size>`, `floor_seal/<size>`, `floor_open/<size>`; with the feature `aws-lc-rs` also
//! `aws_lc_...`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use strongroom_envelope::{EncryptionContext, Envelope, Provider, RustCrypto, SecretKey, WrappingKey};

const SIZES: [usize; 4] = [64, 1024, 4096, 65536];
const KEY_ID: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// Data key, salt, nonce of the wrap.
const RANDOM: usize = 32 + 32 + 12;
/// Header and context as the envelopes here have them.
const AAD: usize = 78 + 60 + 76 + 177;
/// Key id and context, with their lengths: what is authenticated with the wrapped data key.
const WRAP_AAD: usize = 8 + 78 + 177;

fn context() -> EncryptionContext {
    EncryptionContext::from_pairs([
        ("SecretARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3"),
        ("SecretVersionId", "9a1b2c3d-1111-4222-8333-abcdefabcdef"),
    ])
    .unwrap()
}

fn id(prefix: &str, what: &str, size: usize) -> String {
    format!("{prefix}{what}/{size}")
}

/// Ours, with a provider: into a buffer that is there.
fn ours<P: Provider>(criterion: &mut Criterion, prefix: &str, size: usize) {
    let key = WrappingKey::<P>::with_provider(KEY_ID, &SecretKey::generate().unwrap());
    let context = context();
    let plaintext = vec![7; size];
    let mut out = vec![0; key.sealed_len(size)];
    criterion.bench_function(&id(prefix, "seal", size), |bencher| {
        bencher.iter(|| key.seal_into(&context, black_box(&plaintext), &mut out).unwrap());
    });
    let sealed = key.seal(&context, &plaintext).unwrap();
    let mut opened = vec![0; size];
    criterion.bench_function(&id(prefix, "open", size), |bencher| {
        bencher.iter(|| {
            let envelope = Envelope::parse(black_box(&sealed)).unwrap();
            key.open_into(&context, &envelope, &mut opened).unwrap();
        });
    });
}

/// The same primitives bare.
trait Floor {
    type Ready;
    fn ready(key: &[u8; 32]) -> Self::Ready;
    fn seal(key: &Self::Ready, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; 16];
    fn open(
        key: &Self::Ready,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    );
    /// Two HMAC-SHA-256 under one key.
    fn hashes(key: &[u8; 32], message: &[u8; 55]) -> [[u8; 32]; 2];
}

fn floor<F: Floor>(criterion: &mut Criterion, prefix: &str, size: usize) {
    let wrapping = F::ready(&[1; 32]);
    let aad = [2; AAD];
    let (message, wrap_nonce) = ([3; 55], [4; 12]);
    let plaintext = vec![7; size];
    let mut out = vec![0; size];
    let mut wrapped = [0; 32];
    criterion.bench_function(&id(prefix, "floor_seal", size), |bencher| {
        bencher.iter(|| {
            let mut random = [0u8; RANDOM];
            getrandom::fill(&mut random).unwrap();
            let data_key = random.first_chunk::<32>().unwrap();
            let nonce = random.last_chunk::<12>().unwrap();
            let [message_key, _] = F::hashes(data_key, black_box(&message));
            F::seal(&wrapping, nonce, &aad[..WRAP_AAD], data_key, &mut wrapped);
            F::seal(&F::ready(&message_key), &[0; 12], &aad, black_box(&plaintext), &mut out)
        });
    });
    // What an open needs, made once.
    let data_key = [5; 32];
    let wrap_tag = F::seal(&wrapping, &wrap_nonce, &aad[..WRAP_AAD], &data_key, &mut wrapped);
    let [message_key, _] = F::hashes(&data_key, &message);
    let tag = F::seal(&F::ready(&message_key), &[0; 12], &aad, &plaintext, &mut out);
    let mut opened = vec![0; size];
    criterion.bench_function(&id(prefix, "floor_open", size), |bencher| {
        bencher.iter(|| {
            let mut data_key = [0; 32];
            F::open(&wrapping, &wrap_nonce, &aad[..WRAP_AAD], black_box(&wrapped), &wrap_tag, &mut data_key);
            let [message_key, _] = F::hashes(&data_key, black_box(&message));
            F::open(&F::ready(&message_key), &[0; 12], &aad, black_box(&out), &tag, &mut opened);
        });
    });
}

struct RustFloor;

impl Floor for RustFloor {
    type Ready = aes_gcm::Aes256Gcm;

    fn ready(key: &[u8; 32]) -> Self::Ready {
        aes_gcm::KeyInit::new(key.into())
    }

    fn seal(key: &Self::Ready, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; 16] {
        let buffers = aes_gcm::aead::inout::InOutBuf::new(plaintext, out).unwrap();
        aes_gcm::AeadInOut::encrypt_inout_detached(key, nonce.into(), aad, buffers).unwrap().into()
    }

    fn open(
        key: &Self::Ready,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) {
        let buffers = aes_gcm::aead::inout::InOutBuf::new(ciphertext, out).unwrap();
        aes_gcm::AeadInOut::decrypt_inout_detached(key, nonce.into(), aad, buffers, tag.into()).unwrap();
    }

    fn hashes(key: &[u8; 32], message: &[u8; 55]) -> [[u8; 32]; 2] {
        use hmac::{KeyInit, Mac};
        let keyed = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        [1u8, 2].map(|index| {
            let mut mac = keyed.clone();
            let mut message = *message;
            message[3] = index;
            mac.update(&message);
            mac.finalize().into_bytes().into()
        })
    }
}

#[cfg(feature = "aws-lc-rs")]
struct AwsLcFloor;

#[cfg(feature = "aws-lc-rs")]
impl Floor for AwsLcFloor {
    type Ready = aws_lc_rs::aead::LessSafeKey;

    fn ready(key: &[u8; 32]) -> Self::Ready {
        aws_lc_rs::aead::LessSafeKey::new(
            aws_lc_rs::aead::UnboundKey::new(&aws_lc_rs::aead::AES_256_GCM, key).unwrap(),
        )
    }

    fn seal(key: &Self::Ready, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> [u8; 16] {
        let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key(*nonce);
        let mut tag = [0; 16];
        let aad = aws_lc_rs::aead::Aad::from(aad);
        key.seal_out_of_place_scatter(nonce, aad, plaintext, out, &[], &mut tag).unwrap();
        tag
    }

    fn open(
        key: &Self::Ready,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) {
        let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key(*nonce);
        key.open_separate_gather(nonce, aws_lc_rs::aead::Aad::from(aad), ciphertext, tag, out).unwrap();
    }

    fn hashes(key: &[u8; 32], message: &[u8; 55]) -> [[u8; 32]; 2] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        [1u8, 2].map(|index| {
            let mut message = *message;
            message[3] = index;
            let mut out = [0; 32];
            aws_lc_rs::hmac::sign_to_buffer(&key, &message, &mut out).unwrap();
            out
        })
    }
}

/// Ours and the floor of one size stand beside each other, so that a machine that changes its mind changes both.
fn envelope(criterion: &mut Criterion) {
    for size in SIZES {
        ours::<RustCrypto>(criterion, "", size);
        floor::<RustFloor>(criterion, "", size);
        #[cfg(feature = "aws-lc-rs")]
        {
            ours::<strongroom_envelope::AwsLc>(criterion, "aws_lc_", size);
            floor::<AwsLcFloor>(criterion, "aws_lc_", size);
        }
    }
}

criterion_group!(benches, envelope);
criterion_main!(benches);
