//! The directory as the [`Authorizer`] of the engine and the key service.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use strongroom_policy::{Authorizer, AuthorizerError, Known, Policy, PrincipalKind, Subject};
use strongroom_records::{Key, Revision};
use strongroom_root::TrustedSnapshot;
use strongroom_types::{AccountId, Arn, CallContext, Realm, Timestamp};

use crate::cache::{Entry, Resolved};
use crate::directory::Directory;
use crate::error::{storage, to_authorizer};
use crate::names::parse_kept;
use crate::presets;
use crate::record::{GuardrailsRecord, IdentityRecord, PolicyRecord, Stored};
use crate::{Error, ErrorKind, Iam, IdentityKind, IdentityRef};

/// Parses the ARN of a user, a role or a role session into its account and the user or role.
pub(crate) fn identity_of(arn: &str) -> Option<(AccountId, IdentityRef)> {
    let arn = Arn::parse(arn).ok()?;
    let account = AccountId::parse(arn.account()).ok()?;
    let mut segments = arn.resource().split('/');
    let kind = match (arn.service(), segments.next()?) {
        ("iam", "user") => IdentityKind::User,
        ("iam", "role") => IdentityKind::Role,
        ("sts", "assumed-role") => {
            let name = segments.next()?.to_owned();
            return Some((account, IdentityRef { kind: IdentityKind::Role, name }));
        }
        _ => return None,
    };
    let name = segments.next_back().filter(|name| !name.is_empty())?.to_owned();
    Some((account, IdentityRef { kind, name }))
}

impl Directory {
    /// The identity with its current documents. A cached result is reused if none of its records
    /// has changed since.
    async fn resolve(&self, identity: &IdentityRef) -> Result<Option<Arc<Resolved>>, Error> {
        let records = &self.inner.records;
        let place = self.layout.identity(identity.kind, &identity.name);
        // Taken before the records are read, so that a commit in between makes the token stale.
        let token = records.change_token().await.map_err(storage)?;
        if let Some(mut entry) = self.inner.cache.get(&place) {
            if entry.token == token {
                return Ok(entry.identity);
            }
            let keys: Vec<Key> = entry.records.iter().map(|(key, _)| key.clone()).collect();
            let now = records.read(&keys).await.map_err(storage)?;
            let same = |((_, before), now): (&(Key, Option<Revision>), &Option<_>)| {
                *before == now.as_ref().map(|now: &strongroom_root::TrustedRecord| now.revision)
            };
            if entry.records.iter().zip(&now).all(same) {
                entry.token = token;
                let identity = entry.identity.clone();
                self.inner.cache.keep(&place, entry);
                return Ok(identity);
            }
        }
        let mut read = Vec::new();
        let identity = self.gather(identity, &place, &mut read).await?.map(Arc::new);
        self.inner.cache.keep(&place, Entry { token, records: read, identity: identity.clone() });
        Ok(identity)
    }

    /// Reads an identity and its documents from one snapshot, and notes the records that it read.
    async fn gather(
        &self,
        identity: &IdentityRef,
        place: &Key,
        read: &mut Vec<(Key, Option<Revision>)>,
    ) -> Result<Option<Resolved>, Error> {
        let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
        let record: Option<Stored<IdentityRecord>> = get(&snapshot, place, read).await?;
        let Some(Stored { record, .. }) = record else { return Ok(None) };
        let mut policies = Vec::with_capacity(record.inline.len() + record.attached.len());
        for (name, document) in &record.inline {
            policies.push((name.clone(), Arc::new(parse_kept(document)?)));
        }
        for arn in &record.attached {
            policies.push((arn.clone(), self.gather_managed(&snapshot, arn, read).await?));
        }
        let boundary = match &record.boundary {
            Some(arn) => Some((arn.clone(), self.gather_managed(&snapshot, arn, read).await?)),
            None => None,
        };
        let guardrails = self.gather_guardrails(&snapshot, read).await?.ok_or_else(|| {
            // The record exists as soon as there is an identity.
            Error::new(ErrorKind::Tampered, "the record of guardrails is missing")
        })?;
        let described = record.to_identity(identity.kind, &self.layout);
        Ok(Some(Resolved {
            arn: described.arn,
            id: described.id,
            tags: described.tags,
            policies,
            boundary,
            guardrails,
        }))
    }

    /// The guardrails; `None` if the account never had an identity.
    async fn gather_guardrails(
        &self,
        snapshot: &TrustedSnapshot,
        read: &mut Vec<(Key, Option<Revision>)>,
    ) -> Result<Option<Vec<(String, Arc<Policy>)>>, Error> {
        let found: Option<Stored<GuardrailsRecord>> = get(snapshot, &self.layout.guardrails(), read).await?;
        let Some(found) = found else { return Ok(None) };
        let mut guardrails = Vec::new();
        for (name, document) in &found.record.guardrails {
            guardrails.push((name.clone(), Arc::new(parse_kept(document)?)));
        }
        if !guardrails.is_empty() {
            // AWS attaches this policy too, so that the others need only deny.
            guardrails.push(("FullAWSAccess".to_owned(), Arc::new(parse_kept(presets::EVERYTHING)?)));
        }
        Ok(Some(guardrails))
    }

    async fn gather_managed(
        &self,
        snapshot: &TrustedSnapshot,
        arn: &str,
        read: &mut Vec<(Key, Option<Revision>)>,
    ) -> Result<Arc<Policy>, Error> {
        if let Some(document) = presets::document(arn) {
            return Ok(Arc::new(parse_kept(document)?));
        }
        let place = self.layout.policy(arn.rsplit('/').next().unwrap_or_default());
        let found: Option<Stored<PolicyRecord>> = get(snapshot, &place, read).await?;
        // A policy cannot be deleted while it is attached.
        let found = found.ok_or_else(|| {
            Error::new(ErrorKind::Tampered, "an attached policy is missing").with("policy", arn)
        })?;
        Ok(Arc::new(parse_kept(&found.record.document)?))
    }
}

/// Reads a record and notes its revision.
async fn get<T: DeserializeOwned>(
    snapshot: &TrustedSnapshot,
    place: &Key,
    read: &mut Vec<(Key, Option<Revision>)>,
) -> Result<Option<Stored<T>>, Error> {
    let found = snapshot.get(place).await.map_err(storage)?;
    let found: Option<Stored<T>> = found.as_ref().map(Stored::parse).transpose()?;
    read.push((place.clone(), found.as_ref().map(|found| found.revision)));
    Ok(found)
}

#[async_trait]
impl Authorizer for Iam {
    async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError> {
        self.directory.subject(cx, realm, now).await
    }

    async fn look_up(&self, name: &str, realm: &Realm) -> Result<Known, AuthorizerError> {
        self.directory.look_up(name, realm).await
    }
}

impl Directory {
    pub(crate) async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError> {
        let mut subject = Subject::of(cx, realm, now)?;
        let Some(arn) = subject.principal().attached_to() else {
            let account = subject.principal().account().and_then(|account| AccountId::parse(account).ok());
            if let Some(account) = account
                && subject.principal().kind() == PrincipalKind::FederatedUser
            {
                // The user who created the session is unknown. Only statements that name the
                // session's own ARN admit it, and the account's guardrails bind it.
                let Some(iam) = self.directory_of(account).await.map_err(to_authorizer)? else {
                    return Ok(subject.stranger());
                };
                let snapshot = iam.inner.records.snapshot().await.map_err(storage).map_err(to_authorizer)?;
                let guardrails =
                    iam.gather_guardrails(&snapshot, &mut Vec::new()).await.map_err(to_authorizer)?;
                for (name, policy) in guardrails.unwrap_or_default() {
                    subject = subject.with_service_control(name, policy);
                }
            }
            return Ok(subject);
        };
        let Some((account, identity)) = identity_of(arn) else { return Ok(subject.stranger()) };
        let Some(iam) = self.directory_of(account).await.map_err(to_authorizer)? else {
            return Ok(subject.stranger());
        };
        let known = iam.resolve(&identity).await.map_err(to_authorizer)?;
        let Some(known) = known.filter(|known| known.arn.as_str() == arn) else {
            // Where other accounts have no directories of their own, only some of their identities
            // may be known here. Without policies they have no permissions.
            let all = self.knows_all_of(account, realm.account());
            return Ok(if all { subject.stranger() } else { subject });
        };
        for (key, value) in &known.tags {
            subject = subject.with_tag(key, value);
        }
        for (name, policy) in &known.policies {
            subject = subject.with_identity(name, Arc::clone(policy));
        }
        if let Some((name, policy)) = &known.boundary {
            subject = subject.with_boundary(name, Arc::clone(policy));
        }
        for (name, policy) in &known.guardrails {
            subject = subject.with_service_control(name, Arc::clone(policy));
        }
        if cx.facts().and_then(|facts| facts.identity_id.as_ref()).is_some_and(|id| *id != known.id) {
            // The session belongs to a deleted role; this role was created later under the same
            // name.
            return Ok(subject.stranger());
        }
        // The id belongs to the user who created the session, not to the session.
        if subject.principal().kind() == PrincipalKind::FederatedUser {
            return Ok(subject.with_maker_id(&known.id));
        }
        Ok(subject.with_id(&known.id))
    }

    pub(crate) async fn look_up(&self, name: &str, realm: &Realm) -> Result<Known, AuthorizerError> {
        if name.starts_with("AIDA") || name.starts_with("AROA") {
            let found = self.inner.records.get(&self.layout.id(name)).await;
            let Some(found) = found.map_err(storage).map_err(to_authorizer)? else {
                return Ok(Known::Nobody);
            };
            let owner = String::from_utf8_lossy(&found.content).into_owned();
            let identity = match owner.split_once(' ') {
                Some(("user", name)) => IdentityRef::user(name),
                Some((_, name)) => IdentityRef::role(name),
                None => return Ok(Known::Nobody),
            };
            let found = self.find(&identity).await.map_err(to_authorizer)?;
            return Ok(match found.filter(|found| found.record.id == name) {
                Some(found) => {
                    let described = found.record.to_identity(identity.kind, &self.layout);
                    Known::Somebody { arn: described.arn.to_string(), id: described.id }
                }
                None => Known::Nobody,
            });
        }
        let Some((account, identity)) = identity_of(name) else { return Ok(Known::Unsaid) };
        let Some(iam) = self.directory_of(account).await.map_err(to_authorizer)? else {
            return Ok(Known::Unsaid);
        };
        let found = iam.find(&identity).await.map_err(to_authorizer)?;
        let described = found.map(|found| found.record.to_identity(identity.kind, &iam.layout));
        // For a session, return its role. The session's ARN omits the role's path.
        let is_session = name.contains(":assumed-role/");
        Ok(match described.filter(|described| is_session || described.arn.as_str() == name) {
            Some(described) => Known::Somebody { arn: described.arn.to_string(), id: described.id },
            None if self.knows_all_of(account, realm.account()) => Known::Nobody,
            None => Known::Unsaid,
        })
    }
}
