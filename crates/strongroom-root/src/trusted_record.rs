//! Records that were verified.

use strongroom_records::{Key, Revision};

/// A record whose MAC was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustedRecord {
    /// Where it is.
    pub key: Key,
    /// When it was last written, for preconditions.
    pub revision: Revision,
    /// What was written.
    pub content: Vec<u8>,
    /// SHA-256 over the store's id, the record's key and its content, whatever the store key: by it another record can
    /// vouch for this one.
    pub digest: [u8; 32],
}

/// A page of verified records. A record that fails verification fails the page.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TrustedPage {
    /// The records in the order of the scan.
    pub records: Vec<TrustedRecord>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<Key>,
}
