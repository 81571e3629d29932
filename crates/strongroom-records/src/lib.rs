//! Strongroom's storage interface: the trait [`Records`], for ordered records with snapshots and
//! atomic commits.
//!
//! Implement [`Records`] for a database to run all of Strongroom on it. Everything that Strongroom
//! stores is already encrypted or authenticated, so a backend handles only opaque bytes. Test an
//! implementation with the conformance suite of `strongroom-testkit`. The example
//! `custom_backend.rs` of the `strongroom` crate is a small one.
//!
//! [`MemoryRecords`] is an in-memory implementation. There are two decorators: [`Prefixed`] keeps
//! several stores in one storage, and [`FreshFor`] saves round trips to a storage behind a network.
//!
//! ```
//! use strongroom_records::{Batch, ErrorKind, Expect, Key, MemoryRecords, Records, Scan};
//!
//! # pollster::block_on(async {
//! let records = MemoryRecords::new();
//! let (a, b) = (Key::of(["fruit", "apple"]), Key::of(["fruit", "pear"]));
//!
//! // Several writes in one atomic commit, each with a precondition.
//! let batch = Batch::new().put(&a, b"1", Expect::Absent).put(&b, b"2", Expect::Absent);
//! let revision = records.commit(batch).await?;
//!
//! // A snapshot never sees a partial or a later commit.
//! let snapshot = records.snapshot().await?;
//! records.commit(Batch::new().put(&a, b"3", Expect::At(revision))).await?;
//! assert_eq!(snapshot.get(&a).await?.unwrap().value, b"1");
//!
//! // A concurrent change is a conflict, and nothing of the batch is applied.
//! let late = Batch::new().put(&a, b"4", Expect::At(revision)).delete(&b, Expect::Any);
//! assert_eq!(records.commit(late).await.unwrap_err().kind(), ErrorKind::Conflict);
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
