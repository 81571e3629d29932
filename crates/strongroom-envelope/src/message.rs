//! One message of the suite: AES-256-GCM under a key that is derived, with a commitment, for this
//! one message.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::derive::{self, Label};
use crate::provider::{Parent, Primitives};
use crate::{Error, ErrorKind};

pub(crate) const SALT_LEN: usize = 32;
pub(crate) const COMMITMENT_LEN: usize = 32;
pub(crate) const TAG_LEN: usize = 16;
/// SP 800-38D allows 2^36 - 32 bytes; this lower limit bounds memory, which holds the message
/// twice.
pub(crate) const MAX_PLAINTEXT: usize = 64 * 1024 * 1024;

/// A message key never seals twice, so the nonce is a constant.
const NONCE: [u8; 12] = [0; 12];

/// A message key with its key schedule, and the commitment to its parent key.
pub(crate) struct Message<P: Primitives> {
    cipher: P::Cipher,
    pub(crate) commitment: [u8; COMMITMENT_LEN],
}

impl<P: Primitives> Message<P> {
    /// `salt` must be fresh random bytes when sealing; it is part of the ciphertext when opening.
    #[inline(always)]
    pub(crate) fn new(key: Parent<'_>, label: Label, salt: &[u8; SALT_LEN]) -> Self {
        let mut message_key = Zeroizing::new([0; 32]);
        let mut commitment = [0; COMMITMENT_LEN];
        derive::message_key::<P>(key, label, salt, &mut message_key, &mut commitment);
        Self { cipher: P::cipher(&message_key), commitment }
    }

    /// Encrypts `plaintext` into `out`, which has the same length, and returns the tag.
    #[inline]
    pub(crate) fn seal(&self, aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        let too_large = || Error::new(ErrorKind::TooLarge, "the plaintext is longer than 64 MiB");
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(too_large());
        }
        P::seal(&self.cipher, &NONCE, aad, plaintext, out).ok_or_else(too_large)
    }

    /// Verifies commitment and tag, and only then decrypts `ciphertext` into `out`, which has the
    /// same length. On failure `out` holds nothing of the plaintext.
    #[inline]
    pub(crate) fn open(
        &self,
        commitment: &[u8; COMMITMENT_LEN],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        out: &mut [u8],
    ) -> Result<(), Error> {
        // Evaluate both, so that a wrong key takes as long as a wrong tag.
        let committed = same(&self.commitment, commitment);
        let opened = P::open(&self.cipher, &NONCE, aad, ciphertext, tag, out);
        if committed & opened {
            return Ok(());
        }
        crate::wipe(out);
        Err(Error::decryption())
    }
}

/// Whether two commitments are equal, in constant time. Compares by words: byte by byte would cost
/// as much as a block of the hash.
#[inline]
fn same(one: &[u8; COMMITMENT_LEN], other: &[u8; COMMITMENT_LEN]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let (one, _) = one.as_chunks::<8>();
    let (other, _) = other.as_chunks::<8>();
    let differ = one.iter().zip(other).fold(0, |differ, (a, b)| differ | (word(a) ^ word(b)));
    differ.ct_eq(&0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_makes_another_commitment() {
        let commitment: [u8; COMMITMENT_LEN] = std::array::from_fn(|index| u8::try_from(index * 7).unwrap());
        assert!(same(&commitment, &commitment));
        for bit in 0..8 * COMMITMENT_LEN {
            let mut other = commitment;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!same(&commitment, &other), "{bit}");
        }
    }
}
