//! New material for a key, and when it comes.

use strongroom_kms::{Error, ErrorKind, KeyState};
use strongroom_root::{Attempts, DueIndex, Lease, TrustedBatch, UnknownMembers};
use strongroom_types::Timestamp;

use crate::keys::stored::Stored;
use crate::keys::write::Writer;
use crate::layout::{Generation, Schedule, StoredKey};
use crate::parts::{Parts, after_days, contended, material_id, storage};

impl StoredKey {
    /// Whether the key's time is over. It cannot be saved any more then.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.state == KeyState::PendingDeletion
            && self.record.deletion_date.is_some_and(|date| Timestamp::from_millis(date) <= now)
    }

    /// Whether the key's schedule says that it is time. A key that is not enabled waits.
    pub(crate) fn rotation_due(&self, now: Timestamp) -> bool {
        self.state == KeyState::Enabled
            && self.record.rotation.as_ref().is_some_and(|schedule| schedule.next <= now.as_millis())
    }
}

/// Gives keys new material.
#[derive(Clone, Copy)]
pub(crate) struct NewMaterial<'a>(pub(crate) &'a Parts);

impl NewMaterial<'_> {
    /// Adds a generation to the record and its material to the batch.
    pub(crate) fn add_generation(
        self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        automatic: bool,
    ) -> Result<(), Error> {
        let number = key.next_number();
        Writer(self.0).put_material(batch, &key.id, number, key.spec)?;
        let created = self.0.now().as_millis();
        let material_id = material_id()?;
        let unknown = UnknownMembers::default();
        let generation =
            Generation { number, material_id, created, automatic, imported: None, retired: false, unknown };
        key.record.generations.push(generation);
        Ok(())
    }

    /// Writes when a key rotates next, or that it does not, and moves its entry in the index of
    /// what is due.
    pub(crate) fn set_schedule(
        self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        schedule: Option<Schedule>,
    ) {
        let date =
            |schedule: &Option<Schedule>| schedule.as_ref().map(|some| Timestamp::from_millis(some.next));
        let (from, to) = (date(&key.record.rotation), date(&schedule));
        self.due().move_entry(batch, key.id.as_str(), from, to);
        key.record.rotation = schedule;
    }

    /// When which key rotates.
    pub(crate) fn due(self) -> DueIndex {
        DueIndex::new(self.0.inner.layout.due_rotations())
    }

    /// A key whose schedule says that it is time gets new material, and its next date. Whoever is
    /// first does it: of several processes one succeeds, and the others find it done.
    pub(crate) async fn rotate_if_due(
        self,
        lease: &Lease,
        attempts: Attempts<'_>,
        key: StoredKey,
    ) -> Result<StoredKey, Error> {
        let mut key = key;
        for () in attempts {
            let now = self.0.now();
            let Some(schedule) = key.record.rotation.clone().filter(|_| key.rotation_due(now)) else {
                return Ok(key);
            };
            let mut batch = self.0.inner.records.batch();
            lease.fence(&mut batch);
            self.add_generation(&mut key, &mut batch, true)?;
            let next = after_days(now, schedule.period_days).as_millis();
            self.set_schedule(&mut key, &mut batch, Some(Schedule { next, ..schedule }));
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(revision) => {
                    key.revision = revision;
                    return Ok(key);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    lease.check().await.map_err(storage)?;
                }
                Err(error) => return Err(error),
            }
            key = Stored(self.0).find_now(&key.id).await?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("Key '{}' does not exist", key.arn.clone()))
            })?;
        }
        Err(contended())
    }
}
