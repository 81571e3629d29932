//! Who may do what, through the whole house: identities, policies of secrets and keys, grants, and what is told about it.

#![cfg(test)]

mod agreement;
mod closed;
mod conditions;
mod denials;
mod incident;
mod key_conditions;
mod keys;
mod named_keys;
mod operations;
mod policies;
mod reserved;
mod sessions;
mod stories;
mod told;

use std::sync::Arc;

use strongroom::kms::{CreateGrant, GrantOperation, PutKeyPolicy};
use strongroom::{
    AccountId, CallContext, Caller, CreateRole, Error, Identity, IdentityRef, Operation, RootKey, Strongroom,
    Timestamp,
};
use strongroom_testkit::ManualClock;

/// What a key's policy says unless told otherwise.
pub(crate) const DELEGATION: &str = r#"{"Sid":"account","Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}"#;
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}"#;
pub(crate) const NO_KMS: &str = "Access to KMS is not allowed";
/// secretsmanager.md §6.4 [R]: how AWS refuses another account's callers the managed key.
pub(crate) const DEFAULT_KEY: &str = "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";

/// A strongroom in memory with a key of its own and two secrets: `managed` and `own`.
pub(crate) struct World {
    pub(crate) room: Strongroom,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: String,
}

pub(crate) fn document(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// A statement that allows actions on everything, with more members.
pub(crate) fn allow_with(actions: &[&str], more: &str) -> String {
    let actions = actions.iter().map(|action| format!("\"{action}\"")).collect::<Vec<_>>().join(",");
    format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*"{more}}}"#)
}

pub(crate) fn allow(actions: &[&str]) -> String {
    document(&[allow_with(actions, "")])
}

pub(crate) fn is_denied<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(|error| error.code() == "AccessDeniedException")
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let root = RootKey::from_bytes([7; 32]);
        let room = Strongroom::builder().memory().root_key(root).clock(clock.clone()).open().await.unwrap();
        let key = room.keys().create("alias/own", "").await.unwrap().arn.to_string();
        room.create("managed").text("v").send().await.unwrap();
        room.create("own").key("alias/own").tag("team", "orders").text("v").send().await.unwrap();
        Self { room, clock, key }
    }

    pub(crate) async fn user(&self, name: &str, policy: &str) -> Identity {
        let user = self.room.iam().create_user(name).await.unwrap();
        if !policy.is_empty() {
            self.room.iam().put_policy(&user, "own", policy).await.unwrap();
        }
        user
    }

    pub(crate) async fn role(&self, name: &str, policy: &str) -> Identity {
        let role = self.room.iam().create_role(CreateRole::new(name, TRUST)).await.unwrap();
        if !policy.is_empty() {
            self.room.iam().put_policy(&role, "own", policy).await.unwrap();
        }
        role
    }

    pub(crate) fn as_user(&self, user: &Identity) -> Strongroom {
        self.room.as_caller(user.caller().unwrap())
    }

    pub(crate) async fn set(&self, name: &str, policy: &str) {
        self.room.iam().put_policy(IdentityRef::user(name), "own", policy).await.unwrap();
    }

    pub(crate) async fn key_policy(&self, statements: &[&str]) {
        let statements: Vec<_> = statements.iter().map(|one| (*one).to_owned()).collect();
        let put = PutKeyPolicy::new(document(&statements));
        let key = strongroom::kms::KeyRef::parse(&self.key).unwrap();
        self.room.keys().service().unwrap().put_key_policy(self.room.context(), &key, put).await.unwrap();
    }

    pub(crate) async fn grant(&self, grantee: &str, operation: GrantOperation) -> String {
        let key = strongroom::kms::KeyRef::parse(&self.key).unwrap();
        let grant = CreateGrant::new(grantee, [operation]);
        self.room.keys().service().unwrap().create_grant(self.room.context(), &key, grant).await.unwrap().id
    }

    pub(crate) async fn revoke(&self, grant: &str) {
        let key = strongroom::kms::KeyRef::parse(&self.key).unwrap();
        self.room
            .keys()
            .service()
            .unwrap()
            .revoke_grant(self.room.context(), &key, grant, false)
            .await
            .unwrap();
    }

    /// Tries an operation as a caller, and holds the explanation against it: the same verdict, and the same words.
    pub(crate) async fn tries(
        &self,
        caller: &Caller,
        operation: Operation,
        secret: &str,
    ) -> Result<(), Error> {
        self.tries_as(&caller.clone().into(), operation, secret).await
    }

    /// The same with what is known of a session.
    pub(crate) async fn tries_as(
        &self,
        cx: &CallContext,
        operation: Operation,
        secret: &str,
    ) -> Result<(), Error> {
        let theirs = self.room.with_context(cx.clone());
        let explained = self.room.iam().explain(cx.clone(), operation, secret).await.unwrap();
        let result = attempt(&theirs, operation, secret).await;
        let default_key = result.as_ref().is_err_and(|error| error.message() == DEFAULT_KEY);
        let denied = is_denied(&result) || default_key;
        assert_eq!(denied, !explained.allowed, "{operation} {secret}: {result:?}\n{explained}");
        if let Err(error) = &result
            && !explained.allowed
        {
            assert_eq!(Some(error.message()), explained.error.as_deref(), "{explained}");
        }
        result
    }
}

/// An operation as explanations take it.
pub(crate) async fn attempt(room: &Strongroom, operation: Operation, secret: &str) -> Result<(), Error> {
    match operation {
        Operation::GetSecretValue => room.get(secret).send().await.map(drop),
        Operation::BatchGetSecretValue => {
            let page = room.get_batch([secret]).send().await?;
            page.errors.into_iter().next().map_or(Ok(()), |failure| Err(failure.error.into()))
        }
        Operation::PutSecretValue => room.put(secret).text("newer").send().await.map(drop),
        Operation::UpdateSecret => room.update(secret).text("newer").send().await.map(drop),
        Operation::UpdateSecretVersionStage => {
            let to = strongroom::VersionId::new("0".repeat(32));
            room.move_stage(secret, "custom").to(&to).send().await.map(drop)
        }
        Operation::DescribeSecret => room.describe(secret).await.map(drop),
        Operation::ListSecrets => room.list().send().await.map(drop),
        Operation::ListSecretVersionIds => room.versions(secret).send().await.map(drop),
        Operation::GetRandomPassword => room.random_password().send().await.map(drop),
        Operation::DeleteSecret => room.delete(secret).send().await.map(drop),
        Operation::RestoreSecret => room.restore(secret).await.map(drop),
        Operation::TagResource => room.tag(secret, "a", "b").await,
        Operation::UntagResource => room.untag(secret, "a").await,
        Operation::GetResourcePolicy => room.policy(secret).get().await.map(drop),
        Operation::DeleteResourcePolicy => room.policy(secret).delete().await.map(drop),
        Operation::PutResourcePolicy => room.policy(secret).put(other_account()).send().await.map(drop),
        Operation::ValidateResourcePolicy => {
            room.validate_policy(other_account()).secret(secret).send().await.map(drop)
        }
        Operation::CreateSecret => room.create(secret).text("v").send().await.map(drop),
        Operation::ReportReads
        | Operation::ListKeyUses
        | Operation::Rewrap
        | Operation::RetireMaterial
        | Operation::Maintain
        | Operation::Verify => panic!("{operation} is no operation of AWS"),
    }
}

/// A policy that changes nothing for callers of this account.
pub(crate) fn other_account() -> String {
    let other = AccountId::parse("999999999999").unwrap();
    document(&[format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{other}"}},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#
    )])
}
