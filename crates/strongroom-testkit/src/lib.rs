//! What "correct" means at each joint of Strongroom, as code: a conformance suite each for
//! `Records`, `Kms`, `KmsAdmin`, `SecretStore` and `Authorizer`. Run them in a test of your own
//! implementation; they panic and say what is wrong.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_records::MemoryRecords;
//! use strongroom_testkit::records::{self, Volatile};
//!
//! // Storage that is lost with its process, and says so. `make` gives an empty one each time it is called.
//! pollster::block_on(records::conformance(async || Volatile::new(Arc::new(MemoryRecords::new()))));
//! ```
//!
//! What a backend has acknowledged must survive a crash, so the suite needs to open it again: see
//! [`Reopen`](records::Reopen).
//!
//! Each case is also a public function, to be run alone while it fails. Besides the suites:
//!
//! * [`ManualClock`], a clock that stands still until it is moved;
//! * [`FaultyRecords`], [`FaultyKms`] and [`FaultyStore`], which fail on demand;
//! * [`SmallRecords`], storage with the minimum limits that all storage must have;
//! * [`CountingRecords`], storage that counts its calls;
//! * [`SimulatedDisk`], a disk that loses what was not synced.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a conformance suite says what is wrong by panicking"
)]

pub mod authorizer;
mod clock;
mod counting;
mod disk;
mod faults;
pub mod kms;
pub mod kms_admin;
mod kms_faults;
pub mod records;
mod runtime;
mod small;
pub mod store;
mod store_faults;

pub use clock::ManualClock;
pub use counting::CountingRecords;
pub use disk::SimulatedDisk;
pub use faults::{Fault, FaultyRecords};
pub use kms_faults::FaultyKms;
pub use small::SmallRecords;
pub use store_faults::{FaultyStore, StoreFault};
