//! AWS Secrets Manager and KMS as a Rust library.
//!
//! A program opens a [`Strongroom`] and has, inside its own process, what those services do:
//! secrets under envelope encryption (a fresh data key per version, wrapped by a key that never
//! leaves its key service), version stages, deletion with a recovery window, policies, keys.
//!
//! Values are kept in self-wiping memory, show nothing in `Debug`, and are read only through
//! methods named `expose_...`. No async runtime is needed; any executor will do, and the feature
//! `blocking` works without one. With `default-features = false` nothing but Rust is compiled.
//!
//! # Open
//!
//! ```
//! use strongroom::{RootKey, Strongroom};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # std::env::set_current_dir(directory.path()).unwrap();
//! # pollster::block_on(async {
//! let room = Strongroom::builder()
//!     .directory("app.strongroom")                    // a SQLite file inside; `.memory()` for tests
//!     .root_key(RootKey::file_or_create("app.key")?)  // or from_env, from_passphrase, from_bytes
//!     .open()
//!     .await?;
//! # Ok::<_, strongroom::Error>(())
//! # }).unwrap();
//! ```
//!
//! [`Builder`] has the rest: account and region, an existing store only, another key service. Keep
//! the root key apart from the directory: anyone holding both can read everything.
//!
//! # Create, read, write
//!
//! ```
//! # pollster::block_on(async {
//! # use strongroom::{RootKey, Strongroom};
//! # let root = RootKey::from_bytes([1; 32]);
//! # let room = Strongroom::builder().memory().root_key(root).open().await?;
//! room.create("prod/db").description("orders database").text("s3cret").send().await?;
//! assert_eq!(room.get("prod/db").send().await?.expose_text()?, "s3cret");
//! room.put("prod/db").text("newer").send().await?;
//! room.put_or_create("prod/api").text("a key").send().await?;
//! assert!(room.exists("prod/api").await?);
//! # Ok::<_, strongroom::Error>(())
//! # }).unwrap();
//! ```
//!
//! By default, secrets are encrypted under the AWS managed key `alias/aws/secretsmanager`, created
//! on first use. [`Strongroom::list`] and [`Strongroom::get_matching`] find secrets;
//! [`Strongroom::delete`] and [`Strongroom::restore`] delete them, after a recovery window, and
//! bring them back. [`request`] has the builders of all calls.
//!
//! # Versions and rollback
//!
//! ```
//! # pollster::block_on(async {
//! # use strongroom::{RootKey, Stage, Strongroom};
//! # let root = RootKey::from_bytes([1; 32]);
//! # let room = Strongroom::builder().memory().root_key(root).open().await?;
//! # room.create("prod/db").text("old").send().await?;
//! room.put("prod/db").text("new").send().await?;
//! let old = room.get("prod/db").stage(Stage::PREVIOUS).send().await?;
//! assert_eq!(old.expose_text()?, "old");
//! room.rollback("prod/db").await?; // AWSCURRENT and AWSPREVIOUS change places
//! assert_eq!(room.get("prod/db").send().await?.version_id, old.version_id);
//! # Ok::<_, strongroom::Error>(())
//! # }).unwrap();
//! ```
//!
//! [`Strongroom::promote`] is a rotation by hand: store as `AWSPENDING`, test, make current.
//! [`Strongroom::versions`] lists versions, and [`Strongroom::move_stage`] moves any label.
//!
//! # JSON and fields
//!
//! ```
//! use serde::Deserialize;
//! use strongroom::SecretText;
//!
//! #[derive(Debug, Deserialize)]
//! struct Credentials { username: String, password: SecretText } // wipes itself, hidden in Debug
//!
//! # pollster::block_on(async {
//! # use strongroom::{RootKey, Strongroom};
//! # let root = RootKey::from_bytes([1; 32]);
//! # let room = Strongroom::builder().memory().root_key(root).open().await?;
//! let text = r#"{"username": "app", "password": "s3cret"}"#;
//! room.create("prod/db").text(text).send().await?; // or .json(&value)?
//! let whole: Credentials = room.get("prod/db").send().await?.into_json()?;
//! let password = room.get("prod/db").send().await?.field("password")?; // one field of it
//! assert_eq!((whole.username.as_str(), password), ("app", whole.password));
//! # Ok::<_, strongroom::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Caching and watching
//!
//! `Strongroom::cached` (feature `tokio`) or [`Strongroom::cached_with`] put a cache in front of a
//! room: reads at memory speed, refreshed in the background, served during an outage up to a limit.
//! [`CachedRoom::watch`] keeps a value at hand and shows only values that the program accepts;
//! [`CachedRoom::with_credential`] carries a login over a rotation. [`cache`] has the details.
//!
//! # Identities and policies
//!
//! ```
//! # pollster::block_on(async {
//! # use strongroom::{RootKey, Strongroom};
//! # let root = RootKey::from_bytes([1; 32]);
//! # let room = Strongroom::builder().memory().root_key(root).open().await?;
//! # room.create("prod/db").text("s3cret").send().await?;
//! let alice = room.iam().create_user("alice").await?;
//! let read = strongroom::presets::read_names(["prod/*"]);
//! room.iam().put_policy(&alice, "read-prod", &read).await?;
//!
//! let hers = room.as_caller(alice.caller()?);
//! hers.get("prod/db").send().await?;
//! assert!(hers.put("prod/db").text("x").send().await.unwrap_err().is_access_denied());
//! # Ok::<_, strongroom::Error>(())
//! # }).unwrap();
//! ```
//!
//! [`Identities::explain`] says why a call is allowed or denied, [`Identities::who_can`] who can
//! read a secret, and [`Strongroom::policy`] has a secret's own policy. [`iam`] and [`policy`] have
//! the types.
//!
//! # Keys
//!
//! [`Strongroom::keys`] creates, rotates, disables and deletes keys of your own, and encrypts and
//! decrypts with them; a secret names its key with `.key("alias/orders")`. [`Kms`] and
//! [`KmsAdmin`], reached by [`Keys::service`], have all operations. [`Builder::kms`] encrypts under
//! the keys of another service, such as AWS KMS.
//!
//! # Roots and recovery
//!
//! [`RootKey`] is what opens a strongroom: a file, an environment variable, a passphrase, or a key
//! of another key service ([`KmsRoot`]). [`Strongroom::roots`] adds and removes roots, makes
//! recovery codes, and re-keys a store whose key may be known.
//!
//! # Backup and housekeeping
//!
//! [`Strongroom::backup`] writes a consistent copy, [`Strongroom::verify`] checks everything, and
//! [`Strongroom::maintain`] purges what is due.
//!
//! # From and to AWS
//!
//! `Strongroom::aws()` (feature `aws`) is the same handle on AWS Secrets Manager. [`Migration`]
//! moves secrets with all versions, labels, tags and policies between any two rooms.
//!
//! # Other stores, storage of your own
//!
//! [`Strongroom::over`] gives this API to any [`SecretStore`]; one that only reads takes three
//! methods ([`store::ReadSecrets`]). [`Builder::records`] keeps a strongroom in storage of your
//! own, an implementation of [`Records`].
//!
//! # Testing
//!
//! `.memory()` is a whole strongroom without a file, and [`Builder::clock`] takes a [`Clock`] in
//! which thirty days pass at once. `strongroom-testkit` has such a clock, and conformance suites
//! for implementations of [`Records`], [`Kms`] and [`SecretStore`].
//!
//! # Errors
//!
//! One type, [`Error`]: its `Display` names the secret, key or directory and says what helps, its
//! `is_...` methods answer what programs ask, [`Error::code`] is the AWS code, and
//! [`Error::retry`] says whether a retry can help. [`chain`] shows an error with its causes.
//!
//! # Without async
//!
//! The feature `blocking` adds `strongroom::blocking`, the same API for programs without a runtime.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `sqlite` | yes | `Builder::directory`: everything in one SQLite file |
//! | `blocking` | no | `strongroom::blocking`: the same API without async |
//! | `tokio` | no | `Strongroom::cached` and `WatchOptions::every`: background tasks by Tokio, without closures |
//! | `aws` | no | `Strongroom::aws()`: the same handle on AWS Secrets Manager, with AWS's SDK |
//! | `aws-parameter-store` | no | `AwsBuilder::parameters`: the same on Parameter Store |
//! | `metrics` | no | `CacheStats::publish`: what caches did, as series of the `metrics` crate |
//! | `aws-lc-rs` | no | AWS-LC as a second provider of the same cryptography, for `Builder::provider` |
//!
//! Features add API and change no behaviour.

mod access;
#[cfg(feature = "aws")]
mod aws_builder;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "blocking")]
mod blocking_room;
mod builder;
mod cached_room;
mod error;
#[cfg(doctest)]
mod guide;
mod housekeeper;
mod identities;
mod keys;
mod kms_root;
mod maintain;
mod modules;
pub mod request;
mod room;
mod roots;
pub mod strongrooms;
mod upkeep;

#[cfg(feature = "aws")]
pub use aws_builder::AwsBuilder;
pub use builder::Builder;
pub use cached_room::CachedRoom;
pub use error::{Error, ErrorKind};
pub use housekeeper::{Housekeeper, Housekeeping, HousekeepingEvent, HousekeepingStats, OnEvent};
pub use identities::Identities;
pub use keys::Keys;
pub use kms_root::KmsRoot;
pub use maintain::{Maintained, RoomSource, Round};
pub use room::Strongroom;
pub use roots::Roots;

// What is not at the root is in these, and nothing is in two places.
#[cfg(feature = "aws")]
pub use modules::aws;
pub use modules::{cache, envelope, iam, kms, migrate, policy, records, root, store};

#[doc(inline)]
pub use {
    strongroom_cache::{CachePolicy, WatchOptions},
    strongroom_envelope::{EncryptionContext, SecretBytes, SecretText},
    strongroom_iam::{
        AccessKey, AccessKeyInfo, AccessKeyOrigin, AssumeRole, CreatePolicy, CreateRole, CreateUser,
        ErrorKind as IdentityErrorKind, Identity, IdentityKind, IdentityRef, ManagedPolicy, presets,
    },
    strongroom_kms::{ErrorKind as KeyErrorKind, Kms, KmsAdmin},
    strongroom_local_kms::Retirement,
    strongroom_migrate::Migration,
    strongroom_records::{MemoryRecords, Records},
    strongroom_root::{ErrorKind as RootErrorKind, RecoveryCode, RootKey},
    strongroom_store::{
        ErrorKind as SecretErrorKind, Filter, FilterKey, Operation, SecretAdmin, SecretId, SecretMetadata,
        SecretRef, SecretStore, SecretValue, SecretVersion, SortBy, SortOrder, Stage, Tag, VersionId,
        VersionMetadata,
    },
    strongroom_types::{
        AccountId, AlwaysPermitted, Arn, CallContext, Caller, Chain, Clock, ParseError, PurgePermit, Realm,
        Region, RequestInfo, RequestParameters, Retry, Service, SessionFacts, SystemClock, Timestamp,
        TlsInfo, chain,
    },
};
