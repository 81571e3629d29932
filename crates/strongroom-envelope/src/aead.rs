//! The one suite: AES-256-GCM under a message key that is derived, with a commitment, for this one message.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::derive::{self, Label};
use crate::{Error, ErrorKind};

pub(crate) const SALT_LEN: usize = 32;
pub(crate) const COMMITMENT_LEN: usize = 32;
pub(crate) const TAG_LEN: usize = 16;
/// SP 800-38D allows 2^36 - 32 bytes; this is what we are willing to hold in memory twice.
pub(crate) const MAX_PLAINTEXT: usize = 64 * 1024 * 1024;

/// A message key never seals twice, so the nonce is a constant.
const NONCE: [u8; 12] = [0; 12];

/// A message key made ready, and the commitment to the key it came from.
pub(crate) struct Message {
    cipher: Aes256Gcm,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
}

impl Message {
    /// `salt` must be fresh random bytes when sealing; it is part of the ciphertext when opening.
    pub(crate) fn new(key: &[u8; 32], label: Label, salt: &[u8; SALT_LEN]) -> Self {
        let mut message_key = Zeroizing::new([0; 32]);
        let mut commitment = [0; COMMITMENT_LEN];
        derive::message_key(key, label, salt, &mut message_key, &mut commitment);
        Self { cipher: Aes256Gcm::new((&*message_key).into()), commitment }
    }

    /// Encrypts `plaintext` into `out`, which has the same length, and gives the tag.
    pub(crate) fn seal(self, aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        let too_large = || Error::new(ErrorKind::TooLarge, "the plaintext is longer than 64 MiB");
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(too_large());
        }
        let buffers = InOutBuf::new(plaintext, out).map_err(|_| too_large())?;
        let tag =
            self.cipher.encrypt_inout_detached(&Nonce::from(NONCE), aad, buffers).map_err(|_| too_large())?;
        Ok(tag.into())
    }

    /// Verifies commitment and tag, and only then decrypts `ciphertext` into `out`, which has the same length.
    /// On failure nothing was written to `out`.
    pub(crate) fn open(
        self,
        commitment: &[u8; COMMITMENT_LEN],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let committed = bool::from(self.commitment.ct_eq(commitment));
        // The commitment's verdict alone must not shorten the work: a wrong key takes as long as a wrong tag.
        let buffers = InOutBuf::new(ciphertext, out).map_err(|_| Error::decryption())?;
        let mut tag = Tag::from(*tag);
        if !committed {
            // Makes the tag comparison fail without a second path.
            tag.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
        match self.cipher.decrypt_inout_detached(&Nonce::from(NONCE), aad, buffers, &tag) {
            Ok(()) if committed => Ok(()),
            Ok(()) => {
                // Reached when the inverted tag happens to be the right one: the commitment still decides.
                crate::wipe(out);
                Err(Error::decryption())
            }
            Err(_) => Err(Error::decryption()),
        }
    }
}
