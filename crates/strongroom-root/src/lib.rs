//! The root of trust of a strongroom: [`RootKey`], the store key under it, and [`TrustedRecords`], the records that the
//! store key authenticates.
//!
//! A store has one **store key**, made once and kept only sealed, in **root slots**: one slot for each root that may
//! open the store (a key file, a passphrase, a recovery code). Adding or removing a root changes a slot and nothing
//! else; [`TrustedRecords::rekey`] gives the store another store key. Every record is written with a MAC under the store key over its key and content, so that whoever can write
//! the file but has no root cannot move a label, rename a secret or widen a policy unnoticed.
//!
//! What every engine over these records needs is here too, once: [`LeaseWatch`] and [`Lease`] for work
//! that one of several processes does, [`Attempts`] of an optimistic commit, [`DueIndex`],
//! [`Walk`] over a range, and [`Chore`] for work that comes round again.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_records::{Expect, Key, MemoryRecords};
//! use strongroom_root::{RootKey, TrustedRecords};
//! use strongroom_types::SystemClock;
//!
//! # pollster::block_on(async {
//! let root = RootKey::from_bytes([7; 32]); // in real life: RootKey::file_or_create("app.key")?
//! let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &SystemClock).await?;
//!
//! let key = Key::of(["greeting"]);
//! let mut batch = records.batch();
//! batch.put(&key, b"hello", Expect::Absent);
//! records.commit(batch).await?;
//! assert_eq!(records.read(&[key]).await?[0].as_ref().unwrap().content, b"hello");
//! # Ok::<(), strongroom_root::Error>(())
//! # }).unwrap();
//! ```

mod batch;
mod cache;
mod chore;
mod commit;
mod declared;
mod due_index;
mod error;
mod feature;
mod frame;
mod key_file;
mod key_text;
mod lease;
mod load;
mod opened_store;
mod passphrase;
mod private_file;
mod recovery;
mod rekey;
mod report;
mod retry;
mod root_key;
mod slot;
mod snapshot;
mod store;
mod trusted;
mod trusted_record;
mod unknown;
mod unlock;
mod upgrade;
mod walk;
mod wrapper;

pub use batch::TrustedBatch;
pub use chore::{Budget, Chore, ChoreKind, ChoreReport};
pub use due_index::{DueEntry, DueIndex};
pub use error::{Error, ErrorKind};
pub use feature::Feature;
pub use lease::{Lease, LeaseWatch};
pub use passphrase::PassphraseCost;
pub use private_file::{PrivateFile, give_to_owner_of};
pub use recovery::RecoveryCode;
pub use rekey::RekeyProgress;
pub use report::{Problem, Report};
pub use retry::Attempts;
pub use root_key::RootKey;
pub use slot::{RootKind, RootSlot};
pub use snapshot::TrustedSnapshot;
pub use trusted::TrustedRecords;
pub use trusted_record::{TrustedPage, TrustedRecord};
pub use unknown::UnknownMembers;
pub use upgrade::Upgrade;
pub use walk::Walk;
pub use wrapper::{RootWrapper, WrappedKey};
