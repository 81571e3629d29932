//! Key material: sealed, rotated, imported.

pub(crate) mod blob;
pub(crate) mod imports;
pub(crate) mod mac;
pub(crate) mod rotation;
pub(crate) mod wrapping;
