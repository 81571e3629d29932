//! From the name of a key to the key.

pub(crate) mod finder;
pub(crate) mod managed;
