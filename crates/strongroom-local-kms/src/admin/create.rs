//! CreateKey.

use strongroom_kms::{AliasName, CreateKey, Error, ErrorKind, KeyMetadata, KeyOrigin};
use strongroom_policy::Context;

use crate::admin::aliases::alias_taken;
use crate::admin::policy::Policies;
use crate::call::KeyCall;
use crate::document::{NewPolicy, check_name};
use crate::gate::{Gate, denied};
use crate::keys::write::{NewKey, Writer};
use crate::needs::Role;
use crate::parts::Parts;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 8192;

pub(crate) fn check_description(description: &str) -> Result<(), Error> {
    if description.chars().count() <= MAX_DESCRIPTION {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Validation,
        "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192",
    ))
}

/// What policies may look at when a key is made.
pub(crate) fn facts_of(request: &CreateKey) -> Context {
    let mut facts = like(request);
    if !request.tags.is_empty() {
        facts.set_many("aws:TagKeys", request.tags.iter().map(|tag| &tag.key));
    }
    for tag in &request.tags {
        facts.set_first(format!("aws:RequestTag/{}", tag.key), &tag.value);
    }
    facts
}

/// What a key that is to be made will be like.
fn like(request: &CreateKey) -> Context {
    let bypass = request.policy.as_ref().is_some_and(|put| put.bypass_lockout_check);
    let mut facts = Context::new();
    facts.set("kms:KeySpec", request.spec.to_string());
    facts.set("kms:KeyUsage", request.spec.usage().to_string());
    facts.set("kms:KeyOrigin", request.origin.to_string());
    facts.set("kms:MultiRegion", request.multi_region.to_string());
    facts.set("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string());
    if request.multi_region {
        facts.set("kms:MultiRegionKeyType", "PRIMARY");
    }
    facts
}

/// What policies will see of a key once it is there.
fn once_made(request: &CreateKey) -> Context {
    let mut facts = like(request);
    for tag in &request.tags {
        facts.set_first(format!("aws:ResourceTag/{}", tag.key), &tag.value);
    }
    facts
}

/// Makes keys.
#[derive(Clone, Copy)]
pub(crate) struct Creation<'a>(pub(crate) &'a Parts);

impl Creation<'_> {
    /// Makes a key and its first alias in one commit: there is never a key without its name.
    pub(crate) async fn create_named(
        self,
        call: &KeyCall<'_>,
        request: &CreateKey,
        alias: &AliasName,
    ) -> Result<KeyMetadata, Error> {
        alias.check_new()?;
        match self.create(call, request, Some(alias)).await {
            // Nothing else of a new key can be there already.
            Err(error) if error.kind() == ErrorKind::Conflict => Err(alias_taken(self.0, alias)),
            done => done,
        }
    }

    pub(crate) async fn create(
        self,
        call: &KeyCall<'_>,
        request: &CreateKey,
        alias: Option<&AliasName>,
    ) -> Result<KeyMetadata, Error> {
        Gate(self.0).authorize(call, call.needs(Role::Account)?).await?;
        if !request.tags.is_empty() {
            Gate(self.0).authorize(call, call.needs(Role::Tags)?).await?;
        }
        check_description(&request.description)?;
        request.check()?;
        let policy = match &request.policy {
            Some(put) => {
                check_name(put.name.as_deref())?;
                // The key has no ARN yet; policies of keys say "*".
                let place = self.0.realm().arn("kms", "key/new");
                let subject = Gate(self.0).subject(call.cx()).await?;
                let mut question =
                    Gate(self.0).request_on(&subject, call.needs(Role::Policy)?, place.as_str());
                question.context_mut().extend(&once_made(request));
                Some(Policies(self.0).check(&subject, &question, put).await?)
            }
            None => None,
        };
        if let Some(alias) = alias {
            self.permit_first_alias(call, alias, policy.as_ref(), &once_made(request)).await?;
        }
        let new = NewKey {
            description: &request.description,
            spec: request.spec,
            tags: &request.tags,
            multi_region: request.multi_region,
            service: None,
            alias,
            policy,
            external: request.origin == KeyOrigin::External,
        };
        let key = Writer(self.0).commit_new_key(new).await?;
        Ok(key.metadata(self.0.realm(), self.0.now()))
    }

    /// Naming a new key takes what naming one takes: of the alias, and of the key, whose policy is
    /// the new one.
    async fn permit_first_alias(
        self,
        call: &KeyCall<'_>,
        alias: &AliasName,
        policy: Option<&NewPolicy>,
        made: &Context,
    ) -> Result<(), Error> {
        let place = alias.arn(self.0.realm());
        Gate(self.0)
            .authorize_on(call.cx(), call.needs(Role::Alias)?, place.as_str(), &Context::new())
            .await?;
        let key = self.0.realm().arn("kms", "key/new");
        let Some(policy) = policy else {
            return Gate(self.0).authorize_on(call.cx(), call.needs(Role::Key)?, key.as_str(), made).await;
        };
        let subject = Gate(self.0).subject(call.cx()).await?;
        let mut request = Gate(self.0).request_on(&subject, call.needs(Role::Key)?, key.as_str());
        request.context_mut().extend(made);
        match subject.policies().key(&policy.read()?).decide(&request) {
            decision if decision.is_allowed() => Ok(()),
            decision => Err(denied(decision, &request)),
        }
    }
}
