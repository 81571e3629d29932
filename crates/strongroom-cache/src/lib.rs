//! Caches for any secret store and any key service: reads at memory speed, with a bounded age.
//!
//! # Values
//!
//! [`Cached`] is a secret store that caches the values of another one:
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use strongroom_cache::{CachePolicy, Cached};
//!
//! # let aws = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! // `aws` is any room, such as Strongroom::aws().send().await?.
//! let policy = CachePolicy::ttl(Duration::from_secs(300));
//! let runtime = tokio::runtime::Handle::current();
//! let store = Cached::spawning(aws.store(), policy, Arc::new(move |task| drop(runtime.spawn(task))))?;
//! let room = Strongroom::over(Arc::new(store.clone()), aws.realm().clone());
//!
//! room.create("prod/db").text("s3cret").send().await?;
//! for _ in 0..1_000 {
//!     room.get("prod/db").send().await?; // one store call in total
//! }
//! let held = store.read(room.context(), strongroom::store::GetSecretValue::new("prod/db")).await?;
//! println!("{} bytes, {:?} old, from {:?}", held.value.len(), held.age(), held.source());
//! # Ok(())
//! # }
//! ```
//!
//! * **Per caller.** A value is served only to the caller it was read for, in the same session: one
//!   caller's permission never serves another.
//! * **Bounded age.** A value is never older than its time to live, and is refreshed in the
//!   background after 80 percent of it, so that reads of values in constant use never wait. While
//!   the store is down (see [`may_be_ridden_out`]), the last known value is served up to a hard
//!   limit, which no failure extends. An actual answer of the store (denied, deleted) takes effect
//!   immediately. Every [`CachedSecret`] has its age and source.
//! * **One call.** Concurrent reads of the same value share one store call. If the read that makes
//!   the call is dropped, the next one takes over.
//! * **Own writes** are seen by the next read; writes of other programs, within the time to live.
//! * **Fast.** A hit of a [`Handle`] ([`Cached::handle`]) takes no lock, never waits and copies
//!   nothing.
//! * **Always available.** [`Cached::watch`] gives a handle to a value that is kept up to date in
//!   the background, and shows only values that the program accepts; [`Cached::with_credential`]
//!   carries a login over a rotation.
//! * **Counted.** Every read that is served without the store is reported to it afterwards, in
//!   batches, by caller and version ([`Cached::flush_reads`]; [`Cached::drain_reads`] gives the
//!   reports to the program instead). The first use of each day (UTC) reads the store, so that a
//!   secret in constant use never looks unused even if the store takes no reports.
//!   [`Cached::stats`] has hits, misses, refreshes, failures and ages; the feature `metrics`
//!   publishes them as series. A [`Watch`] reads the store each time it looks; accesses to the
//!   value it shows are not counted.
//! * **Backed off.** A store that is down is retried after a pause that doubles, with jitter.
//! * **Wiped.** Values are handles to self-wiping memory; a hit copies none. With
//!   [`CachePolicy::sealed_in_memory`], they are stored encrypted under a key of this process, and
//!   a hit decrypts them.
//!
//! # Data keys
//!
//! [`CachedKms`] is a key service that caches the data keys of another one, so that repeated reads
//! and writes call the other service once.
//!
//! ```
//! # use strongroom::{RootKey, Strongroom};
//! # pollster::block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use strongroom_cache::{CachedKms, DataKeyPolicy};
//!
//! # let keeper = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
//! # keeper.keys().create("alias/orders", "").await?;
//! // `remote` is any key service, such as AWS KMS.
//! let remote = keeper.keys().service()?;
//! let policy = DataKeyPolicy::new(Duration::from_secs(300)).max_entries(1_000);
//! let kms = Arc::new(CachedKms::new(remote, policy)?);
//! let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([2; 32])).kms(kms).open().await?;
//!
//! room.create("prod/db").key("alias/orders").text("s3cret").send().await?;
//! for _ in 0..1_000 {
//!     room.get("prod/db").send().await?; // one Decrypt
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Data keys are never cached by default, because caching has a cost: for the lifetime of an entry
//! ([`DataKeyPolicy::new`]), a caller that has lost the permission to use a key, or whose key was
//! disabled, can still read what the same caller read before.
//!
//! * **Per caller and use.** An entry is found again only by the same caller in the same session,
//!   for the same ciphertext or key, the same encryption context and the same options (key, grant
//!   tokens, length).
//! * **One call.** Concurrent identical requests share one call. If the request that makes the call
//!   is dropped, the next one takes over. They also share a failure, which is not cached.
//! * **Bounded.** By entries and age. Reused generated keys ([`DataKeyPolicy::reuse`]) are also
//!   bounded by messages and bytes.
//! * **Wiped.** Keys are in self-wiping memory. Each result is a copy that its caller owns.

mod asker;
mod cache_policy;
mod cached;
mod cached_secret;
mod coarse;
mod counter;
mod credential;
mod data_key_policy;
mod entries;
mod flight;
mod handle;
mod kept;
mod kms;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tokio")]
mod on_tokio;
mod question;
mod reads;
mod report;
mod shared;
mod slot;
mod stats;
mod store;
mod vault;
mod watch;

pub use cache_policy::{CachePolicy, may_be_ridden_out};
pub use cached::Cached;
pub use cached_secret::{CachedSecret, Source};
pub use coarse::CoarseClock;
pub use credential::{Attempt, CredentialError};
pub use data_key_policy::DataKeyPolicy;
pub use handle::{CacheHit, Handle};
pub use kms::{CachedKms, CachedKmsStats};
#[cfg(feature = "tokio")]
pub use on_tokio::{sleep_on_tokio, spawn_on_tokio};
pub use shared::{Spawn, Task};
pub use stats::CacheStats;
pub use watch::{Sleep, Watch, WatchOptions, WatchedSecret};
