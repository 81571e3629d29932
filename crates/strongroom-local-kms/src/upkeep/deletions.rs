//! Keys whose waiting period is over.

use strongroom_kms::{Error, ErrorKind};
use strongroom_records::{Expect, Key, Scan};
use strongroom_root::{
    Budget, ChoreReport, DueEntry, DueIndex, Lease, TrustedBatch, TrustedRecord, TrustedSnapshot,
};
use strongroom_types::Timestamp;

use crate::grants::removal::GrantRemoval;
use crate::keys::stored::Stored;
use crate::layout::{AliasRecord, StoredKey, decode, last_segment};
use crate::parts::{Parts, due_key, storage};

/// What one commit deletes of a key: each fits the least that a backend must take.
const ALIASES: usize = 20;
const MATERIALS: usize = 40;

/// Deletes the keys whose waiting period is over.
#[derive(Clone, Copy)]
pub(crate) struct DueKeys<'a>(pub(crate) &'a Parts);

impl DueKeys<'_> {
    fn due(self) -> DueIndex {
        DueIndex::new(self.0.inner.layout.due_keys())
    }

    /// When a key is deleted next.
    pub(crate) async fn next(self) -> Result<Option<Timestamp>, Error> {
        self.due().next(&self.0.inner.records).await.map_err(storage)
    }

    /// Deletes the keys whose waiting period is over. Reports how many.
    pub(crate) async fn run(self, lease: &Lease, mut budget: Budget) -> Result<ChoreReport<Error>, Error> {
        let now = budget.as_of();
        self.due().each_due(&self.0.inner.records, &mut budget, |entry| self.if_due(lease, entry, now)).await
    }

    /// The index only says where to look; the key's own record decides.
    ///
    /// Grants go first, then aliases, then material, the key with the last of it: each commit fits
    /// the least that a backend must take, and after a stop in between the next run goes on.
    async fn if_due(self, lease: &Lease, entry: DueEntry, now: Timestamp) -> Result<bool, Error> {
        let (id, records) = (due_key(&entry)?, &self.0.inner.records);
        let mut attempts = self.0.chore_attempts();
        while attempts.next().is_some() {
            lease.renew().await.map_err(storage)?;
            let Some(key) = Stored(self.0).find_now(&id).await?.filter(|key| key.is_due(now)) else {
                return self.0.drop_entry(lease, &entry).await.map(|()| false);
            };
            self.0.inner.materials.forget(&id);
            let mut batch = records.batch();
            lease.fence(&mut batch);
            let grants = GrantRemoval(self.0).some(&mut batch, &id).await?;
            let last = !grants && self.some_of(&mut batch, &key).await?;
            let place = self.0.inner.layout.key(&id);
            if last {
                batch.delete(&place, Expect::At(key.revision));
                batch.delete(&entry.key, Expect::Any);
            } else {
                batch.check(&place, Expect::At(key.revision));
            }
            match self.0.commit(batch).await {
                Ok(_) if last => return Ok(true),
                Ok(_) => attempts.progressed(),
                // Saved, renamed or deleted by somebody else in this moment: look again.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    lease.check().await.map_err(storage)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Deletes some aliases and some material of a key without grants, and says whether they were
    /// the last. The last take the key's other entries in due indexes with them.
    async fn some_of(self, batch: &mut TrustedBatch, key: &StoredKey) -> Result<bool, Error> {
        let (id, layout) = (&key.id, &self.0.inner.layout);
        let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
        let aliases = some(&snapshot, &layout.key_aliases(id), ALIASES).await?;
        let materials = some(&snapshot, &layout.materials(id), MATERIALS).await?;
        let last = aliases.is_empty() && materials.len() < MATERIALS;
        if last {
            if let Some(schedule) = &key.record.rotation {
                batch.delete(&layout.due_rotation(schedule.next, id), Expect::Any);
            }
            if let Some(date) = key.next_expiry() {
                batch.delete(&layout.due_import(date, id), Expect::Any);
            }
            let marks = some(&snapshot, &layout.import_marks(id), MATERIALS).await?;
            marks.iter().for_each(|mark| batch.delete(&mark.key, Expect::Any));
        }
        for entry in &aliases {
            let alias = layout.aliases().then(last_segment(&entry.key).unwrap_or_default());
            // It may point at another key by now; then it is not this key's to delete.
            if let Some(stored) = snapshot.get(&alias).await.map_err(storage)? {
                let ours = decode::<AliasRecord>(&stored)?.target == id.as_str();
                if ours {
                    batch.delete(&alias, Expect::At(stored.revision));
                } else {
                    batch.check(&alias, Expect::At(stored.revision));
                }
            }
            batch.delete(&entry.key, Expect::At(entry.revision));
        }
        if aliases.is_empty() {
            materials.iter().for_each(|material| batch.delete(&material.key, Expect::Any));
        }
        Ok(last)
    }
}

async fn some(snapshot: &TrustedSnapshot, prefix: &Key, limit: usize) -> Result<Vec<TrustedRecord>, Error> {
    Ok(snapshot.scan(&Scan::prefix(prefix).limit(limit)).await.map_err(storage)?.records)
}
