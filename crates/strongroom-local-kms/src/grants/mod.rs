//! Grants as they are stored, and what they allow.

pub(crate) mod lookup;
pub(crate) mod record;
pub(crate) mod removal;
pub(crate) mod token;
