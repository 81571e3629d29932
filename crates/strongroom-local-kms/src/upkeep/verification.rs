//! A walk through all keys.

use strongroom_kms::{Error, KeyId};
use strongroom_records::Scan;
use strongroom_root::Report;
use strongroom_types::Timestamp;

use crate::grants::record::GrantRecord;
use crate::keys::stored::Stored;
use crate::layout::{AliasRecord, Generation, StoredKey, decode, last_segment};
use crate::parts::{Parts, storage};

/// Reads everything and reports what is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Verification<'a>(pub(crate) &'a Parts);

impl Verification<'_> {
    /// Reads every key and alias, unseals every generation, and reports what is wrong.
    ///
    /// # Errors
    /// Storage that cannot be read at all.
    pub(crate) async fn run(self) -> Result<Report, Error> {
        let mut report = Report::new();
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        let mut walk = records.walk(Scan::prefix(&layout.keys()));
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                report.check();
                let Ok(stored) = stored else { continue };
                match StoredKey::parse(&stored, self.0.realm()) {
                    Ok(key) if layout.key(&key.id) == place => {
                        self.material(&key, &mut report).await?;
                        self.grants(&key, &mut report).await?;
                        self.imports(&key, &mut report).await?;
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
                    Ok(target) if Stored(self.0).find_now(&target).await.is_ok_and(|key| key.is_some()) => {}
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

    async fn material(self, key: &StoredKey, report: &mut Report) -> Result<(), Error> {
        if let Some(date) = key.record.deletion_date {
            let due = self.0.inner.layout.due_key(Timestamp::from_millis(date), &key.id);
            if self.0.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report
                    .problem(&key.id, "the key is pending deletion but missing in the index of what is due");
            }
        }
        if let Some(schedule) = &key.record.rotation {
            let due = self.0.inner.layout.due_rotation(schedule.next, &key.id);
            if self.0.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report
                    .problem(&key.id, "the key rotates by itself but is missing in the index of what is due");
            }
        }
        let here = |generation: &&Generation| {
            !generation.retired && generation.imported.as_ref().is_none_or(|one| one.present)
        };
        for generation in key.record.generations.iter().filter(here) {
            report.check();
            let place = self.0.inner.layout.material(&key.id, generation.number);
            // Past the cache on purpose: this is about what is stored.
            match self.0.inner.records.get(&place).await {
                Ok(Some(stored)) => {
                    if let Err(error) = self.0.inner.records.unseal(&place, &stored.content) {
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

    /// What is wrong with the grants of a key.
    async fn grants(self, key: &StoredKey, report: &mut Report) -> Result<(), Error> {
        let layout = &self.0.inner.layout;
        let mut walk = self.0.inner.records.walk(Scan::prefix(&layout.grants(&key.id)));
        let mut count = 0;
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                report.check();
                count += 1;
                let Ok(stored) = stored else { continue };
                match decode::<GrantRecord>(&stored) {
                    Ok(record) => {
                        let index = layout.grant_for(&key.id, &record.grantee, &record.id);
                        if self.0.inner.records.get(&index).await.is_ok_and(|entry| entry.is_none()) {
                            report.problem(&place, "the grant is missing in the index of its grantee");
                        }
                        if let Some(retiring) = &record.retiring {
                            let index = layout.retirable_grant(retiring, &key.id, &record.id);
                            if self.0.inner.records.get(&index).await.is_ok_and(|entry| entry.is_none()) {
                                report.problem(
                                    &place,
                                    "the grant is missing in the index of who may retire it",
                                );
                            }
                        }
                    }
                    Err(error) => report.problem(place, error),
                }
            }
        }
        if count != key.record.grants {
            report.problem(&key.id, format!("the key has {count} grants and counts {}", key.record.grants));
        }
        Ok(())
    }

    /// What is wrong with what is known of a key's imported material.
    async fn imports(self, key: &StoredKey, report: &mut Report) -> Result<(), Error> {
        if !key.is_external() {
            return Ok(());
        }
        if let Some(date) = key.next_expiry() {
            let due = self.0.inner.layout.due_import(date, &key.id);
            if self.0.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report.problem(
                    &key.id,
                    "imported material goes at a date but is missing in the index of what is due",
                );
            }
        }
        for generation in &key.record.generations {
            report.check();
            let place = self.0.inner.layout.import_mark(&key.id, generation.number);
            match self.0.inner.records.get(&place).await {
                Ok(Some(stored)) => {
                    if let Err(error) = self.0.inner.records.unseal(&place, &stored.content) {
                        report.problem(place, error);
                    }
                }
                Ok(None) => report.problem(place, "a mark of imported material is missing"),
                Err(error) if error.kind() == strongroom_root::ErrorKind::Tampered => {}
                Err(error) => return Err(storage(error)),
            }
        }
        Ok(())
    }
}
