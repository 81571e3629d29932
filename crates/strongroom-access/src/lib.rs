//! Who may do what with a secret, and why.
//!
//! Access to a secret is decided by several documents at once: the caller's policies, the secret's own, the key's, grants, and whether
//! the call came through Secrets Manager. [`Access`] asks the store, its key service and its directory what they would decide, and
//! tells it as one answer: for one caller ([`Access::explain`]), or for everybody known ([`Access::who_can`]).
//!
//! ```
//! # use std::sync::Arc;
//! # use strongroom_engine::Engine;
//! # use strongroom_iam::Iam;
//! # use strongroom_local_kms::LocalKms;
//! # use strongroom_records::MemoryRecords;
//! # use strongroom_root::{RootKey, TrustedRecords};
//! use strongroom_access::Access;
//! use strongroom_store::{CreateSecret, Operation, SecretStore, SecretValue};
//! # use strongroom_types::{CallContext, Service, SystemClock};
//!
//! # pollster::block_on(async {
//! # let (clock, root) = (Arc::new(SystemClock), RootKey::from_bytes([7; 32]));
//! # let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &SystemClock).await?;
//! # let iam = Iam::new(records.clone(), clock.clone());
//! # let authorizer: Arc<dyn strongroom_policy::Authorizer> = Arc::new(iam.clone());
//! # let kms = LocalKms::new(records.clone(), clock.clone()).authorized_by(authorizer.clone()).for_service(Service::SecretsManager);
//! # let engine = Engine::new(records.clone(), Arc::new(kms.clone()), clock).authorized_by(authorizer);
//! # let owner = CallContext::owner(records.realm());
//! let access = Access::new(engine.clone(), Some(kms), iam.clone());
//! engine.create_secret(&owner, CreateSecret::new("prod/db").value(SecretValue::text("s3cret"))).await?;
//! let alice = iam.create_user(&owner, "alice".into()).await?;
//!
//! let report = access.explain(&alice.caller()?.into(), Operation::GetSecretValue, &"prod/db".into()).await?;
//! assert!(!report.allowed);
//! println!("{report}"); // each document, each statement, and what would help
//! println!("{}", access.who_can(Operation::GetSecretValue, &"prod/db".into()).await?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod access;
mod report;
mod who_can;

pub use access::Access;
pub use report::AccessReport;
pub use who_can::{Candidate, Verdict, WhoCan};
