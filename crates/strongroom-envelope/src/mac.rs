//! Authentication of records that are not secret.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Label, SecretKey};

/// A key for HMAC-SHA-256 tags over several parts.
///
/// Each part is prefixed by its length, so that different lists of parts never yield the same
/// input.
pub struct MacKey {
    keyed: Hmac<Sha256>,
}

impl MacKey {
    /// The length of a tag, in bytes.
    pub const TAG_LEN: usize = 32;

    /// The MAC key that belongs to `parent` and `label`.
    #[must_use]
    pub fn derived(parent: &SecretKey, label: Label) -> Self {
        let key = parent.derive(label, b"");
        Self { keyed: crate::provider::keyed(key.expose()) }
    }

    fn input(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// The tag over `parts`.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; Self::TAG_LEN] {
        self.input(parts).finalize().into_bytes().into()
    }

    /// Whether `tag` is the tag over `parts`; in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.input(parts).verify_slice(tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other_and_every_bit_counts() {
        let key = MacKey::derived(&SecretKey::generate().unwrap(), Label::new("test"));
        let tag = key.tag(&[b"ab", b"c"]);
        assert!(key.verify(&[b"ab", b"c"], &tag));
        assert!(!key.verify(&[b"a", b"bc"], &tag));
        assert!(!key.verify(&[b"ab", b"c", b""], &tag));
        assert!(!key.verify(&[b"ab", b"c"], &tag[..31]));
        for bit in 0..256 {
            let mut changed = tag;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(&[b"ab", b"c"], &changed));
        }
    }
}
