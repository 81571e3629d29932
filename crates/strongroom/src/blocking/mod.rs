//! The same API without async, for programs that have no runtime.
//!
//! ```
//! use strongroom::{RootKey, blocking::Strongroom};
//!
//! let room = Strongroom::open(Strongroom::builder().memory().root_key(RootKey::from_bytes([7; 32])))?;
//! room.create("prod/db").text("s3cret").send()?;
//! assert_eq!(room.get("prod/db").send()?.expose_text()?, "s3cret");
//! # Ok::<(), strongroom::Error>(())
//! ```
//!
//! Do not call it from async code: it blocks the thread.

mod cached_room;
mod identities;
mod keys;
mod roots;

pub use cached_room::{CachedRoom, Handle};
pub use identities::Identities;
pub use keys::Keys;
pub use roots::Roots;

pub use crate::blocking_room::Strongroom;
