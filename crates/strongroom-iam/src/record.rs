//! The records of identities and policies: where they are and what they hold.

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
    /// Inline policies: name and document, by name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) inline: Vec<(String, String)>,
    /// The ARNs of managed policies, in the order they were attached.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) attached: Vec<String>,
    /// Who may take the role on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) trust: Option<String>,
    /// Unique ids of those whom that document names, of the moment it was put.
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
    /// How many identities have it, as a policy or as their boundary.
    #[serde(default)]
    pub(crate) attachments: u32,
    /// How many of these have it as their boundary, as far as it was counted apart.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub(crate) boundaries: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) tags: Vec<(String, String)>,
    /// The version that `document` is.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub(crate) version: u32,
    /// When that version was made; absent where it is as old as the policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) version_created: Option<i64>,
    /// The highest number a version ever had.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub(crate) latest: u32,
    /// The other versions, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) versions: Vec<VersionRecord>,
    /// What the version that `document` is has besides, and this version does not know.
    #[serde(skip_serializing_if = "UnknownMembers::is_empty", default)]
    pub(crate) version_members: UnknownMembers,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A version of a managed policy that does not count.
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

/// What limits everybody but the owner: name and document, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct GuardrailsRecord {
    pub(crate) guardrails: Vec<(String, String)>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// A record as it was read.
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

/// Where the records of one account's identities are, in the storage of a realm.
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

    /// Names differ by more than the case of their letters.
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

    /// Who has a unique id.
    pub(crate) fn id(&self, id: &str) -> Key {
        self.under("id").then(id)
    }

    pub(crate) fn access_keys(&self) -> Key {
        self.under("access-key")
    }

    /// An access key. Its secret lies below it.
    pub(crate) fn access_key(&self, id: &str) -> Key {
        self.access_keys().then(id)
    }

    /// What every change of the owner's access keys writes.
    /// Where the secret of an access key is stored.
    pub(crate) fn access_secret(&self, id: &str) -> Key {
        self.access_key(id).then("secret")
    }

    pub(crate) fn owner_keys(&self) -> Key {
        self.under("owner-keys")
    }

    /// A place that no record has: what is sealed for it is given out.
    pub(crate) fn session_token(&self) -> Key {
        self.under("session-token")
    }

    /// The ARN of a user, role or policy.
    pub(crate) fn arn(&self, kind: &str, path: &str, name: &str) -> Arn {
        Realm::new(self.account, self.realm.region().clone())
            .global_arn("iam", &format!("{kind}{path}{name}"))
    }
}
