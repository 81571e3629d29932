//! A walk through all keys.

use strongroom_kms::{Error, KeyId};
use strongroom_records::Scan;
use strongroom_root::Report;
use strongroom_types::Timestamp;

use crate::layout::{AliasRecord, Generation, StoredKey, decode, last_segment};
use crate::local::{LocalKms, storage};

impl LocalKms {
    /// Reads every key and alias, unseals every generation, and reports what is wrong.
    ///
    /// # Errors
    /// Storage that cannot be read at all.
    pub async fn verify(&self) -> Result<Report, Error> {
        let mut report = Report::new();
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let mut walk = records.walk(Scan::prefix(&layout.keys()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                report.check();
                let Ok(stored) = stored else { continue };
                match StoredKey::parse(&stored, self.realm()) {
                    Ok(key) if layout.key(&key.id) == place => {
                        self.verify_material(&key, &mut report).await?;
                        self.verify_grants(&key, &mut report).await?;
                        self.verify_imports(&key, &mut report).await?;
                    }
                    Ok(_) => report.problem(place, "the record names another key"),
                    Err(error) => report.problem(place, error),
                }
            }
        }
        let mut walk = records.walk(Scan::prefix(&layout.aliases()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                report.check();
                let Ok(stored) = stored else { continue };
                let target = decode::<AliasRecord>(&stored).and_then(|alias| KeyId::parse(&alias.target));
                match target {
                    Ok(target) if self.find_now(&target).await.is_ok_and(|key| key.is_some()) => {}
                    Ok(_) => report.problem(
                        last_segment(&place).unwrap_or_default(),
                        "the alias names a key that is not there",
                    ),
                    Err(error) => report.problem(place, error),
                }
            }
        }
        Ok(report)
    }

    async fn verify_material(&self, key: &StoredKey, report: &mut Report) -> Result<(), Error> {
        if let Some(date) = key.record.deletion_date {
            let due = self.inner.layout.due_key(Timestamp::from_millis(date), &key.id);
            if self.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report
                    .problem(&key.id, "the key is pending deletion but missing in the index of what is due");
            }
        }
        if let Some(schedule) = &key.record.rotation {
            let due = self.inner.layout.due_rotation(schedule.next, &key.id);
            if self.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report
                    .problem(&key.id, "the key rotates by itself but is missing in the index of what is due");
            }
        }
        let here = |generation: &&Generation| {
            !generation.retired && generation.imported.as_ref().is_none_or(|one| one.present)
        };
        for generation in key.record.generations.iter().filter(here) {
            report.check();
            let place = self.inner.layout.material(&key.id, generation.number);
            // Past the cache on purpose: this is about what is stored.
            match self.inner.records.get(&place).await {
                Ok(Some(stored)) => {
                    if let Err(error) = self.inner.records.unseal(&place, &stored.content) {
                        report.problem(place, error);
                    }
                }
                Ok(None) => report.problem(place, "the key's material is missing"),
                // The walk over all records reports what is wrong with it.
                Err(error) if error.kind() == strongroom_root::ErrorKind::Tampered => {}
                Err(error) => return Err(storage(error)),
            }
        }
        Ok(())
    }
}
