//! In-memory storage for realms.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_records::{MemoryRecords, Records};
use strongroom_types::Realm;

use super::records_for::{Creation, RecordsFor};
use crate::Error;

/// Stores every realm in memory, lost with the last handle. Clones share their realms.
#[derive(Clone, Debug, Default)]
pub struct MemoryRealms(Arc<Mutex<BTreeMap<Realm, Arc<MemoryRecords>>>>);

impl MemoryRealms {
    /// Creates storage without realms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes every realm. Open strongrooms keep their storage until they are closed: see
    /// [`Strongrooms::close_all`](super::Strongrooms::close_all).
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Realm, Arc<MemoryRecords>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RecordsFor for MemoryRealms {
    async fn open(&self, realm: &Realm) -> Result<Option<Arc<dyn Records>>, Error> {
        Ok(self.lock().get(realm).map(|records| Arc::clone(records) as Arc<dyn Records>))
    }

    async fn create(&self, realm: &Realm) -> Result<Creation, Error> {
        if let Some(records) = self.open(realm).await? {
            return Ok(Creation::new(records).existing());
        }
        let records = Arc::new(MemoryRecords::new());
        let (realms, realm, kept) = (self.clone(), realm.clone(), Arc::clone(&records));
        Ok(Creation::new(records).then(async move {
            realms.lock().insert(realm, kept);
            Ok(())
        }))
    }

    async fn realms(&self) -> Result<Vec<Realm>, Error> {
        Ok(self.lock().keys().cloned().collect())
    }
}
