//! One record.

use std::fmt::{self, Debug};

use crate::Key;

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub key: Key,
    /// When it was last written.
    pub revision: Revision,
    /// What it holds: sealed or authenticated by those who wrote it, never a plaintext secret.
    pub value: Vec<u8>,
}

impl Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} at {}, {} bytes)", self.key, self.revision.0, self.value.len())
    }
}

/// Says when a record was last written. Equal revisions of one key mean equal content.
///
/// Given by the backend at commit. One key never gets the same revision twice, also not after it was deleted and
/// written again. Between keys revisions say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);
