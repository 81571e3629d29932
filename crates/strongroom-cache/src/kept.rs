//! Entries, bounded in number and lifetime.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use strongroom_types::Timestamp;

use crate::cache_policy::age;

/// An entry's key: a MAC over all parameters of its request.
pub(crate) type EntryId = [u8; 32];

/// Entries of one kind. A removed entry is dropped and thereby wiped.
pub(crate) struct Kept<T> {
    entries: HashMap<EntryId, Entry<T>>,
    /// By time of last use.
    order: BTreeMap<u64, EntryId>,
    uses: u64,
    max_entries: usize,
    max_age: Duration,
}

struct Entry<T> {
    value: T,
    since: Timestamp,
    used: u64,
}

impl<T> Kept<T> {
    pub(crate) fn new(max_entries: usize, max_age: Duration) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), uses: 0, max_entries, max_age }
    }

    /// A current entry. An entry from the future is not current: the clock was set back, so its age
    /// is unknown.
    pub(crate) fn get(&mut self, place: &EntryId, now: Timestamp) -> Option<&mut T> {
        let known = self.entries.get(place)?;
        if age(known.since, now).is_none_or(|age| age >= self.max_age) {
            self.remove(place);
            return None;
        }
        let entry = self.entries.get_mut(place)?;
        self.order.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.order.insert(entry.used, *place);
        Some(&mut entry.value)
    }

    /// Inserts or replaces an entry whose data was requested at `since`.
    pub(crate) fn put(&mut self, place: EntryId, value: T, since: Timestamp) {
        self.remove(&place);
        while self.entries.len() >= self.max_entries {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.entries.remove(&oldest);
        }
        self.uses += 1;
        self.order.insert(self.uses, place);
        self.entries.insert(place, Entry { value, since, used: self.uses });
    }

    pub(crate) fn remove(&mut self, place: &EntryId) {
        if let Some(entry) = self.entries.remove(place) {
            self.order.remove(&entry.used);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    #[test]
    fn entries_are_few_and_young() {
        let mut kept = Kept::new(2, Duration::from_secs(10));
        let place = |n: u8| [n; 32];
        kept.put(place(1), "1", at(0));
        kept.put(place(2), "2", at(0));
        assert_eq!(kept.get(&place(1), at(9)).copied(), Some("1"));
        // The least recently used entry is dropped.
        kept.put(place(3), "3", at(9));
        assert_eq!((kept.get(&place(2), at(9)).copied(), kept.len()), (None, 2));
        // Use does not renew an entry.
        assert_eq!(kept.get(&place(1), at(10)).copied(), None);
        assert_eq!(kept.len(), 1, "what is too old goes when it is asked for");
        assert_eq!(kept.get(&place(3), at(8)).copied(), None, "the clock was set back");
        kept.put(place(3), "3", at(9));
        kept.put(place(3), "4", at(9));
        assert_eq!((kept.get(&place(3), at(9)).copied(), kept.len(), kept.order.len()), (Some("4"), 1, 1));
        kept.clear();
        assert_eq!((kept.len(), kept.order.len()), (0, 0));
    }
}
