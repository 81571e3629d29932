//! Key derivation: SP 800-108r1 in counter mode with HMAC-SHA-256.

use crate::provider::{Parent, Primitives};

/// The purpose of a derived key. Keys of different labels are independent even with the same parent
/// and salt.
///
/// At most 14 bytes, so that one derivation block costs at most two compressions of the inner hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

/// The longest label, in bytes.
const MAX_LABEL: usize = 14;

impl Label {
    pub(crate) const ENVELOPE: Self = Self::new("strongroom-env");

    /// A label of 1 to 14 printable ASCII bytes. Labels that begin with `strongroom-` are
    /// Strongroom's own.
    ///
    /// # Panics
    /// At compile time when used in a constant, when `text` is empty, too long or not ASCII.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= MAX_LABEL, "a label is 1 to 14 bytes");
        let mut at = 0;
        while at < bytes.len() {
            // A zero byte terminates the label in the derivation's input, so a label must not
            // contain one.
            assert!(bytes[at].is_ascii_graphic(), "a label is printable ASCII");
            at += 1;
        }
        Self(text)
    }
}

/// Writes `index_32 || label || 0x00 || salt || bits_32` to `buffer` and returns its length.
fn input(buffer: &mut [u8; INPUT], index: u32, label: Label, salt: &[u8; 32], bits: u32) -> usize {
    let label = label.0.as_bytes();
    let (zero, salt_at, bits_at) = (4 + label.len(), 5 + label.len(), 37 + label.len());
    buffer[..4].copy_from_slice(&index.to_be_bytes());
    buffer[4..zero].copy_from_slice(label);
    buffer[zero] = 0;
    buffer[salt_at..bits_at].copy_from_slice(salt);
    buffer[bits_at..bits_at + 4].copy_from_slice(&bits.to_be_bytes());
    bits_at + 4
}

/// The maximum length of an input with a salt: exactly what fits one SHA-256 block with its
/// padding.
const INPUT: usize = 4 + MAX_LABEL + 1 + 32 + 4;

/// Derives a message key and the commitment to `key` that belongs to it.
#[inline]
pub(crate) fn message_key<P: Primitives>(
    key: Parent<'_>,
    label: Label,
    salt: &[u8; 32],
    message_key: &mut [u8; 32],
    commitment: &mut [u8; 32],
) {
    let (mut first, mut second) = ([0; INPUT], [0; INPUT]);
    let len = input(&mut first, 1, label, salt, 512);
    input(&mut second, 2, label, salt, 512);
    P::hmac_each(key, [(&first[..len], message_key), (&second[..len], commitment)]);
}

/// Derives one key for `label`, bound to `context` (any bytes; empty for a plain sub-key).
pub(crate) fn sub_key<P: Primitives>(key: &[u8; 32], label: Label, context: &[u8], out: &mut [u8; 32]) {
    let mut input = Vec::with_capacity(9 + MAX_LABEL + context.len());
    input.extend_from_slice(&1u32.to_be_bytes());
    input.extend_from_slice(label.0.as_bytes());
    input.push(0);
    input.extend_from_slice(context);
    input.extend_from_slice(&256u32.to_be_bytes());
    P::hmac_each(Parent::Bytes(key), [(&input, out)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::RustCrypto;

    /// Computed with Python's `hmac` module: `hmac.new(bytes(range(32)), (1).to_bytes(4,'big') +
    /// b'strongroom-env' + b'\0' + b'\x07'*32 + (512).to_bytes(4,'big'), 'sha256')`
    fn known_answers_of<P: Primitives>() {
        let key: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let (mut message, mut commitment, mut sub) = ([0; 32], [0; 32], [0; 32]);
        message_key::<P>(Parent::Bytes(&key), Label::ENVELOPE, &[7; 32], &mut message, &mut commitment);
        sub_key::<P>(&key, Label::new("strongroom-mac"), b"", &mut sub);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(&message), "b9ee83ed7efd862b54d87863812f7605e4c0ce8d3c362e6bda696070d123dcb4");
        assert_eq!(hex(&commitment), "3c0b9e52a92d8eedd33d5987a0ed95e61639719baa1ef512ea7c244650f596d8");
        assert_eq!(hex(&sub), "7d3a731462211ac9d0da3f2e32169aa72d6279c92145b795fd5197ad74776b68");
    }

    #[test]
    fn known_answers_from_an_independent_implementation() {
        known_answers_of::<RustCrypto>();
        #[cfg(feature = "aws-lc-rs")]
        known_answers_of::<crate::provider::AwsLc>();
    }
}
