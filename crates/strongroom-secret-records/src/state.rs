//! All records at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_records::{Action, Batch, Error, Expect, Key, Page, Record, Revision, Scan, Snapshot};

/// How many commits a state lists by token, so that one of unknown outcome can be found.
pub(crate) const REMEMBERED: usize = 16;

/// A commit, as its version id in the other store.
pub(crate) type Commit = String;

/// All records as one commit left them.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) revision: u64,
    /// The newest last.
    pub(crate) commits: Vec<Commit>,
    pub(crate) records: BTreeMap<Key, (u64, Arc<[u8]>)>,
}

impl State {
    /// The conflict at the first record that is not as a batch expects it.
    pub(crate) fn conflict(&self, batch: &Batch) -> Option<Error> {
        let holds = |key: &Key, expect: Expect| match (expect, self.records.get(key)) {
            (Expect::Any, _) | (Expect::Absent, None) => true,
            (Expect::At(Revision(at)), Some((revision, _))) => at == *revision,
            (Expect::Absent | Expect::At(_), _) => false,
        };
        let failed = batch.changes().iter().find(|operation| !holds(&operation.key, operation.expect))?;
        Some(Error::conflict(&failed.key))
    }

    /// The state after a batch without conflicts. Revisions follow the clock, so that a secret that
    /// is deleted and recreated, or whose labels were moved back by hand, does not reuse one.
    /// `None` when revisions are exhausted.
    pub(crate) fn after(&self, batch: &Batch, commit: Commit, now: u64) -> Option<Self> {
        let mut next = self.clone();
        next.revision = self.revision.checked_add(1)?.max(now);
        next.commits.push(commit);
        let excess = next.commits.len().saturating_sub(REMEMBERED);
        next.commits.drain(..excess);
        for operation in batch.changes() {
            match &operation.action {
                Action::Put(value) => {
                    let record = (next.revision, Arc::from(value.as_slice()));
                    next.records.insert(operation.key.clone(), record);
                }
                Action::Delete => {
                    next.records.remove(&operation.key);
                }
                Action::Check => (),
            }
        }
        Some(next)
    }
}

fn record((key, (revision, value)): (&Key, &(u64, Arc<[u8]>))) -> Record {
    Record { key: key.clone(), revision: Revision(*revision), value: value.to_vec() }
}

/// A state that a reader holds.
pub(crate) struct View {
    pub(crate) state: Arc<State>,
    pub(crate) page: usize,
}

#[async_trait]
impl Snapshot for View {
    async fn get(&self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.state.records.get_key_value(key).map(record))
    }

    async fn scan(&self, scan: &Scan) -> Result<Page, Error> {
        if scan.is_empty() {
            return Ok(Page::default());
        }
        let limit = scan.max_records().min(self.page);
        let range = self.state.records.range::<Key, _>((scan.lower(), scan.upper()));
        let mut records: Vec<Record> = if scan.is_reverse() {
            range.rev().take(limit + 1).map(record).collect()
        } else {
            range.take(limit + 1).map(record).collect()
        };
        let more = records.len() > limit;
        records.truncate(limit);
        Ok(Page { records, more })
    }
}
