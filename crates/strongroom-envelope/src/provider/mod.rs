//! Who does the primitives. Two providers of one suite: the same bytes, another speed, another pedigree.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod rust_crypto;
#[cfg(test)]
mod tests;

use std::fmt::{self, Debug};

#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::AwsLc;
pub use rust_crypto::RustCrypto;
pub(crate) use rust_crypto::{Keyed, keyed};

/// A provider of the primitives: [`RustCrypto`] (the default, pure Rust) or `AwsLc` (feature `aws-lc-rs`).
///
/// What one seals the other opens. The type is chosen in the code, for example `Sealer::<AwsLc>::new()`; no feature
/// ever swaps it.
pub trait Provider: Primitives {}

/// A key that codes are made under: its bytes, or what was made ready of them.
#[derive(Clone, Copy)]
pub enum Parent<'a> {
    /// As it is.
    Bytes(&'a [u8; 32]),
    /// For a key that is used again and again.
    Ready(&'a hmac::Hmac<sha2::Sha256>),
}

impl Debug for Parent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parent([redacted])")
    }
}

/// The two primitives of the suite. Not nameable outside of this crate, so that the list of providers is ours.
pub trait Primitives: Debug + Send + Sync + 'static {
    /// A ready AES-256-GCM key: the key schedule is done. Wipes itself.
    type Cipher: Send + Sync;

    /// Makes an AES-256-GCM key ready.
    fn cipher(key: &[u8; 32]) -> Self::Cipher;

    /// Encrypts `plaintext` into `out`, which has the same length, and gives the tag. `None` when the provider refuses.
    fn seal(
        cipher: &Self::Cipher,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<[u8; 16]>;

    /// Verifies the tag, and only then decrypts into `out`, which has the same length. On failure `out` holds nothing of
    /// the plaintext.
    #[must_use]
    fn open(
        cipher: &Self::Cipher,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> bool;

    /// HMAC-SHA-256 under `key` of each message, written to the place beside it.
    fn hmac_each<const N: usize>(key: Parent<'_>, messages: [(&[u8], &mut [u8; 32]); N]);
}
