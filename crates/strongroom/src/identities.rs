//! The users and roles of a strongroom.

use strongroom_iam::{CreateRole, CreateUser, Iam, Identity, IdentityKind, IdentityRef, ManagedPolicy};
use strongroom_types::CallContext;

use crate::Error;
use crate::room::elsewhere;

/// The strongroom's own directory: users, roles and their policies, so that several parts of one program have different rights. Made by
/// [`crate::Strongroom::iam`].
///
/// What is said with every call, the caller, is this handle's; the directory itself is [`Identities::directory`].
#[derive(Clone, Debug)]
pub struct Identities {
    iam: Option<Iam>,
    cx: CallContext,
}

impl Identities {
    pub(crate) fn new(iam: Option<Iam>, cx: CallContext) -> Self {
        Self { iam, cx }
    }

    /// The directory itself, for everything else.
    ///
    /// # Errors
    /// `Unsupported` over another store.
    pub fn directory(&self) -> Result<&Iam, Error> {
        self.iam.as_ref().ok_or_else(|| elsewhere("use its users and roles"))
    }

    /// Makes a user, by name or as a [`CreateUser`] says. It may nothing yet.
    ///
    /// # Errors
    /// As [`Iam::create_user`].
    pub async fn create_user(&self, user: impl Into<CreateUser>) -> Result<Identity, Error> {
        Ok(self.directory()?.create_user(&self.cx, user.into()).await?)
    }

    /// Makes a role. It may nothing yet.
    ///
    /// # Errors
    /// As [`Iam::create_role`].
    pub async fn create_role(&self, role: CreateRole) -> Result<Identity, Error> {
        Ok(self.directory()?.create_role(&self.cx, role).await?)
    }

    /// All users, or all roles, by name.
    ///
    /// # Errors
    /// As [`Iam::list`].
    pub async fn list(&self, kind: IdentityKind) -> Result<Vec<Identity>, Error> {
        let (mut all, mut marker) = (Vec::new(), None);
        loop {
            let page = self.directory()?.list(&self.cx, kind, "/", marker.as_deref(), 1000).await?;
            all.extend(page.identities);
            match page.next_marker {
                Some(next) => marker = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Deletes a user or role that has no policies any more.
    ///
    /// # Errors
    /// As [`Iam::delete`].
    pub async fn delete(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        Ok(self.directory()?.delete(&self.cx, &identity.into()).await?)
    }

    /// Gives a user or role a policy of its own, a JSON document, in place of the one of this name.
    ///
    /// # Errors
    /// As [`Iam::put_policy`].
    pub async fn put_policy(
        &self,
        identity: impl Into<IdentityRef>,
        name: &str,
        document: &str,
    ) -> Result<(), Error> {
        Ok(self.directory()?.put_policy(&self.cx, &identity.into(), name, document).await?)
    }

    /// Takes a policy of its own from a user or role.
    ///
    /// # Errors
    /// As [`Iam::delete_policy`].
    pub async fn delete_policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<(), Error> {
        Ok(self.directory()?.delete_policy(&self.cx, &identity.into(), name).await?)
    }

    /// Makes a policy that several users and roles may have.
    ///
    /// # Errors
    /// As [`Iam::create_managed_policy`].
    pub async fn create_managed_policy(&self, name: &str, document: &str) -> Result<ManagedPolicy, Error> {
        Ok(self.directory()?.create_managed_policy(&self.cx, name, document).await?)
    }

    /// Gives a user or role such a policy, or one of [`crate::presets`], by its ARN.
    ///
    /// # Errors
    /// As [`Iam::attach_policy`].
    pub async fn attach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.attach_policy(&self.cx, &identity.into(), arn).await?)
    }

    /// Takes such a policy from a user or role.
    ///
    /// # Errors
    /// As [`Iam::detach_policy`].
    pub async fn detach_policy(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.detach_policy(&self.cx, &identity.into(), arn).await?)
    }

    /// Limits the account's users and roles: what this document denies, no policy allows. See [`crate::presets::ReservedNames`].
    ///
    /// # Errors
    /// As [`Iam::put_guardrail`].
    pub async fn put_guardrail(&self, name: &str, document: &str) -> Result<(), Error> {
        Ok(self.directory()?.put_guardrail(&self.cx, name, document).await?)
    }

    /// Takes a guardrail away.
    ///
    /// # Errors
    /// As [`Iam::delete_guardrail`].
    pub async fn delete_guardrail(&self, name: &str) -> Result<(), Error> {
        Ok(self.directory()?.delete_guardrail(&self.cx, name).await?)
    }

    /// What is known of a user or role.
    ///
    /// # Errors
    /// As [`Iam::get`].
    pub async fn get(&self, identity: impl Into<IdentityRef>) -> Result<Identity, Error> {
        Ok(self.directory()?.get(&self.cx, &identity.into()).await?)
    }

    /// Adds tags to a user or role, or changes their values: `aws:PrincipalTag/...`.
    ///
    /// # Errors
    /// As [`Iam::tag`].
    pub async fn tag(&self, identity: impl Into<IdentityRef>, key: &str, value: &str) -> Result<(), Error> {
        Ok(self.directory()?.tag(&self.cx, &identity.into(), &[(key.to_owned(), value.to_owned())]).await?)
    }

    /// Removes a tag of a user or role; fine when it is not there.
    ///
    /// # Errors
    /// As [`Iam::untag`].
    pub async fn untag(&self, identity: impl Into<IdentityRef>, key: &str) -> Result<(), Error> {
        Ok(self.directory()?.untag(&self.cx, &identity.into(), &[key.to_owned()]).await?)
    }

    /// The names of a user's or role's own policies.
    ///
    /// # Errors
    /// As [`Iam::policies`].
    pub async fn policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        Ok(self.directory()?.policies(&self.cx, &identity.into()).await?)
    }

    /// The document of a user's or role's own policy.
    ///
    /// # Errors
    /// As [`Iam::policy`].
    pub async fn policy(&self, identity: impl Into<IdentityRef>, name: &str) -> Result<String, Error> {
        Ok(self.directory()?.policy(&self.cx, &identity.into(), name).await?)
    }

    /// The ARNs of the managed policies that a user or role has.
    ///
    /// # Errors
    /// As [`Iam::attached_policies`].
    pub async fn attached_policies(&self, identity: impl Into<IdentityRef>) -> Result<Vec<String>, Error> {
        Ok(self.directory()?.attached_policies(&self.cx, &identity.into()).await?)
    }

    /// Limits what a user's or role's policies can allow to what this managed policy allows too.
    ///
    /// # Errors
    /// As [`Iam::put_boundary`].
    pub async fn put_boundary(&self, identity: impl Into<IdentityRef>, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.put_boundary(&self.cx, &identity.into(), arn).await?)
    }

    /// Takes a boundary away; fine where there is none.
    ///
    /// # Errors
    /// As [`Iam::delete_boundary`].
    pub async fn delete_boundary(&self, identity: impl Into<IdentityRef>) -> Result<(), Error> {
        Ok(self.directory()?.delete_boundary(&self.cx, &identity.into()).await?)
    }

    /// Changes who may take a role on.
    ///
    /// # Errors
    /// As [`Iam::update_trust`].
    pub async fn update_trust(&self, role: &str, trust: &str) -> Result<(), Error> {
        Ok(self.directory()?.update_trust(&self.cx, role, trust).await?)
    }

    /// The account's managed policies, by name.
    ///
    /// # Errors
    /// As [`Iam::managed_policies`].
    pub async fn managed_policies(&self) -> Result<Vec<ManagedPolicy>, Error> {
        Ok(self.directory()?.managed_policies(&self.cx).await?)
    }

    /// Gives a managed policy another document.
    ///
    /// # Errors
    /// As [`Iam::update_managed_policy`].
    pub async fn update_managed_policy(&self, arn: &str, document: &str) -> Result<(), Error> {
        Ok(self.directory()?.update_managed_policy(&self.cx, arn, document).await?)
    }

    /// Deletes a managed policy that nobody has any more.
    ///
    /// # Errors
    /// As [`Iam::delete_managed_policy`].
    pub async fn delete_managed_policy(&self, arn: &str) -> Result<(), Error> {
        Ok(self.directory()?.delete_managed_policy(&self.cx, arn).await?)
    }

    /// The guardrails, name and document.
    ///
    /// # Errors
    /// As [`Iam::guardrails`].
    pub async fn guardrails(&self) -> Result<Vec<(String, String)>, Error> {
        Ok(self.directory()?.guardrails(&self.cx).await?)
    }
}
