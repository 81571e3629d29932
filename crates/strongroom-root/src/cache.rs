//! Verified records that are kept in memory as long as nothing is committed.
//!
//! What is kept is what the storage holds: sealed or authenticated, no plaintext. A record is given out again only while the storage's
//! change token is the one from before it was read, so that nobody sees less through the cache than without it, whichever process
//! commits. The memory has a bound: what was not asked for while half of it was filled anew goes.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_records::{ChangeToken, Key};

use crate::TrustedRecord;

/// The bytes that are kept unless told otherwise.
pub(crate) const DEFAULT_BYTES: usize = 8 << 20;
/// What an entry costs beside its key and content, roughly.
const OVERHEAD: usize = 160;

/// What is known of a key: its record, or that there is none.
type CachedRecord = Option<TrustedRecord>;

/// The cache of a store.
pub(crate) struct ReadCache {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The moment that everything here is of.
    token: Option<ChangeToken>,
    young: HashMap<Key, CachedRecord>,
    young_bytes: usize,
    old: HashMap<Key, CachedRecord>,
}

impl std::fmt::Debug for ReadCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadCache(at most {} bytes)", self.most)
    }
}

fn weight(key: &Key, known: &CachedRecord) -> usize {
    let content = known.as_ref().map_or(0, |record| record.key.as_bytes().len() + record.content.len());
    OVERHEAD + key.as_bytes().len() + content
}

impl State {
    /// Everything is of this moment, or goes.
    fn at(&mut self, token: ChangeToken) {
        if self.token != Some(token) {
            *self = Self { token: Some(token), ..Self::default() };
        }
    }

    fn put(&mut self, key: Key, known: CachedRecord, most: usize) {
        let weight = weight(&key, &known);
        if weight > most / 4 {
            return;
        }
        if self.young_bytes + weight > most / 2 {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += weight;
        if let Some(before) = self.young.insert(key.clone(), known) {
            self.young_bytes = self.young_bytes.saturating_sub(self::weight(&key, &before));
        }
    }

    fn get(&mut self, key: &Key, most: usize) -> Option<CachedRecord> {
        if let Some(known) = self.young.get(key) {
            return Some(known.clone());
        }
        let known = self.old.remove(key)?;
        self.put(key.clone(), known.clone(), most);
        Some(known)
    }
}

impl ReadCache {
    /// A cache of at most so many bytes; of none, with 0.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn is_off(&self) -> bool {
        self.most == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records under these keys as they are at the moment of this token, if all are known.
    pub(crate) fn all(&self, token: ChangeToken, keys: &[Key]) -> Option<Vec<CachedRecord>> {
        let mut state = self.lock();
        state.at(token);
        keys.iter().map(|key| state.get(key, self.most)).collect()
    }

    /// Keeps what was read after the token was.
    pub(crate) fn keep(&self, token: ChangeToken, keys: &[Key], records: &[CachedRecord]) {
        let mut state = self.lock();
        // Somebody has seen a later moment: what was read may be of before it.
        if state.token != Some(token) {
            return;
        }
        for (key, record) in keys.iter().zip(records) {
            state.put(key.clone(), record.clone(), self.most);
        }
    }

    /// The record under this key with this digest, of whatever moment: who names the digest knows the content.
    pub(crate) fn vouched(&self, key: &Key, digest: &[u8; 32]) -> Option<TrustedRecord> {
        let mut state = self.lock();
        state.get(key, self.most).flatten().filter(|record| record.digest == *digest)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_records::Revision;

    use super::*;

    fn key(n: usize) -> Key {
        Key::of([format!("k{n}")])
    }

    fn record(n: usize, content: &[u8]) -> CachedRecord {
        let digest = [content.first().copied().unwrap_or(0); 32];
        Some(TrustedRecord { key: key(n), revision: Revision(1), content: content.to_vec(), digest })
    }

    const AT: ChangeToken = ChangeToken(1);

    #[test]
    fn what_is_known_is_of_one_moment() {
        let cache = ReadCache::new(1 << 20);
        assert_eq!(cache.all(AT, &[key(1)]), None);
        cache.keep(AT, &[key(1), key(2)], &[record(1, b"one"), None]);
        assert_eq!(
            cache.all(AT, &[key(1), key(2)]),
            Some(vec![record(1, b"one"), None]),
            "absence is known too"
        );
        assert_eq!(cache.all(AT, &[key(1), key(3)]), None, "all or nothing");
        assert_eq!(cache.vouched(&key(1), &[b'o'; 32]), record(1, b"one"));
        assert_eq!(cache.vouched(&key(1), &[b'x'; 32]), None);
        assert_eq!(cache.all(ChangeToken(2), &[key(1)]), None, "something was committed");
        cache.keep(AT, &[key(1)], &[record(1, b"one")]);
        assert_eq!(cache.all(ChangeToken(2), &[key(1)]), None, "read before, kept after");
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let cache = ReadCache::new(64 << 10);
        assert_eq!(cache.all(AT, &[]), Some(Vec::new()));
        for n in 0..1000 {
            cache.keep(AT, &[key(n)], &[record(n, &[7; 1000])]);
            if n > 0 {
                assert!(cache.all(AT, &[key(0)]).is_some(), "after {n}");
            }
            let state = cache.lock();
            let held: usize = [&state.young, &state.old]
                .iter()
                .flat_map(|map| map.iter())
                .map(|(key, known)| weight(key, known))
                .sum();
            assert!(held <= 64 << 10, "{held} after {n}");
        }
        assert_eq!(cache.all(AT, &[key(1)]), None);
        cache.keep(AT, &[key(1)], &[record(1, &[7; 20_000])]);
        assert_eq!(cache.all(AT, &[key(1)]), None, "one that is too large does not push out the others");
        // The same key over and over counts once.
        for _ in 0..1000 {
            cache.keep(AT, &[key(2)], &[record(2, &[7; 1000])]);
        }
        assert!(cache.all(AT, &[key(0)]).is_some());
    }
}
