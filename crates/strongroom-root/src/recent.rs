//! Verified records, kept as long as nothing was committed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_records::{ChangeToken, Key};

use crate::TrustedRecord;

/// The most records that are kept; beyond them all are forgotten.
const CAPACITY: usize = 1024;

/// Records that were read and verified, good while the storage's change token is the one they were read under. A commit
/// by anybody, in any process, makes all of them old at once. What is kept is as sealed as it is in storage.
#[derive(Default)]
pub(crate) struct Recent {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<ChangeToken>,
    records: HashMap<Key, Option<TrustedRecord>>,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of `key` at `token`; the outer `None` when nothing is.
    pub(crate) fn get(&self, token: ChangeToken, key: &Key) -> Option<Option<TrustedRecord>> {
        let state = self.lock();
        state.records.get(key).filter(|_| state.token == Some(token)).cloned()
    }

    /// Keeps what was read after `token` was. If something was committed in between, the next look has another token.
    pub(crate) fn keep(&self, token: ChangeToken, key: &Key, record: &Option<TrustedRecord>) {
        let mut state = self.lock();
        if state.token != Some(token) || state.records.len() >= CAPACITY {
            *state = State { token: Some(token), ..State::default() };
        }
        state.records.insert(key.clone(), record.clone());
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recent({} records)", self.lock().records.len())
    }
}
