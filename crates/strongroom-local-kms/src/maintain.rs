//! Housekeeping: keys whose waiting period is over.

use strongroom_kms::{Error, ErrorKind, KeyId, KeyState};
use strongroom_records::{Expect, Key, Scan};
use strongroom_types::Timestamp;

use crate::layout::{AliasRecord, StoredKey, decode, last_segment};
use crate::local::{ATTEMPTS, LocalKms, storage};

impl LocalKms {
    /// Gives new material to the keys whose schedule says so, deletes imported material whose date has come, and deletes the
    /// keys whose deletion date has passed: material, record, aliases, grants. What only they open is lost. Returns how many keys were deleted. Safe to call from several processes at
    /// once.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] for storage. [`ErrorKind::Tampered`] for a damaged key, after all others were looked at.
    pub async fn maintain(&self) -> Result<u64, Error> {
        // Each does what it can, whatever the others find.
        let (rotated, expired) = (self.rotate_due().await, self.delete_expired().await);
        let deleted = self.delete_due().await;
        let gone = |count: &Result<u64, Error>| count.as_ref().is_ok_and(|count| *count > 0);
        if gone(&deleted) || gone(&expired) {
            self.erase().await?;
        }
        rotated?;
        expired?;
        deleted
    }

    /// What was deleted goes from the storage's files too. It is deleted whatever becomes of this; somebody in the way only
    /// leaves traces for the next time.
    pub(crate) async fn erase(&self) -> Result<(), Error> {
        match self.inner.records.storage().erase_deleted().await {
            Err(error) if error.kind() != strongroom_records::ErrorKind::Busy => Err(storage(error.into())),
            _ => Ok(()),
        }
    }

    async fn delete_due(&self) -> Result<u64, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let now = self.inner.clock.now();
        let later = layout.due_keys().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_keys()).below(&later));
        let (mut deleted, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                let id = KeyId::parse(&last_segment(&index).unwrap_or_default());
                let result = match (entry.map_err(storage), id) {
                    (Ok(_), Ok(id)) => self.delete_if_due(&id, &index, now).await,
                    (Err(error), _) | (_, Err(error)) => Err(error),
                };
                match result {
                    Ok(gone) => deleted += u64::from(gone),
                    // One damaged key must not keep the others.
                    Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
                    Err(error) => damaged = damaged.or(Some(error)),
                }
            }
        }
        damaged.map_or(Ok(deleted), Err)
    }

    /// The index only says where to look; the key's own record decides.
    ///
    /// Grants go first, then aliases, then material, the key with the last of it: each commit fits the least that a
    /// backend must take, and after a stop in between the next run goes on.
    async fn delete_if_due(&self, id: &KeyId, index: &Key, now: Timestamp) -> Result<bool, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let mut left = ATTEMPTS;
        while left > 0 {
            let mut batch = records.batch();
            let key = self.find_now(id).await?;
            let Some(key) = key.filter(|key| key.is_due(now)) else {
                batch.delete(index, Expect::Any);
                self.commit(batch).await?;
                return Ok(false);
            };
            self.inner.materials.forget(id);
            if self.delete_some_grants(&mut batch, id).await? {
                batch.check(&layout.key(id), Expect::At(key.revision));
                match self.commit(batch).await {
                    Ok(_) => left = ATTEMPTS,
                    Err(error) if error.kind() == ErrorKind::Conflict => left -= 1,
                    Err(error) => return Err(error),
                }
                continue;
            }
            let snapshot = records.snapshot().await.map_err(storage)?;
            let scan = Scan::prefix(&layout.key_aliases(id)).limit(20);
            let aliases = snapshot.scan(&scan).await.map_err(storage)?.records;
            let materials =
                snapshot.scan(&Scan::prefix(&layout.materials(id)).limit(40)).await.map_err(storage)?.records;
            let last = aliases.is_empty() && materials.len() < 40;
            if last {
                batch.delete(&layout.key(id), Expect::At(key.revision));
                if let Some(schedule) = &key.record.rotation {
                    batch.delete(&layout.due_rotation(schedule.next, id), Expect::Any);
                }
                if let Some(date) = key.next_expiry() {
                    batch.delete(&layout.due_import(date, id), Expect::Any);
                }
                let marks = Scan::prefix(&layout.import_marks(id)).limit(40);
                let marks = snapshot.scan(&marks).await.map_err(storage)?.records;
                marks.iter().for_each(|mark| batch.delete(&mark.key, Expect::Any));
                batch.delete(index, Expect::Any);
            } else {
                batch.check(&layout.key(id), Expect::At(key.revision));
            }
            for entry in &aliases {
                let alias = layout.aliases().then(last_segment(&entry.key).unwrap_or_default());
                // It may have been pointed at another key since; then it is no longer ours to delete.
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
            drop(snapshot);
            if aliases.is_empty() {
                materials.iter().for_each(|material| batch.delete(&material.key, Expect::Any));
            }
            match self.commit(batch).await {
                Ok(_) if last => return Ok(true),
                Ok(_) => left = ATTEMPTS,
                // Saved, renamed or deleted by somebody else in this moment: look again.
                Err(error) if error.kind() == ErrorKind::Conflict => left -= 1,
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

impl StoredKey {
    /// Whether the key's time is over. It cannot be saved any more then.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.state == KeyState::PendingDeletion
            && self.record.deletion_date.is_some_and(|date| Timestamp::from_millis(date) <= now)
    }
}
