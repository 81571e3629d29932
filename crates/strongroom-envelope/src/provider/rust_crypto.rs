//! The default provider: `aes-gcm`, `hmac` and `sha2` of the RustCrypto project.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Parent, Primitives, Provider};

/// Pure Rust, constant-time even without AES instructions. The default.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RustCrypto;

impl Provider for RustCrypto {}

impl Primitives for RustCrypto {
    type Cipher = Aes256Gcm;

    #[inline]
    fn cipher(key: &[u8; 32]) -> Aes256Gcm {
        Aes256Gcm::new(key.into())
    }

    #[inline]
    fn seal(
        cipher: &Aes256Gcm,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<[u8; 16]> {
        let buffers = InOutBuf::new(plaintext, out).ok()?;
        cipher.encrypt_inout_detached(&Nonce::from(*nonce), aad, buffers).ok().map(Into::into)
    }

    #[inline]
    fn open(
        cipher: &Aes256Gcm,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> bool {
        // The crate verifies the tag over the ciphertext before it writes to the output.
        InOutBuf::new(ciphertext, out).is_ok_and(|buffers| {
            cipher.decrypt_inout_detached(&Nonce::from(*nonce), aad, buffers, &Tag::from(*tag)).is_ok()
        })
    }

    #[inline]
    fn hmac_each<const N: usize>(key: Parent<'_>, messages: [(&[u8], &mut [u8; 32]); N]) {
        let own;
        let keyed = match key {
            Parent::Ready(ready) => ready,
            Parent::Bytes(bytes) => {
                own = keyed(bytes);
                &own
            }
        };
        for (message, out) in messages {
            let mut mac = keyed.clone();
            mac.update(message);
            let mut tag = mac.finalize().into_bytes();
            out.copy_from_slice(&tag);
            crate::wipe(&mut tag);
        }
    }
}

/// The state of HMAC-SHA-256 after absorbing the key. Wiped when dropped.
pub(crate) type Keyed = Hmac<Sha256>;

/// Initializes HMAC-SHA-256 with a key, which always fits one block.
pub(crate) fn keyed(key: &[u8; 32]) -> Keyed {
    let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
    padded[..32].copy_from_slice(key);
    let mac = <Hmac<Sha256> as KeyInit>::new(&padded);
    crate::wipe(&mut padded);
    mac
}
