//! What keeps a store in order: housekeeping, uses of keys, verification.

mod chores;
mod maintain;
mod uses;
mod verify;

pub(crate) use chores::chores;
pub(crate) use maintain::Housekeeping;
pub(crate) use uses::KeyUses;
pub use uses::{KeyUse, KeyUsePage, RewrapProgress};
pub(crate) use verify::Verifier;
