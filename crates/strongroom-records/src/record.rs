//! Records and revisions.

use std::fmt::{self, Debug};

use crate::Key;

/// A record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Key,
    /// The revision of the last write.
    pub revision: Revision,
    /// The value. Its writer has encrypted or authenticated it; it is never a plaintext secret.
    pub value: Vec<u8>,
}

impl Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} at {}, {} bytes)", self.key, self.revision.0, self.value.len())
    }
}

/// Identifies a write of a record. Equal revisions of the same key mean equal content.
///
/// The backend assigns revisions at commit. A key never gets the same revision twice, even after it
/// was deleted and written again. Revisions of different keys are not comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);
