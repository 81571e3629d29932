//! A cache of identities with their documents, valid while their records are unchanged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_policy::Policy;
use strongroom_records::{ChangeToken, Key, Revision};
use strongroom_types::Arn;

/// The maximum number of cached identities. Beyond it, the cache is cleared, to bound memory.
const MOST: usize = 4096;

/// A user or role with its parsed documents.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) arn: Arn,
    pub(crate) id: String,
    pub(crate) tags: Vec<(String, String)>,
    /// Each with the name that explanations use.
    pub(crate) policies: Vec<(String, Arc<Policy>)>,
    pub(crate) boundary: Option<(String, Arc<Policy>)>,
    pub(crate) guardrails: Vec<(String, Arc<Policy>)>,
}

/// An identity as of these revisions of its records; `None` if the name does not exist.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Taken before the records were read.
    pub(crate) token: ChangeToken,
    pub(crate) records: Vec<(Key, Option<Revision>)>,
    pub(crate) identity: Option<Arc<Resolved>>,
}

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<Key, Entry>>);

impl Cache {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, place: &Key) -> Option<Entry> {
        self.lock().get(place).cloned()
    }

    pub(crate) fn keep(&self, place: &Key, entry: Entry) {
        let mut all = self.lock();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(place.clone(), entry);
    }
}
