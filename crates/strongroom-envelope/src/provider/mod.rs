//! Providers of the cryptographic primitives: two implementations of one suite, with the same
//! output.

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

/// A provider of the primitives: [`RustCrypto`] (the default, pure Rust) or `AwsLc` (feature
/// `aws-lc-rs`).
///
/// Each opens what the other seals. The type is chosen in code, for example
/// `Sealer::<AwsLc>::with_provider()`; no feature changes the choice.
pub trait Provider: Primitives {}

/// An HMAC key: its bytes, or its precomputed state.
#[derive(Clone, Copy)]
pub enum Parent<'a> {
    /// The plain bytes.
    Bytes(&'a [u8; 32]),
    /// Precomputed state for a key that is used repeatedly.
    Ready(&'a hmac::Hmac<sha2::Sha256>),
}

impl Debug for Parent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parent([redacted])")
    }
}

/// The two primitives of the suite. The trait is sealed: it cannot be named outside of this crate.
pub trait Primitives: Debug + Send + Sync + 'static {
    /// An AES-256-GCM key with its key schedule. Wiped when dropped.
    type Cipher: Send + Sync;

    /// Computes the key schedule of an AES-256-GCM key.
    fn cipher(key: &[u8; 32]) -> Self::Cipher;

    /// Encrypts `plaintext` into `out`, which has the same length, and returns the tag; `None` when
    /// the provider fails.
    fn seal(
        cipher: &Self::Cipher,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<[u8; 16]>;

    /// Verifies the tag, and only then decrypts into `out`, which has the same length. On failure
    /// `out` holds nothing of the plaintext.
    #[must_use]
    fn open(
        cipher: &Self::Cipher,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> bool;

    /// Writes the HMAC-SHA-256 under `key` of each message to the corresponding output.
    fn hmac_each<const N: usize>(key: Parent<'_>, messages: [(&[u8], &mut [u8; 32]); N]);
}
