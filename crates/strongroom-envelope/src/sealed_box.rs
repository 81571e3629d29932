//! The suite without the envelope's fields.

use crate::message::{COMMITMENT_LEN, MAX_PLAINTEXT, SALT_LEN, TAG_LEN};
use crate::{Error, Label, Sealer, SecretBytes, SecretKey};

/// The bare committing suite: `salt (32) || commitment (32) || ciphertext || tag (16)` under a key,
/// a label and additional authenticated data of the caller's choosing.
///
/// For custom formats; the key service uses such boxes for its ciphertexts and key material. The
/// label separates boxes of different purposes; the additional data should name everything else the
/// box depends on.
///
/// ```
/// use strongroom_envelope::{Label, SealedBox, SecretKey};
///
/// const LABEL: Label = Label::new("my-app-tokens");
/// let key = SecretKey::generate()?;
/// let sealed = SealedBox::seal(&key, LABEL, b"user 42", b"token")?;
/// assert_eq!(SealedBox::open(&key, LABEL, b"user 42", &sealed)?.expose(), b"token");
/// assert!(SealedBox::open(&key, LABEL, b"user 43", &sealed).is_err());
/// # Ok::<(), strongroom_envelope::Error>(())
/// ```
#[derive(Debug)]
pub struct SealedBox;

impl SealedBox {
    /// The overhead of a box over its plaintext, in bytes.
    pub const OVERHEAD: usize = SALT_LEN + COMMITMENT_LEN + TAG_LEN;

    /// Seals `plaintext` under a fresh message key.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) beyond 64 MiB,
    /// [`ErrorKind::Randomness`](crate::ErrorKind::Randomness).
    pub fn seal(key: &SecretKey, label: Label, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(plaintext.len().min(MAX_PLAINTEXT) + Self::OVERHEAD);
        Self::seal_into(key, label, aad, plaintext, &mut out)?;
        Ok(out)
    }

    /// As [`SealedBox::seal`], appended to `out`. On failure `out` is unchanged.
    ///
    /// # Errors
    /// As [`SealedBox::seal`].
    pub fn seal_into(
        key: &SecretKey,
        label: Label,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        Sealer::new().seal_box(key, label, aad, plaintext, out)
    }

    /// Opens a box.
    ///
    /// # Errors
    /// [`ErrorKind::Decryption`](crate::ErrorKind::Decryption) for every failure to open.
    pub fn open(key: &SecretKey, label: Label, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        Sealer::new().open_box(key, label, aad, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const LABEL: Label = Label::new("test");

    #[test]
    fn every_changed_bit_and_every_cut_is_refused() {
        let key = SecretKey::generate().unwrap();
        let sealed = SealedBox::seal(&key, LABEL, b"aad", b"plaintext").unwrap();
        assert_eq!(sealed.len(), 9 + SealedBox::OVERHEAD);
        assert_eq!(SealedBox::open(&key, LABEL, b"aad", &sealed).unwrap().expose(), b"plaintext");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                SealedBox::open(&key, LABEL, b"aad", &changed).unwrap_err().kind(),
                ErrorKind::Decryption
            );
        }
        for cut in 0..sealed.len() {
            assert_eq!(
                SealedBox::open(&key, LABEL, b"aad", &sealed[..cut]).unwrap_err().kind(),
                ErrorKind::Decryption
            );
        }
        let other = Label::new("other");
        assert!(SealedBox::open(&key, other, b"aad", &sealed).is_err());
        assert!(SealedBox::open(&key, LABEL, b"AAD", &sealed).is_err());
        assert!(SealedBox::open(&SecretKey::generate().unwrap(), LABEL, b"aad", &sealed).is_err());
    }

    #[test]
    fn two_seals_of_the_same_never_look_alike() {
        let key = SecretKey::generate().unwrap();
        let (a, b) = (
            SealedBox::seal(&key, LABEL, b"", b"x").unwrap(),
            SealedBox::seal(&key, LABEL, b"", b"x").unwrap(),
        );
        assert_ne!(a[..32], b[..32]);
        assert_ne!(a[32..64], b[32..64]);
        assert_ne!(a[64..], b[64..]);
    }
}
