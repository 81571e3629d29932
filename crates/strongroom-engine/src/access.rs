//! When values were last read, by the day.
//!
//! A read must not cost a durable write. A head says on which day each of its versions was last read; a read on that day
//! again has nothing to do. The first read of a day is noted in memory, and notes are written into their heads together, many in
//! one commit: when the last writing is a minute ago, when many wait, and at `maintain`. A note that cannot be written
//! harms no read; a process that ends loses at most its last minute's notes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_records::Expect;
use strongroom_store::{Error, VersionId};
use strongroom_types::Timestamp;

use crate::engine::Engine;
use crate::error::storage;
use crate::head::{Head, StoredHead};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Notes are written when the last writing is this long ago.
const PAUSE: i64 = 60 * 1000;
/// Notes are written earlier when this many secrets wait, but not more often than once a second.
const MANY: usize = 256;
const SHORT_PAUSE: i64 = 1000;
/// When notes cannot be written, those of more secrets than this are dropped.
const MOST: usize = 4096;
/// The most heads written in one commit, so that no writer waits long behind it.
const CHUNK: usize = 64;

/// The day of a moment: its beginning, UTC, in milliseconds.
pub(crate) fn day_of(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(now.as_millis().rem_euclid(DAY))
}

/// A secret, by name and suffix.
type Secret = (String, String);
/// The day of the last read of each version.
type Days = HashMap<VersionId, i64>;

/// What was read and is not yet in its head.
#[derive(Default)]
pub(crate) struct Notes {
    waiting: Mutex<HashMap<Secret, Days>>,
    /// When notes were last written.
    written: AtomicI64,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default(), written: AtomicI64::new(i64::MIN) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Secret, Days>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a read. Whether it is time to write.
    fn add(&self, head: &Head, version: &VersionId, now: Timestamp) -> bool {
        let mut waiting = self.lock();
        let secret = (head.name.clone(), head.suffix.clone());
        if waiting.len() >= MOST && !waiting.contains_key(&secret) {
            return false;
        }
        waiting.entry(secret).or_default().insert(version.clone(), day_of(now));
        let many = waiting.len() >= MANY;
        drop(waiting);
        let (written, now) = (self.written.load(Ordering::Relaxed), now.as_millis());
        let pause = if many { SHORT_PAUSE } else { PAUSE };
        // A clock that was set back must not stop the writing.
        let due = now.saturating_sub(written) >= pause || now < written;
        due && self.written.compare_exchange(written, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The later of the day in the head and the day noted.
    pub(crate) fn last(&self, head: &Head, version: Option<&VersionId>, stored: Option<i64>) -> Option<i64> {
        let waiting = self.lock();
        let days = waiting.get(&(head.name.clone(), head.suffix.clone()));
        let noted = days.and_then(|days| match version {
            Some(version) => days.get(version).copied(),
            None => days.values().copied().max(),
        });
        noted.max(stored)
    }
}

impl Engine {
    /// A version of a secret was read.
    pub(crate) async fn accessed(&self, head: &Head, version: &VersionId, stored: Option<i64>) {
        let now = self.now();
        if stored >= Some(day_of(now)) || !self.inner.notes.add(head, version, now) {
            return;
        }
        // The read has succeeded; that it could not be noted is no reason to take the value back.
        let _ = self.write_notes().await;
    }

    /// Writes the notes that wait into their heads. Those that meet another writer wait on.
    pub(crate) async fn write_notes(&self) -> Result<(), Error> {
        let waiting: Vec<(Secret, Days)> =
            self.inner.notes.lock().iter().map(|(secret, days)| (secret.clone(), days.clone())).collect();
        // Head, old and new index entry; the store's own check.
        let room = self.inner.records.storage().limits().batch_operations.saturating_sub(1) / 3;
        for chunk in waiting.chunks(room.clamp(1, CHUNK)) {
            if !self.write_chunk(chunk).await? {
                // One of them has changed. The others need not wait for it.
                for one in chunk.chunks(1) {
                    self.write_chunk(one).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes some notes in one commit and forgets them. `false`: somebody else changed one of the secrets.
    async fn write_chunk(&self, chunk: &[(Secret, Days)]) -> Result<bool, Error> {
        let layout = &self.inner.layout;
        let places: Vec<_> = chunk.iter().map(|((name, _), _)| layout.head(name)).collect();
        let stored = self.inner.records.read(&places).await.map_err(storage)?;
        let mut batch = self.inner.records.batch();
        for (((_, suffix), days), record) in chunk.iter().zip(stored) {
            let Some(before) = record.as_ref().map(StoredHead::parse).transpose()? else { continue };
            let mut head = before.head.clone();
            if head.suffix == *suffix && head.read_on(days) {
                batch.put(&layout.head(&head.name), &head.encode()?, Expect::At(before.revision));
                if layout.accessed(&before.head) != layout.accessed(&head) {
                    batch.delete(&layout.accessed(&before.head), Expect::Any);
                    batch.put(&layout.accessed(&head), b"", Expect::Any);
                }
            }
        }
        if !batch.is_empty() && !self.commit(batch).await? {
            return Ok(false);
        }
        let mut waiting = self.inner.notes.lock();
        for (secret, days) in chunk {
            if waiting.get(secret) == Some(days) {
                waiting.remove(secret);
            }
        }
        Ok(true)
    }
}

impl Head {
    /// Takes over the days of reads. Whether anything is newer than it was.
    fn read_on(&mut self, days: &Days) -> bool {
        let mut newer = false;
        for version in &mut self.versions {
            if let Some(day) = days.get(&version.id).copied().filter(|day| version.accessed < Some(*day)) {
                (version.accessed, newer) = (Some(day), true);
            }
        }
        let last = days.values().copied().max();
        if self.accessed < last {
            (self.accessed, newer) = (last, true);
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let day = |millis| day_of(Timestamp::from_millis(millis));
        assert_eq!((day(0), day(DAY - 1), day(DAY), day(-1)), (0, 0, DAY, -DAY));
    }

    #[test]
    fn writing_waits_for_a_minute_or_for_many() {
        let notes = Notes::new();
        let at = Timestamp::from_millis;
        let head = |n: usize| Head::new(format!("s{n}"), "AbCdEf".into(), at(0));
        let version = VersionId::new("v");
        assert!(notes.add(&head(0), &version, at(1_000_000)), "the first at once");
        assert!(!notes.add(&head(1), &version, at(1_000_001)));
        assert!(!notes.add(&head(1), &version, at(1_059_999)));
        assert!(notes.add(&head(1), &version, at(1_060_000)));
        for n in 2..MANY - 1 {
            assert!(!notes.add(&head(n), &version, at(1_061_000)));
        }
        assert!(notes.add(&head(MANY), &version, at(1_061_000)), "many wait");
        assert!(!notes.add(&head(MANY), &version, at(1_061_999)), "but not every read");
        assert!(notes.add(&head(0), &version, at(5)), "a clock set back");
        for n in 0..2 * MOST {
            notes.add(&head(n), &version, at(5));
        }
        assert_eq!(notes.lock().len(), MOST, "bounded");
        assert_eq!(notes.last(&head(0), Some(&version), None), Some(0));
        assert_eq!(notes.last(&head(0), None, Some(DAY)), Some(DAY));
    }
}
