//! Policies of users and roles: inline, managed, boundaries.

use strongroom_policy::Context;
use strongroom_records::{Expect, Scan};
use strongroom_root::TrustedBatch;
use strongroom_types::{Arn, CallContext, Timestamp};

use crate::error::storage;
use crate::iam::{crowded, no_identity};
use crate::names::{check_name, check_path, check_size, parse, size, unique_id};
use crate::presets;
use crate::record::{IdentityRecord, PolicyRecord, Stored};
use crate::{Error, ErrorKind, Iam, IdentityKind, IdentityRef};

/// The longest managed policy, in characters without blanks.
const MAX_MANAGED: usize = 6144;
/// The most managed policies of a user or role.
const MAX_ATTACHED: usize = 10;

/// A managed policy: a document of its own, which users and roles may have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedPolicy {
    /// The name, unique in the account whatever the case of its letters.
    pub name: String,
    /// The unique id: `ANPA...`; nothing for one of [`presets`](crate::presets).
    pub id: String,
    /// The ARN, by which it is attached.
    pub arn: Arn,
    /// The document.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
    /// When the document was last changed.
    pub updated: Timestamp,
    /// How many users and roles have it, as a policy or as their boundary.
    pub attachments: u32,
}

fn no_policy(arn: &str) -> Error {
    Error::new(ErrorKind::NoSuchEntity, format!("Policy {arn} was not found."))
}

impl Iam {
    fn told(&self, record: PolicyRecord) -> ManagedPolicy {
        ManagedPolicy {
            arn: self.layout.arn("policy", &record.path, &record.name),
            name: record.name,
            id: record.id,
            document: record.document,
            created: Timestamp::from_millis(record.created),
            updated: Timestamp::from_millis(record.updated),
            attachments: record.attachments,
        }
    }

    /// Gives a user or role a policy of its own, in place of the one of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::MalformedPolicy`], [`ErrorKind::Validation`], [`ErrorKind::LimitExceeded`]: 2,048
    /// characters for all of a user's, 10,240 for all of a role's, blanks not counted.
    pub async fn put_policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        let (action, most) = match identity.kind {
            IdentityKind::User => ("PutUserPolicy", 2048),
            IdentityKind::Role => ("PutRolePolicy", 10_240),
        };
        let asked = Context::new();
        let put = self.change(cx, action, identity, &asked, |record| {
            check_name("policyName", name, 128)?;
            parse(document)?;
            record.inline.retain(|(known, _)| known != name);
            record.inline.push((name.to_owned(), document.to_owned()));
            record.inline.sort();
            if record.inline.iter().map(|(_, document)| size(document)).sum::<usize>() > most {
                let text = format!("Maximum policy size of {most} bytes exceeded for {identity}");
                return Err(Error::new(ErrorKind::LimitExceeded, text));
            }
            Ok(())
        });
        put.await.map_err(|error| error.during(action))
    }

    /// The document of an inline policy.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        name: &str,
    ) -> Result<String, Error> {
        let action = if identity.kind == IdentityKind::User { "GetUserPolicy" } else { "GetRolePolicy" };
        let found = self.identity(cx, action, identity).await?.inline;
        let found = found.into_iter().find(|(known, _)| known == name).map(|(_, document)| document);
        found.ok_or_else(|| no_inline(identity, name).during(action))
    }

    /// The names of a user's or role's inline policies.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn policies(&self, cx: &CallContext, identity: &IdentityRef) -> Result<Vec<String>, Error> {
        let action =
            if identity.kind == IdentityKind::User { "ListUserPolicies" } else { "ListRolePolicies" };
        let found = self.identity(cx, action, identity).await?.inline;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    async fn identity(
        &self,
        cx: &CallContext,
        action: &'static str,
        identity: &IdentityRef,
    ) -> Result<IdentityRecord, Error> {
        let found = self.permit_on(cx, action, identity, &Context::new()).await;
        let found = found.map_err(|error| error.during(action))?;
        Ok(found.ok_or_else(|| no_identity(identity).during(action))?.record)
    }

    /// Takes an inline policy away.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete_policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        name: &str,
    ) -> Result<(), Error> {
        let action =
            if identity.kind == IdentityKind::User { "DeleteUserPolicy" } else { "DeleteRolePolicy" };
        let asked = Context::new();
        let deleted = self.change(cx, action, identity, &asked, |record| {
            let before = record.inline.len();
            record.inline.retain(|(known, _)| known != name);
            if record.inline.len() == before { Err(no_inline(identity, name)) } else { Ok(()) }
        });
        deleted.await.map_err(|error| error.during(action))
    }

    /// Makes a managed policy.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::MalformedPolicy`], [`ErrorKind::Validation`], [`ErrorKind::LimitExceeded`] beyond
    /// 6,144 characters, blanks not counted.
    pub async fn create_managed_policy(
        &self,
        cx: &CallContext,
        name: &str,
        document: &str,
    ) -> Result<ManagedPolicy, Error> {
        let named = |error: Error| error.during("CreatePolicy");
        check_name("policyName", name, 128).map_err(named)?;
        let path = "/";
        check_path(path)?;
        let arn = self.layout.arn("policy", path, name);
        self.permit(cx, "CreatePolicy", arn.as_str()).await.map_err(named)?;
        check_size(document, MAX_MANAGED, "PolicySize").map_err(named)?;
        parse(document).map_err(named)?;
        let now = self.now().as_millis();
        let record = PolicyRecord {
            name: name.to_owned(),
            path: path.to_owned(),
            id: unique_id("ANPA")?,
            created: now,
            updated: now,
            document: document.to_owned(),
            attachments: 0,
        };
        let mut batch = self.inner.records.batch();
        self.put(&mut batch, &self.layout.policy(name), &record, Expect::Absent)?;
        if self.commit(batch).await.map_err(named)? {
            return Ok(self.told(record));
        }
        let text = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        Err(named(Error::new(ErrorKind::AlreadyExists, text)))
    }

    /// The managed policy of an ARN, if it is one of this account and there.
    pub(crate) async fn managed(&self, arn: &str) -> Result<Option<Stored<PolicyRecord>>, Error> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let found: Option<Stored<PolicyRecord>> = self.read(&self.layout.policy(name)).await?;
        Ok(found.filter(|found| {
            self.layout.arn("policy", &found.record.path, &found.record.name).as_str() == arn
        }))
    }

    /// A managed policy, by its ARN.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn managed_policy(&self, cx: &CallContext, arn: &str) -> Result<ManagedPolicy, Error> {
        let named = |error: Error| error.during("GetPolicy");
        self.permit(cx, "GetPolicy", arn).await.map_err(named)?;
        if let (Some(document), Ok(arn)) = (presets::document(arn), Arn::parse(arn)) {
            let name = arn.resource().rsplit('/').next().unwrap_or_default().to_owned();
            let (created, updated) = (Timestamp::from_millis(0), Timestamp::from_millis(0));
            let document = document.to_owned();
            // Nobody counts who has it.
            return Ok(ManagedPolicy {
                id: String::new(),
                name,
                arn,
                document,
                created,
                updated,
                attachments: 0,
            });
        }
        let found = self.managed(arn).await.map_err(named)?.ok_or_else(|| named(no_policy(arn)))?;
        Ok(self.told(found.record))
    }

    /// The account's managed policies, by name.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn managed_policies(&self, cx: &CallContext) -> Result<Vec<ManagedPolicy>, Error> {
        let named = |error: Error| error.during("ListPolicies");
        self.permit(cx, "ListPolicies", "*").await.map_err(named)?;
        let mut walk = self.inner.records.walk(Scan::prefix(&self.layout.policies()));
        let mut all = Vec::new();
        while let Some(page) = walk.next().await.map_err(storage).map_err(named)? {
            for (_, stored) in page {
                all.push(self.told(Stored::parse(&stored.map_err(storage)?)?.record));
            }
        }
        Ok(all)
    }

    /// Gives a managed policy another document, which counts at once for all that have it.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; as [`Iam::create_managed_policy`] for the document.
    pub async fn update_managed_policy(
        &self,
        cx: &CallContext,
        arn: &str,
        document: &str,
    ) -> Result<(), Error> {
        let named = |error: Error| error.during("CreatePolicyVersion");
        self.permit(cx, "CreatePolicyVersion", arn).await.map_err(named)?;
        check_size(document, MAX_MANAGED, "PolicySize").map_err(named)?;
        parse(document).map_err(named)?;
        for () in self.attempts(cx) {
            let found = self.managed(arn).await.map_err(named)?;
            let mut found = found.ok_or_else(|| named(no_policy(arn)))?;
            found.record.document = document.to_owned();
            found.record.updated = self.now().as_millis();
            let mut batch = self.inner.records.batch();
            let place = self.layout.policy(&found.record.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(crowded()))
    }

    /// Deletes a managed policy that nobody has any more.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::DeleteConflict`] while it is attached.
    pub async fn delete_managed_policy(&self, cx: &CallContext, arn: &str) -> Result<(), Error> {
        let named = |error: Error| error.during("DeletePolicy");
        self.permit(cx, "DeletePolicy", arn).await.map_err(named)?;
        for () in self.attempts(cx) {
            let found = self.managed(arn).await.map_err(named)?.ok_or_else(|| named(no_policy(arn)))?;
            if found.record.attachments > 0 {
                let text = "Cannot delete a policy attached to entities.";
                return Err(named(Error::new(ErrorKind::DeleteConflict, text)));
            }
            let mut batch = self.inner.records.batch();
            batch.delete(&self.layout.policy(&found.record.name), Expect::At(found.revision));
            if self.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(crowded()))
    }

    /// Gives a user or role a managed policy, the account's or one of [`presets`](crate::presets); fine where it has it already.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::LimitExceeded`] beyond ten.
    pub async fn attach_policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        arn: &str,
    ) -> Result<(), Error> {
        let action =
            if identity.kind == IdentityKind::User { "AttachUserPolicy" } else { "AttachRolePolicy" };
        let attached = self.change_attached(cx, action, identity, arn, 1, |record| {
            if record.attached.iter().any(|known| known == arn) {
                return Ok(false);
            }
            if record.attached.len() >= MAX_ATTACHED {
                let quota =
                    if identity.kind == IdentityKind::User { "PoliciesPerUser" } else { "PoliciesPerRole" };
                let text = format!("Cannot exceed quota for {quota}: {MAX_ATTACHED}");
                return Err(Error::new(ErrorKind::LimitExceeded, text));
            }
            record.attached.push(arn.to_owned());
            Ok(true)
        });
        attached.await.map_err(|error| error.during(action))
    }

    /// Takes a managed policy from a user or role.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], also where it has not this policy.
    pub async fn detach_policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        arn: &str,
    ) -> Result<(), Error> {
        let action =
            if identity.kind == IdentityKind::User { "DetachUserPolicy" } else { "DetachRolePolicy" };
        let detached = self.change_attached(cx, action, identity, arn, -1, |record| {
            let before = record.attached.len();
            record.attached.retain(|known| known != arn);
            if record.attached.len() == before { Err(no_policy(arn)) } else { Ok(true) }
        });
        detached.await.map_err(|error| error.during(action))
    }

    /// The ARNs of the managed policies that a user or role has, in the order they were attached.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn attached_policies(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
    ) -> Result<Vec<String>, Error> {
        let action = match identity.kind {
            IdentityKind::User => "ListAttachedUserPolicies",
            IdentityKind::Role => "ListAttachedRolePolicies",
        };
        Ok(self.identity(cx, action, identity).await?.attached)
    }

    /// Limits what a user's or role's own policies can allow to what a managed policy allows too.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn put_boundary(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        arn: &str,
    ) -> Result<(), Error> {
        let action = match identity.kind {
            IdentityKind::User => "PutUserPermissionsBoundary",
            IdentityKind::Role => "PutRolePermissionsBoundary",
        };
        let put = self.change_boundary(cx, action, identity, Some(arn));
        put.await.map_err(|error| error.during(action))
    }

    /// Takes a boundary away; fine where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete_boundary(&self, cx: &CallContext, identity: &IdentityRef) -> Result<(), Error> {
        let action = match identity.kind {
            IdentityKind::User => "DeleteUserPermissionsBoundary",
            IdentityKind::Role => "DeleteRolePermissionsBoundary",
        };
        self.change_boundary(cx, action, identity, None).await.map_err(|error| error.during(action))
    }

    async fn change_boundary(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
        to: Option<&str>,
    ) -> Result<(), Error> {
        for () in self.attempts(cx) {
            let mut asked = Context::new();
            if let Some(to) = to {
                asked.set("iam:PermissionsBoundary", to);
            }
            let found = self.permit_on(cx, action, identity, &asked).await?;
            let mut found = found.ok_or_else(|| no_identity(identity))?;
            let before = found.record.boundary.take();
            if before.as_deref() == to {
                return Ok(());
            }
            let mut batch = self.inner.records.batch();
            if let Some(before) = &before {
                self.count_attachment(&mut batch, before, -1).await?;
            }
            if let Some(to) = to {
                self.count_attachment(&mut batch, to, 1).await?;
                found.record.boundary = Some(to.to_owned());
            }
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Counts an attachment of a managed policy, on the condition that nobody changes it meanwhile.
    pub(crate) async fn count_attachment(
        &self,
        batch: &mut TrustedBatch,
        arn: &str,
        by: i32,
    ) -> Result<(), Error> {
        if presets::document(arn).is_some() {
            return Ok(());
        }
        let Some(mut policy) = self.managed(arn).await? else {
            let text = format!("Policy {arn} does not exist or is not attachable.");
            return if by > 0 { Err(Error::new(ErrorKind::NoSuchEntity, text)) } else { Ok(()) };
        };
        policy.record.attachments = policy.record.attachments.saturating_add_signed(by);
        let place = self.layout.policy(&policy.record.name);
        self.put(batch, &place, &policy.record, Expect::At(policy.revision))
    }

    async fn change_attached(
        &self,
        cx: &CallContext,
        action: &str,
        identity: &IdentityRef,
        arn: &str,
        by: i32,
        change: impl Fn(&mut IdentityRecord) -> Result<bool, Error> + Send + Sync,
    ) -> Result<(), Error> {
        for () in self.attempts(cx) {
            let found =
                self.permit_on(cx, action, identity, &Context::new().with("iam:PolicyARN", arn)).await?;
            let mut found = found.ok_or_else(|| no_identity(identity))?;
            if !change(&mut found.record)? {
                return Ok(());
            }
            let mut batch = self.inner.records.batch();
            self.count_attachment(&mut batch, arn, by).await?;
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(crowded())
    }
}

fn no_inline(identity: &IdentityRef, name: &str) -> Error {
    let text = format!("The {} policy with name {name} cannot be found.", identity.kind);
    Error::new(ErrorKind::NoSuchEntity, text)
}
