//! The embedded secret store: [`Engine`], the whole behaviour of AWS Secrets Manager over any
//! [`Records`](strongroom_records::Records) and any [`Kms`](strongroom_kms::Kms).
//!
//! Each version's value is sealed under a data key of its own, which the key service wraps under
//! the secret's key in the context `{SecretARN, SecretVersionId}`. Value, labels and indexes move
//! in one commit.
//!
//! A call comes in through [`Engine`], gets its frame and the list of what it needs (`call`), and
//! is run by one small type per capability (`read`, `write`, `upkeep`) over permissions
//! (`permission`), encryption (`keys`) and records (`storage`). None of these knows one above it.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_engine::Engine;
//! use strongroom_local_kms::LocalKms;
//! use strongroom_records::MemoryRecords;
//! use strongroom_root::{RootKey, TrustedRecords};
//! use strongroom_store::{CreateSecret, GetSecretValue, SecretStore, SecretValue};
//! use strongroom_types::{CallContext, Service, SystemClock};
//!
//! # pollster::block_on(async {
//! let clock = Arc::new(SystemClock);
//! let root = RootKey::from_bytes([7; 32]);
//! let records = TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &*clock).await?;
//! let kms = LocalKms::new(records.clone(), clock.clone());
//! // The engine gets the handle that acts for Secrets Manager.
//! let engine = Engine::new(records, Arc::new(kms.for_service(Service::SecretsManager)), clock);
//!
//! let cx = CallContext::owner(engine.realm());
//! engine.create_secret(&cx, CreateSecret::new("prod/db").value(SecretValue::text("s3cret"))).await?;
//! let version = engine.get_secret_value(&cx, GetSecretValue::new("prod/db")).await?;
//! assert_eq!(version.expose_text()?, "s3cret");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod call;
mod engine;
mod error;
mod head;
mod keys;
mod layout;
mod notes;
mod owner;
mod parts;
mod permission;
mod read;
mod storage;
mod store;
mod upkeep;
mod write;

pub use call::KeyNeed;
pub use engine::Engine;
pub use owner::OwningService;
pub use parts::EngineLimits;
pub use permission::{SecretAccess, SecretPrincipals};
pub use upkeep::{KeyUse, KeyUsePage, RewrapProgress};
