//! The storage joint: [`Records`], ordered records with snapshots and atomic commits, and an implementation in
//! memory, [`MemoryRecords`]. Two decorators: [`Prefixed`] keeps several stores in one storage, [`FreshFor`] saves round
//! trips to a storage behind a network.
//!
//! Implement [`Records`] for a database and the whole of Strongroom runs on it. What is stored is already sealed or
//! authenticated; a backend keeps bytes and needs to know nothing of secrets. `strongroom-testkit` has the conformance
//! suite that says whether an implementation is right, and `examples/custom_backend.rs` of the facade is one in a
//! hundred lines.
//!
//! ```
//! use strongroom_records::{Batch, ErrorKind, Expect, Key, MemoryRecords, Records, Scan};
//!
//! # pollster::block_on(async {
//! let records = MemoryRecords::new();
//! let (a, b) = (Key::of(["fruit", "apple"]), Key::of(["fruit", "pear"]));
//!
//! // Several writes, all or nothing, each under a precondition.
//! let revision = records.commit(Batch::new().put(&a, b"1", Expect::Absent).put(&b, b"2", Expect::Absent)).await?;
//!
//! // A snapshot sees neither half a commit nor a later one.
//! let snapshot = records.snapshot().await?;
//! records.commit(Batch::new().put(&a, b"3", Expect::At(revision))).await?;
//! assert_eq!(snapshot.get(&a).await?.unwrap().value, b"1");
//!
//! // Who was second is told so, and nothing of the batch was applied.
//! let late = records.commit(Batch::new().put(&a, b"4", Expect::At(revision)).delete(&b, Expect::Any)).await;
//! assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);
//!
//! let page = snapshot.scan(&Scan::prefix(&Key::of(["fruit"])).reverse().limit(1)).await?;
//! assert_eq!((&page.records[0].key, page.more), (&b, true));
//! # Ok::<(), strongroom_records::Error>(())
//! # }).unwrap();
//! ```

mod batch;
mod error;
mod fresh_for;
mod key;
mod limits;
mod memory;
mod prefixed;
mod record;
mod scan;
mod traits;

pub use batch::{Action, Batch, Change, Expect};
pub use error::{Error, ErrorKind};
pub use fresh_for::FreshFor;
pub use key::Key;
pub use limits::Limits;
pub use memory::MemoryRecords;
pub use prefixed::Prefixed;
pub use record::{Record, Revision};
pub use scan::{Page, Scan};
pub use traits::{ChangeToken, FreshRecords, Records, Snapshot};
