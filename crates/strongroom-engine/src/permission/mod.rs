//! Who may do what, and why.

mod explain;
mod gate;
mod named_key;

pub(crate) use explain::Explainer;
pub use explain::{SecretAccess, SecretPrincipals};
pub(crate) use gate::{Gate, documents};
