//! The embedded secret store: [`Engine`], the whole behaviour of AWS Secrets Manager over any
//! [`Records`](strongroom_records::Records) and any [`Kms`](strongroom_kms::Kms).
//!
//! Each version's value is sealed under a data key of its own, which the key service wraps under the secret's key in
//! the context `{SecretARN, SecretVersionId}`. Value, labels and indexes move in one commit.
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

mod admin;
mod commit;
mod created;
mod deletion;
mod document;
mod engine;
mod error;
mod explain;
mod head;
mod last_accessed;
mod layout;
mod list;
mod maintain;
mod owner;
mod permission;
mod policy;
mod read;
mod seal;
mod store;
mod token;
mod uses;
mod verify;
mod versions;
mod walk;
mod write;

pub use engine::{Engine, EngineLimits};
pub use explain::{KeyNeed, SecretAccess, SecretPrincipals};
pub use owner::OwningService;
pub use uses::{KeyUse, KeyUsePage, RewrapProgress};
