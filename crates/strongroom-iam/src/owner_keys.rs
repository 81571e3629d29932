//! The owner's access keys. Anyone holding one of them can do everything.
//!
//! Each key records where it comes from, so that a new key replaces the earlier one of its origin
//! and no other. A deleted key leaves nothing behind: if the environment gives it again, it is
//! accepted again.

use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_records::{Expect, Scan};
use strongroom_root::{TrustedBatch, UnknownMembers};
use strongroom_types::{CallContext, Timestamp};

use crate::access_keys::{AccessKeyRecord, MOST, fresh, no_key, too_many};
use crate::directory::{Directory, contended};
use crate::error::storage;
use crate::record::Stored;
use crate::{AccessKey, AccessKeyInfo, AccessKeyOrigin, AccessKeys, Error, ErrorKind, Iam};

/// Every change of the owner's keys writes this record, so that of two concurrent changes one sees
/// what the other did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct TurnRecord {
    changes: u64,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

type Keys = Vec<Stored<AccessKeyRecord>>;

/// The owner's keys as a change finds them, and what must hold when it commits.
struct Turn {
    record: TurnRecord,
    expect: Expect,
    keys: Keys,
}

fn check_given(id: &str, secret: &SecretText) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (16..=128).contains(&id.len()) && id.bytes().all(plain) && !secret.expose().is_empty() {
        return Ok(());
    }
    let text = "an access key id must have 16 to 128 letters, digits and _, and its secret must not be empty";
    Err(Error::new(ErrorKind::Validation, text))
}

impl Iam {
    /// Generates an access key, id and secret, without adding it: for callers that store it safely
    /// before it is accepted.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the operating system returns no random bytes.
    pub fn fresh_access_key() -> Result<(String, SecretText), Error> {
        fresh()
    }
}

/// The access keys of the owner. Returned by [`Iam::owner_access_keys`].
#[derive(Clone, Copy, Debug)]
pub struct OwnerAccessKeys<'a>(pub(crate) &'a Directory);

impl OwnerAccessKeys<'_> {
    /// Adds an access key for the owner: the given one, or a fresh one. Only the owner can call
    /// this.
    ///
    /// A key of [`AccessKeyOrigin::Server`] or [`AccessKeyOrigin::Environment`] replaces the
    /// earlier one of the same origin, which is refused from that commit on. Keys of
    /// [`AccessKeyOrigin::Api`] are added. A key that the owner already has may be given again; it
    /// then takes this origin.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for an id that is not 16 to 128 letters, digits and `_`, or an
    /// empty secret; [`ErrorKind::AlreadyExists`] if the id belongs to a user, or to a key of
    /// another origin with another secret; [`ErrorKind::LimitExceeded`] for a third key created
    /// through the API.
    pub async fn put(
        self,
        cx: &CallContext,
        origin: AccessKeyOrigin,
        given: Option<(String, SecretText)>,
    ) -> Result<AccessKey, Error> {
        let put = async {
            self.0.owner_only(cx, "CreateAccessKey")?;
            let (id, secret) = match given {
                Some((id, secret)) => {
                    check_given(&id, &secret)?;
                    (id, secret)
                }
                None => fresh()?,
            };
            let now = self.0.now();
            for () in self.0.attempts(cx) {
                let turn = self.turn().await?;
                let mut batch = self.0.inner.records.batch();
                let created = self.put_over(&turn.keys, &mut batch, origin, (&id, &secret), now).await?;
                if batch.is_empty() || self.commit_turn(batch, &turn).await? {
                    return Ok(AccessKey { id, secret, created });
                }
            }
            Err(contended())
        };
        put.await.map_err(|error: Error| error.during("CreateAccessKey"))
    }

    /// Writes a key of the owner and deletes those that it replaces. Does nothing if the keys are
    /// as requested already. Returns the key's creation time.
    async fn put_over(
        self,
        keys: &Keys,
        batch: &mut TrustedBatch,
        origin: AccessKeyOrigin,
        (id, secret): (&str, &SecretText),
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let mut record = AccessKeyRecord {
            id: id.to_owned(),
            user: None,
            created: now.as_millis(),
            origin: Some(origin),
            inactive: false,
            unknown: UnknownMembers::default(),
        };
        let others: Keys = keys
            .iter()
            .filter(|key| key.record.id != id && key.record.origin == Some(origin))
            .cloned()
            .collect();
        let mut expect = Expect::Absent;
        if let Some(known) = self.0.read::<AccessKeyRecord>(&self.0.layout.access_key(id)).await? {
            let of_owner = known.record.user.is_none();
            let same = of_owner
                && AccessKeys(self.0).secret_of(id).await?
                    == SecretBytes::copy_from(secret.expose().as_bytes());
            let settled = of_owner && known.record.origin == Some(origin);
            if !same && !settled {
                let text = format!("the access key {id} is already in use");
                return Err(Error::new(ErrorKind::AlreadyExists, text));
            }
            if same {
                record.created = known.record.created;
            }
            if same
                && settled
                && !known.record.inactive
                && (origin == AccessKeyOrigin::Api || others.is_empty())
            {
                return Ok(Timestamp::from_millis(record.created));
            }
            expect = Expect::At(known.revision);
            record.unknown = known.record.unknown;
        }
        if origin != AccessKeyOrigin::Api {
            for old in &others {
                self.remove(batch, old);
            }
        } else if others.len() >= MOST {
            return Err(too_many());
        }
        AccessKeys(self.0).put_record(batch, &record, secret, expect)?;
        Ok(Timestamp::from_millis(record.created))
    }

    /// Keeps an access key that the owner already has as the one of this origin, in place of the
    /// earlier one. Returns `false` if the owner has no active key with this id and secret. Unlike
    /// [`OwnerAccessKeys::put`], it never adds a key: a server that finds a key in its file learns
    /// that it was revoked, even if that happens at this very moment. Only the owner can call this.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn keep(
        self,
        cx: &CallContext,
        origin: AccessKeyOrigin,
        id: &str,
        secret: &SecretText,
    ) -> Result<bool, Error> {
        let kept = async {
            self.0.owner_only(cx, "ListAccessKeys")?;
            let now = self.0.now();
            for () in self.0.attempts(cx) {
                let turn = self.turn().await?;
                let known = turn.keys.iter().find(|key| key.record.id == id && !key.record.inactive);
                let same = match known {
                    Some(_) => {
                        AccessKeys(self.0).secret_of(id).await?
                            == SecretBytes::copy_from(secret.expose().as_bytes())
                    }
                    None => false,
                };
                if !same {
                    return Ok(false);
                }
                let mut batch = self.0.inner.records.batch();
                self.put_over(&turn.keys, &mut batch, origin, (id, secret), now).await?;
                if batch.is_empty() || self.commit_turn(batch, &turn).await? {
                    return Ok(true);
                }
            }
            Err(contended())
        };
        kept.await.map_err(|error: Error| error.during("ListAccessKeys"))
    }

    /// Whether the owner has an access key, or ever had one. Only the owner can call this.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn had_any(self, cx: &CallContext) -> Result<bool, Error> {
        let asked = async {
            self.0.owner_only(cx, "ListAccessKeys")?;
            let turn = self.turn().await?;
            Ok(turn.record.changes > 0 || !turn.keys.is_empty())
        };
        asked.await.map_err(|error: Error| error.during("ListAccessKeys"))
    }

    /// The owner's access keys, oldest first. Only the owner can call this.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn list(self, cx: &CallContext) -> Result<Vec<AccessKeyInfo>, Error> {
        self.0.owner_only(cx, "ListAccessKeys")?;
        let keys = self.all().await.map_err(|error| error.during("ListAccessKeys"))?;
        Ok(keys.into_iter().map(|key| key.record.into_info()).collect())
    }

    /// Deletes an access key of the owner. Requests signed with it are refused from now on; the
    /// request that deletes it is the last one accepted. The owner's last key may be deleted too;
    /// [`OwnerAccessKeys::put`] creates a new one. Only the owner can call this.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete(self, cx: &CallContext, id: &str) -> Result<(), Error> {
        let deleted = async {
            self.0.owner_only(cx, "DeleteAccessKey")?;
            self.change(cx, id, |old, batch| {
                self.remove(batch, old);
                Ok(())
            })
            .await
        };
        deleted.await.map_err(|error: Error| error.during("DeleteAccessKey"))
    }

    /// Replaces an access key of the owner with another one of the same origin, in one commit. The
    /// new key is a fresh one unless it is given, for example from [`Iam::fresh_access_key`]. Only
    /// the owner can call this.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::Validation`] as for [`OwnerAccessKeys::put`].
    pub async fn rotate(
        self,
        cx: &CallContext,
        id: &str,
        given: Option<(String, SecretText)>,
    ) -> Result<AccessKey, Error> {
        let rotated = async {
            self.0.owner_only(cx, "CreateAccessKey")?;
            let (new, secret) = match given {
                Some((new, secret)) => {
                    check_given(&new, &secret)?;
                    (new, secret)
                }
                None => fresh()?,
            };
            let created = self.0.now();
            self.change(cx, id, |old, batch| {
                self.remove(batch, old);
                let record = AccessKeyRecord {
                    id: new.clone(),
                    user: None,
                    created: created.as_millis(),
                    origin: old.record.origin,
                    inactive: false,
                    unknown: UnknownMembers::default(),
                };
                AccessKeys(self.0).put_record(batch, &record, &secret, Expect::Absent)
            })
            .await?;
            Ok(AccessKey { id: new, secret, created })
        };
        rotated.await.map_err(|error: Error| error.during("RotateOwnerAccessKey"))
    }

    /// Activates or deactivates an access key of the owner. Requests signed with an inactive key
    /// are refused. Only the owner can call this.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn set_active(self, cx: &CallContext, id: &str, active: bool) -> Result<(), Error> {
        let changed = async {
            self.0.owner_only(cx, "UpdateAccessKey")?;
            self.change(cx, id, |known, batch| {
                let mut record = known.record.clone();
                record.inactive = !active;
                self.0.put(batch, &self.0.layout.access_key(id), &record, Expect::At(known.revision))
            })
            .await
        };
        changed.await.map_err(|error: Error| error.during("UpdateAccessKey"))
    }

    fn remove(self, batch: &mut TrustedBatch, key: &Stored<AccessKeyRecord>) {
        batch.delete(&self.0.layout.access_key(&key.record.id), Expect::At(key.revision));
        batch.delete(&self.0.layout.access_secret(&key.record.id), Expect::Any);
    }

    /// All of the owner's keys, oldest first: exactly those that [`Iam::credentials`] would find.
    async fn all(self) -> Result<Keys, Error> {
        let all = self.0.layout.access_keys();
        let mut walk = self.0.inner.records.walk(Scan::prefix(&all));
        let mut keys = Keys::new();
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                // A key that is not authentic admits no one, and must not keep the owner from the
                // other keys: `verify` reports it.
                let Ok(stored) = stored else { continue };
                let Ok(found) = Stored::<AccessKeyRecord>::parse(&stored) else { continue };
                if found.record.user.is_none() && place == self.0.layout.access_key(&found.record.id) {
                    keys.push(found);
                }
            }
        }
        keys.sort_by(|one, other| {
            (one.record.created, &one.record.id).cmp(&(other.record.created, &other.record.id))
        });
        Ok(keys)
    }

    async fn turn(self) -> Result<Turn, Error> {
        // Read before the keys: a change in between makes the commit fail.
        let turn = self.0.read::<TurnRecord>(&self.0.layout.owner_keys()).await?;
        let expect = turn.as_ref().map_or(Expect::Absent, |turn| Expect::At(turn.revision));
        let record = turn.map(|turn| turn.record).unwrap_or_default();
        Ok(Turn { record, expect, keys: self.all().await? })
    }

    async fn commit_turn(self, mut batch: TrustedBatch, turn: &Turn) -> Result<bool, Error> {
        let changes = turn.record.changes.wrapping_add(1);
        let record = TurnRecord { changes, ..turn.record.clone() };
        self.0.put(&mut batch, &self.0.layout.owner_keys(), &record, turn.expect)?;
        self.0.commit(batch).await
    }

    /// Changes the owner's key with this id and commits; retries on a conflict.
    async fn change(
        self,
        cx: &CallContext,
        id: &str,
        change: impl Fn(&Stored<AccessKeyRecord>, &mut TrustedBatch) -> Result<(), Error> + Send + Sync,
    ) -> Result<(), Error> {
        for () in self.0.attempts(cx) {
            let turn = self.turn().await?;
            let known = turn.keys.iter().find(|key| key.record.id == id).ok_or_else(|| no_key(id))?;
            let mut batch = self.0.inner.records.batch();
            change(known, &mut batch)?;
            if self.commit_turn(batch, &turn).await? {
                return Ok(());
            }
        }
        Err(contended())
    }
}
