//! The records of secrets: finding, changing and walking them.

mod commit;
mod created;
mod secrets;
mod token;
mod walk;

pub(crate) use commit::Attempts;
pub(crate) use secrets::Storage;
