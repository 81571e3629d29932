//! The users and roles of a strongroom, without async.

use pollster::block_on;
use strongroom_iam::{CreateRole, CreateUser, Iam, Identity, IdentityKind, IdentityRef, ManagedPolicy};
use strongroom_store::{Operation, SecretId};
use strongroom_types::CallContext;

use crate::Error;
use crate::access::{AccessReport, WhoCan};
use crate::blocking_room::Strongroom;

/// As [`crate::Identities`], without async.
#[derive(Clone, Debug)]
pub struct Identities(crate::Identities);

impl Strongroom {
    /// As [`crate::Strongroom::iam`], without async.
    #[must_use]
    pub fn iam(&self) -> Identities {
        Identities(self.as_async().iam())
    }
}

impl Identities {
    /// As [`crate::Identities::directory`], whose operations are async.
    ///
    /// # Errors
    /// As [`crate::Identities::directory`].
    pub fn directory(&self) -> Result<&Iam, Error> {
        self.0.directory()
    }

    /// As [`crate::Identities::explain`].
    ///
    /// # Errors
    /// As [`crate::Identities::explain`].
    pub fn explain(
        &self,
        caller: impl Into<CallContext>,
        operation: Operation,
        secret: impl Into<SecretId>,
    ) -> Result<AccessReport, Error> {
        block_on(self.0.explain(caller, operation, secret))
    }

    /// As [`crate::Identities::who_can`].
    ///
    /// # Errors
    /// As [`crate::Identities::who_can`].
    pub fn who_can(&self, operation: Operation, secret: impl Into<SecretId>) -> Result<WhoCan, Error> {
        block_on(self.0.who_can(operation, secret))
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

    /// As [`crate::Identities::get`].
    ///
    /// # Errors
    /// As [`crate::Identities::get`].
    pub fn get(&self, identity: impl Into<IdentityRef>) -> Result<Identity, Error> {
        block_on(self.0.get(identity))
    }

    /// As [`crate::Identities::tag`].
    ///
    /// # Errors
    /// As [`crate::Identities::tag`].
    pub fn tag(&self, identity: impl Into<IdentityRef>, key: &str, value: &str) -> Result<(), Error> {
        block_on(self.0.tag(identity, key, value))
    }

    /// As [`crate::Identities::untag`].
    ///
    /// # Errors
    /// As [`crate::Identities::untag`].
    pub fn untag(&self, identity: impl Into<IdentityRef>, key: &str) -> Result<(), Error> {
        block_on(self.0.untag(identity, key))
    }

    /// As [`crate::Identities::policies`].
    ///
    /// # Errors
    /// As [`crate::Identities::policies`].
    pub fn policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        block_on(self.0.policies(identity))
    }

    /// As [`crate::Identities::policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::policy`].
    pub fn policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<String, Error> {
        block_on(self.0.policy(identity, name))
    }

    /// As [`crate::Identities::attached_policies`].
    ///
    /// # Errors
    /// As [`crate::Identities::attached_policies`].
    pub fn attached_policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        block_on(self.0.attached_policies(identity))
    }

    /// As [`crate::Identities::put_boundary`].
    ///
    /// # Errors
    /// As [`crate::Identities::put_boundary`].
    pub fn put_boundary(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        block_on(self.0.put_boundary(identity, arn))
    }

    /// As [`crate::Identities::delete_boundary`].
    ///
    /// # Errors
    /// As [`crate::Identities::delete_boundary`].
    pub fn delete_boundary(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        block_on(self.0.delete_boundary(identity))
    }

    /// As [`crate::Identities::update_trust`].
    ///
    /// # Errors
    /// As [`crate::Identities::update_trust`].
    pub fn update_trust(&self, role: &str, trust: &str) -> Result<(), Error> {
        block_on(self.0.update_trust(role, trust))
    }

    /// As [`crate::Identities::managed_policies`].
    ///
    /// # Errors
    /// As [`crate::Identities::managed_policies`].
    pub fn managed_policies(&self) -> Result<Vec<ManagedPolicy>, Error> {
        block_on(self.0.managed_policies())
    }

    /// As [`crate::Identities::update_managed_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::update_managed_policy`].
    pub fn update_managed_policy(&self, arn: &str, document: &str) -> Result<(), Error> {
        block_on(self.0.update_managed_policy(arn, document))
    }

    /// As [`crate::Identities::delete_managed_policy`].
    ///
    /// # Errors
    /// As [`crate::Identities::delete_managed_policy`].
    pub fn delete_managed_policy(&self, arn: &str) -> Result<(), Error> {
        block_on(self.0.delete_managed_policy(arn))
    }

    /// As [`crate::Identities::guardrails`].
    ///
    /// # Errors
    /// As [`crate::Identities::guardrails`].
    pub fn guardrails(&self) -> Result<Vec<(String, String)>, Error> {
        block_on(self.0.guardrails())
    }
}
