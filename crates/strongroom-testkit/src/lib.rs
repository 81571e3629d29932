//! What "correct" means at each joint of Strongroom, as code: a conformance suite for `Records`, one for `Kms`, one
//! for `SecretStore`. Run them in a test of your own implementation; they panic with what is wrong.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_records::{MemoryRecords, Records};
//! use strongroom_testkit::records;
//!
//! // In your test: `make` gives empty storage each time it is called.
//! pollster::block_on(records::conformance(|| async { Arc::new(MemoryRecords::new()) as Arc<dyn Records> }));
//! ```
//!
//! Each case is a public function too, to be run alone while it fails. Beside the suites: [`ManualClock`], a clock that
//! moves when told, [`FaultyRecords`], storage that fails when told, [`FaultyKms`] and [`FaultyStore`], a key service
//! and a secret store that do, and [`SmallRecords`], storage with no more than the limits that all storage has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a conformance suite says what is wrong by panicking"
)]

mod clock;
mod faults;
pub mod kms;
mod kms_faults;
pub mod records;
mod runtime;
mod small;
pub mod store;
mod store_faults;

pub use clock::ManualClock;
pub use faults::{Fault, FaultyRecords};
pub use kms_faults::FaultyKms;
pub use small::SmallRecords;
pub use store_faults::{FaultyStore, StoreFault};
