//! What was read or unwrapped, kept in memory for a while.

pub(crate) mod keys;
pub(crate) mod material;
