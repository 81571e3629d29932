//! The records of the key service: where they are and what they hold.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use strongroom_kms::{
    AliasName, Error, ErrorKind, ExpirationModel, KeyId, KeyManager, KeyMetadata, KeyOrigin, KeySpec,
    KeyState,
};
use strongroom_policy::Policy;
use strongroom_records::{Key, Revision};
use strongroom_root::{TrustedRecord, UnknownMembers};
use strongroom_types::{Arn, Realm, Timestamp};

/// A key's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) state: String,
    pub(crate) created: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) deletion_date: Option<i64>,
    /// What it is made of; absent for a symmetric key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) spec: Option<String>,
    /// Where its material comes from; absent for what is made here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) origin: Option<String>,
    /// The service whose managed key this is: `secretsmanager`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) service: Option<String>,
    /// Oldest first; none only where material is yet to be imported.
    pub(crate) generations: Vec<Generation>,
    pub(crate) on_demand_rotations: u32,
    /// How often the key rotates by itself, and when next; absent unless it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) rotation: Option<Schedule>,
    /// In the order they were added.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) tags: Vec<(String, String)>,
    /// The key policy as it was put; absent for the default, and for a managed key's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) policy: Option<String>,
    /// The unique ids of those whom it names, of the moment it was put.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(crate) policy_ids: BTreeMap<String, String>,
    /// How many grants there are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub(crate) grants: u32,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// When a key rotates by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) period_days: u16,
    pub(crate) next: i64,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A generation of key material. The material itself has a record of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) material_id: Arc<str>,
    pub(crate) created: i64,
    /// Whether the schedule made it; else it is the first, or a request's.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) automatic: bool,
    /// What is known of imported material.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) imported: Option<Imported>,
    /// Its material was destroyed, and it is only remembered that there was one.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) retired: bool,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// Imported material.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Imported {
    /// It is there; else it was deleted, or went at its date.
    pub(crate) present: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) expires: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) description: Option<String>,
    /// It waits for a rotation.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) pending: bool,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl Generation {
    /// Whether it has ever been the newest: the one that encrypts.
    pub(crate) fn is_in_use(&self) -> bool {
        self.imported.as_ref().is_none_or(|imported| !imported.pending)
    }

    /// Whether its material is there at this moment.
    pub(crate) fn is_present(&self, now: Timestamp) -> bool {
        self.imported.as_ref().is_none_or(|imported| {
            imported.present && imported.expires.is_none_or(|date| date > now.as_millis())
        })
    }
}

/// An alias's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) target: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A key as it was read.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey {
    pub(crate) id: KeyId,
    pub(crate) arn: Arn,
    pub(crate) state: KeyState,
    pub(crate) spec: KeySpec,
    pub(crate) record: KeyRecord,
    pub(crate) revision: Revision,
    /// The policy, read when it is first asked.
    pub(crate) policy: Arc<OnceLock<Policy>>,
}

impl StoredKey {
    pub(crate) fn new(
        id: KeyId,
        arn: Arn,
        state: KeyState,
        spec: KeySpec,
        record: KeyRecord,
        revision: Revision,
    ) -> Self {
        Self { id, arn, state, spec, record, revision, policy: Arc::default() }
    }

    pub(crate) fn parse(stored: &TrustedRecord, realm: &Realm) -> Result<Self, Error> {
        let record: KeyRecord = decode(stored)?;
        let damaged = || {
            Error::new(ErrorKind::Tampered, "the key's record is not readable").with("record", &stored.key)
        };
        let id = KeyId::parse(&record.id).map_err(|_| damaged())?;
        let state = KeyState::from_word(&record.state).ok_or_else(damaged)?;
        let spec = match &record.spec {
            Some(spec) => KeySpec::from_word(spec).ok_or_else(damaged)?,
            None => KeySpec::SymmetricDefault,
        };
        let arn = id.arn(realm);
        let key = Self::new(id, arn, state, spec, record, stored.revision);
        let known = matches!(key.record.origin.as_deref(), None | Some("EXTERNAL"));
        if !known || (key.record.generations.is_empty() && !key.is_external()) {
            return Err(damaged());
        }
        Ok(key)
    }

    pub(crate) fn is_external(&self) -> bool {
        self.record.origin.is_some()
    }

    pub(crate) fn origin(&self) -> KeyOrigin {
        if self.is_external() { KeyOrigin::External } else { KeyOrigin::AwsKms }
    }

    /// The state at a moment: a key whose imported material is not all there waits for it.
    pub(crate) fn state_at(&self, now: Timestamp) -> KeyState {
        let lacks = || {
            self.newest().is_err()
                || self
                    .record
                    .generations
                    .iter()
                    .any(|generation| generation.is_in_use() && !generation.is_present(now))
        };
        match self.state {
            KeyState::Enabled | KeyState::Disabled if self.is_external() && lacks() => {
                KeyState::PendingImport
            }
            state => state,
        }
    }

    /// The generation that encrypts.
    pub(crate) fn newest(&self) -> Result<&Generation, Error> {
        self.record
            .generations
            .iter()
            .rev()
            .find(|generation| generation.is_in_use())
            .ok_or_else(|| Error::new(ErrorKind::InvalidState, format!("{} is pending import.", self.arn)))
    }

    /// The number of a generation to come.
    pub(crate) fn next_number(&self) -> u32 {
        self.record.generations.last().map_or(1, |last| last.number + 1)
    }

    pub(crate) fn generation(&self, number: u32) -> Option<&Generation> {
        self.record.generations.iter().find(|generation| generation.number == number)
    }

    pub(crate) fn metadata(&self, realm: &Realm, now: Timestamp) -> KeyMetadata {
        let created = Timestamp::from_millis(self.record.created);
        let mut metadata = KeyMetadata::new(self.id.clone(), self.arn.clone(), realm.account(), created);
        metadata.description.clone_from(&self.record.description);
        metadata.state = self.state_at(now);
        metadata.origin = self.origin();
        metadata.deletion_date = self.record.deletion_date.map(Timestamp::from_millis);
        metadata.manager = if self.record.service.is_some() { KeyManager::Aws } else { KeyManager::Customer };
        (metadata.spec, metadata.usage) = (self.spec, self.spec.usage());
        if self.spec == KeySpec::SymmetricDefault {
            metadata.current_key_material_id =
                self.newest().ok().map(|newest| newest.material_id.to_string());
        }
        let newest = self.newest().ok().filter(|newest| newest.is_present(now));
        if let Some(imported) = newest.and_then(|newest| newest.imported.as_ref()) {
            metadata.valid_to = imported.expires.map(Timestamp::from_millis);
            metadata.expiration = Some(match imported.expires {
                Some(_) => ExpirationModel::Expires,
                None => ExpirationModel::DoesNotExpire,
            });
        }
        metadata
    }
}

pub(crate) fn decode<T: DeserializeOwned>(stored: &TrustedRecord) -> Result<T, Error> {
    serde_json::from_slice(&stored.content).map_err(|_| {
        Error::new(ErrorKind::Tampered, "the record is not readable").with("record", &stored.key)
    })
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "the record cannot be written").because(error))
}

/// Where the records are.
#[derive(Clone, Debug)]
pub(crate) struct Layout(pub(crate) Realm);

impl Layout {
    fn under(&self, kind: &str) -> Key {
        Key::realm(&self.0).then(kind)
    }

    pub(crate) fn keys(&self) -> Key {
        self.under("key")
    }

    pub(crate) fn key(&self, id: &KeyId) -> Key {
        self.keys().then(id.as_str())
    }

    pub(crate) fn materials(&self, id: &KeyId) -> Key {
        self.under("material").then(id.as_str())
    }

    pub(crate) fn material(&self, id: &KeyId, generation: u32) -> Key {
        self.materials(id).then_number(u64::from(generation))
    }

    /// What tells imported material again: its digest, sealed.
    pub(crate) fn import_marks(&self, id: &KeyId) -> Key {
        self.under("import-mark").then(id.as_str())
    }

    pub(crate) fn import_mark(&self, id: &KeyId, generation: u32) -> Key {
        self.import_marks(id).then_number(u64::from(generation))
    }

    /// Imported material by the date it goes at.
    pub(crate) fn due_imports(&self) -> Key {
        self.under("due").then("import")
    }

    pub(crate) fn due_import(&self, date: i64, id: &KeyId) -> Key {
        self.due_imports().then_time(Timestamp::from_millis(date)).then(id.as_str())
    }

    pub(crate) fn aliases(&self) -> Key {
        self.under("alias")
    }

    pub(crate) fn alias(&self, name: &AliasName) -> Key {
        self.aliases().then(name.as_str())
    }

    pub(crate) fn key_aliases(&self, id: &KeyId) -> Key {
        self.under("key-alias").then(id.as_str())
    }

    pub(crate) fn key_alias(&self, id: &KeyId, name: &AliasName) -> Key {
        self.key_aliases(id).then(name.as_str())
    }

    /// A place that no record has: what is sealed for it is given out, not stored.
    pub(crate) fn token_place(&self, kind: &str) -> Key {
        self.under("token").then(kind)
    }

    pub(crate) fn grants(&self, id: &KeyId) -> Key {
        self.under("grant").then(id.as_str())
    }

    pub(crate) fn grant(&self, id: &KeyId, grant: &str) -> Key {
        self.grants(id).then(grant)
    }

    /// The grants of a key for one grantee.
    pub(crate) fn grants_for(&self, id: &KeyId, grantee: &str) -> Key {
        self.under("grant-for").then(id.as_str()).then(grantee)
    }

    pub(crate) fn grant_for(&self, id: &KeyId, grantee: &str, grant: &str) -> Key {
        self.grants_for(id, grantee).then(grant)
    }

    /// The grants that one principal may retire.
    pub(crate) fn retirable(&self, retiring: &str) -> Key {
        self.under("grant-retirable").then(retiring)
    }

    pub(crate) fn retirable_grant(&self, retiring: &str, id: &KeyId, grant: &str) -> Key {
        self.retirable(retiring).then(id.as_str()).then(grant)
    }

    /// Which grant a named request made, by what it asked for.
    pub(crate) fn named_grant(&self, id: &KeyId, digest: &str) -> Key {
        self.under("grant-named").then(id.as_str()).then(digest)
    }

    pub(crate) fn due_keys(&self) -> Key {
        self.under("due").then("key")
    }

    /// Keys that rotate by themselves, by date.
    pub(crate) fn due_rotations(&self) -> Key {
        self.under("due").then("rotation")
    }

    pub(crate) fn due_rotation(&self, next: i64, id: &KeyId) -> Key {
        self.due_rotations().then_time(Timestamp::from_millis(next)).then(id.as_str())
    }

    pub(crate) fn due_key(&self, date: Timestamp, id: &KeyId) -> Key {
        self.due_keys().then_time(date).then(id.as_str())
    }
}

/// The last segment of a key as text.
pub(crate) fn last_segment(key: &Key) -> Option<String> {
    key.segments()?.pop().and_then(|segment| String::from_utf8(segment).ok())
}
