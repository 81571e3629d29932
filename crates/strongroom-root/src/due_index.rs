//! An index of what is due when.

use strongroom_records::{Expect, Key, Revision, Scan};
use strongroom_types::{Failure, Fault, Timestamp};

use crate::chore::{Budget, ChoreReport};
use crate::{Error, TrustedBatch, TrustedRecord, TrustedRecords};

/// Entries `<prefix>/<moment>/<id>` without content: what is due when, in order of time.
///
/// **The index never decides.** An entry says only where to look; the record of the thing itself says
/// whether it is due, and the commit that acts on it is conditional on that record. An entry that
/// points at something that is not due, or gone, is old and is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueIndex(Key);

/// An entry of a [`DueIndex`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueEntry {
    /// Where the entry is.
    pub key: Key,
    /// The entry's revision, to delete it by.
    pub revision: Revision,
    /// When the thing is due, as the entry has it.
    pub date: Timestamp,
    /// The thing.
    pub id: String,
}

impl DueIndex {
    /// The index whose entries are below `prefix`.
    #[must_use]
    pub fn new(prefix: Key) -> Self {
        Self(prefix)
    }

    /// The entry of a thing.
    #[must_use]
    pub fn entry(&self, date: Timestamp, id: &str) -> Key {
        self.0.clone().then_time(date).then(id)
    }

    /// All entries that are due by `now`.
    #[must_use]
    pub fn due_by(&self, now: Timestamp) -> Scan {
        let later = Timestamp::from_millis(now.as_millis().saturating_add(1));
        Scan::prefix(&self.0).below(&self.0.clone().then_time(later))
    }

    /// Moves the entry of a thing with the commit that changes when it is due. `None` stands for not
    /// at all; with the same date twice nothing is changed.
    pub fn move_entry(
        &self,
        batch: &mut TrustedBatch,
        id: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) {
        if from == to {
            return;
        }
        if let Some(date) = from {
            batch.delete(&self.entry(date, id), Expect::Any);
        }
        if let Some(date) = to {
            batch.put(&self.entry(date, id), b"", Expect::Any);
        }
    }

    /// When the first thing is due, as the index has it; `None` when nothing is waiting.
    ///
    /// Looks at one entry and does not ask whether it is genuine: whoever acts on it does.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn next(&self, records: &TrustedRecords) -> Result<Option<Timestamp>, Error> {
        let page = records.walk(Scan::prefix(&self.0).limit(1)).next().await?.unwrap_or_default();
        // What has no date is damaged, and to be looked at now.
        let date = |key: &Key| self.parse(key).map_or(Timestamp::from_millis(i64::MIN), |(date, _)| date);
        Ok(page.first().map(|(key, _)| date(key)))
    }

    fn parse(&self, key: &Key) -> Option<(Timestamp, String)> {
        let mut segments = key.segments()?;
        let id = String::from_utf8(segments.pop()?).ok()?;
        Some((Key::time_from_segment(&segments.pop()?)?, id))
    }

    /// Visits what is due as of the budget's moment, in order of time, as far as the budget goes. A
    /// visit answers whether it did anything.
    ///
    /// One that is damaged ([`Fault::Tampered`]) does not keep the others from their turn; the first
    /// such error stands in the report. Any other error ends the walk.
    ///
    /// # Errors
    /// Storage errors, and what a visit failed with.
    pub async fn each_due<E: Failure, F>(
        &self,
        records: &TrustedRecords,
        budget: &mut Budget,
        mut visit: impl FnMut(DueEntry) -> F,
    ) -> Result<ChoreReport<E>, E>
    where
        F: Future<Output = Result<bool, E>>,
        E::Kind: From<Fault> + Into<Fault>,
    {
        let mut report = ChoreReport::default();
        let mut walk = records.walk(self.due_by(budget.as_of()));
        let storage = |error: Error| error.into_frame().pass_on::<E>();
        while let Some((key, record)) = walk.next_record().await.map_err(storage)? {
            if !budget.go_on() {
                report.more = true;
                break;
            }
            let entry = record.and_then(|record| self.read(key, &record)).map_err(storage);
            let result = match entry {
                Ok(entry) => visit(entry).await,
                Err(error) => Err(error),
            };
            report.note(result)?;
        }
        Ok(report)
    }

    fn read(&self, key: Key, record: &TrustedRecord) -> Result<DueEntry, Error> {
        match self.parse(&key) {
            Some((date, id)) => Ok(DueEntry { key, revision: record.revision, date, id }),
            None => Err(crate::error::tampered(&key, "it is no entry of an index of what is due")),
        }
    }
}
