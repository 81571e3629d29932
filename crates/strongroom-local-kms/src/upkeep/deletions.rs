//! Keys whose waiting period is over.

use strongroom_kms::{Error, ErrorKind, KeyId};
use strongroom_records::{Expect, Key, Scan};
use strongroom_types::Timestamp;

use crate::grants::removal::GrantRemoval;
use crate::keys::stored::Stored;
use crate::layout::{AliasRecord, decode, last_segment};
use crate::parts::{ATTEMPTS, Parts, storage};

/// Deletes the keys whose waiting period is over.
#[derive(Clone, Copy)]
pub(crate) struct DueKeys<'a>(pub(crate) &'a Parts);

impl DueKeys<'_> {
    pub(crate) async fn run(self) -> Result<u64, Error> {
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        let now = self.0.inner.clock.now();
        let later = layout.due_keys().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_keys()).below(&later));
        let (mut deleted, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                let id = KeyId::parse(&last_segment(&index).unwrap_or_default());
                let result = match (entry.map_err(storage), id) {
                    (Ok(_), Ok(id)) => self.if_due(&id, &index, now).await,
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
    /// Grants go first, then aliases, then material, the key with the last of it: each commit fits
    /// the least that a backend must take, and after a stop in between the next run goes on.
    async fn if_due(self, id: &KeyId, index: &Key, now: Timestamp) -> Result<bool, Error> {
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        let mut left = ATTEMPTS;
        while left > 0 {
            let mut batch = records.batch();
            let key = Stored(self.0).find_now(id).await?;
            let Some(key) = key.filter(|key| key.is_due(now)) else {
                batch.delete(index, Expect::Any);
                self.0.commit(batch).await?;
                return Ok(false);
            };
            self.0.inner.materials.forget(id);
            if GrantRemoval(self.0).some(&mut batch, id).await? {
                batch.check(&layout.key(id), Expect::At(key.revision));
                match self.0.commit(batch).await {
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
                // It may have been pointed at another key since; then it is no longer ours to
                // delete.
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
            match self.0.commit(batch).await {
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
