//! A local wrapping key: complete envelopes without a key service.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use crate::aad::Aad;
use crate::envelope::Header;
use crate::key::fill_random;
use crate::message::SALT_LEN;
use crate::provider::{Provider, RustCrypto};
use crate::{EncryptionContext, Envelope, Error, ErrorKind, Sealer, SecretBytes, SecretKey};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// A key that wraps data keys in this process. Sealing generates a data key, wraps it, and seals
/// under it.
///
/// Use it if the key lives in the process anyway. Each envelope has its own data key, wrapped by
/// AES-256-GCM under a random nonce, with the encryption context authenticated in both layers.
/// Random nonces allow 2³² wraps under one key (SP 800-38D §8.3); this handle counts its own and
/// stops at the limit, but does not know of other handles to the same key. `LocalKms` derives a
/// fresh wrapping key each time and has no such limit.
///
/// ```
/// use strongroom_envelope::{EncryptionContext, SecretKey, WrappingKey};
///
/// let key = WrappingKey::new("my-key-1", &SecretKey::generate()?);
/// let context = EncryptionContext::from_pairs([("table", "orders")])?;
/// let sealed = key.seal(&context, b"s3cret")?;
/// assert_eq!(key.open(&context, &sealed)?.expose(), b"s3cret");
/// # Ok::<(), strongroom_envelope::Error>(())
/// ```
pub struct WrappingKey<P: Provider = RustCrypto> {
    id: String,
    /// Length and bytes of the id, which are authenticated before the context.
    prefix: Vec<u8>,
    cipher: P::Cipher,
    wraps: Count,
}

/// A counter in its own cache line: every seal writes it, while all threads read the adjacent key.
#[repr(align(128))]
struct Count(AtomicU64);

impl WrappingKey {
    /// A wrapping key with the id `id`, which envelopes carry, and the default provider.
    #[must_use]
    pub fn new(id: impl Into<String>, key: &SecretKey) -> Self {
        Self::with_provider(id, key)
    }
}

impl<P: Provider> WrappingKey<P> {
    /// The length of a data key wrapped by this, in bytes.
    pub const WRAPPED_LEN: usize = NONCE_LEN + SecretKey::LEN + TAG_LEN;
    /// The maximum number of data keys that one handle wraps: 2³².
    pub const MAX_WRAPS: u64 = 1 << 32;

    /// Like [`WrappingKey::new`], with the provider named by the type.
    #[must_use]
    pub fn with_provider(id: impl Into<String>, key: &SecretKey) -> Self {
        let id = id.into();
        let prefix = [&(id.len() as u64).to_be_bytes(), id.as_bytes()].concat();
        Self { id, prefix, cipher: P::cipher(key.expose()), wraps: Count(AtomicU64::new(0)) }
    }

    /// How many more data keys this handle wraps.
    #[must_use]
    pub fn wraps_left(&self) -> u64 {
        Self::MAX_WRAPS.saturating_sub(self.wraps.0.load(Ordering::Relaxed))
    }

    /// The length of the envelope around a plaintext of this length.
    #[must_use]
    pub fn sealed_len(&self, plaintext: usize) -> usize {
        Envelope::sealed_len(self.id.len(), Self::WRAPPED_LEN, plaintext)
    }

    /// Seals `plaintext` under a fresh data key into a new buffer.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::LimitReached`], [`ErrorKind::Randomness`].
    pub fn seal(&self, context: &EncryptionContext, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; self.sealed_len(plaintext.len().min(Envelope::MAX_PLAINTEXT))];
        self.seal_into(context, plaintext, &mut out)?;
        Ok(out)
    }

    /// Seals into the front of `out`, which has at least [`WrappingKey::sealed_len`] bytes, and
    /// returns the envelope's length.
    ///
    /// # Errors
    /// As [`WrappingKey::seal`]; [`ErrorKind::TooLarge`] when `out` is too short.
    pub fn seal_into(
        &self,
        context: &EncryptionContext,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        self.wraps
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |wraps| {
                (wraps < Self::MAX_WRAPS).then_some(wraps + 1)
            })
            .map_err(|_| {
                Error::new(
                    ErrorKind::LimitReached,
                    "the wrapping key has wrapped as many data keys as it may",
                )
            })?;
        // Data key, salt and nonce come from one call to the operating system: a call costs more
        // than the bytes.
        let mut random = Zeroizing::new([0; SecretKey::LEN + SALT_LEN + NONCE_LEN]);
        fill_random(random.as_mut_slice())?;
        let (data_key, rest) =
            random.split_first_chunk::<{ SecretKey::LEN }>().ok_or_else(Error::decryption)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or_else(Error::decryption)?;
        let nonce = rest.first_chunk::<NONCE_LEN>().ok_or_else(Error::decryption)?;

        let mut aad = Aad::new(context);
        let mut wrapped = [0; SecretKey::LEN + NONCE_LEN + TAG_LEN];
        wrapped[..NONCE_LEN].copy_from_slice(nonce);
        let tag = aad.with(&self.prefix, |aad| {
            P::seal(&self.cipher, nonce, aad, data_key, &mut wrapped[NONCE_LEN..NONCE_LEN + SecretKey::LEN])
        });
        let tag = tag.ok_or_else(|| Error::new(ErrorKind::TooLarge, "the context is too long"))?;
        wrapped[NONCE_LEN + SecretKey::LEN..].copy_from_slice(&tag);

        let header = Header::new(&self.id, &wrapped, plaintext)?;
        let len = header.sealed_len();
        let out = out
            .get_mut(..len)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the envelope is longer than the buffer"))?;
        Sealer::<P>::seal_salted(data_key, salt, &header, &mut aad, plaintext, out)?;
        Ok(len)
    }

    /// Opens an envelope that this key sealed, into new self-wiping memory.
    ///
    /// # Errors
    /// Those of [`Envelope::parse`]; [`ErrorKind::Decryption`] for every failure to open.
    pub fn open(&self, context: &EncryptionContext, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let envelope = Envelope::parse(sealed)?;
        let mut out = SecretBytes::zeroed(envelope.plaintext_len());
        self.open_into(context, &envelope, out.expose_mut())?;
        Ok(out)
    }

    /// Opens into `out`, which has exactly [`Envelope::plaintext_len`] bytes; all zeros on failure.
    ///
    /// # Errors
    /// [`ErrorKind::Decryption`] for whatever reason it does not open; [`ErrorKind::TooLarge`] for
    /// another length.
    pub fn open_into(
        &self,
        context: &EncryptionContext,
        envelope: &Envelope<'_>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let mut aad = Aad::new(context);
        let mut data_key = Zeroizing::new([0; SecretKey::LEN]);
        let wrapped = envelope.wrapped_key();
        let unwrapped = wrapped.split_first_chunk::<NONCE_LEN>().and_then(|(nonce, rest)| {
            let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
            if ciphertext.len() != SecretKey::LEN || envelope.key_id() != self.id {
                return None;
            }
            aad.with(&self.prefix, |aad| {
                P::open(&self.cipher, nonce, aad, ciphertext, tag, data_key.as_mut_slice())
            })
            .then_some(())
        });
        if unwrapped.is_none() {
            crate::wipe(out);
            return Err(Error::decryption());
        }
        Sealer::<P>::open_with(&data_key, envelope, &mut aad, out)
    }
}

impl<P: Provider> fmt::Debug for WrappingKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layers_are_bound_to_key_context_and_name() {
        let secret = SecretKey::generate().unwrap();
        let key = WrappingKey::new("one", &secret);
        let context = EncryptionContext::from_pairs([("a", "b")]).unwrap();
        let sealed = key.seal(&context, b"plaintext").unwrap();
        assert_eq!(sealed.len(), key.sealed_len(9));
        assert_eq!(key.open(&context, &sealed).unwrap().expose(), b"plaintext");
        let refused = |key: &WrappingKey, context: &EncryptionContext| {
            key.open(context, &sealed).unwrap_err().kind() == ErrorKind::Decryption
        };
        assert!(refused(&key, &EncryptionContext::new()));
        assert!(refused(&WrappingKey::new("two", &secret), &context));
        assert!(refused(&WrappingKey::new("one", &SecretKey::generate().unwrap()), &context));
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&context, &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_handle_stops_at_its_limit() {
        let key = WrappingKey::new("one", &SecretKey::generate().unwrap());
        key.wraps.0.store(WrappingKey::<RustCrypto>::MAX_WRAPS - 1, Ordering::Relaxed);
        assert_eq!(key.wraps_left(), 1);
        key.seal(&EncryptionContext::new(), b"x").unwrap();
        let error = key.seal(&EncryptionContext::new(), b"x").unwrap_err();
        assert_eq!((error.kind(), key.wraps_left()), (ErrorKind::LimitReached, 0));
    }
}
