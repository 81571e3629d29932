//! [`SecretRecords`] stores a strongroom's records as one secret of another store. For example, AWS
//! Secrets Manager can hold the keys of a local key service, so that a program without persistent
//! storage finds them wherever it runs.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use std::sync::Arc;
//! use strongroom_secret_records::SecretRecords;
//!
//! # let aws = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! // `aws` is any store, such as Strongroom::aws().send().await?.
//! let records = SecretRecords::new(aws.store(), aws.context().clone(), "strongroom/keys")?;
//! let keys = Strongroom::builder().records(Arc::new(records)).root_key(RootKey::from_bytes([2; 32])).open().await?;
//! keys.keys().create("alias/orders", "stored as a secret").await?;
//! # assert!(aws.get("strongroom/keys").send().await?.value.len() < 16_384);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Atomic.** A commit puts all records as a new version, then moves `AWSCURRENT` to it from the
//!   version it was based on. The outer store refuses the move after a concurrent commit, and the
//!   commit is retried on top of that one.
//! * **Small.** All records together must fit into one value: [65,536 bytes in Secrets
//!   Manager][limits], about sixty keys with their names. A commit that does not fit is refused and
//!   changes nothing; [`SecretRecords::used`] returns the size.
//! * **Rarely written.** Each commit creates a version, including one that loses a race. Secrets
//!   Manager keeps about a hundred versions, does not remove any younger than a day, and refuses
//!   new ones meanwhile. Store keys here, not data. Using a key needs no commit.
//! * **Checked on read.** Every read makes one call to look for commits of others, unless
//!   [`SecretRecords::fresh_for`] allows older state.
//! * **Old versions remain.** The outer store's older versions contain deleted records until it
//!   removes them, which may be never if commits are rare. Their contents are sealed under the
//!   store key; a re-key makes them worthless.
//!
//! [limits]: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
//!
//! `docs/format.md` specifies the stored bytes.

mod bytes;
mod records;
mod state;

pub use records::SecretRecords;
