//! Visiting every record of a range, damaged or not.

use std::ops::ControlFlow;

use strongroom_records::{Key, Scan};
use strongroom_types::{Failure, Fault};

use crate::{Error, TrustedRecord, TrustedRecords};

/// The records of a range with their verdicts, page by page. Made by [`TrustedRecords::walk`].
///
/// No snapshot is held between pages: whoever visits may take the time, and sees what is there when the page is read.
#[derive(Debug)]
pub struct Walk {
    records: TrustedRecords,
    rest: Option<Scan>,
}

impl Walk {
    /// The next page; `None` at the end.
    ///
    /// # Errors
    /// Storage that cannot be read. A damaged record is not an error but stands in the page.
    pub async fn next(&mut self) -> Result<Option<Vec<(Key, Result<TrustedRecord, Error>)>>, Error> {
        let Some(scan) = self.rest.take() else { return Ok(None) };
        let (page, cursor) = self.records.snapshot().await?.scan_each(&scan).await?;
        self.rest = cursor.map(|cursor| scan.after(&cursor));
        Ok(Some(page))
    }

    /// Visits every record that is left, each with its verdict, until a visit breaks off. A visit
    /// that fails because something is damaged ([`Fault::Tampered`]) does not keep the others from
    /// theirs: the first such error is the answer.
    ///
    /// # Errors
    /// Storage that cannot be read, and what a visit failed with other than damage. Those end the
    /// walk.
    pub async fn each<E: Failure>(
        mut self,
        mut visit: impl AsyncFnMut(Key, Result<TrustedRecord, Error>) -> Result<ControlFlow<()>, E>,
    ) -> Result<Option<E>, E>
    where
        E::Kind: From<Fault> + Into<Fault>,
    {
        let mut damaged = None;
        while let Some(page) = self.next().await.map_err(|error| error.into_frame().pass_on::<E>())? {
            for (key, record) in page {
                match visit(key, record).await {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(damaged),
                    Err(error) if error.failure_kind().into() == Fault::Tampered => {
                        damaged = damaged.or(Some(error));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(damaged)
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
        Walk { records: self.clone(), rest: Some(scan) }
    }
}
