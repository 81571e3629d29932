//! Rotation by the clock.

use strongroom_kms::{Error, ErrorKind, KeyId};
use strongroom_records::{Key, Scan};
use strongroom_root::TrustedRecord;
use strongroom_types::Timestamp;

use crate::keys::stored::Stored;
use crate::layout::last_segment;
use crate::material::rotation::NewMaterial;
use crate::parts::{Parts, storage};

/// Rotates the keys whose schedule says so.
#[derive(Clone, Copy)]
pub(crate) struct DueRotations<'a>(pub(crate) &'a Parts);

impl DueRotations<'_> {
    /// Rotates all keys that are due. Returns how many.
    pub(crate) async fn run(self) -> Result<u64, Error> {
        let (layout, records, now) = (&self.0.inner.layout, &self.0.inner.records, self.0.now());
        let later =
            layout.due_rotations().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_rotations()).below(&later));
        let (mut rotated, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                match self.entry(entry.map_err(storage), &index, now).await {
                    Ok(done) => rotated += u64::from(done),
                    // One damaged key must not keep the others.
                    Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        damaged.map_or(Ok(rotated), Err)
    }

    async fn entry(
        self,
        entry: Result<TrustedRecord, Error>,
        index: &Key,
        now: Timestamp,
    ) -> Result<bool, Error> {
        entry?;
        let id = KeyId::parse(&last_segment(index).unwrap_or_default())?;
        match Stored(self.0).find_now(&id).await? {
            Some(key) if key.rotation_due(now) => NewMaterial(self.0).rotate_if_due(key).await.map(|_| true),
            _ => Ok(false),
        }
    }
}
