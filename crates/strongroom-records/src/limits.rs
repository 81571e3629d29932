//! A backend's limits.

/// A backend's limits. Each must be at least that of [`Limits::REQUIRED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum length of a key, in bytes.
    pub key: usize,
    /// The maximum length of a value, in bytes.
    pub value: usize,
    /// The maximum number of changes in a batch.
    pub batch_operations: usize,
    /// The maximum total length of a batch's keys and values, in bytes.
    pub batch_bytes: usize,
    /// The maximum number of records in a page. A scan with a higher limit gets this many.
    pub scan: usize,
}

impl Limits {
    /// The minimum that every backend must support.
    pub const REQUIRED: Self =
        Self { key: 1024, value: 256 * 1024, batch_operations: 100, batch_bytes: 512 * 1024, scan: 100 };
}
