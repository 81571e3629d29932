//! A handle to one secret: a hit takes no lock and copies nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::Guard;
use strongroom_store::{Error, GetSecretValue, SecretId, SecretStore, SecretVersion};
use strongroom_types::{CallContext, Timestamp};

use crate::asker::is_over;
use crate::cache_policy::age;
use crate::cached::Cached;
use crate::cached_secret::{CachedSecret, Source};
use crate::question::Question;
use crate::slot::{Shown, Slot};

/// A handle to one secret as one caller reads it. Created by [`Cached::handle`]. Clones share the
/// value that they show.
pub struct Handle<S> {
    cached: Cached<S>,
    cx: CallContext,
    question: Arc<Question>,
    id: SecretId,
    slot: Arc<Slot>,
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self {
            cached: self.cached.clone(),
            cx: self.cx.clone(),
            question: Arc::clone(&self.question),
            id: self.id.clone(),
            slot: Arc::clone(&self.slot),
        }
    }
}

impl<S> std::fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("secret", &self.id).finish_non_exhaustive()
    }
}

/// A cached value, unchanged as long as this is held.
pub struct CacheHit {
    shown: Guard<Option<Arc<Shown>>>,
    now: Timestamp,
}

impl CacheHit {
    /// The maximum possible age.
    #[must_use]
    pub fn age(&self) -> Duration {
        let since = self.shown.as_ref().map_or(self.now, |shown| shown.since);
        age(since, self.now).unwrap_or_default()
    }

    /// The version. Always `Some` in a hit from [`Handle::peek`].
    #[must_use]
    pub fn version(&self) -> Option<&SecretVersion> {
        self.shown.as_ref().map(|shown| &*shown.version)
    }

    /// The value's bytes. The caller is responsible for copies.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.version().map(SecretVersion::expose_bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for CacheHit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.version().fmt(f)
    }
}

impl<S: SecretStore + 'static> Cached<S> {
    /// A handle to one secret's current value, as this caller reads it.
    ///
    /// ```
    /// # use strongroom::{RootKey, Strongroom};
    /// # use strongroom_cache::{CachePolicy, Cached};
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    /// # room.create("prod/db").text("s3cret").send().await.unwrap();
    /// # let cached = Cached::new(room.store(), CachePolicy::default()).unwrap();
    /// let db = cached.handle(room.context(), "prod/db");
    /// // Fetches if necessary.
    /// assert_eq!(db.get().await.unwrap().expose_bytes(), b"s3cret");
    /// // Takes no lock, and never waits.
    /// let hit = db.peek().unwrap();
    /// assert_eq!(hit.expose_bytes(), b"s3cret");
    /// # });
    /// ```
    #[must_use]
    pub fn handle(&self, cx: &CallContext, id: impl Into<SecretId>) -> Handle<S> {
        let id = id.into();
        let question = Arc::new(Question::new(cx, &GetSecretValue::new(id.clone())));
        let slot = self.slot(&question);
        Handle { cached: self.clone(), cx: cx.lasting(), question, id, slot }
    }
}

impl<S: SecretStore + 'static> Handle<S> {
    /// The cached value within its time to live. `None` if it must be fetched, with
    /// [`Handle::get`].
    #[must_use]
    pub fn peek(&self) -> Option<CacheHit> {
        let now = self.cached.now();
        let shown = self.slot.shown.load();
        let known = shown.as_ref()?;
        if now >= known.until || now < known.since {
            return None;
        }
        if now >= known.ahead
            && !known.asked.load(Ordering::Relaxed)
            && !known.asked.swap(true, Ordering::Relaxed)
        {
            let request = GetSecretValue::new(self.id.clone());
            self.cached.refresh_meanwhile(&self.cx, &request, &self.question);
        }
        if is_over(&self.cx, now) {
            return None;
        }
        // Counted while the value is held, so that a sweep of the tallies sees that it is in use.
        known.tally.hits.add(now);
        Some(CacheHit { shown, now })
    }

    /// Reads the value, like [`Cached::read`].
    ///
    /// # Errors
    /// As [`Cached::read`].
    pub async fn get(&self) -> Result<CachedSecret, Error> {
        if let Some(peeked) = self.peek() {
            let age = peeked.age();
            if let Some(shown) = &*peeked.shown {
                return Ok(CachedSecret::new(Arc::clone(&shown.version), age, Source::Cache));
            }
        }
        self.cached.read(&self.cx, GetSecretValue::new(self.id.clone())).await
    }
}
