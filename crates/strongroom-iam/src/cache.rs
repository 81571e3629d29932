//! Identities with their documents, read once and used while nothing of them has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_policy::Policy;
use strongroom_records::{ChangeToken, Key, Revision};
use strongroom_types::Arn;

/// Beyond this many identities all are forgotten: memory has a bound.
const MOST: usize = 4096;

/// A user or role with its documents, read.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) arn: Arn,
    pub(crate) id: String,
    pub(crate) tags: Vec<(String, String)>,
    /// With what explanations call them.
    pub(crate) policies: Vec<(String, Arc<Policy>)>,
    pub(crate) boundary: Option<(String, Arc<Policy>)>,
    pub(crate) guardrails: Vec<(String, Arc<Policy>)>,
}

/// An identity as it was when these records had these revisions; `None` where there is none of this name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Of a moment before the records were read.
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
