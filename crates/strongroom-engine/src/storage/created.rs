//! The creation date that a secret gets.

use std::time::Duration;

use strongroom_records::{Key, Scan};
use strongroom_store::Error;
use strongroom_types::Timestamp;

use crate::error::{damaged, storage};
use crate::storage::secrets::Storage;

/// How far the date of a new secret may run ahead of the clock. A secret dated later was made under
/// a wrong clock, and is ignored.
const LEAD: Duration = Duration::from_secs(60 * 60);

impl Storage<'_> {
    /// The date of a secret that is made now: later than that of every secret that existed before,
    /// even if the clock is not, so that secrets list in the order they were made. No process waits
    /// for another: secrets made at the same time in several processes may get the same date, and
    /// these have no order.
    pub(crate) async fn date_of_creation(self) -> Result<Timestamp, Error> {
        let now = self.0.now();
        let index = self.0.layout.by_created();
        let beyond = index.clone().then_time(now.after(LEAD));
        let last = Scan::prefix(&index).below(&beyond).reverse().limit(1);
        let snapshot = self.0.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&last).await.map_err(storage)?;
        let Some(entry) = found.records.first() else { return Ok(now) };
        let last = moment(&entry.key).ok_or_else(|| damaged(&entry.key, "it is no entry of its index"))?;
        Ok(now.max(Timestamp::from_millis(last.as_millis().saturating_add(1))))
    }
}

/// The moment in an entry of an index: the last segment but the name.
fn moment(entry: &Key) -> Option<Timestamp> {
    let segments = entry.segments()?;
    Key::time_from_segment(segments.get(segments.len().checked_sub(2)?)?)
}
