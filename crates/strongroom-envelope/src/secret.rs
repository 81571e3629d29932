//! Self-wiping memory.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::{Error, ErrorKind};

/// Overwrites `bytes` with zeros in a way that the compiler cannot optimize away.
///
/// A plain fill runs at the speed of `memset`; the barrier makes its result observable.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Whether the residue test has disabled this wipe, to verify that its search finds the remains.
/// Possible only in a build with `--cfg strongroom_leak`.
#[cfg(strongroom_leak)]
pub(crate) fn turned_off(which: &str) -> bool {
    std::env::var_os("STRONGROOM_LEAK").is_some_and(|leak| leak == which)
}

/// Every wipe is enabled.
#[cfg(not(strongroom_leak))]
#[inline(always)]
pub(crate) const fn turned_off(_which: &str) -> bool {
    false
}

/// Secret bytes: a plaintext, a key, a password.
///
/// * They are wiped when dropped (also by a panic or an early return) and when shortened. When
///   growing moves them, the old buffer is wiped.
/// * `Debug` shows nothing of them, not even the length. There is no `Display`, no serialization
///   and no `Clone`; [`SecretBytes::duplicate`] copies explicitly. The feature `serde` adds
///   `Deserialize`, never `Serialize`.
/// * Comparison of equal lengths takes the same time whatever the content.
///
/// Moving the value moves a pointer; the bytes stay where they are. The buffers of an `AsMut`
/// writer, of the operating system and of code the bytes are handed to are beyond this type's reach
/// (see SECURITY.md).
pub struct SecretBytes {
    /// Invariant: everything between `len` and `capacity` is zero or was never written.
    bytes: Vec<u8>,
}

impl SecretBytes {
    /// No bytes, no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Empty, with this capacity.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// `len` zeros, to be filled in place through [`SecretBytes::expose_mut`].
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self { bytes: vec![0; len] }
    }

    /// Takes over a vector, its spare capacity included. Nothing is copied.
    #[must_use]
    pub fn from_vec(mut bytes: Vec<u8>) -> Self {
        // Spare capacity can hold earlier content of the vector; overwrite it while it is
        // reachable.
        let len = bytes.len();
        if !turned_off("spare") {
            bytes.resize(bytes.capacity(), 0);
            zeroize::optimization_barrier(bytes.as_slice());
            bytes.truncate(len);
        }
        Self { bytes }
    }

    /// Copies `bytes`; the source stays the caller's to wipe.
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec() }
    }

    /// The bytes. The caller is responsible for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be written in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// An explicit copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::copy_from(&self.bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends. When the capacity does not suffice, the bytes move to a larger buffer and the old
    /// one is wiped.
    pub fn extend_from_slice(&mut self, more: &[u8]) {
        let needed = self.bytes.len().saturating_add(more.len());
        if needed > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.bytes.capacity().saturating_mul(2)).max(32));
            larger.extend_from_slice(&self.bytes);
            if !turned_off("growth") {
                wipe(&mut self.bytes);
            }
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Shortens to `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.bytes.get_mut(len..) {
            wipe(rest);
            self.bytes.truncate(len);
        }
    }
}

impl Default for SecretBytes {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        if !turned_off("bytes") {
            wipe(&mut self.bytes);
        }
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Eq for SecretBytes {}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_vec(bytes)
    }
}

/// Serializers write into it without leaving copies behind when it grows.
impl std::io::Write for SecretBytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// [`SecretBytes`] that are UTF-8 text.
#[derive(PartialEq, Eq)]
pub struct SecretText(SecretBytes);

impl SecretText {
    /// Takes over a string, its spare capacity included.
    #[must_use]
    pub fn from_string(text: String) -> Self {
        Self(SecretBytes::from_vec(text.into_bytes()))
    }

    /// Copies `text`; the source stays the caller's to wipe.
    #[must_use]
    pub fn copy_from(text: &str) -> Self {
        Self(SecretBytes::copy_from(text.as_bytes()))
    }

    /// Bytes that turn out to be text.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when they are not UTF-8. The bytes are wiped.
    pub fn from_utf8(bytes: SecretBytes) -> Result<Self, Error> {
        match std::str::from_utf8(bytes.expose()) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(Error::new(ErrorKind::Malformed, "the secret bytes are not UTF-8 text")),
        }
    }

    /// The text. The caller is responsible for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Checked at construction and immutable since: the fallback is unreachable.
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }

    /// An explicit copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The text's bytes, still self-wiping.
    #[must_use]
    pub fn into_bytes(self) -> SecretBytes {
        self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([redacted])")
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::from_string(text)
    }
}

/// Copies; the source stays the caller's to wipe.
impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::copy_from(text)
    }
}

/// Copies; the source stays the caller's to wipe.
impl From<&String> for SecretText {
    fn from(text: &String) -> Self {
        Self::copy_from(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_and_shortening_keep_the_content_right() {
        let mut bytes = SecretBytes::new();
        for index in 0..1000u32 {
            bytes.extend_from_slice(&index.to_be_bytes());
        }
        assert_eq!(bytes.len(), 4000);
        assert_eq!(&bytes.expose()[3996..], &999u32.to_be_bytes());
        bytes.truncate(5);
        assert_eq!(bytes.expose(), &[0, 0, 0, 0, 0]);
        bytes.truncate(100);
        assert_eq!(bytes.len(), 5);
    }

    #[test]
    fn a_taken_over_vector_has_its_spare_room_cleared() {
        let mut vector = b"short-and-the-secret-tail".to_vec();
        vector.truncate(5);
        let bytes = SecretBytes::from_vec(vector);
        assert_eq!(bytes.expose(), b"short");
        // The former spare capacity is reachable again, as zeros.
        let mut inside = { bytes }.duplicate();
        inside.extend_from_slice(&[1]);
        assert_eq!(inside.expose(), b"short\x01");
    }

    #[test]
    fn nothing_shows_in_debug() {
        assert_eq!(format!("{:?}", SecretBytes::copy_from(b"hunter2")), "SecretBytes([redacted])");
        assert_eq!(format!("{:?}", SecretText::copy_from("hunter2")), "SecretText([redacted])");
        let error = SecretText::from_utf8(SecretBytes::copy_from(&[0xff, b'h'])).unwrap_err();
        assert!(!format!("{error:?}").contains("ff"));
    }

    #[test]
    fn equality_is_of_content() {
        assert_eq!(SecretBytes::copy_from(b"a"), SecretBytes::copy_from(b"a"));
        assert_ne!(SecretBytes::copy_from(b"a"), SecretBytes::copy_from(b"b"));
        assert_ne!(SecretBytes::copy_from(b"a"), SecretBytes::copy_from(b"ab"));
    }
}
