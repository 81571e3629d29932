//! The directory itself: reading and changing records, and who may.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_policy::{Authorizer as _, Decision, DocumentKind, Policy};
use strongroom_records::{Expect, Key};
use strongroom_root::{TrustedBatch, TrustedRecords};
use strongroom_types::{AccountId, CallContext, Clock, Timestamp};

use crate::cache::Cache;
use crate::error::{from_authorizer, storage};
use crate::record::{IdentityRecord, Layout, Stored, encode};
use crate::{Error, ErrorKind, IdentityKind, IdentityRef};

/// How often a change is tried again after meeting another one.
pub(crate) const ATTEMPTS: usize = 32;

/// The users, roles and policies of an account. Clones share everything.
///
/// Every operation says who calls: the owner may everything, others what their policies allow (`iam:CreateUser` and so on).
#[derive(Clone)]
pub struct Iam {
    pub(crate) inner: Arc<Inner>,
    pub(crate) layout: Layout,
}

pub(crate) struct Inner {
    pub(crate) records: TrustedRecords,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
}

impl std::fmt::Debug for Iam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Iam({})", self.layout.account)
    }
}

pub(crate) fn crowded() -> Error {
    Error::new(ErrorKind::Throttled, "the identity is being changed by others; try again")
}

pub(crate) fn no_identity(identity: &IdentityRef) -> Error {
    let text = format!("The {} with name {} cannot be found.", identity.kind, identity.name);
    Error::new(ErrorKind::NoSuchEntity, text)
}

impl Iam {
    /// The directory of the account that `records` belong to.
    #[must_use]
    pub fn new(records: TrustedRecords, clock: Arc<dyn Clock>) -> Self {
        let realm = records.realm().clone();
        let layout = Layout { account: realm.account(), realm };
        Self { inner: Arc::new(Inner { records, clock, cache: Cache::default() }), layout }
    }

    /// What is known here of another account's users and roles: kept in the same storage, for callers from there. Only this
    /// storage's owner may change it.
    #[must_use]
    pub fn of_account(&self, account: AccountId) -> Self {
        let layout = Layout { account, realm: self.layout.realm.clone() };
        Self { inner: Arc::clone(&self.inner), layout }
    }

    /// The account whose identities these are.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.layout.account
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Whether this is the directory of the storage's own account.
    pub(crate) fn is_home(&self) -> bool {
        self.layout.account == self.layout.realm.account()
    }

    /// That the caller may do this.
    pub(crate) async fn permit(&self, cx: &CallContext, action: &str, resource: &str) -> Result<(), Error> {
        let realm = &self.layout.realm;
        if cx.caller().is_owner_of(realm.account()) {
            return Ok(());
        }
        let subject = self.subject(cx, realm, self.now()).await.map_err(from_authorizer)?;
        let request = subject.request(&format!("iam:{action}"), resource, realm, self.now());
        let is_home = self.is_home() && cx.caller().account() == Some(self.layout.account.as_str());
        let decision = match subject.policies().decide(&request) {
            decision if is_home || !decision.is_allowed() => decision,
            // Nobody's policies reach into another account's directory.
            _ => Decision::Missing(DocumentKind::Identity),
        };
        if decision.is_allowed() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::AccessDenied, decision.denial(&request)))
    }

    /// The ARN to be asked for of somebody who may not be there.
    pub(crate) async fn permit_on(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
    ) -> Result<Option<Stored<IdentityRecord>>, Error> {
        let found = self.find(identity).await?;
        let path = found.as_ref().map_or("/", |found| found.record.path.as_str());
        let arn = self.layout.arn(identity.kind.as_str(), path, &identity.name);
        self.permit(cx, action, arn.as_str()).await?;
        Ok(found)
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Stored<T>>, Error> {
        let stored = self.inner.records.get(key).await.map_err(storage)?;
        stored.as_ref().map(Stored::parse).transpose()
    }

    /// The user or role of exactly this name.
    pub(crate) async fn find(&self, identity: &IdentityRef) -> Result<Option<Stored<IdentityRecord>>, Error> {
        let found = self.taken(identity.kind, &identity.name).await?;
        Ok(found.filter(|found| found.record.name == identity.name))
    }

    /// The user or role whose name differs from this one by no more than case.
    pub(crate) async fn taken(
        &self,
        kind: IdentityKind,
        name: &str,
    ) -> Result<Option<Stored<IdentityRecord>>, Error> {
        self.read(&self.layout.identity(kind, name)).await
    }

    /// Commits. `false`: a precondition did not hold.
    pub(crate) async fn commit(&self, batch: TrustedBatch) -> Result<bool, Error> {
        match self.inner.records.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == strongroom_root::ErrorKind::Conflict => Ok(false),
            Err(error) => Err(storage(error)),
        }
    }

    pub(crate) fn put<T: Serialize>(
        &self,
        batch: &mut TrustedBatch,
        key: &Key,
        record: &T,
        expect: Expect,
    ) -> Result<(), Error> {
        batch.put(key, &encode(record)?, expect);
        Ok(())
    }

    /// Reads, permits, changes and commits a user's or role's record; again when somebody else was first.
    pub(crate) async fn change(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
        change: impl Fn(&mut IdentityRecord) -> Result<(), Error> + Send + Sync,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let found = self.permit_on(cx, action, identity).await?;
            let mut found = found.ok_or_else(|| no_identity(identity))?;
            change(&mut found.record)?;
            let mut batch = self.inner.records.batch();
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// The unique ids of those in this account whom a policy names.
    pub(crate) async fn ids_named(
        &self,
        policy: &Policy,
    ) -> Result<std::collections::BTreeMap<String, String>, Error> {
        let mut ids = std::collections::BTreeMap::new();
        for arn in policy.named_identities() {
            if let strongroom_policy::Known::Somebody { arn: own, id } =
                self.look_up(arn, &self.layout.realm).await.map_err(from_authorizer)?
                && own == arn
            {
                ids.insert(arn.to_owned(), id);
            }
        }
        Ok(ids)
    }
}
