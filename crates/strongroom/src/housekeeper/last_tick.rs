//! When house was last kept, for the process that comes next.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_records::{Expect, Key};
use strongroom_root::{Error, ErrorKind, TrustedBatch, TrustedRecords};
use strongroom_types::{Realm, Timestamp};

use super::clock_guard::TOLERANCE;

/// How old the record may become before a tick that has nothing else to write writes it.
const REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// A longer time since the last tick is worth a word.
const LONG: Duration = Duration::from_secs(48 * 60 * 60);

/// What is stored: what the wall clock showed when a housekeeper last looked at this store, to the
/// day or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastTick {
    ticked: i64,
}

impl LastTick {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { ticked: now.as_millis() }
    }

    pub(crate) fn time(self) -> Timestamp {
        Timestamp::from_millis(self.ticked)
    }

    fn place(realm: &Realm) -> Key {
        Key::realm(realm).then("housekeeping")
    }

    pub(crate) async fn read(records: &TrustedRecords) -> Result<Option<Self>, Error> {
        let place = Self::place(records.realm());
        let Some(stored) = records.get(&place).await? else { return Ok(None) };
        serde_json::from_slice(&stored.content).map(Some).map_err(|error| {
            Error::new(ErrorKind::Tampered, "the record is not what Strongroom wrote")
                .with("record", &place)
                .because(error)
        })
    }

    pub(crate) fn put(self, batch: &mut TrustedBatch, realm: &Realm) -> Result<(), Error> {
        let content = serde_json::to_vec(&self).map_err(|error| {
            Error::new(ErrorKind::Storage, "the time of the last tick cannot be written").because(error)
        })?;
        batch.put(&Self::place(realm), &content, Expect::Any);
        Ok(())
    }

    /// Whether it is worth a commit of its own to write `now` instead.
    pub(crate) fn is_old(self, now: Timestamp) -> bool {
        now >= self.time().after(REFRESH) || self.is_ahead_of(now)
    }

    /// Whether `now` is so far from it that the owner should know.
    pub(crate) fn is_odd(self, now: Timestamp) -> bool {
        now > self.time().after(LONG) || self.is_ahead_of(now)
    }

    fn is_ahead_of(self, now: Timestamp) -> bool {
        self.time() > now.after(TOLERANCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_the_last_tick_and_one_long_after_it_are_odd() {
        const HOUR: i64 = 60 * 60 * 1000;
        let last = LastTick::at(Timestamp::from_millis(0));
        for (now, old, odd) in [
            (0, false, false),
            (-HOUR / 12, false, false),
            (-HOUR / 12 - 1, true, true),
            (24 * HOUR - 1, false, false),
            (24 * HOUR, true, false),
            (48 * HOUR + 1, true, true),
            (i64::MAX, true, true),
            (i64::MIN, true, true),
        ] {
            let now = Timestamp::from_millis(now);
            assert_eq!((last.is_old(now), last.is_odd(now)), (old, odd), "{now}");
        }
    }
}
