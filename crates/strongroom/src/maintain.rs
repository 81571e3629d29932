//! Keeping house in strongrooms.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;

use crate::housekeeper::{Closed, Housekeeper, Housekeeping, HousekeepingEvent, Tick, TickLimits};
use crate::room::{Own as _, Parts};
use crate::{Error, Strongroom};

/// How soon the next tick follows one that could not do everything.
const SOON: Duration = Duration::from_secs(1);

/// What [`Strongroom::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// Secrets purged because their recovery window was over.
    pub secrets_purged: u64,
    /// Keys deleted because their waiting period was over.
    pub keys_deleted: u64,
    /// Keys whose imported material was deleted because its date had come.
    pub material_deleted: u64,
    /// Keys that got new material by their schedule.
    pub keys_rotated: u64,
    /// Another process was at it; this one left it alone. One that died at it is replaced by who calls
    /// again after a minute.
    pub busy_elsewhere: bool,
    /// The tick's limits were reached before everything was done.
    pub more: bool,
    /// Something is due and was not purged, because the clock has jumped: it will be in so long, or
    /// after [`Strongroom::confirm_clock`].
    pub purging_stopped_for: Option<Duration>,
}

impl Maintained {
    fn of(tick: &Tick) -> Self {
        let done = |name: &str| -> u64 {
            tick.done.iter().filter(|(chore, _)| *chore == name).map(|(_, done)| done).sum()
        };
        Self {
            secrets_purged: done("purge-secrets"),
            keys_deleted: done("delete-keys"),
            material_deleted: done("delete-material"),
            keys_rotated: done("rotate-keys"),
            busy_elsewhere: tick.busy_elsewhere,
            more: tick.more,
            purging_stopped_for: tick.purging_stopped,
        }
    }
}

/// What a chore failed with, in the words of its own crate.
fn failed(error: strongroom_root::Error) -> Error {
    let source = std::error::Error::source(&error);
    if let Some(secret) = source.and_then(|source| source.downcast_ref::<strongroom_store::Error>()) {
        return secret.clone().into();
    }
    if let Some(key) = source.and_then(|source| source.downcast_ref::<strongroom_kms::Error>()) {
        return key.clone().into();
    }
    error.into()
}

impl Strongroom {
    /// Purges secrets and keys whose time is over, rotates keys by their schedules, and writes down when secrets were last
    /// read: a tick of the strongroom's own [`Housekeeper`]. Call it now and then, from any process; of several at once, one
    /// works. Or let it run by itself ([`Builder::housekeeping`](crate::Builder::housekeeping)). Another store keeps its own
    /// house: over it there is nothing to do.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn maintain(&self) -> Result<Maintained, Error> {
        let Ok((parts, _)) = self.own("") else { return Ok(Maintained::default()) };
        self.tick_of(&parts.housekeeper, TickLimits::NONE).await
    }

    /// Says that the clock is right although it has jumped: what [`Strongroom::maintain`] did not purge
    /// for that reason it purges from now on.
    ///
    /// # Errors
    /// For others than the owner, and over another store.
    pub fn confirm_clock(&self) -> Result<(), Error> {
        self.owner_only("confirm the clock")?.0.housekeeper.confirm_clock();
        Ok(())
    }

    /// The strongroom's own housekeeper: what it did so far, and whether it trusts the clock.
    ///
    /// # Errors
    /// For others than the owner, and over another store.
    pub fn housekeeper(&self) -> Result<Housekeeper, Error> {
        Ok(self.owner_only("keep house")?.0.housekeeper.clone())
    }

    async fn tick_of(&self, housekeeper: &Housekeeper, limits: TickLimits) -> Result<Maintained, Error> {
        let (parts, _) = self.owner_only("maintain")?;
        tick(parts, housekeeper, limits).await
    }
}

async fn tick(parts: &Parts, housekeeper: &Housekeeper, limits: TickLimits) -> Result<Maintained, Error> {
    let mut tick = housekeeper.tick_over(&parts.records, &parts.chores, limits).await;
    match tick.error.take() {
        Some(error) => Err(failed(error)),
        None => Ok(Maintained::of(&tick)),
    }
}

/// The strongrooms that a housekeeper goes over, opened or not: what a server has on its disk, or a
/// program in a list.
#[async_trait]
pub trait RoomSource: Send + Sync {
    /// The next strongroom of this round, opened by its owner; `None` at the round's end, after which
    /// the next call begins another round. The housekeeper drops the handle before it asks for the
    /// next one, so that a source may close what was idle.
    ///
    /// One that cannot be opened is an error of its own and does not end the round.
    async fn next_room(&self) -> Option<Result<Strongroom, Error>>;
}

/// What a [round](Housekeeper::round) came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// Strongrooms that were looked at, with those that failed.
    pub rooms: u64,
    /// Strongrooms that could not be opened, or whose housekeeping failed.
    pub failed: u64,
    /// Strongrooms that another process was at.
    pub busy_elsewhere: u64,
    /// Secrets, keys and imported material that were purged.
    pub purged: u64,
    /// Keys that got new material by their schedule.
    pub keys_rotated: u64,
    /// In some strongroom there is more to do than one tick may.
    pub more: bool,
}

impl Round {
    fn add(&mut self, done: Maintained) {
        self.busy_elsewhere += u64::from(done.busy_elsewhere);
        self.purged += done.secrets_purged + done.keys_deleted + done.material_deleted;
        self.keys_rotated += done.keys_rotated;
        self.more |= done.more;
    }
}

impl Housekeeper {
    /// Looks at one strongroom and does what is due there, at most 1000 things and ten seconds for each
    /// chore, so that one strongroom does not keep the others waiting. The handle is the owner's.
    ///
    /// For programs with many strongrooms: one housekeeper looks at one after the other, whether they
    /// were open or are opened for it, and remembers between two ticks what it must know of each
    /// (who else keeps house there). Call it for all of them every minute or so:
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use strongroom::{Error, Housekeeper, Strongroom, SystemClock};
    /// async fn keep_house(rooms: &[Strongroom]) -> Result<(), Error> {
    ///     let housekeeper = Housekeeper::telling(Arc::new(SystemClock), |event| eprintln!("{event}"));
    ///     loop {
    ///         for room in rooms {
    ///             housekeeper.tick(room).await?;
    ///         }
    ///         // wait a minute
    /// #       return Ok(());
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Storage and damage. What could be done was done all the same.
    pub async fn tick(&self, room: &Strongroom) -> Result<Maintained, Error> {
        if room.own("").is_err() {
            return Ok(Maintained::default());
        }
        room.tick_of(self, TickLimits::default()).await
    }

    /// Ticks once for each strongroom of a source. One that fails does not stop the others; each
    /// failure is reported as [`HousekeepingEvent::Failed`].
    pub async fn round(&self, source: &dyn RoomSource) -> Round {
        let mut round = Round::default();
        while let Some(room) = source.next_room().await {
            round.rooms += 1;
            let realm = room.as_ref().ok().map(|room| room.realm().clone());
            let done = match room {
                Ok(room) => self.tick(&room).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(done) => round.add(done),
                Err(error) => {
                    round.failed += 1;
                    self.tell(&HousekeepingEvent::Failed { realm, error });
                }
            }
        }
        round
    }
}

/// Keeps house in a strongroom until its last handle is gone. Holds nothing of it meanwhile.
pub(crate) fn keep_house(parts: Weak<Parts>, closed: Closed, housekeeping: &Housekeeping) {
    let Housekeeping { spawn, sleep, every, limits, .. } = housekeeping.clone();
    spawn(Box::pin(async move {
        while let Some(parts) = parts.upgrade() {
            let pause = match tick(&parts, &parts.housekeeper, limits).await {
                Ok(done) if done.more => every.min(SOON),
                Ok(_) => every,
                Err(error) => {
                    let realm = Some(parts.records.realm().clone());
                    parts.housekeeper.tell(&HousekeepingEvent::Failed { realm, error });
                    every
                }
            };
            drop(parts);
            if !closed.wait(sleep(pause)).await {
                return;
            }
        }
    }));
}
