//! Keys and aliases as they were read, kept for a while.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use strongroom_kms::{AliasName, KeyId};
use strongroom_records::ChangeToken;

use crate::layout::StoredKey;

/// The most keys, and the most aliases, that are kept; beyond it all are forgotten.
const CAPACITY: usize = 1024;

/// What a key is known by here: the bytes of its id.
pub(crate) type RawKeyId = ([u8; 16], bool);

/// Hashes the bytes of key ids. What is in the maps are keys that exist, whose ids are random:
/// nobody can choose them so that they collide.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(23) ^ u64::from_le_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map by key ids.
pub(crate) type ById<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Keys that were read and verified, good while the storage's change token is the one they were
/// read under. The token is asked at most once in the time given; what another process commits is
/// seen after that time at the latest, what this one commits at once.
pub(crate) struct KeyCache {
    staleness: Duration,
    state: RwLock<State>,
    /// Counts the commits of this process: a token that was asked before one must not make what was
    /// read before it good again.
    commits: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<ChangeToken>,
    /// When the token was last asked.
    asked: Option<Instant>,
    keys: ById<RawKeyId, Arc<StoredKey>>,
    aliases: HashMap<AliasName, RawKeyId>,
}

/// What a look at the token was good for.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    token: ChangeToken,
    commits: u64,
}

impl KeyCache {
    pub(crate) fn new(staleness: Duration) -> Self {
        Self { staleness, state: RwLock::default(), commits: AtomicU64::new(0) }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, state: &State) -> bool {
        !self.staleness.is_zero() && state.asked.is_some_and(|asked| asked.elapsed() < self.staleness)
    }

    /// A key, if it is known and the token was asked lately enough.
    pub(crate) fn key(&self, id: RawKeyId) -> Option<Arc<StoredKey>> {
        let state = self.read();
        state.keys.get(&id).filter(|_| self.fresh(&state)).cloned()
    }

    /// What an alias names, likewise.
    pub(crate) fn alias(&self, name: &AliasName) -> Option<RawKeyId> {
        let state = self.read();
        state.aliases.get(name).filter(|_| self.fresh(&state)).copied()
    }

    /// Before the token is asked.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// The token was asked, after [`KeyCache::commits`]: if it is another one, all that is known is
    /// old.
    pub(crate) fn renew(&self, token: ChangeToken, commits: u64) -> Look {
        let mut state = self.write();
        if state.token != Some(token) {
            *state = State { token: Some(token), ..State::default() };
        }
        if self.commits() == commits {
            state.asked = Some(Instant::now());
        }
        Look { token, commits }
    }

    /// A key under a token that was just asked.
    pub(crate) fn key_at(&self, look: Look, id: RawKeyId) -> Option<Arc<StoredKey>> {
        let state = self.read();
        state.keys.get(&id).filter(|_| self.holds(&state, look)).cloned()
    }

    /// What an alias names, likewise.
    pub(crate) fn alias_at(&self, look: Look, name: &AliasName) -> Option<RawKeyId> {
        let state = self.read();
        state.aliases.get(name).filter(|_| self.holds(&state, look)).copied()
    }

    fn holds(&self, state: &State, look: Look) -> bool {
        state.token == Some(look.token) && self.commits() == look.commits
    }

    /// Keeps a key that was read after the look.
    pub(crate) fn keep_key(&self, look: Look, key: &Arc<StoredKey>) {
        let mut state = self.write();
        if self.holds(&state, look) {
            if state.keys.len() >= CAPACITY {
                state.keys.clear();
            }
            state.keys.insert(key.id.to_bytes(), Arc::clone(key));
        }
    }

    /// Keeps an alias that was read after the look.
    pub(crate) fn keep_alias(&self, look: Look, name: &AliasName, target: &KeyId) {
        let mut state = self.write();
        if self.holds(&state, look) {
            if state.aliases.len() >= CAPACITY {
                state.aliases.clear();
            }
            state.aliases.insert(name.clone(), target.to_bytes());
        }
    }

    /// This process has committed something: the token is asked again before anything known is
    /// used.
    pub(crate) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::AcqRel);
        self.write().asked = None;
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCache({} keys)", self.read().keys.len())
    }
}
