//! Who may do what with a secret: the caller's own policies and the secret's.

use std::collections::BTreeMap;

use strongroom_policy::{AuthorizerError, Context, Known, Policies, Policy, Request, Subject};
use strongroom_store::{Error, ErrorKind, Operation, SecretId, Target};
use strongroom_types::CallContext;

use crate::call::{About, Call, Needs};
use crate::head::{Head, StoredHead};
use crate::owner;
use crate::parts::Parts;
use crate::storage::Storage;

/// Nothing could be found out about the caller.
pub(crate) fn unidentified(error: AuthorizerError) -> Error {
    error.into_frame().pass_on()
}

impl Head {
    /// Its policy, parsed, with the unique ids of those it names.
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

/// Decides every permission. All permissions of a call are checked together, as its needs list
/// them.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a>(pub(crate) &'a Parts);

impl Gate<'_> {
    /// Whether the caller belongs to another account.
    pub(crate) fn is_foreign(self, cx: &CallContext) -> bool {
        cx.is_foreign_to(self.0.realm().account())
    }

    /// The caller with its policies.
    pub(crate) async fn subject(self, cx: &CallContext) -> Result<Subject, Error> {
        self.0.authorizer.subject(cx, self.0.realm(), self.0.now()).await.map_err(unidentified)
    }

    /// Refuses the call unless every permission that it needs is there. `about` is the secret that
    /// it names or makes.
    pub(crate) async fn allow(self, call: &Call<'_>, about: About<'_>) -> Result<(), Error> {
        if let Some(what) = call.needs.owner_only {
            self.owner_only(call.cx(), what)?;
        }
        // The account itself may do what no policy of the secret forbids.
        let has_policy = about.head().is_some_and(|head| head.policy.is_some());
        if !has_policy && call.cx().acts_freely_in(self.0.realm().account()) {
            return Ok(());
        }
        Box::pin(self.decide(call, about)).await
    }

    async fn decide(self, call: &Call<'_>, about: About<'_>) -> Result<(), Error> {
        let subject = self.subject(call.cx()).await?;
        for (operation, about) in call.needs.permissions(about) {
            let request = self.request(&subject, operation, about, &call.frame.facts);
            let policy = about.head().map(Head::resource_policy).transpose()?.flatten();
            let decision = documents(&subject, policy.as_ref()).decide(&request);
            if !decision.is_allowed() {
                let text = decision.denial_of(&request, about.in_denials(operation, &request));
                return Err(Error::new(ErrorKind::AccessDenied, text));
            }
        }
        Ok(())
    }

    /// AWS has no permission for it: only the owner may.
    fn owner_only(self, cx: &CallContext, what: &str) -> Result<(), Error> {
        if cx.acts_freely_in(self.0.realm().account()) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::AccessDenied, not_the_owner(cx, what)))
    }

    /// The request as policies see it.
    pub(crate) fn request(
        self,
        subject: &Subject,
        operation: Operation,
        about: About<'_>,
        facts: &Context,
    ) -> Request {
        let resource = match about {
            About::Secret(head) | About::New(head) => head.arn(self.0.realm()).to_string(),
            About::Given(id) => id.to_owned(),
            About::Nothing => "*".to_owned(),
        };
        let mut request = subject.request(operation.action(), &resource, self.0.realm(), self.0.now());
        if matches!(about, About::Nothing | About::Given(_)) {
            // A request about no secret, or one that does not exist, is about this account, whoever
            // asks.
            request = request.resource_account(self.0.realm().account().as_str());
        }
        let context = request.context_mut();
        context.set("aws:ViaAWSService", "false");
        match about {
            About::Secret(head) => self.describe_to(context, head, &resource),
            About::Given(id) => context.set("secretsmanager:SecretId", id),
            About::New(_) | About::Nothing => {}
        }
        context.extend(facts);
        request
    }

    /// Adds the condition keys that describe a secret.
    fn describe_to(self, facts: &mut Context, head: &Head, arn: &str) {
        facts.set("secretsmanager:SecretId", arn);
        let own = self.0.realm().region().as_str();
        facts.set("secretsmanager:SecretPrimaryRegion", head.primary_region.as_deref().unwrap_or(own));
        for (key, value) in head.tags.iter().flatten() {
            facts.set_first(format!("secretsmanager:ResourceTag/{key}"), value);
            facts.set_first(format!("aws:ResourceTag/{key}"), value);
        }
    }

    /// The secret that a request names, as far as its caller can name it: from another account only
    /// by its full ARN.
    pub(crate) async fn named(self, cx: &CallContext, id: &SecretId) -> Result<Option<StoredHead>, Error> {
        let target = id.target(self.0.realm())?;
        if self.is_foreign(cx) && !matches!(target, Target::Arn { .. }) {
            return Ok(None);
        }
        Storage(self.0).find(&target).await
    }

    /// The secret that `id` names, if it exists, for a caller with the permissions of the call.
    pub(crate) async fn permitted(self, call: &Call<'_>, id: &SecretId) -> Result<Option<StoredHead>, Error> {
        let found = self.named(call.cx(), id).await?;
        let about = About::named(found.as_ref().map(|found| &*found.head), id.as_str());
        self.allow(call, about).await?;
        Ok(found)
    }

    /// As [`Gate::permitted`]; a secret that does not exist is AWS's error. An unauthorized caller
    /// gets AccessDenied whether or not the secret exists.
    pub(crate) async fn existing(self, call: &Call<'_>, id: &SecretId) -> Result<StoredHead, Error> {
        self.permitted(call, id).await?.ok_or_else(Error::not_found)
    }

    /// As [`Gate::existing`]; a secret that is marked for deletion is AWS's error.
    pub(crate) async fn live(self, call: &Call<'_>, id: &SecretId) -> Result<StoredHead, Error> {
        let found = self.existing(call, id).await?;
        if found.head.deleted.is_some() {
            return Err(Error::marked_for_deletion());
        }
        Ok(found)
    }

    /// Refuses a change of a secret that a service manages, and a service's change of another
    /// secret.
    pub(crate) fn owned(self, needs: &Needs, head: &Head) -> Result<(), Error> {
        owner::may_use(needs.ownership, self.0.service.as_ref(), head)
    }

    /// The unique ids of users and roles that a policy names; `None` if one of them does not exist.
    pub(crate) async fn ids_named(self, policy: &Policy) -> Result<Option<BTreeMap<String, String>>, Error> {
        self.0.authorizer.ids_named(policy, self.0.realm()).await.map_err(unidentified)
    }

    pub(crate) async fn look_up(self, name: &str) -> Result<Known, Error> {
        self.0.authorizer.look_up(name, self.0.realm()).await.map_err(unidentified)
    }
}

/// The denial of an operation that is only for the owner.
pub(crate) fn not_the_owner(cx: &CallContext, what: &str) -> String {
    format!("User: {} is not authorized to {what}: only the owner is", cx.caller())
}

/// The documents of a decision: the caller's, and the secret's.
pub(crate) fn documents<'a>(subject: &'a Subject, policy: Option<&'a Policy>) -> Policies<'a> {
    match policy {
        Some(policy) => subject.policies().resource(policy),
        None => subject.policies(),
    }
}
