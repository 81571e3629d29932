//! In-memory `Records`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    Action, Batch, ChangeToken, Error, Expect, Key, Limits, Page, Record, Records, Revision, Scan, Snapshot,
};

/// In-memory [`Records`], for tests and for programs that store nothing on disk. Clones share their
/// records, which are lost when the last handle is dropped.
///
/// Snapshots are cheap: a record's old versions stay in memory only as long as a snapshot can see
/// them.
#[derive(Clone, Default)]
pub struct MemoryRecords {
    state: Arc<Mutex<State>>,
}

/// The versions of one key, oldest first; `None` is a deletion.
type Versions = Vec<(u64, Option<Arc<[u8]>>)>;

#[derive(Default)]
struct State {
    revision: u64,
    records: BTreeMap<Key, Versions>,
    /// The number of open snapshots at each revision.
    live: BTreeMap<u64, usize>,
    /// Keys whose versions were superseded, with the revision, oldest first.
    superseded: VecDeque<(u64, Key)>,
}

fn visible(versions: &Versions, revision: u64) -> Option<(Revision, &Arc<[u8]>)> {
    let (at, value) = versions.iter().rev().find(|(at, _)| *at <= revision)?;
    value.as_ref().map(|value| (Revision(*at), value))
}

impl State {
    fn holds(&self, key: &Key, expect: Expect) -> bool {
        let current = self.records.get(key).and_then(|versions| visible(versions, self.revision));
        match expect {
            Expect::Any => true,
            Expect::Absent => current.is_none(),
            Expect::At(revision) => current.is_some_and(|(at, _)| at == revision),
        }
    }

    /// Drops versions that no snapshot can see any more.
    fn collect(&mut self) {
        let oldest = self.live.keys().next().copied().unwrap_or(self.revision);
        while self.superseded.front().is_some_and(|(at, _)| *at <= oldest) {
            let Some((_, key)) = self.superseded.pop_front() else { break };
            let Some(versions) = self.records.get_mut(&key) else { continue };
            let keep = versions.iter().rposition(|(at, _)| *at <= oldest).unwrap_or(0);
            versions.drain(..keep);
            if matches!(versions.as_slice(), [(at, None)] if *at <= oldest) {
                self.records.remove(&key);
            }
        }
    }
}

impl MemoryRecords {
    /// Creates an empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics in the middle of a commit, so the state is consistent even if poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRecords").field("records", &self.lock().records.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        let mut state = self.lock();
        let revision = state.revision;
        *state.live.entry(revision).or_default() += 1;
        Ok(Box::new(MemorySnapshot { records: self.clone(), revision }))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        batch.validate(&self.limits())?;
        let mut state = self.lock();
        if let Some(failed) =
            batch.changes().iter().find(|operation| !state.holds(&operation.key, operation.expect))
        {
            return Err(Error::conflict(&failed.key));
        }
        if batch.is_empty() {
            return Ok(Revision(state.revision));
        }
        let revision = state.revision + 1;
        for operation in batch.into_changes() {
            let value = match operation.action {
                Action::Put(value) => Some(Arc::from(value)),
                Action::Delete => None,
                Action::Check => continue,
            };
            if value.is_none() && !state.records.contains_key(&operation.key) {
                continue;
            }
            let versions = state.records.entry(operation.key.clone()).or_default();
            versions.push((revision, value));
            state.superseded.push_back((revision, operation.key));
        }
        state.revision = revision;
        state.collect();
        Ok(Revision(revision))
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        Ok(ChangeToken(self.lock().revision))
    }

    fn limits(&self) -> Limits {
        Limits { key: 4096, value: 1 << 24, batch_operations: 10_000, batch_bytes: 1 << 26, scan: 1000 }
    }

    fn durable(&self) -> bool {
        false
    }
}

struct MemorySnapshot {
    records: MemoryRecords,
    revision: u64,
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut state = self.records.lock();
        if let Some(count) = state.live.get_mut(&self.revision) {
            *count -= 1;
            if *count == 0 {
                state.live.remove(&self.revision);
                state.collect();
            }
        }
    }
}

fn record(key: &Key, (revision, value): (Revision, &Arc<[u8]>)) -> Record {
    Record { key: key.clone(), revision, value: value.to_vec() }
}

#[async_trait]
impl Snapshot for MemorySnapshot {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        let state = self.records.lock();
        Ok(state
            .records
            .get(key)
            .and_then(|versions| visible(versions, self.revision))
            .map(|found| record(key, found)))
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        if scan.is_empty() {
            return Ok(Page::default());
        }
        let limit = scan.max_records().min(self.records.limits().scan);
        let state = self.records.lock();
        let range = state.records.range::<Key, _>((scan.lower(), scan.upper()));
        let ordered: Box<dyn Iterator<Item = (&Key, &Versions)> + Send> =
            if scan.is_reverse() { Box::new(range.rev()) } else { Box::new(range) };
        let mut records: Vec<_> = ordered
            .filter_map(|(key, versions)| visible(versions, self.revision).map(|found| record(key, found)))
            .take(limit + 1)
            .collect();
        let more = records.len() > limit;
        records.truncate(limit);
        Ok(Page { records, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_go_with_the_last_snapshot_that_sees_them() {
        pollster::block_on(async {
            let records = MemoryRecords::new();
            let key = Key::of(["k"]);
            let first = records.commit(Batch::new().put(&key, b"1", Expect::Absent)).await.unwrap();
            let snapshot = records.snapshot().await.unwrap();
            records.commit(Batch::new().put(&key, b"2", Expect::At(first))).await.unwrap();
            records.commit(Batch::new().delete(&key, Expect::Any)).await.unwrap();
            assert_eq!(snapshot.get(&key).await.unwrap().unwrap().value, b"1");
            drop(snapshot);
            assert!(records.lock().records.is_empty());
            assert!(records.lock().superseded.is_empty());
        });
    }
}
