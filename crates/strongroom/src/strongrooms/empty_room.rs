//! What a realm without a strongroom answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_records::{ChangeToken, MemoryRecords, Records as _};

use crate::{Error, Strongroom};

/// The most empty rooms at once. Each is some kilobytes of memory, for one request.
const MOST: usize = 1024;

/// What there is in a realm.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lookup {
    /// Its strongroom.
    Kept(Strongroom),
    /// Nothing yet.
    Empty(EmptyRoom),
}

impl Lookup {
    /// The room that answers.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        match self {
            Self::Kept(room) => room,
            Self::Empty(empty) => empty.room(),
        }
    }
}

/// A temporary strongroom in memory that answers for a realm without one, under the users and roles
/// of the realm's account.
///
/// It refuses what a new strongroom would refuse: permission included. An operation that succeeds in
/// it *and* writes is one that creates; only then is it time for
/// [`Strongrooms::create`](super::Strongrooms::create), and for running the operation again there.
#[derive(Debug)]
pub struct EmptyRoom {
    room: Strongroom,
    records: Arc<MemoryRecords>,
    before: ChangeToken,
    _permit: Permit,
}

impl EmptyRoom {
    pub(super) async fn new(
        room: Strongroom,
        records: Arc<MemoryRecords>,
        permit: Permit,
    ) -> Result<Self, Error> {
        let before = records.change_token().await.map_err(strongroom_root::Error::from)?;
        Ok(Self { room, records, before, _permit: permit })
    }

    /// The room. What is written into it is lost with it.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }

    /// Whether anything has been written into it.
    ///
    /// # Errors
    /// None that are known.
    pub async fn was_written(&self) -> Result<bool, Error> {
        let now = self.records.change_token().await.map_err(strongroom_root::Error::from)?;
        Ok(now != self.before)
    }
}

/// Counts the empty rooms that there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Permits(Arc<AtomicUsize>);

/// One empty room's place.
#[derive(Debug)]
pub(super) struct Permit(Arc<AtomicUsize>);

impl Permits {
    /// A place for one more. Never waits: a request that has one may need a second.
    pub(super) fn one(&self) -> Result<Permit, Error> {
        let permit = Permit(Arc::clone(&self.0));
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            return Err(throttled());
        }
        Ok(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Too much at once; a retry can help.
pub(super) fn throttled() -> Error {
    strongroom_store::Error::new(strongroom_store::ErrorKind::Throttled, "Rate exceeded").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_room_is_gone_and_refused_when_there_is_none() {
        let permits = Permits::default();
        let all: Vec<_> = (0..MOST).map(|_| permits.one().unwrap()).collect();
        for _ in 0..3 {
            assert_eq!(permits.one().unwrap_err().code(), "ThrottlingException");
        }
        drop(all);
        assert!(permits.one().is_ok());
        assert_eq!(permits.0.load(Ordering::Relaxed), 0);
    }
}
