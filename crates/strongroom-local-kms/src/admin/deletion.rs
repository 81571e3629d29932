//! Deleting keys, and the material of old generations.

use strongroom_kms::{Error, ErrorKind, KeyRef, KeyState, ScheduledDeletion};
use strongroom_records::Expect;
use strongroom_types::{Arn, Timestamp};

use crate::admin::change::{Change, Changes};
use crate::admin::rotation::wrong_origin;
use crate::call::KeyCall;
use crate::parts::{Parts, after_days};

/// How long a deletion waits, in days.
pub(crate) fn check_window(days: Option<u16>) -> Result<u16, Error> {
    let days = days.unwrap_or(30);
    let bound = match days {
        0..7 => "greater than or equal to 7",
        7..=30 => return Ok(days),
        _ => "less than or equal to 30",
    };
    Err(Error::new(
        ErrorKind::Validation,
        format!(
            "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value {bound}"
        ),
    ))
}

/// The operations that delete.
#[derive(Clone, Copy)]
pub(crate) struct Deletions<'a>(pub(crate) &'a Parts);

impl Deletions<'_> {
    /// After so many days, which were checked.
    pub(crate) async fn schedule(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        days: u16,
    ) -> Result<ScheduledDeletion, Error> {
        let deletion_date = after_days(self.0.now(), days);
        let scheduled = Changes(self.0).change(call, key, |parts, key, batch| {
            key.state = KeyState::PendingDeletion;
            key.record.deletion_date = Some(deletion_date.as_millis());
            batch.put(&parts.inner.layout.due_key(deletion_date, &key.id), b"", Expect::Any);
            Ok(Change::Write(key.arn.clone()))
        });
        Ok(ScheduledDeletion {
            key_arn: scheduled.await?,
            deletion_date,
            state: KeyState::PendingDeletion,
            pending_window_days: days,
        })
    }

    pub(crate) async fn cancel(self, call: &KeyCall<'_>, key: &KeyRef) -> Result<Arn, Error> {
        let cancelled = Changes(self.0).change(call, key, |parts, key, batch| {
            if key.is_due(parts.now()) {
                // Parts of it may be gone already.
                let text = format!("{} is pending deletion.", key.arn);
                return Err(Error::new(ErrorKind::InvalidState, text));
            }
            key.state = KeyState::Disabled;
            if let Some(date) = key.record.deletion_date.take() {
                let due = parts.inner.layout.due_key(Timestamp::from_millis(date), &key.id);
                batch.delete(&due, Expect::Any);
            }
            Ok(Change::Write(key.arn.clone()))
        });
        cancelled.await
    }

    /// Destroys the material of an older generation.
    pub(crate) async fn retire_material(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        key_material_id: &str,
    ) -> Result<(), Error> {
        let retired = Changes(self.0).change(call, key, |parts, key, batch| {
            if key.is_external() {
                return Err(wrong_origin(key));
            }
            let newest = key.newest()?.number;
            let mut generations = key.record.generations.iter_mut();
            let generation = generations.find(|generation| *generation.material_id == *key_material_id);
            let generation = generation.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("Key material {key_material_id} does not exist"))
            })?;
            if generation.number == newest {
                let text =
                    format!("Key material {key_material_id} is the one that {} encrypts with.", key.arn);
                return Err(Error::new(ErrorKind::InvalidState, text));
            }
            if generation.retired {
                return Ok(Change::None(key.id.clone()));
            }
            generation.retired = true;
            batch.delete(&parts.inner.layout.material(&key.id, generation.number), Expect::Any);
            Ok(Change::Write(key.id.clone()))
        });
        let id = retired.await?;
        self.0.inner.materials.forget(&id);
        self.0.erase().await
    }
}
