//! The same handle with a cache in front, without async.

use std::sync::Arc;

use pollster::block_on;
use strongroom_cache::{CacheHit, CachePolicy, CacheStats, CachedSecret};
use strongroom_store::{FilterKey, SecretAdmin, SecretId, SecretMetadata, ServedReads};
use strongroom_types::{CallContext, Caller};

use crate::Error;
use crate::blocking_room::Strongroom;
use crate::request::{Get, GetBatch, GetMatching, List, ListVersions};

/// As [`crate::CachedRoom`], without async. Made by [`Strongroom::cached`].
#[derive(Clone, Debug)]
pub struct CachedRoom {
    cached: crate::CachedRoom,
    room: Strongroom,
}

impl Strongroom {
    /// This strongroom with a cache in front. Nothing runs in the background: the first read after
    /// a value's time to live waits for the store.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use strongroom::{CachePolicy, RootKey, blocking::Strongroom};
    ///
    /// # let root = RootKey::from_bytes([7; 32]);
    /// let room = Strongroom::open(Strongroom::builder().memory().root_key(root))?;
    /// # room.create("prod/db").text("s3cret").send()?;
    /// let room = room.cached(CachePolicy::ttl(Duration::from_secs(300)))?;
    /// assert_eq!(room.get("prod/db").send()?.expose_text()?, "s3cret");
    /// # Ok::<(), strongroom::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`crate::Strongroom::cached_with`].
    pub fn cached(&self, policy: CachePolicy) -> Result<CachedRoom, Error> {
        self.0.cached_with(policy, None).map(CachedRoom::new)
    }
}

impl CachedRoom {
    fn new(cached: crate::CachedRoom) -> Self {
        Self { room: Strongroom(cached.room().clone()), cached }
    }

    /// As [`crate::CachedRoom::room`].
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }

    /// As [`crate::CachedRoom::as_caller`].
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self::new(self.cached.as_caller(caller))
    }

    /// As [`crate::CachedRoom::get`].
    pub fn get(&self, id: impl Into<SecretId>) -> Get<Strongroom> {
        self.room.get(id)
    }

    /// As [`crate::CachedRoom::read`].
    ///
    /// # Errors
    /// As [`crate::CachedRoom::read`].
    pub fn read(&self, id: impl Into<SecretId>) -> Result<CachedSecret, Error> {
        block_on(self.cached.read(id))
    }

    /// As [`crate::CachedRoom::get_batch`].
    pub fn get_batch(&self, ids: impl IntoIterator<Item = impl Into<SecretId>>) -> GetBatch<Strongroom> {
        self.room.get_batch(ids)
    }

    /// As [`crate::CachedRoom::get_matching`].
    pub fn get_matching(
        &self,
        key: FilterKey,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> GetMatching<Strongroom> {
        self.room.get_matching(key, values)
    }

    /// As [`crate::CachedRoom::describe`].
    ///
    /// # Errors
    /// As [`crate::CachedRoom::describe`].
    pub fn describe(&self, id: impl Into<SecretId>) -> Result<SecretMetadata, Error> {
        self.room.describe(id)
    }

    /// As [`crate::CachedRoom::exists`].
    ///
    /// # Errors
    /// As [`crate::CachedRoom::exists`].
    pub fn exists(&self, id: impl Into<SecretId>) -> Result<bool, Error> {
        self.room.exists(id)
    }

    /// As [`crate::CachedRoom::list`].
    pub fn list(&self) -> List<Strongroom> {
        self.room.list()
    }

    /// As [`crate::CachedRoom::versions`].
    pub fn versions(&self, id: impl Into<SecretId>) -> ListVersions<Strongroom> {
        self.room.versions(id)
    }

    /// As [`crate::CachedRoom::handle`].
    #[must_use]
    pub fn handle(&self, id: impl Into<SecretId>) -> Handle {
        Handle(self.cached.handle(id))
    }

    /// As [`crate::CachedRoom::stats`].
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.cached.stats()
    }

    /// As [`crate::CachedRoom::flush_reads`].
    ///
    /// # Errors
    /// As [`crate::CachedRoom::flush_reads`].
    pub fn flush_reads(&self) -> Result<u64, Error> {
        block_on(self.cached.flush_reads())
    }

    /// As [`crate::CachedRoom::drain_reads`].
    #[must_use]
    pub fn drain_reads(&self) -> Vec<(CallContext, ServedReads)> {
        self.cached.drain_reads()
    }

    /// As [`crate::CachedRoom::clear`].
    pub fn clear(&self) {
        self.cached.clear();
    }
}

/// As [`crate::cache::Handle`], without async.
#[derive(Clone, Debug)]
pub struct Handle(strongroom_cache::Handle<Arc<dyn SecretAdmin>>);

impl Handle {
    /// As [`crate::cache::Handle::peek`].
    #[must_use]
    pub fn peek(&self) -> Option<CacheHit> {
        self.0.peek()
    }

    /// As [`crate::cache::Handle::get`].
    ///
    /// # Errors
    /// As [`crate::cache::Handle::get`].
    pub fn get(&self) -> Result<CachedSecret, Error> {
        Ok(block_on(self.0.get())?)
    }
}
