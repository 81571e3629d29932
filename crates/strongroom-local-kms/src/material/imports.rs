//! Imported key material as it is stored.

use sha2::{Digest, Sha256};
use strongroom_envelope::SecretBytes;
use strongroom_kms::{Error, ErrorKind, ImportType, ImportedState, KeyUsage};
use strongroom_records::Expect;
use strongroom_root::{DueIndex, TrustedBatch, UnknownMembers};
use strongroom_types::Timestamp;
use subtle::ConstantTimeEq;

use crate::layout::{Generation, Imported, StoredKey};
use crate::parts::{Parts, material_id, storage};

/// What an import says of the material, once it is unwrapped.
pub(crate) struct Arrival<'a> {
    pub(crate) material: &'a SecretBytes,
    pub(crate) kind: Option<ImportType>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) description: Option<&'a str>,
    pub(crate) wanted: Option<&'a str>,
}

/// Not the material that the key had; AWS's text is unconfirmed.
pub(crate) fn incorrect() -> Error {
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

/// The material that waits for a rotation becomes the one that encrypts.
pub(crate) fn use_pending(key: &mut StoredKey, now: Timestamp) -> Result<(), Error> {
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

/// Puts imported material where it belongs.
#[derive(Clone, Copy)]
pub(crate) struct Arrivals<'a>(pub(crate) &'a Parts);

impl Arrivals<'_> {
    /// The generation whose material this is, if the key has had it.
    pub(crate) async fn known_material(
        self,
        key: &StoredKey,
        material: &SecretBytes,
    ) -> Result<Option<u32>, Error> {
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
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
    pub(crate) fn place(
        self,
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
        let place = self.0.inner.layout.material(&key.id, number);
        batch.put_secret(&place, arrival.material, Expect::Any);
        Ok(id)
    }

    /// A generation for material that the key has not had: its first, or one for its next rotation.
    fn add_imported(
        self,
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
            // Material past its date counts as gone, unless the clock is in doubt.
            let stored = generation.imported.as_ref().is_none_or(|imported| imported.present);
            if generation.is_present(self.0.now()) || (stored && !self.0.permit.may_destroy()) {
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
        let place = self.0.inner.layout.import_mark(&key.id, number);
        let digest = SecretBytes::copy_from(&Sha256::digest(arrival.material.expose()));
        batch.put_secret(&place, &digest, Expect::Any);
        key.record.generations.push(Generation {
            number,
            material_id,
            created: self.0.now().as_millis(),
            automatic: false,
            imported: Some(Imported { pending, ..Imported::default() }),
            retired: false,
            unknown: UnknownMembers::default(),
        });
        Ok(number)
    }

    /// Moves a key's entry in the index of what goes at a date.
    pub(crate) fn move_expiry(self, key: &StoredKey, batch: &mut TrustedBatch, before: Option<i64>) {
        let date = |millis: i64| Timestamp::from_millis(millis);
        let (from, to) = (before.map(date), key.next_expiry().map(date));
        self.due().move_entry(batch, key.id.as_str(), from, to);
    }

    /// When whose imported material expires.
    pub(crate) fn due(self) -> DueIndex {
        DueIndex::new(self.0.inner.layout.due_imports())
    }
}

#[cfg(test)]
mod tests {
    use strongroom_kms::{KeyId, KeySpec, KeyState};
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
