//! [`Migration`]: copies secrets between any two stores, from an embedded strongroom to AWS and back, from one account to another, with all
//! versions and labels, tags, descriptions and policies.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use strongroom_migrate::Migration;
//!
//! # let from = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! # let to = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32])).open().await?;
//! # from.create("prod/db").text("s3cret").send().await?;
//! // Two rooms, or any two stores with their callers.
//! let (source, target) = ((from.store(), from.context()), (to.store(), to.context()));
//! let report = Migration::new((&*source.0, source.1), (&*target.0, target.1)).name_prefix("prod/").run(|_| ()).await?;
//! println!("{report}");
//! assert!(report.complete());
//! # assert_eq!(to.get("prod/db").send().await?.expose_text()?, "s3cret");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Again and again.** What is at the target already is compared, not written: run it again after an interruption, and once more before
//!   the switch. A secret that is something else at the target is left alone and told, unless [`Migration::overwrite`] is said.
//! * **Verified.** Each version is read back and compared with the source by a digest under a key of this run alone; no value is ever shown.
//! * **Nothing dropped in silence.** What the target cannot hold (a policy, a label, a long value, more versions than it keeps) fails that secret
//!   before anything of it is written, unless [`Migration::leave_out_what_does_not_fit`] is said; then it stands in the report. A secret never
//!   loses its current value so. A customer key is never replaced by the managed one unless [`Migration::managed_key`] is said, and a policy
//!   goes to another account only as [`Migration::policy`] says.
//! * **Never wrong on the way.** At a target with version stages a secret begins with its policy and the version that is current, so no reader
//!   meets an older one; version ids stay. When versions were made is the target's to say. What was removed at the source, and what the
//!   target has besides, stays and is noted.
//! * **Not copied:** rotation schedules and replicas, and the dates of reads. AWS's own lists may be five minutes behind: before the switch, run
//!   once more after that time.

mod attributes;
mod by_id;
mod by_order;
mod digest;
mod fits;
mod migration;
mod report;
mod secret;
mod state;

pub use migration::{Migration, Progress};
pub use report::{Outcome, Report, SecretReport};
