//! The same handle with a cache in front.

use std::sync::Arc;
use std::time::Duration;

use strongroom_cache::{
    Attempt, CachePolicy, CacheStats, Cached, CachedSecret, CredentialError, Handle, Spawn, Watch,
    WatchOptions,
};
use strongroom_store::{FilterKey, GetSecretValue, SecretAdmin, SecretId, SecretMetadata, ServedReads};
use strongroom_types::{CallContext, Caller};

use crate::request::{Get, GetBatch, GetMatching, List, ListVersions};
use crate::{Error, Strongroom};

/// A strongroom, your own or over another store, whose values are cached. Made by
/// `Strongroom::cached` (feature `tokio`) or [`Strongroom::cached_with`]; clones share the cache.
///
/// The cache does not decide permissions: it keeps apart what each caller has read, and serves
/// handles made by [`CachedRoom::as_caller`] alike.
#[derive(Clone, Debug)]
pub struct CachedRoom {
    room: Strongroom,
    cached: Cached<Arc<dyn SecretAdmin>>,
}

impl Strongroom {
    /// This strongroom with a cache in front that refreshes values in the background, on the Tokio
    /// runtime that this is called in.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use strongroom::{RootKey, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), strongroom::Error> {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// use strongroom::CachePolicy;
    /// use strongroom::WatchOptions;
    ///
    /// let room = room.cached(CachePolicy::ttl(Duration::from_secs(300)))?;
    /// # room.room().create("prod/db").text("s3cret").send().await?;
    /// room.get("prod/db").send().await?; // asks the store once in five minutes
    ///
    /// // A value that is always at hand, and only ever one that the program accepts.
    /// let options = WatchOptions::every(Duration::from_secs(30))
    ///     .validate(|new| if new.value.is_empty() { Err("empty".into()) } else { Ok(()) });
    /// let password = room.watch("prod/db", options).await?;
    /// assert_eq!(password.current().map(|value| value.expose_bytes().len()), Some(6));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) for an
    /// inconsistent policy, and outside of a Tokio runtime.
    #[cfg(feature = "tokio")]
    pub fn cached(&self, policy: CachePolicy) -> Result<CachedRoom, Error> {
        self.cached_with(policy, Some(strongroom_cache::spawn_on_tokio()?))
    }

    /// This strongroom with a cache in front. `spawn` runs a task in the background, on any
    /// executor; with it, values are refreshed before they expire. Without it, the first read after
    /// a value's time to live waits for the store.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use strongroom::CachePolicy;
    /// use strongroom::WatchOptions;
    ///
    /// let policy = CachePolicy::ttl(Duration::from_secs(300));
    /// let runtime = tokio::runtime::Handle::current();
    /// let room = room.cached_with(policy, Some(Arc::new(move |task| drop(runtime.spawn(task)))))?;
    /// # room.room().create("prod/db").text("s3cret").send().await?;
    /// room.get("prod/db").send().await?; // asks the store once in five minutes
    ///
    /// // For values that are read all the time: a few nanoseconds, no lock, no copy.
    /// let db = room.handle("prod/db");
    /// assert_eq!(db.get().await?.expose_bytes(), b"s3cret");
    /// assert_eq!(db.peek().map(|hit| hit.expose_bytes().len()), Some(6));
    ///
    /// let sleep = Arc::new(|time| Box::pin(tokio::time::sleep(time)) as _);
    /// let options = WatchOptions::every_with(Duration::from_secs(30), sleep);
    /// let password = room.watch("prod/db", options).await?;
    /// assert_eq!(password.current().map(|value| value.expose_bytes().len()), Some(6));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) for an
    /// inconsistent policy.
    pub fn cached_with(&self, policy: CachePolicy, spawn: Option<Spawn>) -> Result<CachedRoom, Error> {
        let store = self.store();
        let cached = match spawn {
            Some(spawn) => Cached::spawning(store, policy, spawn)?,
            None => Cached::new(store, policy)?,
        };
        let mut room = self.clone();
        (room.store, room.fronted) = (Arc::new(cached.clone()), true);
        Ok(CachedRoom { room, cached })
    }
}

impl CachedRoom {
    /// The handle with all calls: its reads are served from the cache, and its writes are seen by
    /// the next read.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }

    /// As [`Strongroom::as_caller`], with this cache.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { room: self.room.as_caller(caller), cached: self.cached.clone() }
    }

    /// As [`Strongroom::get`], from the cache.
    pub fn get(&self, id: impl Into<SecretId>) -> Get {
        self.room.get(id)
    }

    /// As [`CachedRoom::get`] of the current value, without copying it, with its age and source.
    ///
    /// # Errors
    /// As [`Cached::read`].
    pub async fn read(&self, id: impl Into<SecretId>) -> Result<CachedSecret, Error> {
        Ok(self.cached.read(self.room.context(), GetSecretValue::new(id)).await?)
    }

    /// As [`Strongroom::get_batch`].
    pub fn get_batch(&self, ids: impl IntoIterator<Item = impl Into<SecretId>>) -> GetBatch {
        self.room.get_batch(ids)
    }

    /// As [`Strongroom::get_matching`].
    pub fn get_matching(
        &self,
        key: FilterKey,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> GetMatching {
        self.room.get_matching(key, values)
    }

    /// As [`Strongroom::describe`]; metadata is not cached.
    ///
    /// # Errors
    /// As [`Strongroom::describe`].
    pub async fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        self.room.describe(id).await
    }

    /// As [`Strongroom::exists`]; metadata is not cached.
    ///
    /// # Errors
    /// As [`Strongroom::exists`].
    pub async fn exists(&self, id: impl Into<SecretId>) -> Result<bool, Error> {
        self.room.exists(id).await
    }

    /// As [`Strongroom::list`]; metadata is not cached.
    pub fn list(&self) -> List {
        self.room.list()
    }

    /// As [`Strongroom::versions`]; metadata is not cached.
    pub fn versions(&self, id: impl Into<SecretId>) -> ListVersions {
        self.room.versions(id)
    }

    /// A handle to one secret, for values that are read all the time: [`Handle`].
    #[must_use]
    pub fn handle(&self, id: impl Into<SecretId>) -> Handle<Arc<dyn SecretAdmin>> {
        self.cached.handle(self.room.context(), id)
    }

    /// A handle to a value that is kept up to date in the background: [`Watch`].
    ///
    /// # Errors
    /// As [`Cached::watch`].
    pub async fn watch(&self, id: impl Into<SecretId>, options: WatchOptions) -> Result<Watch, Error> {
        Ok(self.cached.watch(self.room.context(), id, options).await?)
    }

    /// Uses a credential in a way that survives its rotation: [`Cached::with_credential`].
    ///
    /// # Errors
    /// As [`Cached::with_credential`].
    pub async fn with_credential<T, E, F: Future<Output = Result<T, Attempt<E>>>>(
        &self,
        id: impl Into<SecretId>,
        within: Duration,
        attempt: impl FnMut(CachedSecret) -> F,
    ) -> Result<T, CredentialError<E>> {
        self.cached.with_credential(self.room.context(), id, within, attempt).await
    }

    /// What the cache has done so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.cached.stats()
    }

    /// Reports to the store the reads that the cache served and has not reported yet:
    /// [`Cached::flush_reads`]. A program calls it last before it ends.
    ///
    /// # Errors
    /// As [`Cached::flush_reads`].
    pub async fn flush_reads(&self) -> Result<u64, Error> {
        Ok(self.cached.flush_reads().await?)
    }

    /// Takes the reads that the cache served and has not reported yet, for an account of the
    /// program's own: [`Cached::drain_reads`].
    #[must_use]
    pub fn drain_reads(&self) -> Vec<(CallContext, ServedReads)> {
        self.cached.drain_reads()
    }

    /// Forgets, and so wipes, everything that is cached.
    pub fn clear(&self) {
        self.cached.clear();
    }
}
