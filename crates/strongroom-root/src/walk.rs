//! Visiting every record of a range, damaged or not.

use strongroom_records::{Key, Scan};

use crate::{Error, TrustedRecord, TrustedRecords};

/// The records of a range with their verdicts, page by page. Made by [`TrustedRecords::walk`].
///
/// No snapshot is held between pages: whoever visits may take the time, and sees what is there when the page is read.
#[derive(Debug)]
pub struct Walk {
    records: TrustedRecords,
    rest: Option<Scan>,
    /// What was read and not yet given out one by one.
    page: std::vec::IntoIter<(Key, Result<TrustedRecord, Error>)>,
}

impl Walk {
    /// The next page; `None` at the end. What [`Walk::next_record`] has left of the page before is passed over.
    ///
    /// # Errors
    /// Storage that cannot be read. A damaged record is not an error but stands in the page.
    pub async fn next(&mut self) -> Result<Option<Vec<(Key, Result<TrustedRecord, Error>)>>, Error> {
        let Some(scan) = self.rest.take() else { return Ok(None) };
        let (page, cursor) = self.records.snapshot().await?.scan_each(&scan).await?;
        self.rest = cursor.map(|cursor| scan.after(&cursor));
        Ok(Some(page))
    }

    /// The next record with its verdict; `None` at the end. Read a page at a time.
    ///
    /// # Errors
    /// Storage that cannot be read.
    pub async fn next_record(&mut self) -> Result<Option<(Key, Result<TrustedRecord, Error>)>, Error> {
        loop {
            if let Some(record) = self.page.next() {
                return Ok(Some(record));
            }
            let Some(page) = self.next().await? else { return Ok(None) };
            self.page = page.into_iter();
        }
    }
}

impl TrustedRecords {
    /// Visits every record of a range:
    ///
    /// ```
    /// # use strongroom_root::{Error, TrustedRecords};
    /// # use strongroom_records::{Key, Scan};
    /// async fn damaged(records: &TrustedRecords) -> Result<Vec<Key>, Error> {
    ///     let mut walk = records.walk(Scan::prefix(&Key::realm(records.realm())));
    ///     let mut damaged = Vec::new();
    ///     while let Some(page) = walk.next().await? {
    ///         damaged.extend(page.into_iter().filter(|(_, record)| record.is_err()).map(|(key, _)| key));
    ///     }
    ///     Ok(damaged)
    /// }
    /// ```
    #[must_use]
    pub fn walk(&self, scan: Scan) -> Walk {
        Walk { records: self.clone(), rest: Some(scan), page: Vec::new().into_iter() }
    }
}
