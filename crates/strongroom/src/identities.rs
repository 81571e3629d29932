//! The users and roles of a strongroom.

use strongroom_iam::{
    CreatePolicy, CreateRole, CreateUser, Iam, Identity, IdentityKind, IdentityRef, ManagedPolicy,
};
use strongroom_store::{Operation, SecretId};
use strongroom_types::CallContext;

use crate::access::{AccessReport, WhoCan};
use crate::room::Own;
use crate::{Error, Strongroom};

/// The strongroom's own directory: users, roles and their policies, so that parts of a program can
/// have different permissions. Made by [`Strongroom::iam`].
///
/// The calls are made by this handle's caller; the directory itself is [`Identities::directory`].
#[derive(Clone, Debug)]
pub struct Identities {
    room: Strongroom,
}

impl Strongroom {
    /// The users, roles and policies of this strongroom.
    #[must_use]
    pub fn iam(&self) -> Identities {
        Identities { room: self.clone() }
    }
}

impl Identities {
    /// The directory itself, for everything else.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn directory(&self) -> Result<&Iam, Error> {
        Ok(&self.room.own("use its users and roles")?.0.iam)
    }

    /// Why a caller may or may not do something with a secret: each permission that is needed, each
    /// document that was consulted, each of its statements, and the smallest changes that would
    /// allow it. For the owner only. The answer is what the operation itself would meet: for reads,
    /// of the current value; for writes, of a new value under the secret's own key.
    ///
    /// ```
    /// # use strongroom::{Operation, RootKey, Strongroom};
    /// # pollster::block_on(async {
    /// # let root = RootKey::from_bytes([1; 32]);
    /// # let room = Strongroom::builder().memory().root_key(root).open().await?;
    /// # room.create("prod/db").text("s3cret").send().await?;
    /// let alice = room.iam().create_user("alice").await?.caller()?;
    /// let report = room.iam().explain(alice, Operation::GetSecretValue, "prod/db").await?;
    /// assert!(!report.allowed);
    /// println!("{report}");
    /// # Ok::<_, strongroom::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`SecretErrorKind::AccessDenied`](crate::SecretErrorKind::AccessDenied) for anyone but the
    /// owner; not found.
    pub async fn explain(
        &self,
        caller: impl Into<CallContext>,
        operation: Operation,
        secret: impl Into<SecretId>,
    ) -> Result<AccessReport, Error> {
        let (parts, _) = self.room.owner_only("explain")?;
        Ok(parts.access.explain(&caller.into(), operation, &secret.into()).await?)
    }

    /// Who can do something with a secret, of those who are known: the owner, all users and roles,
    /// and whom policies and grants name; allowed, denied, or allowed under a condition. For the
    /// owner only.
    ///
    /// # Errors
    /// As [`Identities::explain`].
    pub async fn who_can(&self, operation: Operation, secret: impl Into<SecretId>) -> Result<WhoCan, Error> {
        let (parts, _) = self.room.owner_only("ask who can")?;
        Ok(parts.access.who_can(operation, &secret.into()).await?)
    }

    /// Creates a user, by name or from a [`CreateUser`]. It has no permissions yet.
    ///
    /// # Errors
    /// As [`Iam::create_user`].
    pub async fn create_user(&self, user: impl Into<CreateUser>) -> Result<Identity, Error> {
        Ok(self.directory()?.create_user(self.room.context(), user.into()).await?)
    }

    /// Creates a role. It has no permissions yet.
    ///
    /// # Errors
    /// As [`Iam::create_role`].
    pub async fn create_role(&self, role: CreateRole) -> Result<Identity, Error> {
        Ok(self.directory()?.create_role(self.room.context(), role).await?)
    }

    /// All users, or all roles, by name.
    ///
    /// # Errors
    /// As [`Iam::list`].
    pub async fn list(&self, kind: IdentityKind) -> Result<Vec<Identity>, Error> {
        let (mut all, mut marker) = (Vec::new(), None);
        loop {
            let page =
                self.directory()?.list(self.room.context(), kind, "/", marker.as_deref(), 1000).await?;
            all.extend(page.identities);
            match page.next_marker {
                Some(next) => marker = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Deletes a user or role that has no policies left.
    ///
    /// # Errors
    /// As [`Iam::delete`].
    pub async fn delete(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        Ok(self.directory()?.delete(self.room.context(), &identity.into()).await?)
    }

    /// Gives a user or role an inline policy, a JSON document, in place of the one of this name.
    ///
    /// # Errors
    /// As [`Iam::put_policy`].
    pub async fn put_policy(
        &self,
        identity: impl Into<IdentityRef>,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        Ok(self.directory()?.put_policy(self.room.context(), &identity.into(), name, document).await?)
    }

    /// Removes an inline policy from a user or role.
    ///
    /// # Errors
    /// As [`Iam::delete_policy`].
    pub async fn delete_policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<(), Error> {
        Ok(self.directory()?.delete_policy(self.room.context(), &identity.into(), name).await?)
    }

    /// Creates a managed policy, which several users and roles can share.
    ///
    /// # Errors
    /// As [`strongroom_iam::ManagedPolicies::create`].
    pub async fn create_managed_policy(&self, name: &str, document: &str) -> Result<ManagedPolicy, Error> {
        Ok(self
            .directory()?
            .managed_policies()
            .create(self.room.context(), CreatePolicy::new(name, document))
            .await?)
    }

    /// Attaches a managed policy, or one of [`crate::presets`], to a user or role, by ARN.
    ///
    /// # Errors
    /// As [`Iam::attach_policy`].
    pub async fn attach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.attach_policy(self.room.context(), &identity.into(), arn).await?)
    }

    /// Detaches a managed policy from a user or role.
    ///
    /// # Errors
    /// As [`Iam::detach_policy`].
    pub async fn detach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.detach_policy(self.room.context(), &identity.into(), arn).await?)
    }

    /// Limits the account's users and roles: no policy can allow what this document denies. See
    /// [`crate::presets::ReservedNames`].
    ///
    /// # Errors
    /// As [`strongroom_iam::Guardrails::put`].
    pub async fn put_guardrail(&self, name: &str, document: &str) -> Result<(), Error> {
        Ok(self.directory()?.guardrails().put(self.room.context(), name, document).await?)
    }

    /// Removes a guardrail.
    ///
    /// # Errors
    /// As [`strongroom_iam::Guardrails::delete`].
    pub async fn delete_guardrail(&self, name: &str) -> Result<(), Error> {
        Ok(self.directory()?.guardrails().delete(self.room.context(), name).await?)
    }

    /// Describes a user or role.
    ///
    /// # Errors
    /// As [`Iam::get`].
    pub async fn get(&self, identity: impl Into<IdentityRef>) -> Result<Identity, Error> {
        Ok(self.directory()?.get(self.room.context(), &identity.into()).await?)
    }

    /// Adds tags to a user or role, or changes their values: `aws:PrincipalTag/...`.
    ///
    /// # Errors
    /// As [`Iam::tag`].
    pub async fn tag(&self, identity: impl Into<IdentityRef>, key: &str, value: &str) -> Result<(), Error> {
        Ok(self
            .directory()?
            .tag(self.room.context(), &identity.into(), &[(key.to_owned(), value.to_owned())])
            .await?)
    }

    /// Removes a tag of a user or role; does nothing if it is not there.
    ///
    /// # Errors
    /// As [`Iam::untag`].
    pub async fn untag(&self, identity: impl Into<IdentityRef>, key: &str) -> Result<(), Error> {
        Ok(self.directory()?.untag(self.room.context(), &identity.into(), &[key.to_owned()]).await?)
    }

    /// The names of a user's or role's inline policies.
    ///
    /// # Errors
    /// As [`Iam::policies`].
    pub async fn policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        Ok(self.directory()?.policies(self.room.context(), &identity.into()).await?)
    }

    /// The document of a user's or role's inline policy.
    ///
    /// # Errors
    /// As [`Iam::policy`].
    pub async fn policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<String, Error> {
        Ok(self.directory()?.policy(self.room.context(), &identity.into(), name).await?)
    }

    /// The ARNs of the managed policies attached to a user or role.
    ///
    /// # Errors
    /// As [`Iam::attached_policies`].
    pub async fn attached_policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        Ok(self.directory()?.attached_policies(self.room.context(), &identity.into()).await?)
    }

    /// Limits what a user's or role's policies can allow to what this managed policy allows too.
    ///
    /// # Errors
    /// As [`Iam::put_boundary`].
    pub async fn put_boundary(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.put_boundary(self.room.context(), &identity.into(), arn).await?)
    }

    /// Removes a boundary; does nothing if there is none.
    ///
    /// # Errors
    /// As [`Iam::delete_boundary`].
    pub async fn delete_boundary(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        Ok(self.directory()?.delete_boundary(self.room.context(), &identity.into()).await?)
    }

    /// Changes who may assume a role.
    ///
    /// # Errors
    /// As [`Iam::update_trust`].
    pub async fn update_trust(&self, role: &str, trust: &str) -> Result<(), Error> {
        Ok(self.directory()?.update_trust(self.room.context(), role, trust).await?)
    }

    /// The account's managed policies, by name.
    ///
    /// # Errors
    /// As [`strongroom_iam::ManagedPolicies::list`].
    pub async fn managed_policies(&self) -> Result<Vec<ManagedPolicy>, Error> {
        Ok(self.directory()?.managed_policies().list(self.room.context()).await?)
    }

    /// Replaces the document of a managed policy.
    ///
    /// # Errors
    /// As [`strongroom_iam::ManagedPolicies::update`].
    pub async fn update_managed_policy(&self, arn: &str, document: &str) -> Result<(), Error> {
        Ok(self.directory()?.managed_policies().update(self.room.context(), arn, document).await?)
    }

    /// Deletes a managed policy that is attached to nobody.
    ///
    /// # Errors
    /// As [`strongroom_iam::ManagedPolicies::delete`].
    pub async fn delete_managed_policy(&self, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.managed_policies().delete(self.room.context(), arn).await?)
    }

    /// The guardrails, name and document.
    ///
    /// # Errors
    /// As [`strongroom_iam::Guardrails::list`].
    pub async fn guardrails(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.directory()?.guardrails().list(self.room.context()).await?)
    }
}
