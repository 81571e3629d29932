//! Unwrapped key material, kept in memory for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_envelope::SecretKey;
use strongroom_kms::KeyId;

/// The most generations kept; beyond it an arbitrary one goes.
const CAPACITY: usize = 1024;

/// Unwrapped material by key and generation. Material never changes, so an entry is never wrong, only no longer wanted;
/// whether the key may be used is decided elsewhere, on every call. Entries wipe themselves when the last user lets go.
#[derive(Default)]
pub(crate) struct MaterialCache {
    entries: Mutex<HashMap<(KeyId, u32), Arc<SecretKey>>>,
}

impl MaterialCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<(KeyId, u32), Arc<SecretKey>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &KeyId, generation: u32) -> Option<Arc<SecretKey>> {
        self.lock().get(&(key.clone(), generation)).cloned()
    }

    pub(crate) fn insert(&self, key: &KeyId, generation: u32, material: Arc<SecretKey>) {
        let mut entries = self.lock();
        if entries.len() >= CAPACITY {
            let victim = entries.keys().next().cloned();
            victim.map(|victim| entries.remove(&victim));
        }
        entries.insert((key.clone(), generation), material);
    }

    /// Forgets a key that was disabled or is to be deleted.
    pub(crate) fn forget(&self, key: &KeyId) {
        self.lock().retain(|(entry, _), _| entry != key);
    }
}

impl fmt::Debug for MaterialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaterialCache({} entries)", self.lock().len())
    }
}
