//! Strongroom's storage in a SQLite file: [`SqliteRecords`] implements the trait
//! [`Records`](strongroom_records::Records) of `strongroom-records`.
//!
//! ```
//! use strongroom_records::{Batch, Expect, Key, Records};
//! use strongroom_sqlite::SqliteRecords;
//!
//! # let directory = tempfile::tempdir()?;
//! # pollster::block_on(async {
//! let records = SqliteRecords::open(directory.path().join("records.sqlite3")).await?;
//! let key = Key::of(["greeting"]);
//! // On disk when `commit` returns.
//! records.commit(Batch::new().put(&key, b"hello", Expect::Absent)).await?;
//! assert_eq!(records.read(&[key]).await?[0].as_ref().unwrap().value, b"hello");
//! # Ok::<(), strongroom_records::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * **Durable**: with a write-ahead log and `synchronous=FULL`, an acknowledged commit survives a
//!   power failure.
//! * **Shared**: several processes can have the file open. Readers do not block writers, nor
//!   writers readers. One process writes at a time; others wait up to the [busy
//!   timeout](Options::busy_timeout). Network file systems [do not
//!   work](https://sqlite.org/wal.html).
//! * **Group commit**: concurrent writers in a process share one transaction and one sync. Each
//!   batch keeps its own preconditions and outcome.
//! * **Async**: I/O happens on one writer thread and a few reader threads, so a slow disk never
//!   blocks an async thread. A caller spins for its result for up to 30 µs before its future waits.
//!   A read that needs no disk access and follows another one therefore wakes no thread. Works with
//!   any executor.
//! * **Erasure**: `secure_delete` overwrites deleted data in the database file.

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
