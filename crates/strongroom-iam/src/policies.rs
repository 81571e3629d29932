//! Policies of users and roles: inline policies, attached policies and boundaries.

use strongroom_policy::Context;
use strongroom_records::Expect;
use strongroom_types::CallContext;

use crate::directory::{Directory, contended, no_identity};
use crate::managed_policies::{Use, no_policy};
use crate::names::{check_name, parse, size};
use crate::record::IdentityRecord;
use crate::{Error, ErrorKind, Iam, IdentityKind, IdentityRef};

/// The maximum number of managed policies attached to a user or role.
const MAX_ATTACHED: usize = 10;

impl Iam {
    /// Adds an inline policy to a user or role, or replaces the one with this name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::MalformedPolicy`], [`ErrorKind::Validation`],
    /// [`ErrorKind::LimitExceeded`]: 2,048 characters for all of a user's, 10,240 for all of a
    /// role's, not counting whitespace. See [IAM
    /// quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
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
        let put = self.directory.change(cx, action, identity, &asked, |record| {
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
        put.await.map_err(|error| error.during(action))?;
        Ok(())
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
        let found = self.directory.identity(cx, action, identity).await?.inline;
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
        let found = self.directory.identity(cx, action, identity).await?.inline;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// Removes an inline policy.
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
        let deleted = self.directory.change(cx, action, identity, &asked, |record| {
            let before = record.inline.len();
            record.inline.retain(|(known, _)| known != name);
            if record.inline.len() == before { Err(no_inline(identity, name)) } else { Ok(()) }
        });
        deleted.await.map_err(|error| error.during(action))?;
        Ok(())
    }

    /// Attaches a managed policy, the account's own or one of [`presets`](crate::presets), to a
    /// user or role. Does nothing if it is attached already.
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
        let attached = self.directory.change_attached(cx, action, identity, arn, 1, |record| {
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

    /// Detaches a managed policy from a user or role.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], also if the policy is not attached.
    pub async fn detach_policy(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        arn: &str,
    ) -> Result<(), Error> {
        let action =
            if identity.kind == IdentityKind::User { "DetachUserPolicy" } else { "DetachRolePolicy" };
        let detached = self.directory.change_attached(cx, action, identity, arn, -1, |record| {
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
        Ok(self.directory.identity(cx, action, identity).await?.attached)
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
        let put = self.directory.change_boundary(cx, action, identity, Some(arn));
        put.await.map_err(|error| error.during(action))
    }

    /// Removes the boundary. Does nothing if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete_boundary(&self, cx: &CallContext, identity: &IdentityRef) -> Result<(), Error> {
        let action = match identity.kind {
            IdentityKind::User => "DeleteUserPermissionsBoundary",
            IdentityKind::Role => "DeleteRolePermissionsBoundary",
        };
        self.directory.change_boundary(cx, action, identity, None).await.map_err(|error| error.during(action))
    }
}

impl Directory {
    pub(crate) async fn identity(
        &self,
        cx: &CallContext,
        action: &'static str,
        identity: &IdentityRef,
    ) -> Result<IdentityRecord, Error> {
        let found = self.permit_on(cx, action, identity, &Context::new()).await;
        let found = found.map_err(|error| error.during(action))?;
        Ok(found.ok_or_else(|| no_identity(identity).during(action))?.record)
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
                self.count_use(&mut batch, before, Use::Boundary, -1).await?;
            }
            if let Some(to) = to {
                self.count_use(&mut batch, to, Use::Boundary, 1).await?;
                found.record.boundary = Some(to.to_owned());
            }
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(contended())
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
            self.count_use(&mut batch, arn, Use::Policy, by).await?;
            let place = self.layout.identity(identity.kind, &identity.name);
            self.put(&mut batch, &place, &found.record, Expect::At(found.revision))?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(contended())
    }
}

fn no_inline(identity: &IdentityRef, name: &str) -> Error {
    let text = format!("The {} policy with name {name} cannot be found.", identity.kind);
    Error::new(ErrorKind::NoSuchEntity, text)
}
