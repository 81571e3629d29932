//! Access keys, with which callers sign their requests.

use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_policy::Context;
use strongroom_records::{Expect, Key};
use strongroom_root::{TrustedBatch, TrustedRecord, UnknownMembers};
use strongroom_types::{CallContext, Timestamp};

use crate::directory::{Directory, contended, no_identity};
use crate::error::storage;
use crate::names::{random_letters, unique_id};
use crate::{Error, ErrorKind, IdentityRef};

/// The maximum number of access keys that a user can have, and that the owner can create through
/// the API.
pub(crate) const MOST: usize = 2;

/// An access key. The secret is returned only once, when the key is created.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessKey {
    /// The id, `AKIA...`, which requests carry in plain text.
    pub id: String,
    /// The secret that signs requests.
    pub secret: SecretText,
    /// When it was created.
    pub created: Timestamp,
}

/// What is known about an access key. Never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessKeyInfo {
    /// The id, `AKIA...`, which requests carry in plain text.
    pub id: String,
    /// The user's name; `None` for a key of the owner.
    pub user: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// Whether requests signed with it are accepted.
    pub active: bool,
    /// Where a key of the owner comes from; `None` for a user's key, and for keys made by earlier
    /// versions.
    pub origin: Option<AccessKeyOrigin>,
}

/// Where an access key of the owner comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessKeyOrigin {
    /// Created by a server at its first start and stored in its file. There is at most one.
    Server,
    /// Given to a server from outside, by its environment or by the program that runs it. There is
    /// at most one.
    Environment,
    /// Created by a call of `CreateAccessKey`. There are at most two.
    Api,
}

impl AccessKeyOrigin {
    /// The origin as listings show it: `server`, `environment`, `api`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Environment => "environment",
            Self::Api => "api",
        }
    }
}

impl std::fmt::Display for AccessKeyOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The record of an access key. Its secret is stored in a separate record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessKeyRecord {
    pub(crate) id: String,
    /// The user; `None` for the owner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) user: Option<String>,
    pub(crate) created: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) origin: Option<AccessKeyOrigin>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) inactive: bool,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl AccessKeyRecord {
    pub(crate) fn into_info(self) -> AccessKeyInfo {
        AccessKeyInfo {
            id: self.id,
            user: self.user,
            created: Timestamp::from_millis(self.created),
            active: !self.inactive,
            origin: self.origin,
        }
    }
}

/// Generates an id and a secret.
pub(crate) fn fresh() -> Result<(String, SecretText), Error> {
    Ok((unique_id("AKIA")?[..20].to_owned(), random_letters(40)?))
}

pub(crate) fn no_key(id: &str) -> Error {
    Error::new(ErrorKind::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
}

pub(crate) fn too_many() -> Error {
    Error::new(ErrorKind::LimitExceeded, format!("Cannot exceed quota for AccessKeysPerUser: {MOST}"))
}

/// The access keys of users. Returned by [`Iam::access_keys`](crate::Iam::access_keys).
#[derive(Clone, Copy, Debug)]
pub struct AccessKeys<'a>(pub(crate) &'a Directory);

impl AccessKeys<'_> {
    /// Creates an access key for a user.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::LimitExceeded`] beyond two.
    pub async fn create(self, cx: &CallContext, user: &str) -> Result<AccessKey, Error> {
        let named = |error: Error| error.during("CreateAccessKey");
        let identity = IdentityRef::user(user);
        let (id, secret) = fresh().map_err(named)?;
        let created = self.0.now();
        for () in self.0.attempts(cx) {
            let found =
                self.0.permit_on(cx, "CreateAccessKey", &identity, &Context::new()).await.map_err(named)?;
            let mut found = found.ok_or_else(|| named(no_identity(&identity)))?;
            if found.record.access_keys.len() >= MOST {
                return Err(named(too_many()));
            }
            found.record.access_keys.push(id.clone());
            let mut batch = self.0.inner.records.batch();
            let place = self.0.layout.identity(identity.kind, &identity.name);
            self.0.put(&mut batch, &place, &found.record, Expect::At(found.revision)).map_err(named)?;
            let record = AccessKeyRecord {
                id: id.clone(),
                user: Some(user.to_owned()),
                created: created.as_millis(),
                origin: None,
                inactive: false,
                unknown: UnknownMembers::default(),
            };
            self.put_record(&mut batch, &record, &secret, Expect::Absent).map_err(named)?;
            if self.0.commit(batch).await.map_err(named)? {
                return Ok(AccessKey { id, secret, created });
            }
        }
        Err(named(contended()))
    }

    /// Writes a key and its secret. `expect` is the precondition on the key's record.
    pub(crate) fn put_record(
        self,
        batch: &mut TrustedBatch,
        record: &AccessKeyRecord,
        secret: &SecretText,
        expect: Expect,
    ) -> Result<(), Error> {
        // The two records are written and deleted together, so one condition covers both.
        let of_secret = if matches!(expect, Expect::Absent) { Expect::Absent } else { Expect::Any };
        self.0.put(batch, &self.0.layout.access_key(&record.id), record, expect)?;
        let secret = SecretBytes::copy_from(secret.expose().as_bytes());
        batch.put_secret(&self.0.layout.access_secret(&record.id), &secret, of_secret);
        Ok(())
    }

    pub(crate) async fn secret_of(self, id: &str) -> Result<SecretBytes, Error> {
        let place = self.0.layout.access_secret(id);
        let stored = self.0.inner.records.get(&place).await.map_err(storage)?;
        self.opened(&place, stored)
    }

    pub(crate) fn opened(self, place: &Key, stored: Option<TrustedRecord>) -> Result<SecretBytes, Error> {
        let stored = stored.ok_or_else(|| {
            Error::new(ErrorKind::Tampered, "the secret of an access key is missing").with("record", place)
        })?;
        self.0.inner.records.unseal(place, &stored.content).map_err(storage)
    }

    /// A user's access keys, in the order they were created.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn list(self, cx: &CallContext, user: &str) -> Result<Vec<AccessKeyInfo>, Error> {
        let named = |error: Error| error.during("ListAccessKeys");
        let identity = IdentityRef::user(user);
        let found =
            self.0.permit_on(cx, "ListAccessKeys", &identity, &Context::new()).await.map_err(named)?;
        let ids = found.ok_or_else(|| named(no_identity(&identity)))?.record.access_keys;
        let mut keys = Vec::with_capacity(ids.len());
        for id in ids {
            // A key that is deleted in the meantime is omitted.
            let found =
                self.0.read::<AccessKeyRecord>(&self.0.layout.access_key(&id)).await.map_err(named)?;
            keys.extend(found.map(|found| found.record.into_info()));
        }
        Ok(keys)
    }

    /// Activates or deactivates a user's access key. Requests signed with an inactive key are
    /// refused.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn set_active(self, cx: &CallContext, user: &str, id: &str, active: bool) -> Result<(), Error> {
        let named = |error: Error| error.during("UpdateAccessKey");
        let identity = IdentityRef::user(user);
        for () in self.0.attempts(cx) {
            let found =
                self.0.permit_on(cx, "UpdateAccessKey", &identity, &Context::new()).await.map_err(named)?;
            let found = found.ok_or_else(|| named(no_identity(&identity)))?;
            if !found.record.access_keys.iter().any(|known| known == id) {
                return Err(named(no_key(id)));
            }
            let place = self.0.layout.access_key(id);
            let mut key = self
                .0
                .read::<AccessKeyRecord>(&place)
                .await
                .map_err(named)?
                .ok_or_else(|| named(no_key(id)))?;
            key.record.inactive = !active;
            let mut batch = self.0.inner.records.batch();
            self.0.put(&mut batch, &place, &key.record, Expect::At(key.revision)).map_err(named)?;
            if self.0.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(contended()))
    }

    /// Deletes a user's access key. Requests signed with it are refused from then on.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete(self, cx: &CallContext, user: &str, id: &str) -> Result<(), Error> {
        let named = |error: Error| error.during("DeleteAccessKey");
        let identity = IdentityRef::user(user);
        for () in self.0.attempts(cx) {
            let found =
                self.0.permit_on(cx, "DeleteAccessKey", &identity, &Context::new()).await.map_err(named)?;
            let mut found = found.ok_or_else(|| named(no_identity(&identity)))?;
            let before = found.record.access_keys.len();
            found.record.access_keys.retain(|known| known != id);
            if found.record.access_keys.len() == before {
                return Err(named(no_key(id)));
            }
            let mut batch = self.0.inner.records.batch();
            let place = self.0.layout.identity(identity.kind, &identity.name);
            self.0.put(&mut batch, &place, &found.record, Expect::At(found.revision)).map_err(named)?;
            batch.delete(&self.0.layout.access_key(id), Expect::Any);
            batch.delete(&self.0.layout.access_secret(id), Expect::Any);
            if self.0.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(contended()))
    }
}
