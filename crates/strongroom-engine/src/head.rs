//! A secret's head record: everything but the values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use strongroom_records::{Key, Revision};
use strongroom_root::{TrustedRecord, UnknownMembers};
use strongroom_store::{
    Error, ErrorKind, Labels, SecretArn, SecretMetadata, SecretRef, Stage, Tag, VersionId, VersionMetadata,
};
use strongroom_types::{Arn, Realm, Timestamp};

use crate::error::damaged;

/// The shortest recovery window, seven days, in milliseconds.
const SHORTEST_WINDOW: i64 = 7 * 24 * 60 * 60 * 1000;

/// What stands in the head record, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) name: String,
    /// The six characters of the ARN.
    pub(crate) suffix: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) description: Option<String>,
    /// As the user gave it; absent for the managed key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) kms_key_id: Option<String>,
    /// Absent until the first tag; then a list, maybe empty.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) tags: Option<Vec<(String, String)>>,
    pub(crate) created: i64,
    pub(crate) changed: i64,
    /// The day on which any value was last read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) accessed: Option<i64>,
    /// When the recovery window ends; from then on it may be purged. Absent unless it is marked for
    /// deletion.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) deleted: Option<i64>,
    /// When the deletion was requested. Also absent if an earlier version marked it: see
    /// [`Head::marked`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) deletion_requested: Option<i64>,
    /// The service that made and manages it; absent for a customer's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) owning_service: Option<String>,
    /// Where the primary is; absent unless the secret is replicated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) primary_region: Option<String>,
    /// The resource policy, as it was put.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) policy: Option<String>,
    /// The unique ids of those whom it names, of the moment it was put.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(crate) policy_ids: BTreeMap<String, String>,
    /// In the order they were made.
    pub(crate) versions: Vec<Version>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
    /// Made once of name and suffix, which never change.
    #[serde(skip)]
    arn: OnceLock<Arn>,
}

/// A version, labelled or deprecated.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: VersionId,
    pub(crate) created: i64,
    /// The day on which its value was last read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) accessed: Option<i64>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub(crate) stages: BTreeSet<Stage>,
    /// Absent while a rotation has named the version but not yet given it a value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) sealed: Option<Sealed>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// What vouches for a version's value record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The digest of the value record, in hexadecimal: an older or another value does not pass for this one.
    pub(crate) digest: String,
    /// The ARN of the key that wrapped the data key.
    pub(crate) key: String,
    /// The generation of that key, where the key service tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) material: Option<String>,
    /// Whether that key is the service's managed one.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) managed: bool,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A head as it was read.
#[derive(Clone, Debug)]
pub(crate) struct StoredHead {
    pub(crate) head: Arc<Head>,
    pub(crate) revision: Revision,
}

impl StoredHead {
    pub(crate) fn parse(stored: &TrustedRecord) -> Result<Self, Error> {
        let head: Head = serde_json::from_slice(&stored.content)
            .map_err(|_| damaged(&stored.key, "the head is not readable"))?;
        Ok(Self { head: Arc::new(head), revision: stored.revision })
    }
}

/// Heads that were read before, each known by the digest of its record. So many at most; without plaintext.
#[derive(Default)]
pub(crate) struct Heads(Mutex<KnownHeads>);

/// By the key of the record: its digest, and what it says.
type KnownHeads = HashMap<Key, ([u8; 32], Arc<Head>)>;

impl Heads {
    const MOST: usize = 1024;
    /// Longer ones, of secrets with very many versions, are read anew each time.
    const LONGEST: usize = 16 * 1024;

    /// The head in a record.
    pub(crate) fn parse(&self, stored: &TrustedRecord) -> Result<StoredHead, Error> {
        let known = self.lock().get(&stored.key).filter(|(digest, _)| *digest == stored.digest).cloned();
        if let Some((_, head)) = known {
            return Ok(StoredHead { head, revision: stored.revision });
        }
        let parsed = StoredHead::parse(stored)?;
        if stored.content.len() <= Self::LONGEST {
            let mut known = self.lock();
            if known.len() >= Self::MOST {
                known.clear();
            }
            known.insert(stored.key.clone(), (stored.digest, Arc::clone(&parsed.head)));
        }
        Ok(parsed)
    }

    fn lock(&self) -> MutexGuard<'_, KnownHeads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Head {
    pub(crate) fn new(name: String, suffix: String, now: Timestamp) -> Self {
        let now = now.as_millis();
        Self {
            name,
            suffix,
            description: None,
            kms_key_id: None,
            tags: None,
            created: now,
            changed: now,
            accessed: None,
            deleted: None,
            deletion_requested: None,
            owning_service: None,
            primary_region: None,
            policy: None,
            policy_ids: BTreeMap::new(),
            versions: Vec::new(),
            unknown: UnknownMembers::default(),
            arn: OnceLock::new(),
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Internal, "the head cannot be written").because(error))
    }

    /// Its ARN, in the realm of its store.
    pub(crate) fn arn(&self, realm: &Realm) -> &Arn {
        self.arn.get_or_init(|| SecretArn::of(realm, &self.name, &self.suffix))
    }

    pub(crate) fn reference(&self, realm: &Realm) -> SecretRef {
        SecretRef { arn: self.arn(realm).clone(), name: self.name.clone() }
    }

    pub(crate) fn version(&self, id: &VersionId) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == *id)
    }

    /// The version that holds `stage`.
    pub(crate) fn holder(&self, stage: &Stage) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    pub(crate) fn labels(&self) -> Labels {
        Labels::from_versions(
            self.versions.iter().map(|version| (version.id.clone(), version.stages.clone())),
        )
    }

    /// Takes over the labels that a rule decided. Versions that the rule did not know keep none.
    pub(crate) fn set_labels(&mut self, labels: &Labels) {
        for version in &mut self.versions {
            version.stages = labels.of(&version.id).cloned().unwrap_or_default();
        }
    }

    /// The last change moves forward with every change, also when the clock does not.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.changed = now.as_millis().max(self.changed.saturating_add(1));
    }

    /// Marks it for deletion at the end of a window, or takes the mark away.
    pub(crate) fn mark(&mut self, until: Option<Timestamp>, now: Timestamp) {
        self.deleted = until.map(Timestamp::as_millis);
        self.deletion_requested = until.map(|_| now.as_millis());
    }

    /// When it was marked for deletion. If that is not stored, its last change: nothing changes a
    /// secret that is marked. No window is shorter than seven days.
    fn marked(&self) -> Option<Timestamp> {
        let until = self.deleted?;
        let change = || self.changed.min(until.saturating_sub(SHORTEST_WINDOW));
        Some(Timestamp::from_millis(self.deletion_requested.unwrap_or_else(change)))
    }

    pub(crate) fn tag_list(&self) -> Option<Vec<Tag>> {
        self.tags.as_ref().map(|tags| tags.iter().map(|(key, value)| Tag::new(key, value)).collect())
    }

    pub(crate) fn metadata(&self, realm: &Realm) -> SecretMetadata {
        let created = Timestamp::from_millis(self.created);
        let mut metadata = SecretMetadata::new(self.arn(realm).clone(), self.name.clone(), created);
        // Earlier versions kept an empty one.
        metadata.description = self.description.clone().filter(|text| !text.is_empty());
        metadata.kms_key_id.clone_from(&self.kms_key_id);
        metadata.tags = self.tag_list();
        metadata.last_changed = Timestamp::from_millis(self.changed);
        metadata.last_accessed = self.accessed.map(Timestamp::from_millis);
        metadata.owning_service.clone_from(&self.owning_service);
        metadata.primary_region.clone_from(&self.primary_region);
        metadata.deleted = self.marked();
        metadata.versions = self
            .versions
            .iter()
            .filter(|version| !version.stages.is_empty())
            .map(|version| (version.id.clone(), version.stages.clone()))
            .collect::<BTreeMap<_, _>>();
        metadata
    }
}

impl Version {
    pub(crate) fn new(id: VersionId, created: i64, stages: BTreeSet<Stage>, sealed: Option<Sealed>) -> Self {
        Self { id, created, accessed: None, stages, sealed, unknown: UnknownMembers::default() }
    }

    pub(crate) fn metadata(&self) -> VersionMetadata {
        let mut metadata = VersionMetadata::new(self.id.clone(), Timestamp::from_millis(self.created));
        metadata.stages.clone_from(&self.stages);
        metadata.last_accessed = self.accessed.map(Timestamp::from_millis);
        metadata.kms_key_ids = self
            .sealed
            .iter()
            .map(|sealed| if sealed.managed { "DefaultEncryptionKey".to_owned() } else { sealed.key.clone() })
            .collect();
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heads of earlier programs have an empty description and, marked for deletion, the end of the
    /// window only.
    #[test]
    fn what_earlier_programs_wrote_is_told_as_it_is_told_now() {
        let day = 24 * 60 * 60 * 1000;
        let read = |changed: i64, deleted: i64| -> SecretMetadata {
            let text = format!(
                r#"{{"name":"s","suffix":"AbCdEf","description":"","created":5,"changed":{changed},"deleted":{deleted},"versions":[]}}"#
            );
            serde_json::from_str::<Head>(&text).unwrap().metadata(&Realm::default())
        };
        let told = read(100, 100 + 10 * day);
        assert_eq!(told.deleted, Some(Timestamp::from_millis(100)), "nothing has changed it since");
        assert_eq!(told.description, None);
        // A change that cannot have been the mark is not taken for it.
        assert_eq!(read(9 * day, 10 * day).deleted, Some(Timestamp::from_millis(3 * day)));
    }

    #[test]
    fn the_mark_and_its_date_come_and_go_together() {
        let at = Timestamp::from_millis;
        let mut head = Head::new("s".into(), "AbCdEf".into(), at(1));
        head.mark(Some(at(9)), at(2));
        let stored = String::from_utf8(head.encode().unwrap()).unwrap();
        assert!(stored.contains(r#""deleted":9,"deletion_requested":2,"#), "{stored}");
        head.mark(None, at(3));
        let stored = String::from_utf8(head.encode().unwrap()).unwrap();
        assert!(!stored.contains("delet"), "{stored}");
    }
}
