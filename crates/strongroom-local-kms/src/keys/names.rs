//! The names of a key.

use strongroom_kms::{Error, KeyId};
use strongroom_records::Scan;

use crate::layout::last_segment;
use crate::parts::{Parts, storage};

/// The most aliases of a key.
pub(crate) const ALIASES_PER_KEY: usize = 50;

/// Reads the index of aliases by key.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a>(pub(crate) &'a Parts);

impl Names<'_> {
    /// The names of a key.
    pub(crate) async fn of(self, key: &KeyId) -> Result<Vec<String>, Error> {
        let scan = Scan::prefix(&self.0.inner.layout.key_aliases(key)).limit(ALIASES_PER_KEY);
        let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?;
        Ok(found.records.iter().filter_map(|stored| last_segment(&stored.key)).collect())
    }
}
