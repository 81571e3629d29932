//! Who may do what with a secret: the caller's own policies and the secret's.

use std::collections::BTreeMap;

use strongroom_kms::{DescribeKey, KeyRef};
use strongroom_policy::{
    AuthorizerError, AuthorizerErrorKind, Context, Known, Policies, Policy, Request, Subject,
};
use strongroom_store::{Error, ErrorKind, Operation, SecretId, Tag, Target};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::error::encryption;
use crate::head::{Head, StoredHead};

/// What stands for the six characters of a secret's ARN before there are any. Patterns with six question marks match it.
pub(crate) const NO_SUFFIX: &str = "??????";

/// The condition key for the key that a secret is to have.
const KEY_ARN: &str = "secretsmanager:KmsKeyArn";

/// What an operation is about.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// A secret that is there.
    Secret(&'a Head),
    /// A secret that is to be made.
    New(&'a Head),
    /// One that is not there, as the caller named it.
    Given(&'a str),
    /// No secret.
    Nothing,
}

impl<'a> About<'a> {
    /// What AWS calls it in a denial. A secret that is about to be made has no ARN yet and is named
    /// as given; a listing names no resource; everything else is named as policies see it.
    pub(crate) fn in_denials<'b>(self, operation: Operation, request: &'b Request) -> Option<&'b str>
    where
        'a: 'b,
    {
        match self {
            Self::New(head) => Some(&head.name),
            Self::Nothing if matches!(operation, Operation::ListSecrets | Operation::BatchGetSecretValue) => {
                None
            }
            _ => Some(request.resource()),
        }
    }
}

/// Condition keys that mirror what a request was given. None where it was given nothing.
#[derive(Default)]
pub(crate) struct RequestFacts(pub(crate) Context);

impl RequestFacts {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// With a key of its own.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.set(key, value);
        self
    }

    /// With one that may not have been given.
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// With tags that the request brings.
    pub(crate) fn tags(mut self, tags: &[Tag]) -> Self {
        for tag in tags {
            self.0.set_first(format!("aws:RequestTag/{}", tag.key), &tag.value);
        }
        self.tag_keys(tags.iter().map(|tag| tag.key.as_str()))
    }

    /// With keys of tags.
    pub(crate) fn tag_keys<'a>(mut self, keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Vec<&str> = keys.collect();
        if !keys.is_empty() {
            self.0.set_many("aws:TagKeys", keys);
        }
        self
    }
}

/// Nothing was found out about the caller.
pub(crate) fn not_found_out(error: AuthorizerError) -> Error {
    let kind = match error.kind() {
        AuthorizerErrorKind::InvalidCaller => ErrorKind::AccessDenied,
        AuthorizerErrorKind::ExpiredSession => ErrorKind::ExpiredToken,
        AuthorizerErrorKind::Tampered => ErrorKind::Tampered,
        AuthorizerErrorKind::StoreChanged => ErrorKind::StoreChanged,
        AuthorizerErrorKind::Throttled => ErrorKind::Throttled,
        _ => ErrorKind::Internal,
    };
    Error::from_frame(error.into_frame().map_kind(kind))
}

impl Head {
    /// Its policy, read, with whom it names.
    pub(crate) fn resource_policy(&self) -> Result<Option<Policy>, Error> {
        let Some(text) = &self.policy else { return Ok(None) };
        let mut policy = Policy::kept_resource(text).map_err(|error| {
            // It was checked before it was kept.
            Error::new(ErrorKind::Tampered, "the secret's policy is not readable").because(error)
        })?;
        policy.bind(&self.policy_ids);
        Ok(Some(policy))
    }
}

impl Engine {
    /// Whether the caller is of another account.
    pub(crate) fn is_foreign(&self, cx: &CallContext) -> bool {
        cx.is_foreign_to(self.realm().account())
    }

    /// The caller with its documents.
    pub(crate) async fn subject(&self, cx: &CallContext) -> Result<Subject, Error> {
        self.authorizer.subject(cx, self.realm(), self.now()).await.map_err(not_found_out)
    }

    /// With the key that a secret is to have, as it was given and as it is. The key's name alone must not do for its ARN.
    pub(crate) async fn asked_key(
        &self,
        cx: &CallContext,
        asked: RequestFacts,
        given: Option<&str>,
        (operation, about): (Operation, About<'_>),
    ) -> Result<RequestFacts, Error> {
        let Some(given) = given else { return Ok(asked) };
        let policy = match about {
            About::Secret(head) => head.resource_policy()?,
            _ => None,
        };
        if policy.is_none() && cx.acts_freely_in(self.realm().account()) {
            return Ok(asked);
        }
        let asked = asked.with("secretsmanager:KmsKeyId", given);
        // Found out only where a document wants to know.
        let looked_at = self.subject(cx).await?.policies().mention(KEY_ARN)
            || policy.is_some_and(|policy| policy.mentions(KEY_ARN));
        if !looked_at {
            return Ok(asked);
        }
        let (key, _) = self.key_of(Some(given).filter(|given| !given.is_empty()))?;
        // A key by its id or ARN is the one it says, and to name the service's own key is as to name none.
        let arn = if matches!(&key, KeyRef::Alias(name) | KeyRef::AliasArn(_, name) if !name.is_reserved()) {
            let owner = CallContext::owner(self.realm());
            match self.inner.kms.describe_key(&owner, DescribeKey::new(&key)).await {
                Ok(described) => described.arn.to_string(),
                Err(error) if error.kind() == strongroom_kms::ErrorKind::NotFound => {
                    self.qualified(key).to_string()
                }
                // Its policy hides from everybody here what an alias stands for: a policy that means the key by its ARN must not be passed by its alias.
                Err(_) => match self.inner.kms.describe_key(cx, DescribeKey::new(&key)).await {
                    Ok(described) => described.arn.to_string(),
                    Err(hidden) => {
                        // Who may not do it with any key is told that, and nothing of this one.
                        self.permit(cx, operation, about, &asked).await?;
                        return Err(encryption(hidden));
                    }
                },
            }
        } else {
            self.qualified(key).to_string()
        };
        Ok(asked.with(KEY_ARN, arn))
    }

    /// A key named as in this account.
    pub(crate) fn qualified(&self, key: KeyRef) -> KeyRef {
        match key {
            KeyRef::Id(id) => KeyRef::Arn(id.arn(self.realm()), id),
            KeyRef::Alias(name) => KeyRef::AliasArn(name.arn(self.realm()), name),
            key => key,
        }
    }

    /// What AWS has no permission for is the owner's.
    pub(crate) fn owner_only(&self, cx: &CallContext, what: &str) -> Result<(), Error> {
        if cx.acts_freely_in(self.realm().account()) {
            return Ok(());
        }
        let text = format!("User: {} is not authorized to {what}: only the owner is", cx.caller());
        Err(Error::new(ErrorKind::AccessDenied, text))
    }

    /// That the caller may do this.
    pub(crate) async fn permit(
        &self,
        cx: &CallContext,
        operation: Operation,
        about: About<'_>,
        asked: &RequestFacts,
    ) -> Result<(), Error> {
        // The account itself may what no policy of the secret forbids.
        let has_policy = matches!(about, About::Secret(head) if head.policy.is_some());
        if !has_policy && cx.acts_freely_in(self.realm().account()) {
            return Ok(());
        }
        Box::pin(self.ask(cx, operation, about, asked)).await
    }

    async fn ask(
        &self,
        cx: &CallContext,
        operation: Operation,
        about: About<'_>,
        asked: &RequestFacts,
    ) -> Result<(), Error> {
        let subject = self.subject(cx).await?;
        let request = self.request(&subject, operation, about, asked);
        let policy = match about {
            About::Secret(head) => head.resource_policy()?,
            _ => None,
        };
        match documents(&subject, policy.as_ref()).decide(&request) {
            decision if decision.is_allowed() => Ok(()),
            decision => {
                let text = decision.denial_of(&request, about.in_denials(operation, &request));
                Err(Error::new(ErrorKind::AccessDenied, text))
            }
        }
    }

    /// The request as policies see it.
    pub(crate) fn request(
        &self,
        subject: &Subject,
        operation: Operation,
        about: About<'_>,
        asked: &RequestFacts,
    ) -> Request {
        let resource = match about {
            About::Secret(head) | About::New(head) => head.arn(self.realm()).to_string(),
            About::Given(id) => id.to_owned(),
            About::Nothing => "*".to_owned(),
        };
        let mut request = subject.request(operation.action(), &resource, self.realm(), self.now());
        if matches!(about, About::Nothing | About::Given(_)) {
            // What is asked of no secret, or of one that is not there, is asked of this account, whoever asks.
            request = request.resource_account(self.realm().account().as_str());
        }
        let facts = request.context_mut();
        facts.set("aws:ViaAWSService", "false");
        match about {
            About::Secret(head) => self.describe_to(facts, head, &resource),
            About::Given(id) => facts.set("secretsmanager:SecretId", id),
            About::New(_) | About::Nothing => {}
        }
        facts.extend(&asked.0);
        request
    }

    /// Adds what there is to say of a secret.
    fn describe_to(&self, facts: &mut Context, head: &Head, arn: &str) {
        facts.set("secretsmanager:SecretId", arn);
        let own = self.realm().region().as_str();
        facts.set("secretsmanager:SecretPrimaryRegion", head.primary_region.as_deref().unwrap_or(own));
        for (key, value) in head.tags.iter().flatten() {
            facts.set_first(format!("secretsmanager:ResourceTag/{key}"), value);
            facts.set_first(format!("aws:ResourceTag/{key}"), value);
        }
    }

    /// The secret that a request names, as far as its caller can name it: from another account only by its full ARN.
    pub(crate) async fn named(&self, cx: &CallContext, id: &SecretId) -> Result<Option<StoredHead>, Error> {
        let target = id.target(self.realm())?;
        if self.is_foreign(cx) && !matches!(target, Target::Arn { .. }) {
            return Ok(None);
        }
        self.find(&target).await
    }

    /// The secret that `id` names, marked for deletion or not, for a caller who may do this with it. Who may not is told so, be the
    /// secret there or not; for others a secret that is not there is AWS's error.
    pub(crate) async fn existing(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        asked: &RequestFacts,
    ) -> Result<StoredHead, Error> {
        let found = self.may(cx, operation, id, asked).await?;
        found.ok_or_else(|| Error::not_found().with("secret", id))
    }

    /// The secret that `id` names, if there is one, for a caller who may do this with it.
    pub(crate) async fn may(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        asked: &RequestFacts,
    ) -> Result<Option<StoredHead>, Error> {
        let found = self.named(cx, id).await?;
        let about = found.as_ref().map_or(About::Given(id.as_str()), |found| About::Secret(&found.head));
        self.permit(cx, operation, about, asked).await?;
        Ok(found)
    }

    /// As [`Engine::existing`]; a secret that is marked for deletion is AWS's error.
    pub(crate) async fn live(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        asked: &RequestFacts,
    ) -> Result<StoredHead, Error> {
        let head = self.existing(cx, operation, id, asked).await?;
        if head.head.deleted.is_some() {
            return Err(Error::marked_for_deletion());
        }
        Ok(head)
    }

    /// The unique ids of users and roles that a policy names; `None` where it names nobody.
    pub(crate) async fn ids_named(&self, policy: &Policy) -> Result<Option<BTreeMap<String, String>>, Error> {
        self.authorizer.ids_named(policy, self.realm()).await.map_err(not_found_out)
    }

    pub(crate) async fn look_up(&self, name: &str) -> Result<Known, Error> {
        self.authorizer.look_up(name, self.realm()).await.map_err(not_found_out)
    }
}

/// The documents of a decision: the caller's, and the secret's.
pub(crate) fn documents<'a>(subject: &'a Subject, policy: Option<&'a Policy>) -> Policies<'a> {
    match policy {
        Some(policy) => subject.policies().resource(policy),
        None => subject.policies(),
    }
}
