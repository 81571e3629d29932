//! Keys of 32 bytes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use subtle::ConstantTimeEq;

use crate::derive::{self, Label};
use crate::provider::{Keyed, Parent, RustCrypto, keyed};
use crate::{Error, ErrorKind, SecretBytes, wipe};

/// `N` random bytes from the operating system, for salts and ids that are not secret.
///
/// # Errors
/// [`ErrorKind::Randomness`] when the operating system returns none.
pub fn random_array<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// A random (version 4) UUID in lower case, for ids.
///
/// # Errors
/// [`ErrorKind::Randomness`] when the operating system returns no random bytes.
pub fn random_uuid() -> Result<String, Error> {
    let mut bytes: [u8; 16] = random_array()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    Ok(text)
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(ErrorKind::Randomness, "the operating system returned no random bytes").because(error)
    })
}

/// A 256-bit symmetric key. It lives at one address on the heap and is wiped when dropped. It has
/// no `Clone`, and `Debug` shows nothing.
pub struct SecretKey {
    bytes: Box<[u8; 32]>,
    /// Precomputed state for a key that is used repeatedly; wiped when dropped.
    ready: Option<Box<Keyed>>,
}

impl SecretKey {
    /// The length of every key here, in bytes.
    pub const LEN: usize = 32;

    /// A fresh key from the operating system's random generator.
    ///
    /// # Errors
    /// [`ErrorKind::Randomness`] when the operating system returns none.
    pub fn generate() -> Result<Self, Error> {
        let mut key = Self { bytes: Box::new([0; 32]), ready: None };
        fill_random(key.bytes.as_mut_slice())?;
        Ok(key)
    }

    /// Takes the key from 32 secret bytes, which are wiped.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when there are not exactly 32.
    pub fn from_bytes(bytes: SecretBytes) -> Result<Self, Error> {
        let mut key = Self { bytes: Box::new([0; 32]), ready: None };
        if bytes.len() != key.bytes.len() {
            return Err(Error::malformed("a key is exactly 32 bytes"));
        }
        key.bytes.copy_from_slice(bytes.expose());
        Ok(key)
    }

    /// Takes the key out of an array, which is wiped.
    #[must_use]
    pub fn from_array(bytes: &mut [u8; 32]) -> Self {
        let mut key = Self { bytes: Box::new([0; 32]), ready: None };
        key.bytes.copy_from_slice(bytes);
        wipe(bytes);
        key
    }

    /// Precomputes the part of the hash state common to all uses, which makes repeated use faster
    /// at the cost of some memory.
    #[must_use]
    pub fn precomputed(mut self) -> Self {
        self.ready = Some(Box::new(keyed(&self.bytes)));
        self
    }

    /// The input of key derivation.
    pub(crate) fn parent(&self) -> Parent<'_> {
        match &self.ready {
            Some(ready) => Parent::Ready(ready),
            None => Parent::Bytes(&self.bytes),
        }
    }

    /// Derives an independent key for `label`, bound to `context`. Derivation is deterministic.
    #[must_use]
    pub fn derive(&self, label: Label, context: &[u8]) -> Self {
        let mut key = Self { bytes: Box::new([0; 32]), ready: None };
        derive::sub_key::<RustCrypto>(&self.bytes, label, context, &mut key.bytes);
        key
    }

    /// The key's bytes. The caller is responsible for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// An explicit copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let mut key = Self { bytes: Box::new([0; 32]), ready: None };
        key.bytes.copy_from_slice(self.bytes.as_slice());
        key
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        if !crate::secret::turned_off("key") {
            wipe(self.bytes.as_mut_slice());
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&*other.bytes).into()
    }
}

impl Eq for SecretKey {}

/// The key that seals values and is stored only in wrapped form. Its use is counted and limited.
///
/// Use a fresh data key per message where possible. Sealing several messages under one is safe too,
/// because each derives its own message key from 32 fresh random bytes; the limits leave a wide
/// safety margin.
pub struct DataKey {
    key: SecretKey,
    messages: AtomicU64,
    bytes: AtomicU64,
    max_messages: u64,
    max_bytes: u64,
}

impl DataKey {
    /// The maximum number of messages that a data key seals: 2³².
    pub const MAX_MESSAGES: u64 = 1 << 32;
    /// The maximum number of plaintext bytes that a data key seals in total: 2⁴⁸.
    pub const MAX_BYTES: u64 = 1 << 48;

    fn new(key: SecretKey) -> Self {
        Self {
            key,
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            max_messages: Self::MAX_MESSAGES,
            max_bytes: Self::MAX_BYTES,
        }
    }

    /// A fresh data key.
    ///
    /// # Errors
    /// [`ErrorKind::Randomness`] when the operating system returns no random bytes.
    pub fn generate() -> Result<Self, Error> {
        SecretKey::generate().map(Self::new)
    }

    /// Takes the data key from 32 secret bytes, as a key service returns them.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when there are not exactly 32.
    pub fn from_bytes(bytes: SecretBytes) -> Result<Self, Error> {
        SecretKey::from_bytes(bytes).map(Self::new)
    }

    /// Lowers the limits: at most this many messages, at most this many plaintext bytes in all.
    #[must_use]
    pub fn limited_to(mut self, messages: u64, bytes: u64) -> Self {
        self.max_messages = self.max_messages.min(messages);
        self.max_bytes = self.max_bytes.min(bytes);
        self
    }

    /// How many more messages it can seal.
    #[must_use]
    pub fn messages_left(&self) -> u64 {
        self.max_messages.saturating_sub(self.messages.load(Ordering::Relaxed))
    }

    /// How many more plaintext bytes it can seal.
    #[must_use]
    pub fn bytes_left(&self) -> u64 {
        self.max_bytes.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    /// Counts one message of `len` bytes, or rejects it. A rejected message is not counted.
    pub(crate) fn spend(&self, len: usize) -> Result<(), Error> {
        let reached = |what: &'static str| Error::new(ErrorKind::LimitReached, what);
        let take = |counter: &AtomicU64, amount: u64, most: u64| {
            counter
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    used.checked_add(amount).filter(|used| *used <= most)
                })
                .is_ok()
        };
        if !take(&self.messages, 1, self.max_messages) {
            return Err(reached("the data key has sealed as many messages as it may"));
        }
        if !take(&self.bytes, len as u64, self.max_bytes) {
            self.messages.fetch_sub(1, Ordering::Relaxed);
            return Err(reached("the data key has sealed as many bytes as it may"));
        }
        Ok(())
    }

    /// The key inside.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.key
    }
}

impl From<SecretKey> for DataKey {
    fn from(key: SecretKey) -> Self {
        Self::new(key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_exactly_32_bytes() {
        for len in [0, 31, 33] {
            assert_eq!(
                SecretKey::from_bytes(SecretBytes::zeroed(len)).unwrap_err().kind(),
                ErrorKind::Malformed
            );
        }
        assert_eq!(SecretKey::from_bytes(SecretBytes::zeroed(32)).unwrap().expose(), &[0; 32]);
    }

    #[test]
    fn limits_hold_at_one_below_at_and_one_above() {
        let key = DataKey::generate().unwrap().limited_to(3, 10);
        key.spend(4).unwrap();
        key.spend(6).unwrap();
        assert_eq!((key.messages_left(), key.bytes_left()), (1, 0));
        assert_eq!(key.spend(1).unwrap_err().kind(), ErrorKind::LimitReached);
        assert_eq!(key.messages_left(), 1, "what was refused is not counted");
        key.spend(0).unwrap();
        assert_eq!(key.spend(0).unwrap_err().kind(), ErrorKind::LimitReached);

        // The limits of every key, and that they can only be lowered.
        let key = DataKey::generate().unwrap().limited_to(u64::MAX, u64::MAX);
        assert_eq!((key.messages_left(), key.bytes_left()), (DataKey::MAX_MESSAGES, DataKey::MAX_BYTES));
        key.messages.store(DataKey::MAX_MESSAGES - 1, Ordering::Relaxed);
        key.spend(1).unwrap();
        assert!(key.spend(1).is_err());
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let uuid = random_uuid().unwrap();
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]));
        assert_ne!(uuid, random_uuid().unwrap());
    }

    #[test]
    fn derived_keys_differ_by_label_and_context() {
        let key = SecretKey::generate().unwrap();
        let derive = |label, context: &str| key.derive(Label::new(label), context.as_bytes());
        assert_eq!(derive("a", "x"), derive("a", "x"));
        assert_ne!(derive("a", "x"), derive("b", "x"));
        assert_ne!(derive("a", "x"), derive("a", "y"));
        assert_eq!(
            format!("{key:?} {:?}", DataKey::from(key.duplicate())),
            "SecretKey([redacted]) DataKey([redacted])"
        );
    }
}
