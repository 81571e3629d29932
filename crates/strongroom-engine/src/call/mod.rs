//! A call and everything it needs, as pure values: no storage, no clock, no key service.

mod about;
mod frame;
mod key_names;
mod key_step;
mod needs;
mod parameters;

pub(crate) use about::{About, NO_SUFFIX};
pub(crate) use frame::Call;
pub(crate) use key_names::KeyNames;
pub use key_step::KeyNeed;
pub(crate) use key_step::{KeyStep, opening, probing, sealing_under_own_key};
pub(crate) use needs::{Needs, Ownership};
pub(crate) use parameters::Parameters;
