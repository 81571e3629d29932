//! Imported material whose date has come.

use strongroom_kms::{Error, ErrorKind, KeyId};
use strongroom_records::{Expect, Key, Scan};
use strongroom_root::TrustedRecord;
use strongroom_types::Timestamp;

use crate::keys::stored::Stored;
use crate::keys::write::Writer;
use crate::layout::last_segment;
use crate::material::imports::Arrivals;
use crate::parts::{ATTEMPTS, Parts, contended, storage};

/// Deletes imported material whose date has come.
#[derive(Clone, Copy)]
pub(crate) struct ExpiredImports<'a>(pub(crate) &'a Parts);

impl ExpiredImports<'_> {
    /// Deletes imported material whose date has come. Returns of how many keys.
    pub(crate) async fn run(self) -> Result<u64, Error> {
        let (layout, records, now) = (&self.0.inner.layout, &self.0.inner.records, self.0.now());
        let later = layout.due_imports().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_imports()).below(&later));
        let (mut expired, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                match self.entry(entry.map_err(storage), &index, now).await {
                    Ok(gone) => expired += u64::from(gone),
                    // One damaged key must not keep the others.
                    Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
        damaged.map_or(Ok(expired), Err)
    }

    /// The index only says where to look; the key's own record decides.
    async fn entry(
        self,
        entry: Result<TrustedRecord, Error>,
        index: &Key,
        now: Timestamp,
    ) -> Result<bool, Error> {
        entry?;
        let id = KeyId::parse(&last_segment(index).unwrap_or_default())?;
        for _ in 0..ATTEMPTS {
            let mut batch = self.0.inner.records.batch();
            let Some(mut key) = Stored(self.0).find_now(&id).await? else {
                batch.delete(index, Expect::Any);
                self.0.commit(batch).await?;
                return Ok(false);
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
                batch.delete(index, Expect::Any);
            }
            self.0.inner.materials.forget(&id);
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => return Ok(!gone.is_empty()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }
}
