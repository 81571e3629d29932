//! [`SecretRecords`]: a strongroom's records as one secret of another store. So that AWS Secrets Manager keeps the keys of a local key
//! service, for one, and a program without a disk of its own has them wherever it runs.
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
//! keys.keys().create("alias/orders", "kept as a secret").await?;
//! # assert!(aws.get("strongroom/keys").send().await?.value.len() < 16_384);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Whole or not at all.** A commit puts the whole as a new version and then moves `AWSCURRENT` to it from the version it was made of:
//!   the other store refuses that move when somebody else was faster, and the commit is worked out again on what they made.
//! * **Small.** All records together must fit into one value, 65,536 bytes in Secrets Manager: some sixty keys with their names. What does not fit is
//!   refused and changes nothing; [`SecretRecords::used`] says how much is taken.
//! * **Seldom written.** Each commit makes a version, as does each that loses a race. AWS keeps some hundred versions and each of them for a day,
//!   and takes no more meanwhile: keys, not data. Keys are used without a commit.
//! * **Read by asking.** Whether somebody else committed is one call, on every read unless [`SecretRecords::fresh_for`] is said.
//! * **Old versions stay.** The other store's older versions hold what was deleted until it forgets them, which for seldom commits may be never.
//!   What they hold is sealed under the store key; a re-key makes it worthless.
//!
//! The bytes are in `docs/format.md`.

mod bytes;
mod records;
mod state;

pub use records::SecretRecords;
