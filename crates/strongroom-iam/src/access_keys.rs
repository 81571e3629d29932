//! Access keys: what callers sign their requests with.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_policy::Context;
use strongroom_records::{Expect, Key};
use strongroom_root::TrustedRecord;
use strongroom_types::{CallContext, Caller, Timestamp};

use crate::error::storage;
use crate::iam::{crowded, no_identity};
use crate::names::{random_letters, unique_id};
use crate::record::Stored;
use crate::{Error, ErrorKind, Iam, IdentityRef};

/// Credentials that were asked for a moment ago. Wiped when they go.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<HashMap<String, Recent>>);

struct Recent {
    /// How often this process had changed the directory, before they were read.
    commits: u64,
    asked: Instant,
    found: Arc<Credentials>,
}

/// So many are at hand at most.
const MOST_AT_HAND: usize = 256;
/// For so long another process's changes may go unnoticed. This one's are noticed at once.
const STALENESS: Duration = Duration::from_millis(100);

impl AtHand {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str, commits: u64) -> Option<Arc<Credentials>> {
        let all = self.lock();
        let recent = all.get(id)?;
        let fresh = recent.commits == commits && recent.asked.elapsed() < STALENESS;
        fresh.then(|| Arc::clone(&recent.found))
    }

    fn keep(&self, id: &str, recent: Recent) {
        let mut all = self.lock();
        if all.len() >= MOST_AT_HAND {
            all.clear();
        }
        all.insert(id.to_owned(), recent);
    }
}

/// The most access keys of a user.
const MOST: usize = 2;

/// An access key. The secret is told this once.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessKey {
    /// `AKIA...`, which requests carry in clear.
    pub id: String,
    /// What requests are signed with.
    pub secret: SecretText,
    /// When it was made.
    pub created: Timestamp,
}

/// What an access key stands for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// What requests are signed with.
    pub secret: SecretBytes,
    /// Who calls with it.
    pub context: CallContext,
}

/// An access key's record; its secret has one of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AccessKeyRecord {
    id: String,
    /// The user; nobody for the owner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user: Option<String>,
    created: i64,
}

impl Iam {
    fn access_secret(&self, id: &str) -> Key {
        self.layout.access_key(id).then("secret")
    }

    /// Makes an access key of a user.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::LimitExceeded`] beyond two.
    pub async fn create_access_key(&self, cx: &CallContext, user: &str) -> Result<AccessKey, Error> {
        let named = |error: Error| error.during("CreateAccessKey");
        let identity = IdentityRef::user(user);
        let (id, secret) =
            (unique_id("AKIA").map_err(named)?[..20].to_owned(), random_letters(40).map_err(named)?);
        let created = self.now();
        for () in self.attempts(cx) {
            let found =
                self.permit_on(cx, "CreateAccessKey", &identity, &Context::new()).await.map_err(named)?;
            let mut found = found.ok_or_else(|| named(no_identity(&identity)))?;
            if found.record.access_keys.len() >= MOST {
                let text = format!("Cannot exceed quota for AccessKeysPerUser: {MOST}");
                return Err(named(Error::new(ErrorKind::LimitExceeded, text)));
            }
            found.record.access_keys.push(id.clone());
            let mut batch = self.inner.records.batch();
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision)).map_err(named)?;
            self.put_access_key(&mut batch, &id, Some(user), &secret, created).map_err(named)?;
            if self.commit(batch).await.map_err(named)? {
                return Ok(AccessKey { id, secret, created });
            }
        }
        Err(named(crowded()))
    }

    fn put_access_key(
        &self,
        batch: &mut strongroom_root::TrustedBatch,
        id: &str,
        user: Option<&str>,
        secret: &SecretText,
        created: Timestamp,
    ) -> Result<(), Error> {
        let user = user.map(str::to_owned);
        let record = AccessKeyRecord { id: id.to_owned(), user, created: created.as_millis() };
        self.put(batch, &self.layout.access_key(id), &record, Expect::Absent)?;
        let secret = SecretBytes::copy_from(secret.expose().as_bytes());
        batch.put_secret(&self.access_secret(id), &secret, Expect::Absent);
        Ok(())
    }

    /// Gives the owner an access key: the one given, or a fresh one. Fine where it has it already. Only the owner may do it.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for an id that is not 16 to 128 letters, digits and `_`, or an empty secret;
    /// [`ErrorKind::AlreadyExists`] where it stands for somebody else, or for another secret.
    pub async fn put_owner_access_key(
        &self,
        cx: &CallContext,
        given: Option<(String, SecretText)>,
    ) -> Result<AccessKey, Error> {
        let named = |error: Error| error.during("CreateAccessKey");
        self.owner_only(cx, "CreateAccessKey")?;
        let (id, secret) = match given {
            Some(given) => given,
            None => (unique_id("AKIA").map_err(named)?[..20].to_owned(), random_letters(40).map_err(named)?),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !(16..=128).contains(&id.len()) || !id.bytes().all(plain) || secret.expose().is_empty() {
            let text = "an access key id has 16 to 128 letters, digits and _, and its secret is not empty";
            return Err(named(Error::new(ErrorKind::Validation, text)));
        }
        let created = self.now();
        if let Some(known) =
            self.read::<AccessKeyRecord>(&self.layout.access_key(&id)).await.map_err(named)?
        {
            let same = known.record.user.is_none()
                && self.secret_of(&id).await.map_err(named)?
                    == SecretBytes::copy_from(secret.expose().as_bytes());
            if same {
                return Ok(AccessKey { id, secret, created: Timestamp::from_millis(known.record.created) });
            }
            let text = format!("the access key {id} stands for something else already");
            return Err(named(Error::new(ErrorKind::AlreadyExists, text)));
        }
        let mut batch = self.inner.records.batch();
        self.put_access_key(&mut batch, &id, None, &secret, created).map_err(named)?;
        if self.commit(batch).await.map_err(named)? {
            Ok(AccessKey { id, secret, created })
        } else {
            Err(named(crowded()))
        }
    }

    async fn secret_of(&self, id: &str) -> Result<SecretBytes, Error> {
        let place = self.access_secret(id);
        let stored = self.inner.records.get(&place).await.map_err(storage)?;
        self.opened(&place, stored)
    }

    fn opened(&self, place: &Key, stored: Option<TrustedRecord>) -> Result<SecretBytes, Error> {
        let stored = stored.ok_or_else(|| {
            Error::new(ErrorKind::Tampered, "the secret of an access key is missing").with("record", place)
        })?;
        self.inner.records.unseal(place, &stored.content).map_err(storage)
    }

    /// The ids of a user's access keys.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn access_keys(&self, cx: &CallContext, user: &str) -> Result<Vec<String>, Error> {
        let identity = IdentityRef::user(user);
        let found = self.permit_on(cx, "ListAccessKeys", &identity, &Context::new()).await?;
        Ok(found.ok_or_else(|| no_identity(&identity).during("ListAccessKeys"))?.record.access_keys)
    }

    /// Takes an access key from a user: what is signed with it is refused from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete_access_key(&self, cx: &CallContext, user: &str, id: &str) -> Result<(), Error> {
        let named = |error: Error| error.during("DeleteAccessKey");
        let identity = IdentityRef::user(user);
        for () in self.attempts(cx) {
            let found =
                self.permit_on(cx, "DeleteAccessKey", &identity, &Context::new()).await.map_err(named)?;
            let mut found = found.ok_or_else(|| named(no_identity(&identity)))?;
            let before = found.record.access_keys.len();
            found.record.access_keys.retain(|known| known != id);
            if found.record.access_keys.len() == before {
                let text = format!("The Access Key with id {id} cannot be found.");
                return Err(named(Error::new(ErrorKind::NoSuchEntity, text)));
            }
            let mut batch = self.inner.records.batch();
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision)).map_err(named)?;
            batch.delete(&self.layout.access_key(id), Expect::Any);
            batch.delete(&self.access_secret(id), Expect::Any);
            if self.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(crowded()))
    }

    /// What an access key stands for; nothing where there is none of this id. For those who check signatures. That another process took
    /// the key away may go unnoticed for 100 ms; what this one does is noticed at once.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn credentials(&self, id: &str) -> Result<Option<Arc<Credentials>>, Error> {
        // Before they are read: what is changed in between makes them old.
        let commits = self.inner.commits.load(Ordering::Acquire);
        if let Some(found) = self.inner.credentials.get(id, commits) {
            return Ok(Some(found));
        }
        let asked = Instant::now();
        let found = self.read_credentials(id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.inner.credentials.keep(id, Recent { commits, asked, found: Arc::clone(found) });
        }
        Ok(found)
    }

    async fn read_credentials(&self, id: &str) -> Result<Option<Credentials>, Error> {
        // Both at once: a read may have to ask the storage whether anything changed.
        let places = [self.layout.access_key(id), self.access_secret(id)];
        let mut found = self.inner.records.read(&places).await.map_err(storage)?;
        let (secret, known) = (found.pop().flatten(), found.pop().flatten());
        let known = known.as_ref().map(Stored::<AccessKeyRecord>::parse).transpose()?;
        let Some(Stored { record, .. }) = known else { return Ok(None) };
        let caller = match &record.user {
            None => Caller::Owner(self.layout.account),
            Some(user) => {
                let identity = IdentityRef::user(user);
                let Some(found) = self.find(&identity).await? else { return Ok(None) };
                Caller::Principal(found.record.told(identity.kind, &self.layout).arn)
            }
        };
        let secret = self.opened(&places[1], secret)?;
        Ok(Some(Credentials { secret, context: CallContext::new(caller) }))
    }
}
