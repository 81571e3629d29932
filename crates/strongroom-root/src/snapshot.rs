//! A consistent view.

use std::sync::Arc;

use strongroom_records::{Key, Scan, Snapshot};

use crate::Error;
use crate::opened_store::Inner;
use crate::trusted_record::{TrustedPage, TrustedRecord};

/// A consistent view of [`TrustedRecords`](crate::TrustedRecords).
pub struct TrustedSnapshot {
    pub(crate) inner: Arc<Inner>,
    pub(crate) snapshot: Box<dyn Snapshot>,
}

impl std::fmt::Debug for TrustedSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrustedSnapshot")
    }
}

impl TrustedSnapshot {
    /// The record under `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Tampered`](crate::ErrorKind::Tampered) naming the record; storage errors.
    pub async fn get(&self, key: &Key) -> Result<Option<TrustedRecord>, Error> {
        match self.snapshot.get(key).await?.map(|record| self.inner.verify(record)).transpose() {
            Ok(record) => Ok(record),
            Err(error) => Err(self.inner.settle(error).await),
        }
    }

    /// The records under `keys`, in the same order.
    ///
    /// # Errors
    /// As [`TrustedSnapshot::get`].
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<TrustedRecord>>, Error> {
        match self.inner.verify_all(self.snapshot.get_many(keys).await?) {
            Ok(records) => Ok(records),
            Err(error) => Err(self.inner.settle(error).await),
        }
    }

    /// A page of records.
    ///
    /// # Errors
    /// As [`TrustedSnapshot::get`], for the first record that fails.
    pub async fn scan(&self, scan: &Scan) -> Result<TrustedPage, Error> {
        let page = self.snapshot.scan(scan).await?;
        let cursor = page.cursor().cloned();
        let verified: Result<Vec<_>, _> =
            page.records.into_iter().map(|record| self.inner.verify(record)).collect();
        match verified {
            Ok(records) => Ok(TrustedPage { records, cursor }),
            Err(error) => Err(self.inner.settle(error).await),
        }
    }

    /// A page of records, each with its own verdict: for walking a damaged store.
    ///
    /// # Errors
    /// Storage errors.
    #[allow(clippy::type_complexity, reason = "a page whose records have a verdict each")]
    pub async fn scan_each(
        &self,
        scan: &Scan,
    ) -> Result<(Vec<(Key, Result<TrustedRecord, Error>)>, Option<Key>), Error> {
        let page = self.snapshot.scan(scan).await?;
        let cursor = page.cursor().cloned();
        let mut verdicts = Vec::with_capacity(page.records.len());
        for record in page.records {
            let key = record.key.clone();
            let verdict = match self.inner.verify(record) {
                Err(error) => Err(self.inner.settle(error).await),
                good => good,
            };
            verdicts.push((key, verdict));
        }
        Ok((verdicts, cursor))
    }
}
