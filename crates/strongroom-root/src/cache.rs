//! Verified records that are kept in memory as long as nothing is committed.
//!
//! What is kept is what the storage holds: sealed or authenticated, no plaintext. A record is given out again only while the storage
//! says that nothing was committed since the change token from before it was read, so that nobody sees less through the cache than
//! without it, whichever process commits. The memory has a bound: what was not asked for while half of it was filled anew goes.

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

/// A question to the storage that is about to be asked, and what it need not be asked if nothing has changed.
pub(crate) struct Question {
    number: u64,
    /// All the records in question, with the moment they are of.
    known: Option<(ChangeToken, Vec<CachedRecord>)>,
}

impl Question {
    /// The token to ask about.
    pub(crate) fn since(&self) -> Option<ChangeToken> {
        self.known.as_ref().map(|(token, _)| *token)
    }

    /// What is known, once the storage has said that it still holds.
    pub(crate) fn into_known(self) -> Option<Vec<CachedRecord>> {
        self.known.map(|(_, records)| records)
    }
}

/// The cache of a store.
pub(crate) struct ReadCache {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The moment that everything here is of, and the question whose answer brought it.
    token: Option<ChangeToken>,
    question: u64,
    /// Counts the questions to the storage.
    asked: u64,
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
    /// Whether everything here is of this moment, which a question has brought: what is of another one goes, unless a
    /// later question was answered already.
    fn at(&mut self, token: ChangeToken, question: u64) -> bool {
        if self.token != Some(token) {
            if question < self.question {
                return false;
            }
            *self = Self { token: Some(token), asked: self.asked, ..Self::default() };
        }
        self.question = self.question.max(question);
        true
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

    /// Call this before the storage is asked for the records under these keys.
    pub(crate) fn ask(&self, keys: &[Key]) -> Question {
        let mut state = self.lock();
        state.asked += 1;
        let number = state.asked;
        let Some(token) = state.token else { return Question { number, known: None } };
        let records: Option<Vec<_>> = keys.iter().map(|key| state.get(key, self.most)).collect();
        Question { number, known: records.map(|records| (token, records)) }
    }

    /// Keeps what was read in answer to a question, after `token` was.
    pub(crate) fn keep(
        &self,
        question: &Question,
        token: ChangeToken,
        keys: &[Key],
        records: &[CachedRecord],
    ) {
        let mut state = self.lock();
        // An answer that comes late may be of an earlier moment than what is here.
        if !state.at(token, question.number) {
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

    impl ReadCache {
        /// What is known of the keys, and of which moment.
        fn known(&self, keys: &[Key]) -> Option<(ChangeToken, Vec<CachedRecord>)> {
            self.ask(keys).known
        }

        fn learn(&self, token: ChangeToken, keys: &[Key], records: &[CachedRecord]) {
            self.keep(&self.ask(keys), token, keys, records);
        }
    }

    #[test]
    fn what_is_known_is_of_one_moment() {
        let cache = ReadCache::new(1 << 20);
        assert_eq!(cache.known(&[key(1)]), None);
        cache.learn(AT, &[key(1), key(2)], &[record(1, b"one"), None]);
        assert_eq!(
            cache.known(&[key(1), key(2)]),
            Some((AT, vec![record(1, b"one"), None])),
            "absence is known too"
        );
        assert_eq!(cache.known(&[key(1), key(3)]), None, "all or nothing");
        assert_eq!(cache.vouched(&key(1), &[b'o'; 32]), record(1, b"one"));
        assert_eq!(cache.vouched(&key(1), &[b'x'; 32]), None);
        cache.learn(ChangeToken(2), &[key(3)], &[record(3, b"three")]);
        assert_eq!(cache.known(&[key(1)]), None, "something was committed");
    }

    #[test]
    fn an_answer_that_comes_late_does_not_bring_an_earlier_moment_back() {
        let cache = ReadCache::new(1 << 20);
        let (slow, quick) = (cache.ask(&[key(1)]), cache.ask(&[key(1)]));
        cache.keep(&quick, ChangeToken(2), &[key(1)], &[record(1, b"new")]);
        cache.keep(&slow, AT, &[key(1)], &[record(1, b"old")]);
        assert_eq!(cache.known(&[key(1)]), Some((ChangeToken(2), vec![record(1, b"new")])));
        // Of the same moment it is welcome, however late.
        let slow = cache.ask(&[key(2)]);
        cache.learn(ChangeToken(2), &[key(3)], &[None]);
        cache.keep(&slow, ChangeToken(2), &[key(2)], &[None]);
        assert_eq!(cache.known(&[key(1), key(2)]).map(|(token, _)| token), Some(ChangeToken(2)));
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let cache = ReadCache::new(64 << 10);
        assert_eq!(cache.known(&[]), None);
        for n in 0..1000 {
            cache.learn(AT, &[key(n)], &[record(n, &[7; 1000])]);
            if n > 0 {
                assert!(cache.known(&[key(0)]).is_some(), "after {n}");
            }
            let state = cache.lock();
            let held: usize = [&state.young, &state.old]
                .iter()
                .flat_map(|map| map.iter())
                .map(|(key, known)| weight(key, known))
                .sum();
            assert!(held <= 64 << 10, "{held} after {n}");
        }
        assert_eq!(cache.known(&[key(1)]), None);
        cache.learn(AT, &[key(1)], &[record(1, &[7; 20_000])]);
        assert_eq!(cache.known(&[key(1)]), None, "one that is too large does not push out the others");
        // The same key over and over counts once.
        for _ in 0..1000 {
            cache.learn(AT, &[key(2)], &[record(2, &[7; 1000])]);
        }
        assert!(cache.known(&[key(0)]).is_some());
    }
}
