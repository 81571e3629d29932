//! [`Migration`] copies secrets between any two stores, such as from an embedded strongroom to AWS
//! and back or between accounts, with all versions, labels, tags, descriptions and policies.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use strongroom_migrate::Migration;
//!
//! # let from = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! # let to = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32])).open().await?;
//! # from.create("prod/db").text("s3cret").send().await?;
//! // Two handles, or any two stores with their callers.
//! let (source, target) = ((from.store(), from.context()), (to.store(), to.context()));
//! let report = Migration::new((&*source.0, source.1), (&*target.0, target.1)).name_prefix("prod/").run(|_| ()).await?;
//! println!("{report}");
//! assert!(report.complete());
//! # assert_eq!(to.get("prod/db").send().await?.expose_text()?, "s3cret");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! * **Repeatable.** Versions that the target already has are compared, not written: run it again
//!   after an interruption, and once more before the switch. A different secret of the same name at
//!   the target is left alone and reported, unless [`Migration::overwrite`] is set.
//! * **Verified.** Each version is read back and compared with the source by a digest under a key
//!   that exists only for the run. No value is ever shown.
//! * **Nothing dropped silently.** If the target cannot hold part of a secret (a policy, a label, a
//!   long value, more versions than it keeps), that secret fails before anything of it is written.
//!   With [`Migration::leave_out_what_does_not_fit`] the rest is copied and the report lists what
//!   is missing; the current value is never left out. The managed key replaces a customer key only
//!   with [`Migration::managed_key`], and a policy goes to another account only through
//!   [`Migration::policy`].
//! * **Consistent throughout.** At a target with version stages, a secret starts with its policy
//!   and its current version, so no reader sees an older one. Version ids stay the same; the target
//!   sets the creation dates. Whatever the target has and the source does not stays and is noted.
//! * **Not copied:** rotation schedules, replicas and last-accessed dates. [AWS's lists may lag by
//!   five minutes][lists]: before the switch, wait that long and run once more.
//!
//! [lists]: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html

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
