//! Key derivation: SP 800-108r1 in counter mode with HMAC-SHA-256.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a derived key is for. Keys of different labels are independent even from the same parent and salt.
///
/// At most 14 bytes, so that one derivation block costs two compressions of the inner hash at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

impl Label {
    pub(crate) const ENVELOPE: Self = Self::new("strongroom-env");

    /// A label of 1 to 14 printable ASCII bytes. Labels that begin with `strongroom-` are Strongroom's own.
    ///
    /// # Panics
    /// At compile time when used in a constant, when `text` is empty, too long or not ASCII.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 14, "a label is 1 to 14 bytes");
        let mut at = 0;
        while at < bytes.len() {
            // The zero byte ends the label in the derivation's input, so a label must not hold one.
            assert!(bytes[at].is_ascii_graphic(), "a label is printable ASCII");
            at += 1;
        }
        Self(text)
    }
}

/// Block `index` (from 1) of `blocks` 32-byte blocks derived from `key`:
/// `HMAC(key, index_32 || label || 0x00 || salt || bits_32)`.
fn block(keyed: &Hmac<Sha256>, index: u32, label: Label, salt: &[u8], blocks: u32, out: &mut [u8; 32]) {
    let mut mac = keyed.clone();
    mac.update(&index.to_be_bytes());
    mac.update(label.0.as_bytes());
    mac.update(&[0]);
    mac.update(salt);
    mac.update(&(blocks * 256).to_be_bytes());
    let mut result = mac.finalize().into_bytes();
    out.copy_from_slice(&result);
    crate::wipe(&mut result);
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // The key of this derivation always fits one HMAC block, so the fixed-size constructor applies.
    let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
    padded[..32].copy_from_slice(key);
    let mac = <Hmac<Sha256> as KeyInit>::new(&padded);
    crate::wipe(&mut padded);
    mac
}

/// Derives one message key and the commitment to `key` that goes with it.
pub(crate) fn message_key(
    key: &[u8; 32],
    label: Label,
    salt: &[u8; 32],
    message_key: &mut [u8; 32],
    commitment: &mut [u8; 32],
) {
    let keyed = keyed(key);
    block(&keyed, 1, label, salt, 2, message_key);
    block(&keyed, 2, label, salt, 2, commitment);
}

/// Derives one key for `label`, bound to `context` (any bytes; empty for a plain sub-key).
pub(crate) fn sub_key(key: &[u8; 32], label: Label, context: &[u8], out: &mut [u8; 32]) {
    block(&keyed(key), 1, label, context, 1, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac` module:
    /// `hmac.new(bytes(range(32)), (1).to_bytes(4,'big') + b'strongroom-env' + b'\0' + b'\x07'*32 + (512).to_bytes(4,'big'), 'sha256')`
    #[test]
    fn known_answers_from_an_independent_implementation() {
        let key: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let (mut message, mut commitment, mut sub) = ([0; 32], [0; 32], [0; 32]);
        message_key(&key, Label::ENVELOPE, &[7; 32], &mut message, &mut commitment);
        sub_key(&key, Label::new("strongroom-mac"), b"", &mut sub);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(&message), "b9ee83ed7efd862b54d87863812f7605e4c0ce8d3c362e6bda696070d123dcb4");
        assert_eq!(hex(&commitment), "3c0b9e52a92d8eedd33d5987a0ed95e61639719baa1ef512ea7c244650f596d8");
        assert_eq!(hex(&sub), "7d3a731462211ac9d0da3f2e32169aa72d6279c92145b795fd5197ad74776b68");
    }
}
