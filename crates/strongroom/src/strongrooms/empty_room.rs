//! A stand-in for a strongroom that does not exist yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_records::{ChangeToken, MemoryRecords, Records as _};

use crate::{Error, Strongroom};

/// The maximum number of empty rooms at a time. Each takes a few kilobytes of memory, for one
/// request.
const MOST: usize = 1024;

/// The strongroom of a realm, or its stand-in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lookup {
    /// The realm's strongroom.
    Kept(Strongroom),
    /// The realm has no strongroom yet.
    Empty(EmptyRoom),
}

impl Lookup {
    /// The strongroom that answers.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        match self {
            Self::Kept(room) => room,
            Self::Empty(empty) => empty.room(),
        }
    }
}

/// A temporary in-memory strongroom that answers for a realm without one, with the users and roles
/// of the realm's account.
///
/// It answers and authorizes exactly as a new strongroom would. Run an operation in it first. If
/// the operation succeeds *and* writes, call [`Strongrooms::create`](super::Strongrooms::create)
/// and run the operation again there. This way, reads and unauthorized requests create nothing.
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

    /// The strongroom. What is written to it is lost when it is dropped.
    #[must_use]
    pub fn room(&self) -> &Strongroom {
        &self.room
    }

    /// Whether anything has been written to it.
    ///
    /// # Errors
    /// None are known.
    pub async fn was_written(&self) -> Result<bool, Error> {
        let now = self.records.change_token().await.map_err(strongroom_root::Error::from)?;
        Ok(now != self.before)
    }
}

/// Limits the number of empty rooms.
#[derive(Clone, Debug, Default)]
pub(super) struct Permits(Arc<AtomicUsize>);

/// The permit of one empty room.
#[derive(Debug)]
pub(super) struct Permit(Arc<AtomicUsize>);

impl Permits {
    /// Takes a permit. Never waits, because a request that holds one may need a second.
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

/// The error for too many concurrent requests, which is worth a retry.
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
