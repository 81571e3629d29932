//! AWS Secrets Manager and KMS as a Rust library.
//!
//! A program opens a [`Strongroom`] and has, inside its own process, everything those services do: secrets encrypted by
//! envelope (a fresh data key per version, wrapped by a key that never leaves its key service), version stages, deletion
//! with a recovery window.
//!
//! ```
//! use serde::Deserialize;
//! use strongroom::{RootKey, SecretText, Stage, Strongroom};
//!
//! #[derive(Debug, Deserialize)]
//! struct Credentials { username: String, password: SecretText } // wipes itself, shows nothing in Debug
//!
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(directory.path())?;
//! # pollster::block_on(async {
//! let room = Strongroom::builder()
//!     .directory("app.strongroom")                    // a SQLite file inside; `.memory()` for tests
//!     .root_key(RootKey::file_or_create("app.key")?)  // or from_env, from_passphrase, from_bytes
//!     .open()
//!     .await?;
//!
//! room.create("prod/db")
//!     .description("orders database")
//!     .tag("team", "orders")
//!     .text(r#"{"username": "app", "password": "s3cret"}"#) // or .json(&..), .binary(..)
//!     .send()
//!     .await?;
//!
//! let creds: Credentials = room.get("prod/db").send().await?.into_json()?;
//! assert_eq!((creds.username.as_str(), creds.password.expose()), ("app", "s3cret"));
//! let password = room.get("prod/db").send().await?.field("password")?; // one field of a JSON secret
//! assert_eq!(password, creds.password);
//!
//! room.put("prod/db").text("new value").send().await?;
//! let old = room.get("prod/db").stage(Stage::PREVIOUS).send().await?;
//! assert!(old.expose_text()?.contains("s3cret"));
//!
//! room.rollback("prod/db").await?; // AWSCURRENT and AWSPREVIOUS change places
//! room.delete("prod/db").send().await?; // gone in thirty days ...
//! room.restore("prod/db").await?; // ... or not
//! # Ok::<(), strongroom::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * Values come in self-wiping memory, show nothing in `Debug`, and are seen only through methods called `expose_...`.
//! * Errors carry the AWS code and text of the case ([`Error::code`]), and say whether a retry can help.
//! * No async runtime is needed; any executor will do. Without one: the `blocking` feature.
//! * Behind the facade stand three joints, each a small trait with a conformance suite: [`SecretStore`], [`Kms`],
//!   [`Records`]. Bring your own storage with [`Builder::records`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `sqlite` | yes | [`Builder::directory`]: everything in one SQLite file |
//! | `aws` | no | `Strongroom::aws()`: the same handle on AWS Secrets Manager, with AWS's SDK |
//! | `aws-parameter-store` | no | the same on Parameter Store |
//! | `blocking` | no | `strongroom::blocking`: the same API without async |
//!
//! With `default-features = false` nothing but Rust is compiled.

mod access;
#[cfg(feature = "aws")]
mod aws_builder;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod cached_room;
mod error;
#[cfg(doctest)]
mod guide;
mod identities;
mod keys;
mod kms_root;
pub mod request;
mod room;
pub mod strongrooms;
mod upkeep;

#[cfg(feature = "aws")]
pub use aws_builder::AwsBuilder;
pub use builder::Builder;
pub use cached_room::CachedRoom;
pub use error::{Error, ErrorKind};
pub use identities::Identities;
pub use keys::Keys;
pub use kms_root::KmsRoot;
pub use room::Strongroom;
pub use upkeep::Maintained;

#[cfg(feature = "aws")]
pub use strongroom_aws as aws;

// The crates behind the facade, for everything that is not named here.
pub use {
    strongroom_cache as cache, strongroom_envelope as envelope, strongroom_iam as iam, strongroom_kms as kms,
    strongroom_migrate as migrate, strongroom_policy as policy, strongroom_records as records,
    strongroom_root as root, strongroom_store as store,
};

pub use access::{AccessReport, Candidate, Verdict, WhoCan};
pub use strongroom_cache::{CachePolicy, Cached, CachedKms, DataKeyPolicy};
pub use strongroom_client_encryption::ClientEncrypted;
pub use strongroom_engine::{Engine, EngineLimits, KeyUse, OwningService, RewrapProgress};
pub use strongroom_envelope::{EncryptionContext, SecretBytes, SecretText};
pub use strongroom_iam::{
    AccessKey, AccessKeyInfo, AccessKeyOrigin, AssumeRole, CreatePolicy, CreateRole, CreateUser,
    ErrorKind as IdentityErrorKind, Identity, IdentityKind, IdentityRef, ManagedPolicy, presets,
};
pub use strongroom_kms::{ErrorKind as KeyErrorKind, Kms, KmsAdmin};
pub use strongroom_local_kms::{LocalKms, LocalKmsOptions, Retirement};
pub use strongroom_migrate::Migration;
pub use strongroom_records::{MemoryRecords, Records};
pub use strongroom_root::{
    ErrorKind as RootErrorKind, PassphraseCost, Problem, RecoveryCode, RekeyProgress, Report, RootKey,
    RootKind, RootSlot, Upgrade,
};
pub use strongroom_secret_records::SecretRecords;
pub use strongroom_store::{
    BatchFailure, BatchPage, ErrorKind as SecretErrorKind, Filter, FilterKey, Operation, PolicyFinding,
    PolicyValidation, SecretAdmin, SecretCreated, SecretDeleted, SecretId, SecretMetadata, SecretPage,
    SecretRef, SecretStore, SecretUpdated, SecretValue, SecretVersion, SortBy, SortOrder, Stage, Tag,
    ValuePut, VersionId, VersionMetadata, VersionPage,
};
pub use strongroom_types::{
    AccountId, Arn, CallContext, Caller, Clock, Realm, Region, Retry, SessionFacts, SystemClock, Timestamp,
};
