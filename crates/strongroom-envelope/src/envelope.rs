//! The envelope: parse, write, seal, open.

use std::fmt;

use crate::message::{COMMITMENT_LEN, MAX_PLAINTEXT, SALT_LEN, TAG_LEN};
use crate::{Error, ErrorKind};

const MAGIC: [u8; 2] = *b"SR";
const VERSION: u8 = 1;

/// How an envelope is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// AES-256-GCM under a message key that is derived, with a 256-bit commitment, from data key
    /// and salt by SP 800-108 counter mode with HMAC-SHA-256.
    Aes256GcmHmacSha256,
}

impl Suite {
    const fn id(self) -> u8 {
        match self {
            Self::Aes256GcmHmacSha256 => 1,
        }
    }
}

/// A parsed envelope, borrowed from its bytes.
///
/// `SR` (2) · version (1) · suite (1) · key id: length `u16` and bytes · wrapped data key: length
/// `u16` and bytes · plaintext length `u32` · salt (32) · commitment (32) · ciphertext · tag (16);
/// integers big-endian. All bytes before the ciphertext, and the canonical encryption context, are
/// authenticated.
pub struct Envelope<'a> {
    bytes: &'a [u8],
    suite: Suite,
    key_id: &'a str,
    wrapped_key: &'a [u8],
    pub(crate) salt: &'a [u8; SALT_LEN],
    pub(crate) commitment: &'a [u8; COMMITMENT_LEN],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: &'a [u8; TAG_LEN],
}

impl<'a> Envelope<'a> {
    /// The longest key id, in bytes.
    pub const MAX_KEY_ID: usize = 2048;
    /// The longest wrapped data key, in bytes: the longest ciphertext that a key service can
    /// return.
    pub const MAX_WRAPPED_KEY: usize = 6144;
    /// The longest plaintext, in bytes.
    pub const MAX_PLAINTEXT: usize = MAX_PLAINTEXT;

    /// The length of the envelope for these lengths.
    #[must_use]
    pub const fn sealed_len(key_id: usize, wrapped_key: usize, plaintext: usize) -> usize {
        Self::header_len(key_id, wrapped_key) + plaintext + TAG_LEN
    }

    const fn header_len(key_id: usize, wrapped_key: usize) -> usize {
        4 + 2 + key_id + 2 + wrapped_key + 4 + SALT_LEN + COMMITMENT_LEN
    }

    /// Parses an envelope. No byte can be missing or left over. Does not allocate.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`], [`ErrorKind::UnsupportedVersion`], [`ErrorKind::UnsupportedSuite`]
    /// or [`ErrorKind::TooLarge`], each naming the part.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        if take::<2>(&mut rest, "the magic")? != &MAGIC {
            return Err(Error::malformed("the bytes are not a Strongroom envelope"));
        }
        let &[version, suite] = take::<2>(&mut rest, "version and suite")?;
        if version != VERSION {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!("envelope version {version} is unknown"),
            ));
        }
        let suite = match suite {
            1 => Suite::Aes256GcmHmacSha256,
            other => {
                return Err(Error::new(
                    ErrorKind::UnsupportedSuite,
                    format!("envelope suite {other} is unknown"),
                ));
            }
        };
        let key_id = prefixed(&mut rest, Self::MAX_KEY_ID, "the key id")?;
        let key_id = std::str::from_utf8(key_id).map_err(|_| Error::malformed("the key id is not UTF-8"))?;
        let wrapped_key = prefixed(&mut rest, Self::MAX_WRAPPED_KEY, "the wrapped data key")?;
        let plaintext_len = usize::try_from(u32::from_be_bytes(*take(&mut rest, "the plaintext length")?))
            .ok()
            .filter(|len| *len <= Self::MAX_PLAINTEXT)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the plaintext is longer than 64 MiB"))?;
        let salt = take(&mut rest, "the salt")?;
        let commitment = take(&mut rest, "the commitment")?;
        let (ciphertext, mut rest) = rest
            .split_at_checked(plaintext_len)
            .ok_or_else(|| Error::malformed("the envelope ends inside the ciphertext"))?;
        let tag = take(&mut rest, "the tag")?;
        if !rest.is_empty() {
            return Err(Error::malformed("bytes after the envelope"));
        }
        Ok(Self { bytes, suite, key_id, wrapped_key, salt, commitment, ciphertext, tag })
    }

    /// Everything before the ciphertext.
    pub(crate) fn header(&self) -> &'a [u8] {
        &self.bytes[..self.bytes.len() - self.ciphertext.len() - TAG_LEN]
    }

    /// How it is sealed.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The wrapping key's id; Strongroom writes an ARN. Trust it only after [`Envelope::open`].
    #[must_use]
    pub fn key_id(&self) -> &'a str {
        self.key_id
    }

    /// The data key as the key service wrapped it.
    #[must_use]
    pub fn wrapped_key(&self) -> &'a [u8] {
        self.wrapped_key
    }

    /// The length of the plaintext, in bytes.
    #[must_use]
    pub fn plaintext_len(&self) -> usize {
        self.ciphertext.len()
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("suite", &self.suite)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// The part before the ciphertext, with checked lengths.
pub(crate) struct Header<'a> {
    key_id: &'a str,
    key_id_len: u16,
    wrapped_key: &'a [u8],
    wrapped_len: u16,
    plaintext_len: u32,
}

impl<'a> Header<'a> {
    pub(crate) fn new(key_id: &'a str, wrapped_key: &'a [u8], plaintext: &[u8]) -> Result<Self, Error> {
        let too_large = |what: &'static str| Error::new(ErrorKind::TooLarge, what);
        let key_id_len = u16::try_from(key_id.len())
            .ok()
            .filter(|_| key_id.len() <= Envelope::MAX_KEY_ID)
            .ok_or_else(|| too_large("the key id is longer than 2048 bytes"))?;
        let wrapped_len = u16::try_from(wrapped_key.len())
            .ok()
            .filter(|_| wrapped_key.len() <= Envelope::MAX_WRAPPED_KEY)
            .ok_or_else(|| too_large("the wrapped data key is longer than 6144 bytes"))?;
        let plaintext_len = u32::try_from(plaintext.len())
            .ok()
            .filter(|_| plaintext.len() <= MAX_PLAINTEXT)
            .ok_or_else(|| too_large("the plaintext is longer than 64 MiB"))?;
        Ok(Self { key_id, key_id_len, wrapped_key, wrapped_len, plaintext_len })
    }

    pub(crate) fn len(&self) -> usize {
        Envelope::header_len(self.key_id.len(), self.wrapped_key.len())
    }

    pub(crate) fn sealed_len(&self) -> usize {
        self.len() + self.plaintext_len as usize + TAG_LEN
    }

    /// Writes the header over `out`, which has exactly its length.
    pub(crate) fn write(&self, salt: &[u8; SALT_LEN], commitment: &[u8; COMMITMENT_LEN], out: &mut [u8]) {
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&MAGIC);
        put(&[VERSION, Suite::Aes256GcmHmacSha256.id()]);
        put(&self.key_id_len.to_be_bytes());
        put(self.key_id.as_bytes());
        put(&self.wrapped_len.to_be_bytes());
        put(self.wrapped_key);
        put(&self.plaintext_len.to_be_bytes());
        put(salt);
        put(commitment);
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8], what: &'static str) -> Result<&'a [u8; N], Error> {
    let (head, tail) = rest
        .split_first_chunk::<N>()
        .ok_or_else(|| Error::malformed("the envelope ends too early").with("in", what))?;
    *rest = tail;
    Ok(head)
}

fn prefixed<'a>(rest: &mut &'a [u8], max: usize, what: &'static str) -> Result<&'a [u8], Error> {
    let len = usize::from(u16::from_be_bytes(*take(rest, what)?));
    if len > max {
        return Err(Error::new(ErrorKind::TooLarge, "a part of the envelope is too long").with("part", what));
    }
    let (head, tail) = rest
        .split_at_checked(len)
        .ok_or_else(|| Error::malformed("the envelope ends too early").with("in", what))?;
    *rest = tail;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DataKey, EncryptionContext};

    fn context() -> EncryptionContext {
        EncryptionContext::from_pairs([("SecretARN", "arn"), ("SecretVersionId", "v1")]).unwrap()
    }

    #[test]
    fn every_changed_bit_is_refused_and_none_panics() {
        let key = DataKey::generate().unwrap();
        let sealed = Envelope::seal(&key, "key", b"wrapped", &context(), b"plaintext").unwrap();
        assert_eq!(sealed.len(), Envelope::sealed_len(3, 7, 9));
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(envelope) = Envelope::parse(&changed) {
                let error = envelope.open(&key, &context()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decryption, "bit {bit}");
            }
        }
        for cut in 0..sealed.len() {
            assert_eq!(Envelope::parse(&sealed[..cut]).unwrap_err().kind(), ErrorKind::Malformed);
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert_eq!(Envelope::parse(&longer).unwrap_err().message(), "bytes after the envelope");
    }

    #[test]
    fn another_context_or_key_is_refused_alike() {
        let key = DataKey::generate().unwrap();
        let sealed = Envelope::seal(&key, "key", b"wrapped", &context(), b"plaintext").unwrap();
        let envelope = Envelope::parse(&sealed).unwrap();
        let wrong_context = envelope.open(&key, &EncryptionContext::new()).unwrap_err();
        let wrong_key = envelope.open(&DataKey::generate().unwrap(), &context()).unwrap_err();
        assert_eq!(wrong_context.to_string(), wrong_key.to_string());
        assert_eq!(format!("{wrong_context:?}"), format!("{wrong_key:?}"));
    }

    #[test]
    fn unknown_versions_and_suites_are_refused_by_name() {
        let sealed = Envelope::seal(&DataKey::generate().unwrap(), "k", b"w", &context(), b"").unwrap();
        let with = |at: usize, byte: u8| {
            let mut changed = sealed.clone();
            changed[at] = byte;
            Envelope::parse(&changed).unwrap_err()
        };
        assert_eq!(with(2, 9).message(), "envelope version 9 is unknown");
        assert_eq!(with(3, 7).message(), "envelope suite 7 is unknown");
        assert_eq!(with(0, b'X').kind(), ErrorKind::Malformed);
    }

    #[test]
    fn lengths_are_bounded_on_both_sides() {
        let key = DataKey::generate().unwrap();
        let seal = |id: usize, wrapped: usize| {
            Envelope::seal(&key, &"k".repeat(id), &vec![0; wrapped], &context(), b"x").map(|bytes| {
                Envelope::parse(&bytes).unwrap().open(&key, &context()).unwrap();
            })
        };
        seal(2048, 6144).unwrap();
        seal(0, 0).unwrap();
        assert_eq!(seal(2049, 1).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(seal(1, 6145).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut near = b"SR\x01\x01".to_vec();
            near.extend_from_slice(&bytes);
            let _ = Envelope::parse(&bytes);
            let _ = Envelope::parse(&near);
        }

        #[test]
        fn seal_then_open_gives_the_value(value in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let key = DataKey::generate().unwrap();
            let sealed = Envelope::seal(&key, "key", b"wrapped", &context(), &value).unwrap();
            let envelope = Envelope::parse(&sealed).unwrap();
            prop_assert_eq!(envelope.plaintext_len(), value.len());
            let opened = envelope.open(&key, &context()).unwrap();
            prop_assert_eq!(opened.expose(), &value[..]);
        }
    }
}
