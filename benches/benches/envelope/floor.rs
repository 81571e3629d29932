//! What no implementation can avoid: the same primitives bare.

use std::hint::black_box;
use std::sync::Arc;

/// Data key, salt, nonce of the wrap.
const RANDOM: usize = 32 + 32 + 12;
/// Header and context as the envelopes here have them.
const AAD: usize = 78 + 60 + 76 + 177;
/// Key id and context, with their lengths: what is authenticated with the wrapped data key.
const WRAP_AAD: usize = 8 + 78 + 177;

/// The primitives of one provider.
pub(crate) trait Floor: 'static {
    type Ready: Send + Sync;
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

/// One seal at the floor: one random call, the hashes, the AEAD of the data key under the ready
/// wrapping key, key set-up and AEAD of the payload.
pub(crate) fn seal<F: Floor>(wrapping: Arc<F::Ready>, size: usize) -> impl FnMut() + Send {
    let (aad, message) = ([2; AAD], [3; 55]);
    let plaintext = vec![7; size];
    let mut out = vec![0; size];
    let mut wrapped = [0; 32];
    move || {
        let mut random = [0u8; RANDOM];
        getrandom::fill(&mut random).unwrap();
        let data_key = random.first_chunk::<32>().unwrap();
        let nonce = random.last_chunk::<12>().unwrap();
        let [message_key, _] = F::hashes(data_key, black_box(&message));
        F::seal(&wrapping, nonce, &aad[..WRAP_AAD], data_key, &mut wrapped);
        black_box(F::seal(&F::ready(&message_key), &[0; 12], &aad, black_box(&plaintext), &mut out));
    }
}

/// One open at the floor.
pub(crate) fn open<F: Floor>(wrapping: Arc<F::Ready>, size: usize) -> impl FnMut() + Send {
    let (aad, message, wrap_nonce) = ([2; AAD], [3; 55], [4; 12]);
    let (data_key, plaintext) = ([5; 32], vec![7; size]);
    let (mut wrapped, mut out, mut opened) = ([0; 32], vec![0; size], vec![0; size]);
    let wrap_tag = F::seal(&wrapping, &wrap_nonce, &aad[..WRAP_AAD], &data_key, &mut wrapped);
    let [message_key, _] = F::hashes(&data_key, &message);
    let tag = F::seal(&F::ready(&message_key), &[0; 12], &aad, &plaintext, &mut out);
    move || {
        let mut data_key = [0; 32];
        F::open(&wrapping, &wrap_nonce, &aad[..WRAP_AAD], black_box(&wrapped), &wrap_tag, &mut data_key);
        let [message_key, _] = F::hashes(&data_key, black_box(&message));
        F::open(&F::ready(&message_key), &[0; 12], &aad, black_box(&out), &tag, &mut opened);
    }
}

pub(crate) struct RustFloor;

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
pub(crate) struct AwsLcFloor;

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
        // The same primitives: AWS-LC's own would take 0.5 µs more.
        RustFloor::hashes(key, message)
    }
}
