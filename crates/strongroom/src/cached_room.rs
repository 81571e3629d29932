//! The same handle with a cache in front.

use std::sync::Arc;
use std::time::Duration;

use strongroom_cache::{
    Attempt, CachePolicy, CacheStats, Cached, CachedSecret, CredentialError, Handle, Spawn, Watch,
    WatchOptions,
};
use strongroom_store::{SecretAdmin, SecretId, ServedReads};
use strongroom_types::CallContext;

use crate::{Error, Strongroom};

/// A strongroom, one's own or over another store, whose values are kept for a while. Made by [`Strongroom::cached`]; clones share what is kept.
///
/// The cache stands outside of permissions and keeps apart what each caller has read: [`CachedRoom::room`] and what
/// [`Strongroom::as_caller`] makes of it are served by it alike.
#[derive(Clone, Debug)]
pub struct CachedRoom {
    room: Strongroom,
    cached: Cached<Arc<dyn SecretAdmin>>,
}

impl Strongroom {
    /// This strongroom with a cache in front: what is read is kept as the policy says. With `spawn` values are fetched again in the background
    /// before their time is over.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await?;
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use strongroom::CachePolicy;
    /// use strongroom::cache::WatchOptions;
    ///
    /// let policy = CachePolicy::new(Duration::from_secs(300));
    /// let runtime = tokio::runtime::Handle::current();
    /// let cached = room.cached(policy, Some(Arc::new(move |task| drop(runtime.spawn(task)))))?;
    /// cached.room().create("prod/db").text("s3cret").send().await?;
    /// cached.room().get("prod/db").send().await?; // from the store once in five minutes
    ///
    /// // For what is read all the time: a few nanoseconds, no lock, no copy.
    /// let db = cached.handle("prod/db");
    /// assert_eq!(db.get().await?.expose_bytes(), b"s3cret");
    /// assert_eq!(db.peek().map(|hit| hit.expose_bytes().len()), Some(6));
    ///
    /// // A value that is always at hand, and only ever one that the program accepts.
    /// let options = WatchOptions::every(Duration::from_secs(30), Arc::new(|time| Box::pin(tokio::time::sleep(time))))
    ///     .validate(|new| if new.value.is_empty() { Err("empty".to_owned()) } else { Ok(()) });
    /// let password = cached.watch("prod/db", options).await?;
    /// assert_eq!(password.current().map(|value| value.expose_bytes().len()), Some(6));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SecretErrorKind::InvalidParameter`](crate::SecretErrorKind::InvalidParameter) for a policy that cannot be.
    pub fn cached(&self, policy: CachePolicy, spawn: Option<Spawn>) -> Result<CachedRoom, Error> {
        let store = self.store();
        let cached = match spawn {
            Some(spawn) => Cached::spawning(store, policy, spawn)?,
            None => Cached::new(store, policy)?,
        };
        Ok(CachedRoom { room: self.on(Arc::new(cached.clone())), cached })
    }
}

impl CachedRoom {
    /// The handle with all calls: reads are served from what is kept, writes are seen by the next read.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }

    /// A handle to one secret: [`Handle`].
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

    /// Does something with a credential so that it survives a rotation: [`Cached::with_credential`].
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

    /// What the cache did so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.cached.stats()
    }

    /// Reports to the store what was read without it and is not reported yet: [`Cached::flush_reads`]. A program that ends calls it last.
    ///
    /// # Errors
    /// As [`Cached::flush_reads`].
    pub async fn flush_reads(&self) -> Result<u64, Error> {
        Ok(self.cached.flush_reads().await?)
    }

    /// What was read without the store and is not reported yet, for an account of the program's own: [`Cached::drain_reads`].
    #[must_use]
    pub fn drain_reads(&self) -> Vec<(CallContext, ServedReads)> {
        self.cached.drain_reads()
    }

    /// Forgets, and so wipes, everything that is kept.
    pub fn clear(&self) {
        self.cached.clear();
    }
}
