//! The users and roles of a strongroom, without async.

use pollster::block_on;
use strongroom_iam::{CreateRole, CreateUser, Iam, Identity, IdentityKind, IdentityRef, ManagedPolicy};

use crate::Error;

/// As [`crate::Identities`], without async.
#[derive(Clone, Debug)]
pub struct Identities(crate::Identities);

impl Identities {
    pub(super) fn new(identities: crate::Identities) -> Self {
        Self(identities)
    }

    /// As [`crate::Identities::directory`].
    #[must_use]
    pub fn directory(&self) -> &Iam {
        self.0.directory()
    }

    /// As [`crate::Identities::create_user`].
    ///
    /// # Errors
    /// As [`crate::Identities::create_user`].
    pub fn create_user(&self, user: impl Into<CreateUser>) -> Result<Identity, Error> {
        block_on(self.0.create_user(user))
    }

    /// As [`crate::Identities::create_role`].
    ///
    /// # Errors
    /// As [`crate::Identities::create_role`].
    pub fn create_role(&self, role: CreateRole) -> Result<Identity, Error> {
        block_on(self.0.create_role(role))
    }

    /// As [`crate::Identities::list`].
    ///
    /// # Errors
    /// As [`crate::Identities::list`].
    pub fn list(&self, kind: IdentityKind) -> Result<Vec<Identity>, Error> {
        block_on(self.0.list(kind))
    }

    /// As [`crate::Identities::delete`].
    ///
    /// # Errors
    /// As [`crate::Identities::delete`].
    pub fn delete(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        block_on(self.0.delete(identity))
    }

    /// As [`crate::Identities::put_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::put_policy`].
    pub fn put_policy(
        &self,
        identity: impl Into<IdentityRef>,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        block_on(self.0.put_policy(identity, name, document))
    }

    /// As [`crate::Identities::delete_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::delete_policy`].
    pub fn delete_policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<(), Error> {
        block_on(self.0.delete_policy(identity, name))
    }

    /// As [`crate::Identities::create_managed_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::create_managed_policy`].
    pub fn create_managed_policy(&self, name: &str, document: &str) -> Result<ManagedPolicy, Error> {
        block_on(self.0.create_managed_policy(name, document))
    }

    /// As [`crate::Identities::attach_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::attach_policy`].
    pub fn attach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        block_on(self.0.attach_policy(identity, arn))
    }

    /// As [`crate::Identities::detach_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::detach_policy`].
    pub fn detach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        block_on(self.0.detach_policy(identity, arn))
    }

    /// As [`crate::Identities::put_guardrail`].
    ///
    /// # Errors
    /// As [`crate::Identities::put_guardrail`].
    pub fn put_guardrail(&self, name: &str, document: &str) -> Result<(), Error> {
        block_on(self.0.put_guardrail(name, document))
    }

    /// As [`crate::Identities::delete_guardrail`].
    ///
    /// # Errors
    /// As [`crate::Identities::delete_guardrail`].
    pub fn delete_guardrail(&self, name: &str) -> Result<(), Error> {
        block_on(self.0.delete_guardrail(name))
    }
}
