//! What a backend can take.

/// What a backend can take. A backend must allow at least the figures of [`Limits::REQUIRED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key.
    pub key: usize,
    /// Bytes of a value.
    pub value: usize,
    /// Operations of a batch.
    pub batch_operations: usize,
    /// Bytes of all keys and values of a batch.
    pub batch_bytes: usize,
    /// Records of a page; a scan that asks for more gets this many.
    pub scan: usize,
}

impl Limits {
    /// The least a backend must allow.
    pub const REQUIRED: Self =
        Self { key: 1024, value: 256 * 1024, batch_operations: 100, batch_bytes: 512 * 1024, scan: 100 };
}
