//! The records of identities and policies: their keys and contents.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use strongroom_records::{Key, Revision};
use strongroom_root::{TrustedRecord, UnknownMembers};
use strongroom_types::{AccountId, Arn, Realm, Timestamp};

use crate::{Error, ErrorKind, Identity, IdentityKind};

/// A user's or role's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) tags: Vec<(String, String)>,
    /// The ARN of a managed policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) boundary: Option<String>,
    /// Inline policies, name and document, sorted by name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) inline: Vec<(String, String)>,
    /// The ARNs of managed policies, in the order they were attached.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) attached: Vec<String>,
    /// The trust policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) trust: Option<String>,
    /// The unique ids of the users and roles that the trust policy named when it was put.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty", default)]
    pub(crate) trusted_ids: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) max_session_seconds: Option<u32>,
    /// The ids of a user's access keys.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) access_keys: Vec<String>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A managed policy's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) document: String,
    /// How many times it is attached, as a policy or as the boundary.
    #[serde(default)]
    pub(crate) attachments: u32,
    /// How many of these are boundaries. Records of earlier versions did not count them separately.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub(crate) boundaries: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) tags: Vec<(String, String)>,
    /// The number of the version in `document`.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub(crate) version: u32,
    /// When that version was created; absent if it is as old as the policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) version_created: Option<i64>,
    /// The highest version number so far.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub(crate) latest: u32,
    /// The other versions, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) versions: Vec<VersionRecord>,
    /// Members of the default version's record that this release does not know.
    #[serde(skip_serializing_if = "UnknownMembers::is_empty", default)]
    pub(crate) version_members: UnknownMembers,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A version of a managed policy that is not the default.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) number: u32,
    pub(crate) created: i64,
    pub(crate) document: String,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl VersionRecord {
    pub(crate) fn new(number: u32, created: i64, document: &str) -> Self {
        Self { number, created, document: document.to_owned(), unknown: UnknownMembers::default() }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

fn one() -> u32 {
    1
}

/// The guardrails, name and document, sorted by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct GuardrailsRecord {
    pub(crate) guardrails: Vec<(String, String)>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A parsed record with its key and revision.
#[derive(Clone, Debug)]
pub(crate) struct Stored<T> {
    pub(crate) record: T,
    pub(crate) revision: Revision,
}

impl<T: DeserializeOwned> Stored<T> {
    pub(crate) fn parse(stored: &TrustedRecord) -> Result<Self, Error> {
        let record = serde_json::from_slice(&stored.content).map_err(|_| {
            Error::new(ErrorKind::Tampered, "the record is not readable").with("record", &stored.key)
        })?;
        Ok(Self { record, revision: stored.revision })
    }
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(record)
        .map_err(|error| Error::new(ErrorKind::Internal, "the record cannot be written").because(error))
}

impl IdentityRecord {
    pub(crate) fn to_identity(&self, kind: IdentityKind, layout: &Layout) -> Identity {
        Identity {
            kind,
            name: self.name.clone(),
            path: self.path.clone(),
            id: self.id.clone(),
            arn: layout.arn(kind.as_str(), &self.path, &self.name),
            created: Timestamp::from_millis(self.created),
            description: self.description.clone(),
            tags: self.tags.clone(),
            boundary: self.boundary.clone(),
            trust: self.trust.clone(),
            max_session_seconds: self.max_session_seconds,
        }
    }
}

/// The keys of one account's records, in the storage of a realm.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) realm: Realm,
    pub(crate) account: AccountId,
}

impl Layout {
    pub(crate) fn accounts(&self) -> Key {
        Key::realm(&self.realm).then("iam")
    }

    fn under(&self, kind: &str) -> Key {
        self.accounts().then(self.account.as_str()).then(kind)
    }

    pub(crate) fn identities(&self, kind: IdentityKind) -> Key {
        self.under(kind.as_str())
    }

    /// Names are compared ignoring case, so the key is in lower case.
    pub(crate) fn identity(&self, kind: IdentityKind, name: &str) -> Key {
        self.identities(kind).then(name.to_ascii_lowercase())
    }

    pub(crate) fn policies(&self) -> Key {
        self.under("policy")
    }

    pub(crate) fn policy(&self, name: &str) -> Key {
        self.policies().then(name.to_ascii_lowercase())
    }

    pub(crate) fn guardrails(&self) -> Key {
        self.under("guardrails")
    }

    /// Maps a unique id to its user or role.
    pub(crate) fn id(&self, id: &str) -> Key {
        self.under("id").then(id)
    }

    pub(crate) fn access_keys(&self) -> Key {
        self.under("access-key")
    }

    /// An access key. Its secret is stored below this key.
    pub(crate) fn access_key(&self, id: &str) -> Key {
        self.access_keys().then(id)
    }

    /// What every change of the owner's access keys writes. The secret of an access key.
    pub(crate) fn access_secret(&self, id: &str) -> Key {
        self.access_key(id).then("secret")
    }

    pub(crate) fn owner_keys(&self) -> Key {
        self.under("owner-keys")
    }

    /// No record is stored under this key. Session tokens are sealed for it and handed to callers.
    pub(crate) fn session_token(&self) -> Key {
        self.under("session-token")
    }

    /// The ARN of a user, role or policy.
    pub(crate) fn arn(&self, kind: &str, path: &str, name: &str) -> Arn {
        Realm::new(self.account, self.realm.region().clone())
            .global_arn("iam", &format!("{kind}{path}{name}"))
    }
}
