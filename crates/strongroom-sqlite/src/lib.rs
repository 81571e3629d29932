//! Strongroom's storage joint on a SQLite file: [`SqliteRecords`].
//!
//! ```
//! use strongroom_records::{Batch, Expect, Key, Records};
//! use strongroom_sqlite::SqliteRecords;
//!
//! # let directory = tempfile::tempdir()?;
//! # pollster::block_on(async {
//! let records = SqliteRecords::open(directory.path().join("records.sqlite3")).await?;
//! let key = Key::of(["greeting"]);
//! records.commit(Batch::new().put(&key, b"hello", Expect::Absent)).await?; // on the disk when it returns
//! assert_eq!(records.read(&[key]).await?[0].as_ref().unwrap().value, b"hello");
//! # Ok::<(), strongroom_records::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * **Durable**: write-ahead log, `synchronous=FULL`: a commit that returned survives loss of power.
//! * **Shared**: several processes may have the file open, each reads while others write; one writes at a time, the others
//!   wait up to the [busy time-out](Options::busy_timeout). Not on network file systems, as SQLite says.
//! * **Group commit**: writers of one process that wait at the same moment share one transaction and one sync, each with
//!   its own preconditions and its own verdict.
//! * **Off the async threads**: one writer thread, a few reader threads; a slow disk blocks no async thread. A caller looks out
//!   for its answer for up to 30 microseconds before its future waits, so a read that needs no disk, soon after another, wakes no
//!   thread. No runtime is needed; any executor will do.
//! * **Erasing**: `secure_delete` overwrites what is deleted in the database file.

mod backup;
mod erase;
mod error;
mod files;
mod limits;
mod reader;
mod records;
mod schema;
mod spin;
mod thread;
mod token;
mod writer;

pub use records::{Options, SqliteRecords};
