//! The management of keys.

pub(crate) mod aliases;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod deletion;
pub(crate) mod grants;
pub(crate) mod imports;
pub(crate) mod policy;
pub(crate) mod rotation;
pub(crate) mod tags;
