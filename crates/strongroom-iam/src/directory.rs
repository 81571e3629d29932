//! The records behind [`Iam`](crate::Iam): reading and changing them, and checking permissions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_policy::{Context, Decision, DocumentKind, Known, Policy, PrincipalName};
use strongroom_records::{Expect, Key};
use strongroom_root::{Attempts, TrustedBatch, TrustedRecords};
use strongroom_types::{AccountId, CallContext, Clock, Timestamp};

use crate::at_hand::AtHand;
use crate::cache::Cache;
use crate::error::{from_authorizer, storage};
use crate::record::{IdentityRecord, Layout, Stored, encode};
use crate::{Error, ErrorKind, IdentityKind, IdentityRef, OtherAccounts};

/// The maximum length of a record, in bytes. Every storage accepts this much, with room for the
/// overhead.
const MAX_RECORD: usize = 200 * 1024;

/// The records of an account's directory. Clones share everything but the account.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) inner: Arc<Inner>,
    pub(crate) layout: Layout,
    /// Finds the directories of other accounts. Set by [`Iam::among`](crate::Iam::among).
    pub(crate) others: Option<Arc<dyn OtherAccounts>>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Directory({})", self.layout.account)
    }
}

pub(crate) struct Inner {
    pub(crate) records: TrustedRecords,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
    pub(crate) credentials: AtHand,
    /// The number of changes this process has made to the directory.
    pub(crate) commits: AtomicU64,
}

/// Counts a change when it is dropped.
struct Counted<'a>(&'a AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

pub(crate) fn contended() -> Error {
    Error::new(ErrorKind::Throttled, "too many concurrent changes of the identity; try again")
}

/// The error for a policy that names a principal that does not exist or is invalid.
pub(crate) fn nobody(kind: &str, name: &str) -> Error {
    let text = format!("Invalid principal in policy: \"{kind}\":\"{name}\"");
    Error::new(ErrorKind::MalformedPolicy, text)
}

pub(crate) fn no_identity(identity: &IdentityRef) -> Error {
    let text = format!("The {} with name {} cannot be found.", identity.kind, identity.name);
    Error::new(ErrorKind::NoSuchEntity, text)
}

impl Directory {
    /// The directory of another account in the same storage.
    pub(crate) fn of_account(&self, account: AccountId) -> Self {
        let layout = Layout { account, realm: self.layout.realm.clone() };
        Self { inner: Arc::clone(&self.inner), layout, others: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Whether this is the directory of the storage's own account.
    pub(crate) fn is_home(&self) -> bool {
        self.layout.account == self.layout.realm.account()
    }

    /// Checks that the caller is allowed to perform an action.
    pub(crate) async fn permit(&self, cx: &CallContext, action: &str, resource: &str) -> Result<(), Error> {
        self.permit_with(cx, action, resource, &Context::new()).await
    }

    /// Like [`Directory::permit`], with the condition keys of the request.
    pub(crate) async fn permit_with(
        &self,
        cx: &CallContext,
        action: &str,
        resource: &str,
        asked: &Context,
    ) -> Result<(), Error> {
        let realm = &self.layout.realm;
        if cx.acts_freely_in(realm.account()) {
            return Ok(());
        }
        let subject = self.subject(cx, realm, self.now()).await.map_err(from_authorizer)?;
        let mut request = subject.request(&format!("iam:{action}"), resource, realm, self.now());
        if resource == "*" {
            request = request.resource_account(self.layout.account.as_str());
        }
        request.context_mut().extend(asked);
        let is_home = self.is_home() && cx.caller().account() == Some(self.layout.account.as_str());
        let decision = match subject.policies().decide(&request) {
            decision if is_home || !decision.is_allowed() => decision,
            // No identity-based policy reaches into another account's directory.
            _ => Decision::Missing(DocumentKind::Identity),
        };
        if decision.is_allowed() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::AccessDenied, decision.denial(&request)))
    }

    /// Checks permission on a user or role, which need not exist, and returns its record if it
    /// does.
    pub(crate) async fn permit_on(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
        asked: &Context,
    ) -> Result<Option<Stored<IdentityRecord>>, Error> {
        let found = self.find(identity).await?;
        let path = found.as_ref().map_or("/", |found| found.record.path.as_str());
        let arn = self.layout.arn(identity.kind.as_str(), path, &identity.name);
        let mut asked = asked.clone();
        for (key, value) in found.iter().flat_map(|found| &found.record.tags) {
            asked.set_first(format!("aws:ResourceTag/{key}"), value);
            asked.set_first(format!("iam:ResourceTag/{key}"), value);
        }
        self.permit_with(cx, action, arn.as_str(), &asked).await?;
        Ok(found)
    }

    /// The attempts of a change, which end at the caller's deadline.
    pub(crate) fn attempts(&self, cx: &CallContext) -> Attempts<'_> {
        Attempts::new(&*self.inner.clock, cx.deadline())
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Stored<T>>, Error> {
        let stored = self.inner.records.get(key).await.map_err(storage)?;
        stored.as_ref().map(Stored::parse).transpose()
    }

    /// The user or role with exactly this name.
    pub(crate) async fn find(&self, identity: &IdentityRef) -> Result<Option<Stored<IdentityRecord>>, Error> {
        let found = self.taken(identity.kind, &identity.name).await?;
        Ok(found.filter(|found| found.record.name == identity.name))
    }

    /// The user or role with this name, ignoring case.
    pub(crate) async fn taken(
        &self,
        kind: IdentityKind,
        name: &str,
    ) -> Result<Option<Stored<IdentityRecord>>, Error> {
        self.read(&self.layout.identity(kind, name)).await
    }

    /// Commits. Returns `false` if a precondition did not hold.
    pub(crate) async fn commit(&self, batch: TrustedBatch) -> Result<bool, Error> {
        // Counted even if the future is dropped midway or the outcome is unknown.
        let _counted = Counted(&self.inner.commits);
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
        let content = encode(record)?;
        if content.len() > MAX_RECORD {
            let text = "the documents, including whitespace, are too large for one record";
            return Err(Error::new(ErrorKind::LimitExceeded, text));
        }
        batch.put(key, &content, expect);
        Ok(())
    }

    /// Reads a user's or role's record, checks permission, changes the record and commits it;
    /// retries on a conflict.
    pub(crate) async fn change(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
        asked: &Context,
        change: impl Fn(&mut IdentityRecord) -> Result<(), Error> + Send + Sync,
    ) -> Result<IdentityRecord, Error> {
        for () in self.attempts(cx) {
            let found = self.permit_on(cx, action, identity, asked).await?;
            let mut found = found.ok_or_else(|| no_identity(identity))?;
            change(&mut found.record)?;
            let mut batch = self.inner.records.batch();
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(found.record);
            }
        }
        Err(contended())
    }

    /// The unique ids of the users and roles of this account that a policy names. A name that does
    /// not exist is an error.
    pub(crate) async fn ids_named(
        &self,
        policy: &Policy,
    ) -> Result<std::collections::BTreeMap<String, String>, Error> {
        let mut ids = std::collections::BTreeMap::new();
        for arn in policy.named_identities() {
            match self.look_up(arn, &self.layout.realm).await.map_err(from_authorizer)? {
                Known::Somebody { arn: own, id } if own == arn => {
                    ids.insert(arn.to_owned(), id);
                }
                Known::Nobody => return Err(nobody("AWS", arn)),
                _ => {}
            }
        }
        let principals = policy.statements().iter().filter_map(|statement| statement.principals());
        for name in principals.flat_map(|some| some.names()) {
            if let PrincipalName::Id(id) = name {
                let known = self.look_up(id, &self.layout.realm).await.map_err(from_authorizer)?;
                if !matches!(known, Known::Somebody { .. }) {
                    return Err(nobody("AWS", id));
                }
            }
        }
        Ok(ids)
    }
}
