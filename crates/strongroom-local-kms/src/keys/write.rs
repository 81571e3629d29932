//! Writing keys.

use strongroom_envelope::{random_array, random_uuid};
use strongroom_kms::{
    AliasName, Error, KeyId, KeyOrigin, KeySpec, KeyState, KeyTag, RotationPeriod, random_bytes,
};
use strongroom_records::{Expect, Revision};
use strongroom_root::{TrustedBatch, UnknownMembers};

use crate::document::NewPolicy;
use crate::layout::{AliasRecord, Generation, KeyRecord, Schedule, StoredKey, encode};
use crate::parts::{Parts, after_days, material_id};

/// A key to be made.
pub(crate) struct NewKey<'a> {
    pub(crate) description: &'a str,
    pub(crate) spec: KeySpec,
    pub(crate) tags: &'a [KeyTag],
    pub(crate) multi_region: bool,
    /// The name of the service whose key it is.
    pub(crate) service: Option<&'a str>,
    pub(crate) alias: Option<&'a AliasName>,
    /// Checked; the default when absent.
    pub(crate) policy: Option<NewPolicy>,
    /// Its material will be imported.
    pub(crate) external: bool,
}

/// Writes the records of keys.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a>(pub(crate) &'a Parts);

impl Writer<'_> {
    /// Writes a key with its first material, and its alias where it is a service's.
    pub(crate) async fn commit_new_key(self, new: NewKey<'_>) -> Result<StoredKey, Error> {
        let (layout, records) = (&self.0.inner.layout, &self.0.inner.records);
        let id = if new.multi_region {
            KeyId::from_bytes(random_array()?, true)
        } else {
            KeyId::parse(&random_uuid()?)?
        };
        let now = self.0.now().as_millis();
        let first = Generation {
            number: 1,
            material_id: material_id()?,
            created: now,
            automatic: false,
            imported: None,
            retired: false,
            unknown: UnknownMembers::default(),
        };
        // What a service manages rotates every year, and nobody can stop it.
        let period_days = RotationPeriod::DEFAULT;
        let next = after_days(self.0.now(), period_days).as_millis();
        let rotation =
            new.service.map(|_| Schedule { period_days, next, unknown: UnknownMembers::default() });
        let (policy, policy_ids) = match new.policy {
            Some(policy) => (Some(policy.text), policy.ids),
            None => Default::default(),
        };
        let record = KeyRecord {
            id: id.to_string(),
            description: new.description.to_owned(),
            state: KeyState::Enabled.to_string(),
            spec: (new.spec != KeySpec::SymmetricDefault).then(|| new.spec.to_string()),
            created: now,
            deletion_date: None,
            service: new.service.map(str::to_owned),
            generations: if new.external { Vec::new() } else { vec![first] },
            origin: new.external.then(|| KeyOrigin::External.to_string()),
            on_demand_rotations: 0,
            rotation: rotation.clone(),
            tags: new.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            policy,
            policy_ids,
            grants: 0,
            unknown: UnknownMembers::default(),
        };
        let mut batch = records.batch();
        if !new.external {
            self.put_material(&mut batch, &id, 1, new.spec)?;
        }
        batch.put(&layout.key(&id), &encode(&record)?, Expect::Absent);
        if let Some(schedule) = rotation {
            batch.put(&layout.due_rotation(schedule.next, &id), b"", Expect::Any);
        }
        if let Some(name) = new.alias {
            let unknown = UnknownMembers::default();
            let alias = AliasRecord { target: id.to_string(), created: now, updated: now, unknown };
            batch.put(&layout.alias(name), &encode(&alias)?, Expect::Absent);
            batch.put(&layout.key_alias(&id, name), b"", Expect::Absent);
        }
        let revision = self.0.commit(batch).await?;
        let arn = id.arn(self.0.realm());
        Ok(StoredKey::new(id, arn, KeyState::Enabled, new.spec, record, revision))
    }

    pub(crate) fn put_material(
        self,
        batch: &mut TrustedBatch,
        id: &KeyId,
        generation: u32,
        spec: KeySpec,
    ) -> Result<(), Error> {
        let place = self.0.inner.layout.material(id, generation);
        let material = random_bytes(spec.material_len())?;
        batch.put_secret(&place, &material, Expect::Absent);
        Ok(())
    }

    /// Commits a changed key's record with what goes with it, on the condition that it is as it was
    /// read.
    pub(crate) async fn commit_key(
        self,
        key: &StoredKey,
        mut batch: TrustedBatch,
    ) -> Result<Revision, Error> {
        batch.put(&self.0.inner.layout.key(&key.id), &encode(&key.record)?, Expect::At(key.revision));
        self.0.commit(batch).await
    }
}
