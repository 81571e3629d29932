//! Keys as they are stored.

pub(crate) mod names;
pub(crate) mod stored;
pub(crate) mod write;
