//! Reading values, metadata and listings.

mod dates;
mod get;
mod list;
mod versions;

pub(crate) use dates::Dates;
pub(crate) use get::Reader;
pub(crate) use list::Lister;
