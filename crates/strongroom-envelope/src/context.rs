//! The encryption context and its one canonical encoding.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Error, ErrorKind};

/// Non-secret pairs that a ciphertext is bound to: opening it requires exactly the same pairs.
///
/// Keys are case-sensitive, unordered and unique. The context is not stored with the ciphertext and
/// appears in plain text in logs and policies, so it must not hold secrets. The empty context
/// equals no context.
///
/// Canonical encoding (additional authenticated data of every seal): the number of pairs as `u16`,
/// then the pairs sorted by the bytes of the key, each as `u32` length and bytes of the key, `u32`
/// length and bytes of the value; all integers big-endian. See `docs/format.md`.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct EncryptionContext {
    pairs: BTreeMap<String, String>,
}

impl EncryptionContext {
    /// The maximum number of pairs.
    pub const MAX_PAIRS: usize = 1024;
    /// The longest canonical encoding, in bytes.
    pub const MAX_ENCODED_LEN: usize = 64 * 1024;

    /// The empty context.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: BTreeMap::new() }
    }

    /// A context of these pairs.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when a key occurs twice, [`ErrorKind::TooLarge`] beyond
    /// [`Self::MAX_PAIRS`] or [`Self::MAX_ENCODED_LEN`].
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error> {
        let mut context = Self::default();
        for (key, value) in pairs {
            if context.pairs.insert(key.into(), value.into()).is_some() {
                return Err(Error::malformed("the encryption context names a key twice"));
            }
            if context.pairs.len() > Self::MAX_PAIRS {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    "the encryption context has more than 1024 pairs",
                ));
            }
        }
        if context.encoded_len() > Self::MAX_ENCODED_LEN {
            return Err(Error::new(ErrorKind::TooLarge, "the encryption context is longer than 64 KiB"));
        }
        Ok(context)
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.get(key).map(String::as_str)
    }

    /// All pairs, sorted by the bytes of the key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no pairs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The length of the canonical encoding, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        2 + self.pairs.iter().map(|(key, value)| 8 + key.len() + value.len()).sum::<usize>()
    }

    /// Appends the canonical encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.encoded_len(), 0);
        self.write(&mut out[start..]);
    }

    /// Writes the canonical encoding over `out`.
    ///
    /// # Panics
    /// When `out` is shorter than [`EncryptionContext::encoded_len`].
    pub fn write(&self, out: &mut [u8]) {
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        // Both bounds were checked at construction, so that no length here can exceed its field.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "at most MAX_PAIRS pairs of MAX_ENCODED_LEN bytes"
        )]
        {
            put(&(self.pairs.len() as u16).to_be_bytes());
            for part in self.pairs.iter().flat_map(|(key, value)| [key, value]) {
                put(&(part.len() as u32).to_be_bytes());
                put(part.as_bytes());
            }
        }
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Parses a canonical encoding and rejects any other: parsing and encoding again yields the
    /// same bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for duplicate or unsorted keys, text that is not UTF-8, missing or
    /// trailing bytes; [`ErrorKind::TooLarge`] beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > Self::MAX_ENCODED_LEN {
            return Err(Error::new(ErrorKind::TooLarge, "the encryption context is longer than 64 KiB"));
        }
        let mut rest = bytes;
        let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
        if count > Self::MAX_PAIRS {
            return Err(Error::new(ErrorKind::TooLarge, "the encryption context has more than 1024 pairs"));
        }
        let mut pairs: BTreeMap<String, String> = BTreeMap::new();
        for _ in 0..count {
            let key = text(&mut rest)?;
            if pairs.last_key_value().is_some_and(|(last, _)| last.as_bytes() >= key.as_bytes()) {
                return Err(Error::malformed("the encryption context is not sorted or names a key twice"));
            }
            let value = text(&mut rest)?;
            pairs.insert(key.to_owned(), value.to_owned());
        }
        if rest.is_empty() {
            Ok(Self { pairs })
        } else {
            Err(Error::malformed("bytes after the encryption context"))
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    let (head, tail) = rest
        .split_first_chunk::<N>()
        .ok_or_else(|| Error::malformed("the encryption context ends too early"))?;
    *rest = tail;
    Ok(*head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Error> {
    let len = usize::try_from(u32::from_be_bytes(take(rest)?)).unwrap_or(usize::MAX);
    let (head, tail) = rest
        .split_at_checked(len)
        .ok_or_else(|| Error::malformed("the encryption context ends too early"))?;
    *rest = tail;
    std::str::from_utf8(head).map_err(|_| Error::malformed("the encryption context is not UTF-8"))
}

impl fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_cannot_run_into_each_other() {
        let one = EncryptionContext::from_pairs([("a", "bc")]).unwrap();
        let other = EncryptionContext::from_pairs([("ab", "c")]).unwrap();
        assert_ne!(one.encode(), other.encode());
    }

    #[test]
    fn a_key_twice_is_refused() {
        let error = EncryptionContext::from_pairs([("a", "1"), ("a", "1")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let pairs = |n: usize| (0..n).map(|i| (format!("{i:05}"), String::new()));
        assert!(EncryptionContext::from_pairs(pairs(1024)).is_ok());
        assert_eq!(EncryptionContext::from_pairs(pairs(1025)).unwrap_err().kind(), ErrorKind::TooLarge);
        let value = |len: usize| EncryptionContext::from_pairs([("k", "v".repeat(len))]);
        let fits = EncryptionContext::MAX_ENCODED_LEN - 2 - 8 - 1;
        assert_eq!(value(fits).unwrap().encoded_len(), EncryptionContext::MAX_ENCODED_LEN);
        assert_eq!(value(fits + 1).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let good = EncryptionContext::from_pairs([("a", "1"), ("b", "2")]).unwrap().encode();
        assert!(EncryptionContext::parse(&good).is_ok());
        let mut unsorted = good.clone();
        (unsorted[6], unsorted[16]) = (b'b', b'a');
        assert_eq!(EncryptionContext::parse(&unsorted).unwrap_err().kind(), ErrorKind::Malformed);
        let mut twice = good.clone();
        twice[16] = b'a';
        assert_eq!(EncryptionContext::parse(&twice).unwrap_err().kind(), ErrorKind::Malformed);
        let mut longer = good.clone();
        longer.push(0);
        assert_eq!(EncryptionContext::parse(&longer).unwrap_err().kind(), ErrorKind::Malformed);
        for cut in 0..good.len() {
            assert!(EncryptionContext::parse(&good[..cut]).is_err());
        }
    }

    proptest! {
        #[test]
        fn encode_then_parse_is_the_same(pairs in proptest::collection::btree_map(".{0,20}", ".{0,40}", 0..12)) {
            let context = EncryptionContext::from_pairs(pairs).unwrap();
            prop_assert_eq!(&EncryptionContext::parse(&context.encode()).unwrap(), &context);
            prop_assert_eq!(context.encode().len(), context.encoded_len());
        }

        #[test]
        fn what_parses_encodes_to_the_same_bytes(bytes in proptest::collection::vec(0u8..4, 0..40)) {
            if let Ok(context) = EncryptionContext::parse(&bytes) {
                prop_assert_eq!(context.encode(), bytes);
            }
        }
    }
}
