//! Housekeeping: keys whose waiting period is over.

use strongroom_kms::{Error, ErrorKind, KeyId, KeyState};
use strongroom_records::{Expect, Key, Scan};
use strongroom_types::Timestamp;

use crate::layout::last_segment;
use crate::local::{LocalKms, storage};

impl LocalKms {
    /// Deletes the keys whose deletion date has passed: material, record, aliases. What only they open is lost. Returns
    /// how many were deleted. Safe to call from several processes at once.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] for storage, [`ErrorKind::Tampered`].
    pub async fn maintain(&self) -> Result<u64, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let now = self.inner.clock.now();
        let due = Scan::prefix(&layout.due_keys())
            .below(&layout.due_keys().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1))));
        let mut deleted = 0;
        let mut scan = due;
        loop {
            let page = records.snapshot().await.map_err(storage)?.scan(&scan).await.map_err(storage)?;
            for entry in &page.records {
                let id = KeyId::parse(&last_segment(&entry.key).unwrap_or_default())?;
                deleted += u64::from(self.delete_if_due(&id, &entry.key, now).await?);
            }
            match page.cursor {
                Some(cursor) => scan = scan.after(&cursor),
                None => return Ok(deleted),
            }
        }
    }

    /// The index only says where to look; the key's own record decides.
    async fn delete_if_due(&self, id: &KeyId, index: &Key, now: Timestamp) -> Result<bool, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let mut batch = records.batch();
        batch.delete(index, Expect::Any);
        let key = self.find(id).await?;
        let due = key.as_ref().filter(|key| {
            key.state == KeyState::PendingDeletion
                && key.record.deletion_date.is_some_and(|date| Timestamp::from_millis(date) <= now)
        });
        if let Some(key) = due {
            batch.delete(&layout.key(id), Expect::At(key.revision));
            for generation in &key.record.generations {
                batch.delete(&layout.material(id, generation.number), Expect::Any);
            }
            let snapshot = records.snapshot().await.map_err(storage)?;
            let aliases = snapshot.scan(&Scan::prefix(&layout.key_aliases(id))).await.map_err(storage)?;
            drop(snapshot);
            for alias in &aliases.records {
                batch.delete(&alias.key, Expect::Any);
                batch.delete(
                    &layout.aliases().then(last_segment(&alias.key).unwrap_or_default()),
                    Expect::Any,
                );
            }
            self.inner.materials.forget(id);
        }
        match records.commit(batch).await.map_err(storage) {
            Ok(_) => Ok(due.is_some()),
            // Saved or deleted by somebody else in this moment.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}
