//! Imported key material: brought along, gone at a date or by request, and brought again.

use sha2::{Digest, Sha256};
use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    Error, ErrorKind, ExpirationModel, ImportKeyMaterial, ImportParameters, ImportType, ImportedMaterial,
    ImportedState, KeyId, KeyRef, KeyUsage, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_records::{Expect, Key, Scan};
use strongroom_root::{TrustedBatch, TrustedRecord, UnknownMembers};
use strongroom_types::{CallContext, Timestamp};
use subtle::ConstantTimeEq;

use crate::admin::Change;
use crate::layout::{Generation, Imported, StoredKey, last_segment};
use crate::local::{ATTEMPTS, LocalKms, contended, material_id, storage};
use crate::request_facts::RequestFacts;
use crate::rotation::wrong_origin;
use crate::states::Operation;

/// What an import says of the material, once it is unwrapped.
struct Arrival<'a> {
    material: &'a SecretBytes,
    kind: Option<ImportType>,
    expires: Option<Timestamp>,
    description: Option<&'a str>,
    wanted: Option<&'a str>,
}

fn must_be_external(key: &StoredKey) -> Result<(), Error> {
    if key.is_external() { Ok(()) } else { Err(wrong_origin(key)) }
}

fn asked_of(request: &ImportKeyMaterial) -> RequestFacts<'static> {
    let asked = RequestFacts::nothing().with("kms:ExpirationModel", request.expiration.as_str());
    match request.valid_to {
        Some(date) => asked.with("kms:ValidTo", date.to_epoch_seconds()),
        None => asked,
    }
}

/// Not the material that the key had; AWS's text is unconfirmed.
fn incorrect() -> Error {
    Error::new(
        ErrorKind::IncorrectKeyMaterial,
        "The key material in the request is not the key material that was previously imported into this KMS key.",
    )
}

impl StoredKey {
    /// When the next of the imported materials goes.
    pub(crate) fn next_expiry(&self) -> Option<i64> {
        let imported = self.record.generations.iter().filter_map(|generation| generation.imported.as_ref());
        imported.filter(|imported| imported.present).filter_map(|imported| imported.expires).min()
    }
}

impl Imported {
    /// What ListKeyRotations tells.
    pub(crate) fn to_state(&self, now: Timestamp) -> ImportedState {
        let present = self.present && self.expires.is_none_or(|date| date > now.as_millis());
        let valid_to = self.expires.filter(|_| present).map(Timestamp::from_millis);
        ImportedState::new(present, valid_to, self.description.clone())
    }
}

impl LocalKms {
    /// Brings material to a key made with [`strongroom_kms::CreateKey::external`], or brings again what it lost, from
    /// within the process: nothing has to wrap it for the way. [`ImportKeyMaterial::import_token`] and the wrapped material of
    /// `options` are not looked at.
    ///
    /// # Errors
    /// Those of ImportKeyMaterial but for token and wrapping.
    pub async fn import_plain_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        self.import(cx, key, material, options).await.map_err(|error| error.during("ImportKeyMaterial"))
    }

    pub(crate) async fn import(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        options.check(self.now())?;
        let asked = asked_of(options);
        let arrival = Arrival {
            material,
            kind: options.kind,
            expires: options.valid_to.filter(|_| options.expiration == ExpirationModel::Expires),
            description: options.description.as_deref(),
            wanted: options.key_material_id.as_deref(),
        };
        for _ in 0..ATTEMPTS {
            let mut key = self.resolve_managed(cx, key, Operation::ImportKeyMaterial).await?;
            self.permit(cx, &key, Operation::ImportKeyMaterial, &asked).await?;
            must_be_external(&key)?;
            if material.len() != key.spec.material_len() {
                return Err(incorrect());
            }
            let known = self.known_material(&key, material).await?;
            let mut batch = self.inner.records.batch();
            let before = key.next_expiry();
            let key_material_id = self.place(&mut key, &mut batch, &arrival, known)?;
            self.move_expiry(&key, &mut batch, before);
            match self.commit_key(&key, batch).await {
                Ok(_) => {
                    return Ok(ImportedMaterial {
                        key_arn: key.arn.clone(),
                        key_material_id: Some(key_material_id),
                    });
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    /// The generation whose material this is, if the key has had it.
    async fn known_material(&self, key: &StoredKey, material: &SecretBytes) -> Result<Option<u32>, Error> {
        let (layout, records) = (&self.inner.layout, &self.inner.records);
        let digest = SecretBytes::copy_from(&Sha256::digest(material.expose()));
        let mut found = None;
        for generation in &key.record.generations {
            let place = layout.import_mark(&key.id, generation.number);
            let missing = || Error::new(ErrorKind::Tampered, "a mark of imported material is missing");
            let stored = records.get(&place).await.map_err(storage)?.ok_or_else(missing)?;
            let mark = records.unseal(&place, &stored.content).map_err(storage)?;
            if bool::from(mark.expose().ct_eq(digest.expose())) {
                found = Some(generation.number);
            }
        }
        Ok(found)
    }

    /// Puts arrived material where it belongs. Gives its id.
    fn place(
        &self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        arrival: &Arrival<'_>,
        known: Option<u32>,
    ) -> Result<String, Error> {
        let first = key.record.generations.is_empty();
        let new = match arrival.kind {
            Some(kind) => kind == ImportType::NewKeyMaterial,
            None => first,
        };
        let number = match known {
            Some(number) if !new || first => number,
            None if new => self.add_imported(key, batch, arrival)?,
            _ => return Err(incorrect()),
        };
        let generation = key.record.generations.iter_mut().find(|generation| generation.number == number);
        let generation = generation.ok_or_else(incorrect)?;
        if arrival.wanted.is_some_and(|wanted| *wanted != *generation.material_id) {
            return Err(incorrect());
        }
        let id = generation.material_id.to_string();
        let imported = generation.imported.get_or_insert_default();
        imported.present = true;
        imported.expires = arrival.expires.map(Timestamp::as_millis);
        if let Some(description) = arrival.description {
            imported.description = Some(description.to_owned());
        }
        let place = self.inner.layout.material(&key.id, number);
        batch.put_secret(&place, arrival.material, Expect::Any);
        Ok(id)
    }

    /// A generation for material that the key has not had: its first, or one for its next rotation.
    fn add_imported(
        &self,
        key: &mut StoredKey,
        batch: &mut TrustedBatch,
        arrival: &Arrival<'_>,
    ) -> Result<u32, Error> {
        let pending = !key.record.generations.is_empty();
        if pending && key.spec.usage() != KeyUsage::EncryptDecrypt {
            // Only symmetric keys rotate.
            return Err(Error::new(ErrorKind::Unsupported, ""));
        }
        let material_id = material_id()?;
        let waiting = key.record.generations.iter().position(|generation| !generation.is_in_use());
        if let Some(index) = waiting {
            let generation = &key.record.generations[index];
            if generation.is_present(self.now()) {
                let text = format!(
                    "New key material (id: {material_id}) cannot be imported into KMS key {}, because another key material (id: {}) is pending rotation.",
                    key.id, generation.material_id
                );
                return Err(Error::new(ErrorKind::InvalidState, text));
            }
            // It was never used and went: another takes its place, number and records.
            key.record.generations.remove(index);
        }
        let number = key.next_number();
        let place = self.inner.layout.import_mark(&key.id, number);
        let digest = SecretBytes::copy_from(&Sha256::digest(arrival.material.expose()));
        batch.put_secret(&place, &digest, Expect::Any);
        key.record.generations.push(Generation {
            number,
            material_id,
            created: self.now().as_millis(),
            automatic: false,
            imported: Some(Imported { pending, ..Imported::default() }),
            retired: false,
            unknown: UnknownMembers::default(),
        });
        Ok(number)
    }

    /// The material that waits for a rotation becomes the one that encrypts.
    pub(crate) fn use_pending(&self, key: &mut StoredKey) -> Result<(), Error> {
        let now = self.now();
        let waiting = key
            .record
            .generations
            .iter_mut()
            .find(|generation| !generation.is_in_use() && generation.is_present(now));
        match waiting {
            Some(generation) => {
                generation.created = now.as_millis();
                generation.imported.get_or_insert_default().pending = false;
                Ok(())
            }
            None => {
                let text = format!("No available key material pending rotation for the key: {}.", key.arn);
                Err(Error::new(ErrorKind::InvalidState, text))
            }
        }
    }

    /// Moves a key's entry in the index of what goes at a date.
    fn move_expiry(&self, key: &StoredKey, batch: &mut TrustedBatch, before: Option<i64>) {
        let (layout, after) = (&self.inner.layout, key.next_expiry());
        if before == after {
            return;
        }
        if let Some(date) = before {
            batch.delete(&layout.due_import(date, &key.id), Expect::Any);
        }
        if let Some(date) = after {
            batch.put(&layout.due_import(date, &key.id), b"", Expect::Any);
        }
    }

    pub(crate) async fn delete_imported(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material_id: Option<&str>,
    ) -> Result<ImportedMaterial, Error> {
        let deleted = self
            .change(cx, key, Operation::DeleteImportedKeyMaterial, |kms, key, batch| {
                must_be_external(key)?;
                let before = key.next_expiry();
                let newest = key.newest().ok().map(|newest| newest.number);
                let generation = key.record.generations.iter_mut().find(|generation| match material_id {
                    Some(id) => *generation.material_id == *id,
                    None => Some(generation.number) == newest,
                });
                let key_arn = key.arn.clone();
                let Some(generation) = generation else {
                    return match material_id {
                        // AWS's text is unconfirmed.
                        Some(id) => {
                            Err(Error::new(ErrorKind::NotFound, format!("Key material {id} does not exist")))
                        }
                        // Nothing was ever imported: accepted, no effect.
                        None => Ok(Change::None(ImportedMaterial { key_arn, key_material_id: None })),
                    };
                };
                let told =
                    ImportedMaterial { key_arn, key_material_id: Some(generation.material_id.to_string()) };
                let imported = generation.imported.get_or_insert_default();
                if !imported.present {
                    return Ok(Change::None(told));
                }
                (imported.present, imported.expires) = (false, None);
                let number = generation.number;
                batch.delete(&kms.inner.layout.material(&key.id, number), Expect::Any);
                kms.move_expiry(key, batch, before);
                Ok(Change::Write(told))
            })
            .await?;
        self.forget_by_arn(&deleted);
        self.erase().await?;
        Ok(deleted)
    }

    fn forget_by_arn(&self, deleted: &ImportedMaterial) {
        if let Ok(KeyRef::Arn(_, id)) = KeyRef::parse(deleted.key_arn.as_str()) {
            self.inner.materials.forget(&id);
        }
    }

    /// Deletes imported material whose date has come. Returns of how many keys.
    pub(crate) async fn delete_expired(&self) -> Result<u64, Error> {
        let (layout, records, now) = (&self.inner.layout, &self.inner.records, self.now());
        let later = layout.due_imports().then_time(Timestamp::from_millis(now.as_millis().saturating_add(1)));
        let mut walk = records.walk(Scan::prefix(&layout.due_imports()).below(&later));
        let (mut expired, mut damaged) = (0, None);
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (index, entry) in page {
                match self.expire_entry(entry.map_err(storage), &index, now).await {
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
    async fn expire_entry(
        &self,
        entry: Result<TrustedRecord, Error>,
        index: &Key,
        now: Timestamp,
    ) -> Result<bool, Error> {
        entry?;
        let id = KeyId::parse(&last_segment(index).unwrap_or_default())?;
        for _ in 0..ATTEMPTS {
            let mut batch = self.inner.records.batch();
            let Some(mut key) = self.find_now(&id).await? else {
                batch.delete(index, Expect::Any);
                self.commit(batch).await?;
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
                batch.delete(&self.inner.layout.material(&id, *number), Expect::Any);
            }
            self.move_expiry(&key, &mut batch, before);
            if gone.is_empty() {
                batch.delete(index, Expect::Any);
            }
            self.inner.materials.forget(&id);
            match self.commit_key(&key, batch).await {
                Ok(_) => return Ok(!gone.is_empty()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    /// What is wrong with what is known of a key's imported material.
    pub(crate) async fn verify_imports(
        &self,
        key: &StoredKey,
        report: &mut strongroom_root::Report,
    ) -> Result<(), Error> {
        if !key.is_external() {
            return Ok(());
        }
        if let Some(date) = key.next_expiry() {
            let due = self.inner.layout.due_import(date, &key.id);
            if self.inner.records.get(&due).await.is_ok_and(|entry| entry.is_none()) {
                report.problem(
                    &key.id,
                    "imported material goes at a date but is missing in the index of what is due",
                );
            }
        }
        for generation in &key.record.generations {
            report.check();
            let place = self.inner.layout.import_mark(&key.id, generation.number);
            match self.inner.records.get(&place).await {
                Ok(Some(stored)) => {
                    if let Err(error) = self.inner.records.unseal(&place, &stored.content) {
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

    pub(crate) async fn parameters_for_import(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
    ) -> Result<ImportParameters, Error> {
        let key = self.resolve_managed(cx, key, Operation::GetParametersForImport).await?;
        let asked = RequestFacts::nothing()
            .with("kms:WrappingAlgorithm", algorithm.as_str())
            .with("kms:WrappingKeySpec", spec.as_str());
        self.permit(cx, &key, Operation::GetParametersForImport, &asked).await?;
        must_be_external(&key)?;
        self.new_parameters(&key, algorithm, spec).await
    }

    pub(crate) async fn import_wrapped(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        request.check(self.now())?;
        // All that is wrong with the key comes before what is wrong with the token.
        let stored = self.resolve_managed(cx, key, Operation::ImportKeyMaterial).await?;
        self.permit(cx, &stored, Operation::ImportKeyMaterial, &asked_of(request)).await?;
        must_be_external(&stored)?;
        let material = self.unwrap_arrival(&stored, request)?;
        self.import(cx, key, &material, request).await
    }
}

#[cfg(test)]
mod tests {
    use strongroom_kms::{KeySpec, KeyState};
    use strongroom_records::Revision;
    use strongroom_types::Realm;

    use super::*;
    use crate::layout::KeyRecord;

    fn key(generations: Vec<Generation>) -> StoredKey {
        let id = KeyId::parse("12345678-1234-1234-1234-123456789012").unwrap();
        let record = KeyRecord {
            id: id.to_string(),
            description: String::new(),
            state: "Enabled".into(),
            created: 0,
            deletion_date: None,
            spec: None,
            origin: Some("EXTERNAL".into()),
            service: None,
            generations,
            on_demand_rotations: 0,
            rotation: None,
            tags: Vec::new(),
            policy: None,
            policy_ids: Default::default(),
            grants: 0,
            unknown: UnknownMembers::default(),
        };
        let arn = id.arn(&Realm::default());
        StoredKey::new(id, arn, KeyState::Enabled, KeySpec::SymmetricDefault, record, Revision(1))
    }

    fn generation(number: u32, present: bool, expires: Option<i64>, pending: bool) -> Generation {
        let imported = Some(Imported { present, expires, pending, ..Imported::default() });
        let unknown = UnknownMembers::default();
        let material_id = "".into();
        Generation { number, material_id, created: 0, automatic: false, imported, retired: false, unknown }
    }

    #[test]
    fn a_key_waits_while_anything_that_it_uses_is_missing() {
        let now = Timestamp::from_millis(10);
        for (generations, expected) in [
            (vec![], KeyState::PendingImport),
            (vec![generation(1, true, None, false)], KeyState::Enabled),
            (vec![generation(1, false, None, false)], KeyState::PendingImport),
            (vec![generation(1, true, Some(10), false)], KeyState::PendingImport),
            (vec![generation(1, true, Some(11), false)], KeyState::Enabled),
            (vec![generation(1, true, None, false), generation(2, false, None, true)], KeyState::Enabled),
            (
                vec![generation(1, false, None, false), generation(2, true, None, false)],
                KeyState::PendingImport,
            ),
        ] {
            assert_eq!(key(generations.clone()).state_at(now), expected, "{generations:?}");
        }
        let mut disabled = key(vec![generation(1, true, None, false)]);
        disabled.state = KeyState::Disabled;
        assert_eq!(disabled.state_at(now), KeyState::Disabled);
        let mut going = key(vec![]);
        going.state = KeyState::PendingDeletion;
        assert_eq!(going.state_at(now), KeyState::PendingDeletion);
    }

    #[test]
    fn what_waits_for_a_rotation_does_not_encrypt() {
        let key = key(vec![generation(1, true, None, false), generation(2, true, None, true)]);
        assert_eq!(key.newest().unwrap().number, 1);
        assert_eq!(key.next_number(), 3);
    }
}
