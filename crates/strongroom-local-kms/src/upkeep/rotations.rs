//! Rotation by the clock.

use strongroom_kms::Error;
use strongroom_root::{Budget, ChoreReport, DueEntry, Lease};
use strongroom_types::Timestamp;

use crate::keys::stored::Stored;
use crate::material::rotation::NewMaterial;
use crate::parts::{Parts, due_key, storage};

/// Rotates the keys whose schedule says so.
#[derive(Clone, Copy)]
pub(crate) struct DueRotations<'a>(pub(crate) &'a Parts);

impl DueRotations<'_> {
    /// When a key rotates next.
    pub(crate) async fn next(self) -> Result<Option<Timestamp>, Error> {
        NewMaterial(self.0).due().next(&self.0.inner.records).await.map_err(storage)
    }

    /// Rotates all keys that are due. Reports how many.
    pub(crate) async fn run(self, lease: &Lease, mut budget: Budget) -> Result<ChoreReport<Error>, Error> {
        let now = budget.as_of();
        let due = NewMaterial(self.0).due();
        due.each_due(&self.0.inner.records, &mut budget, |entry| self.entry(lease, entry, now)).await
    }

    /// The index only says where to look; the key's own record decides.
    async fn entry(self, lease: &Lease, entry: DueEntry, now: Timestamp) -> Result<bool, Error> {
        lease.renew().await.map_err(storage)?;
        match Stored(self.0).find_now(&due_key(&entry)?).await? {
            Some(key) if key.rotation_due(now) => {
                let attempts = self.0.chore_attempts();
                NewMaterial(self.0).rotate_if_due(lease, attempts, key).await.map(|_| true)
            }
            _ => Ok(false),
        }
    }
}
