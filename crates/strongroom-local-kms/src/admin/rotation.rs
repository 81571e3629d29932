//! Rotation: new material for a key, on demand and by the clock.

use std::time::Duration;

use strongroom_kms::{
    Error, ErrorKind, KeyRef, KeySpec, KeyState, ListPage, Rotation, RotationPage, RotationStatus,
    RotationType,
};
use strongroom_types::{Arn, Timestamp};

use crate::admin::change::{Change, Changes};
use crate::call::KeyCall;
use crate::gate::Gate;
use crate::layout::{Schedule, StoredKey};
use crate::material::imports::use_pending;
use crate::material::rotation::NewMaterial;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, after_days, check_limit, invalid_marker};

/// How often a key can be rotated on demand.
const ON_DEMAND_ROTATIONS: u32 = 25;
/// This long before a rotation by the schedule, none on demand is made.
const SOON: Duration = Duration::from_secs(20 * 60);

/// Only symmetric keys rotate.
fn check_rotates(key: &StoredKey) -> Result<(), Error> {
    if key.spec == KeySpec::SymmetricDefault { Ok(()) } else { Err(Error::new(ErrorKind::Unsupported, "")) }
}

/// Only those whose material is made here rotate by themselves.
fn must_rotate_alone(key: &StoredKey) -> Result<(), Error> {
    check_rotates(key)?;
    if key.is_external() { Err(wrong_origin(key)) } else { Ok(()) }
}

/// The operation is not for keys of this origin.
pub(crate) fn wrong_origin(key: &StoredKey) -> Error {
    let text = format!("{} origin is {} which is not valid for this operation.", key.arn, key.origin());
    Error::new(ErrorKind::Unsupported, text)
}

/// The operations on rotation.
#[derive(Clone, Copy)]
pub(crate) struct Rotations<'a>(pub(crate) &'a Parts);

impl Rotations<'_> {
    pub(crate) async fn on_demand(self, call: &KeyCall<'_>, key: &KeyRef) -> Result<Arn, Error> {
        Changes(self.0).change(call, key, |parts, key, batch| {
            check_rotates(key)?;
            let arn = key.arn.clone();
            if key.record.on_demand_rotations >= ON_DEMAND_ROTATIONS {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"),
                ));
            }
            let soon = parts.now().after(SOON).as_millis();
            if key.record.rotation.as_ref().is_some_and(|schedule| (parts.now().as_millis()..=soon).contains(&schedule.next)) {
                // AWS's text is unconfirmed.
                return Err(Error::new(ErrorKind::Conflict, format!("{arn} is about to be rotated automatically.")));
            }
            if key.is_external() {
                use_pending(key, parts.now())?;
            } else {
                NewMaterial(parts).add_generation(key, batch, false)?;
            }
            key.record.on_demand_rotations += 1;
            Ok(Change::Write(arn))
        })
        .await
    }

    pub(crate) async fn schedule(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        period_days: u16,
    ) -> Result<(), Error> {
        self.must_rotate(call, key).await?;
        Changes(self.0)
            .change(call, key, |parts, key, batch| {
                // Called again with the same period it changes nothing.
                let before = key.record.rotation.as_ref();
                if before.is_none_or(|schedule| schedule.period_days != period_days) {
                    let next = after_days(parts.now(), period_days).as_millis();
                    let unknown = before.map(|schedule| schedule.unknown.clone()).unwrap_or_default();
                    NewMaterial(parts).set_schedule(
                        key,
                        batch,
                        Some(Schedule { period_days, next, unknown }),
                    );
                    return Ok(Change::Write(()));
                }
                Ok(Change::None(()))
            })
            .await
    }

    pub(crate) async fn stop(self, call: &KeyCall<'_>, key: &KeyRef) -> Result<(), Error> {
        self.must_rotate(call, key).await?;
        Changes(self.0)
            .change(call, key, |parts, key, batch| {
                if key.record.rotation.is_none() {
                    return Ok(Change::None(()));
                }
                NewMaterial(parts).set_schedule(key, batch, None);
                Ok(Change::Write(()))
            })
            .await
    }

    /// A key that does not rotate at all is refused for that before its state is looked at.
    async fn must_rotate(self, call: &KeyCall<'_>, key: &KeyRef) -> Result<(), Error> {
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).allow(call, &key, needed).await?;
        must_rotate_alone(&key)
    }

    pub(crate) async fn status(self, call: &KeyCall<'_>, key: &KeyRef) -> Result<RotationStatus, Error> {
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        must_rotate_alone(&key)?;
        let mut status = RotationStatus::new(key.arn.clone());
        // A key that is to be deleted reports none; the schedule comes back when it is saved.
        let schedule = key.record.rotation.as_ref().filter(|_| key.state != KeyState::PendingDeletion);
        status.enabled = schedule.is_some();
        status.period_days = schedule.map(|schedule| schedule.period_days);
        status.next_rotation = schedule.map(|schedule| Timestamp::from_millis(schedule.next));
        Ok(status)
    }

    pub(crate) async fn list(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        all: bool,
        page: &ListPage,
    ) -> Result<RotationPage, Error> {
        let limit = check_limit(page, 100, 1000)?;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        check_rotates(&key)?;
        // A marker is the number of the last generation shown.
        let after = match &page.marker {
            Some(marker) => marker.parse::<u32>().map_err(|_| invalid_marker())?,
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
            rotation.imported = generation.imported.as_ref().map(|imported| imported.to_state(self.0.now()));
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
}
