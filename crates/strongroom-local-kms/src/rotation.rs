//! Rotation: new material for a key, on demand and by the clock.

use std::time::Duration;

use strongroom_kms::{
    Error, ErrorKind, KeyRef, KeySpec, KeyState, ListPage, Rotation, RotationPage, RotationPeriod,
    RotationStatus, RotationType,
};
use strongroom_records::{Expect, Scan};
use strongroom_root::{TrustedBatch, UnknownMembers};
use strongroom_types::{Arn, CallContext, Timestamp};

use crate::admin::{Change, check_limit};
use crate::layout::{Generation, Schedule, StoredKey, last_segment};
use crate::local::{ATTEMPTS, LocalKms, contended, material_id, storage};
use crate::request_facts::RequestFacts;
use crate::states::Operation;

const ON_DEMAND_ROTATIONS: u32 = 25;
/// This long before a rotation by the schedule, none on demand is made.
const SOON: Duration = Duration::from_secs(20 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn after_days(from: Timestamp, days: u16) -> Timestamp {
    from.after(DAY * u32::from(days))
}

/// Only symmetric keys rotate.
fn must_rotate(key: &StoredKey) -> Result<(), Error> {
    if key.spec == KeySpec::SymmetricDefault { Ok(()) } else { Err(Error::new(ErrorKind::Unsupported, "")) }
}

/// Only those whose material is made here rotate by themselves.
fn must_rotate_alone(key: &StoredKey) -> Result<(), Error> {
    must_rotate(key)?;
    if key.is_external() { Err(wrong_origin(key)) } else { Ok(()) }
}

/// The operation is not for keys of this origin.
pub(crate) fn wrong_origin(key: &StoredKey) -> Error {
    let text = format!("{} origin is {} which is not valid for this operation.", key.arn, key.origin());
    Error::new(ErrorKind::Unsupported, text)
}

impl StoredKey {
    /// Whether the key's schedule says that it is time. A key that is not enabled waits.
    pub(crate) fn rotation_due(&self, now: Timestamp) -> bool {
        self.state == KeyState::Enabled
            && self.record.rotation.as_ref().is_some_and(|schedule| schedule.next <= now.as_millis())
    }
}

impl LocalKms {
    /// Adds a generation to the record and its material to the batch.
    fn add_generation(
        &self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        automatic: bool,
    ) -> Result<(), Error> {
        let number = key.next_number();
        self.put_material(batch, &key.id, number, key.spec)?;
        let created = self.now().as_millis();
        let material_id = material_id()?;
        let unknown = UnknownMembers::default();
        let generation =
            Generation { number, material_id, created, automatic, imported: None, retired: false, unknown };
        key.record.generations.push(generation);
        Ok(())
    }

    /// Writes when a key rotates next, or that it does not, and moves its entry in the index of what is due.
    pub(crate) fn set_schedule(
        &self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        schedule: Option<Schedule>,
    ) {
        let layout = &self.inner.layout;
        if key.record.rotation == schedule {
            return;
        }
        if let Some(old) = &key.record.rotation {
            batch.delete(&layout.due_rotation(old.next, &key.id), Expect::Any);
        }
        if let Some(new) = &schedule {
            batch.put(&layout.due_rotation(new.next, &key.id), b"", Expect::Any);
        }
        key.record.rotation = schedule;
    }

    pub(crate) async fn rotate_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.change(cx, key, Operation::RotateKeyOnDemand, |kms, key, batch| {
            must_rotate(key)?;
            let arn = key.arn.clone();
            if key.record.on_demand_rotations >= ON_DEMAND_ROTATIONS {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"),
                ));
            }
            let soon = kms.now().after(SOON).as_millis();
            if key.record.rotation.as_ref().is_some_and(|schedule| (kms.now().as_millis()..=soon).contains(&schedule.next)) {
                // AWS's text is unconfirmed.
                return Err(Error::new(ErrorKind::Conflict, format!("{arn} is about to be rotated automatically.")));
            }
            if key.is_external() {
                kms.use_pending(key)?;
            } else {
                kms.add_generation(key, batch, false)?;
            }
            key.record.on_demand_rotations += 1;
            Ok(Change::Write(arn))
        })
        .await
    }

    pub(crate) async fn schedule_rotation(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        period_days: Option<u16>,
    ) -> Result<(), Error> {
        let period_days = RotationPeriod::check(period_days)?;
        let asked = RequestFacts::nothing().with("kms:RotationPeriodInDays", period_days.to_string());
        self.must_rotate(cx, key, Operation::EnableKeyRotation, &asked).await?;
        self.change_asked(cx, key, Operation::EnableKeyRotation, &asked, |kms, key, batch| {
            // Called again with the same period it changes nothing.
            let before = key.record.rotation.as_ref();
            if before.is_none_or(|schedule| schedule.period_days != period_days) {
                let next = after_days(kms.now(), period_days).as_millis();
                let unknown = before.map(|schedule| schedule.unknown.clone()).unwrap_or_default();
                kms.set_schedule(key, batch, Some(Schedule { period_days, next, unknown }));
                return Ok(Change::Write(()));
            }
            Ok(Change::None(()))
        })
        .await
    }

    pub(crate) async fn stop_rotation(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.must_rotate(cx, key, Operation::DisableKeyRotation, &RequestFacts::nothing()).await?;
        self.change(cx, key, Operation::DisableKeyRotation, |kms, key, batch| {
            if key.record.rotation.is_none() {
                return Ok(Change::None(()));
            }
            kms.set_schedule(key, batch, None);
            Ok(Change::Write(()))
        })
        .await
    }

    /// That a key does not rotate at all is told before its state.
    async fn must_rotate(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        let key = self.resolve_managed(cx, key, operation).await?;
        self.allow(cx, &key, operation, asked).await?;
        must_rotate_alone(&key)
    }

    pub(crate) async fn rotation_status(
        &self,
        cx: &CallContext,
        key: &KeyRef,
    ) -> Result<RotationStatus, Error> {
        let key = self.resolve_managed(cx, key, Operation::GetKeyRotationStatus).await?;
        self.permit(cx, &key, Operation::GetKeyRotationStatus, &RequestFacts::nothing()).await?;
        must_rotate_alone(&key)?;
        let mut status = RotationStatus::new(key.arn.clone());
        // A key that is to be deleted reports none; the schedule comes back when it is saved.
        let schedule = key.record.rotation.as_ref().filter(|_| key.state != KeyState::PendingDeletion);
        status.enabled = schedule.is_some();
        status.period_days = schedule.map(|schedule| schedule.period_days);
        status.next_rotation = schedule.map(|schedule| Timestamp::from_millis(schedule.next));
        Ok(status)
    }

    pub(crate) async fn rotations(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        all: bool,
        page: &ListPage,
    ) -> Result<RotationPage, Error> {
        let limit = check_limit(page, 100, 1000)?;
        let key = self.resolve_managed(cx, key, Operation::ListKeyRotations).await?;
        self.permit(cx, &key, Operation::ListKeyRotations, &RequestFacts::nothing()).await?;
        must_rotate(&key)?;
        // A marker is the number of the last generation shown.
        let after = match &page.marker {
            Some(marker) => {
                marker.parse::<u32>().map_err(|_| Error::new(ErrorKind::InvalidMarker, "Invalid marker"))?
            }
            None => 0,
        };
        let newest = key.newest().ok().map(|newest| newest.number);
        let first = key.record.generations.first().map(|first| first.number);
        let mut shown = key
            .record
            .generations
            .iter()
            .filter(|generation| !generation.retired)
            .filter(|generation| generation.number > after && (all || Some(generation.number) != first))
            .peekable();
        let mut found = RotationPage::default();
        let mut last = 0;
        while found.rotations.len() < limit {
            let Some(generation) = shown.next() else { return Ok(found) };
            last = generation.number;
            let (arn, id) = (key.arn.clone(), generation.material_id.to_string());
            let mut rotation = Rotation::new(arn, id, Some(generation.number) == newest);
            rotation.pending = !generation.is_in_use();
            rotation.imported = generation.imported.as_ref().map(|imported| imported.to_state(self.now()));
            if Some(generation.number) != first && generation.is_in_use() {
                rotation.date = Some(Timestamp::from_millis(generation.created));
                rotation.kind =
                    Some(if generation.automatic { RotationType::Automatic } else { RotationType::OnDemand });
            }
            found.rotations.push(rotation);
        }
        if shown.peek().is_some() {
            found.next_marker = Some(last.to_string());
        }
        Ok(found)
    }

    /// A key whose schedule says that it is time gets new material, and its next date. Whoever is first does it: of several
    /// processes one succeeds, and the others find it done.
    pub(crate) async fn rotate_if_due(&self, key: StoredKey) -> Result<StoredKey, Error> {
        let mut key = key;
        for _ in 0..ATTEMPTS {
            let now = self.now();
            let Some(schedule) = key.record.rotation.clone().filter(|_| key.rotation_due(now)) else {
                return Ok(key);
            };
            let mut batch = self.inner.records.batch();
            self.add_generation(&mut key, &mut batch, true)?;
            let next = after_days(now, schedule.period_days).as_millis();
            self.set_schedule(&mut key, &mut batch, Some(Schedule { next, ..schedule }));
            match self.commit_key(&key, batch).await {
                Ok(revision) => {
                    key.revision = revision;
                    return Ok(key);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            key = self.find_now(&key.id).await?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("Key '{}' does not exist", key.arn.clone()))
            })?;
        }
        Err(contended())
    }

    /// Rotates all keys that are due. Returns how many.
    pub(crate) async fn rotate_due(&self) -> Result<u64, Error> {
        let (layout, records, now) = (&self.inner.layout, &self.inner.records, self.now());
        let later =
            layout.due_rotations().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_rotations()).below(&later));
        let (mut rotated, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                match self.rotate_entry(entry.map_err(storage), &index, now).await {
                    Ok(done) => rotated += u64::from(done),
                    // One damaged key must not keep the others.
                    Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        damaged.map_or(Ok(rotated), Err)
    }

    async fn rotate_entry(
        &self,
        entry: Result<strongroom_root::TrustedRecord, Error>,
        index: &strongroom_records::Key,
        now: Timestamp,
    ) -> Result<bool, Error> {
        entry?;
        let id = strongroom_kms::KeyId::parse(&last_segment(index).unwrap_or_default())?;
        match self.find_now(&id).await? {
            Some(key) if key.rotation_due(now) => self.rotate_if_due(key).await.map(|_| true),
            _ => Ok(false),
        }
    }
}
