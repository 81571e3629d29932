//! Visiting every record of a range, damaged or not.

use strongroom_records::{Key, Scan};
use strongroom_root::TrustedRecord;
use strongroom_store::Error;

use crate::error::storage;
use crate::storage::secrets::Storage;

impl Storage<'_> {
    /// Visits every record of a range with its verdict, page by page. No snapshot is held while a
    /// record is visited.
    pub(crate) async fn walk(
        self,
        scan: Scan,
        mut visit: impl AsyncFnMut(Key, Result<TrustedRecord, strongroom_root::Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut walk = self.0.records.walk(scan);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (key, record) in page {
                visit(key, record).await?;
            }
        }
        Ok(())
    }
}
