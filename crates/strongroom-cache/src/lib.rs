//! Reads at memory speed that are never wrongly old.
//!
//! # Values
//!
//! [`Cached`] is a secret store around any other that keeps values for a while:
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
//! let policy = CachePolicy::new(Duration::from_secs(300));
//! let runtime = tokio::runtime::Handle::current();
//! let store = Cached::spawning(aws.store(), policy, Arc::new(move |task| drop(runtime.spawn(task))))?;
//! let room = Strongroom::over(Arc::new(store.clone()), aws.realm().clone());
//!
//! room.create("prod/db").text("s3cret").send().await?;
//! for _ in 0..1_000 {
//!     room.get("prod/db").send().await?; // one call of the store
//! }
//! let held = store.read(room.context(), strongroom::store::GetSecretValue::new("prod/db")).await?;
//! println!("{} bytes, {:?} old, from {:?}", held.value.len(), held.age(), held.source());
//! # Ok(())
//! # }
//! ```
//!
//! * **Whose.** A value is found again by the caller it was read for, with the same session: one caller's permission never serves another.
//! * **How old.** Not older than the time to live; fetched again in the background from 80 percent of it on, so that nobody waits for what is
//!   read all the time. While the store is down ([`may_be_ridden_out`] says what that is) the last known value is served up to a hard
//!   limit, which no failure moves; what the store does say (denied, deleted) counts at once. Every [`CachedSecret`] tells its age and source.
//! * **One call.** Of all who ask for the same at once, one asks the store; if it is dropped half way, the next takes over.
//! * **Own writes** are seen by the next read. What another program writes is seen after the time to live at the latest.
//! * **Fast.** A hit of a [`Handle`] ([`Cached::handle`]) takes no lock, waits for nothing and copies nothing.
//! * **Always at hand.** [`Cached::watch`] gives a handle to a value that is kept up to date in the background, and shows only what the program
//!   accepts; [`Cached::with_credential`] carries a login over a rotation.
//! * **Counted.** Every read that is served without the store is reported to it afterwards, in batches, by caller and version
//!   ([`Cached::flush_reads`]; [`Cached::drain_reads`] gives them to the program instead); and the first use of a day (UTC) is a read of the
//!   store, so that a secret that is read from the cache all day never looks unused, also where no reports are taken. [`Cached::stats`] tells hits, misses,
//!   refreshes, failures and ages; with the feature `metrics` they are published as series. A [`Watch`] reads the store with every look; looks at what it
//!   shows are not counted.
//! * **Left alone.** A store that is down is asked again after a rest that doubles, with jitter.
//! * **Wiped.** Values are handles to memory that wipes itself; a hit copies none. With [`CachePolicy::sealed_in_memory`] they lie sealed under a key
//!   of this process, and a hit opens them.
//!
//! # Data keys
//!
//! [`CachedKms`] is a key service around any other that keeps data keys for a while, so that what is read or written again and again asks the
//! other service once.
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
//! Nothing is kept unless a program puts this in between, since it has a price: as long as an entry may live
//! ([`DataKeyPolicy::new`]), who has lost a right to a key, or whose key was disabled, may go on reading what was read before by the same caller.
//!
//! * **Whose, for what.** An entry is found again only by the same caller with the same session, for the same ciphertext or key, the same encryption
//!   context and the same demands (key, grant tokens, length).
//! * **One call.** Of several who ask for the same at once, one asks the other service; if it is dropped half way, the next takes over. They
//!   share its failure too, which is not kept.
//! * **Bounded.** By entries and age; generated keys, if they are to be used again at all ([`DataKeyPolicy::reuse`]), by messages and bytes too.
//! * **Wiped.** Keys lie in memory that wipes itself, and are wiped when they go. Each answer is a copy that its caller owns.

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
pub use shared::{Spawn, Task};
pub use stats::CacheStats;
pub use watch::{Sleep, Watch, WatchOptions, WatchedSecret};
