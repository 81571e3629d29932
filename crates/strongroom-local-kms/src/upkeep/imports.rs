//! Imported material whose date has come.

use strongroom_kms::{Error, ErrorKind};
use strongroom_records::Expect;
use strongroom_root::{Budget, ChoreReport, DueEntry, Lease};
use strongroom_types::Timestamp;

use crate::keys::stored::Stored;
use crate::keys::write::Writer;
use crate::material::imports::Arrivals;
use crate::parts::{Parts, contended, due_key, storage};

/// Deletes imported material whose date has come.
#[derive(Clone, Copy)]
pub(crate) struct ExpiredImports<'a>(pub(crate) &'a Parts);

impl ExpiredImports<'_> {
    /// When imported material expires next.
    pub(crate) async fn next(self) -> Result<Option<Timestamp>, Error> {
        Arrivals(self.0).due().next(&self.0.inner.records).await.map_err(storage)
    }

    /// Deletes imported material whose date has come. Reports of how many keys.
    pub(crate) async fn run(self, lease: &Lease, mut budget: Budget) -> Result<ChoreReport<Error>, Error> {
        let now = budget.as_of();
        let due = Arrivals(self.0).due();
        due.each_due(&self.0.inner.records, &mut budget, |entry| self.entry(lease, entry, now)).await
    }

    /// The index only says where to look; the key's own record decides.
    async fn entry(self, lease: &Lease, entry: DueEntry, now: Timestamp) -> Result<bool, Error> {
        lease.renew().await.map_err(storage)?;
        let id = due_key(&entry)?;
        for () in self.0.chore_attempts() {
            let mut batch = self.0.inner.records.batch();
            lease.fence(&mut batch);
            let Some(mut key) = Stored(self.0).find_now(&id).await? else {
                return self.0.drop_entry(lease, &entry).await.map(|()| false);
            };
            let before = key.next_expiry();
            let mut gone = Vec::new();
            for generation in &mut key.record.generations {
                if let Some(imported) = &mut generation.imported
                    && imported.present
                    && imported.expires.is_some_and(|date| date <= now.as_millis())
                {
                    (imported.present, imported.expires) = (false, None);
                    gone.push(generation.number);
                }
            }
            for number in &gone {
                batch.delete(&self.0.inner.layout.material(&id, *number), Expect::Any);
            }
            Arrivals(self.0).move_expiry(&key, &mut batch, before);
            if gone.is_empty() {
                batch.delete(&entry.key, Expect::Any);
            }
            self.0.inner.materials.forget(&id);
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => return Ok(!gone.is_empty()),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    lease.check().await.map_err(storage)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }
}
