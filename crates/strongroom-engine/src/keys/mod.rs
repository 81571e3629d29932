//! Encrypting and decrypting values under the keys of the key service.

mod probe;
mod seal;

pub(crate) use seal::{Keys, SealedValue};
