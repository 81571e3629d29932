//! A cache around the embedded store, with what comes between counted and failed by plan, and crowds that read it.

#![allow(dead_code, reason = "each file of tests uses a part")]

use std::sync::Arc;
use std::time::Duration;

use strongroom::store::GetSecretValue;
use strongroom::{CallContext, RootKey, Strongroom};
use strongroom_cache::{CachePolicy, Cached, Spawn};
use strongroom_testkit::{FaultyStore, ManualClock};
use tokio::task::JoinHandle;

pub(crate) const TTL: Duration = Duration::from_secs(100);

pub(crate) struct World {
    pub(crate) room: Strongroom,
    /// Counts and fails what reaches the store itself.
    pub(crate) inner: FaultyStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cached: Cached<FaultyStore>,
    pub(crate) cx: CallContext,
}

pub(crate) async fn world(spawn: Option<Spawn>) -> World {
    let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    let inner = FaultyStore::new(room.store());
    let clock = Arc::new(ManualClock::default());
    let policy = CachePolicy::ttl(TTL).jitter_percent(0);
    let cached = Cached::build(inner.clone(), policy, clock.clone(), spawn).unwrap();
    let cx = room.context().clone();
    World { room, inner, clock, cached, cx }
}

pub(crate) fn tokio_spawn() -> Option<Spawn> {
    let runtime = tokio::runtime::Handle::current();
    Some(Arc::new(move |task| drop(runtime.spawn(task))))
}

impl World {
    pub(crate) async fn read(&self, id: &str) -> String {
        let held = self.cached.read(&self.cx, GetSecretValue::new(id)).await.unwrap();
        held.expose_text().unwrap().to_owned()
    }

    /// How often the store itself was asked for a value since this was asked last.
    pub(crate) fn asked(&self) -> usize {
        self.inner.calls().iter().filter(|call| **call == "GetSecretValue").count()
    }
}

/// So many who ask at once.
pub(crate) const CROWD: usize = 3_000;

/// A crowd of readers of one secret, all of them on their way.
pub(crate) fn crowd(
    cached: &Cached<FaultyStore>,
    cx: &CallContext,
    id: &'static str,
) -> Vec<JoinHandle<String>> {
    let read = |_| {
        let (cached, cx) = (cached.clone(), cx.clone());
        tokio::spawn(async move {
            let held = cached.read(&cx, GetSecretValue::new(id)).await.unwrap();
            held.expose_text().unwrap().to_owned()
        })
    };
    (0..CROWD).map(read).collect()
}

/// A crowd of first readers of a secret, whom the store answers when all of them wait.
pub(crate) async fn first_readers(
    inner: &FaultyStore,
    cached: &Cached<FaultyStore>,
    cx: &CallContext,
    id: &'static str,
) -> Vec<String> {
    inner.hold();
    let readers = crowd(cached, cx, id);
    while cached.stats().misses < u64::try_from(CROWD).unwrap() {
        tokio::task::yield_now().await;
    }
    inner.release();
    all_of(readers).await
}

/// What everybody of a crowd has read.
pub(crate) async fn all_of(readers: Vec<JoinHandle<String>>) -> Vec<String> {
    let mut read = Vec::with_capacity(readers.len());
    for reader in readers {
        read.push(reader.await.unwrap());
    }
    read
}
