//! What an operation on a secret needs, and what the caller's policies and the secret's say to it.
//! Reads only.

use std::collections::BTreeSet;

use strongroom_policy::{Decision, Detail, Effect, Explanation, Policies, Possible, PrincipalName, Request};
use strongroom_store::{Error, Operation, SecretId, Stage};
use strongroom_types::CallContext;

use crate::call::{About, Call, KeyNeed, NO_SUFFIX, Parameters};
use crate::head::{Head, Version};
use crate::parts::Parts;
use crate::permission::gate::{Gate, documents, not_the_owner};
use crate::storage::Storage;

/// What the engine decides about an operation of a caller on a secret, and what it leaves to the
/// key service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecretAccess {
    /// The secret's ARN; the name as given where there is no such secret.
    pub secret: String,
    /// Each permission of Secrets Manager that is needed, explained.
    pub explanations: Vec<Explanation>,
    /// The first refusal, in AWS's words.
    pub denial: Option<String>,
    /// What the outcome could be if the caller's circumstances are left open, in the order of the
    /// explanations.
    pub possible: Vec<Possible>,
    /// The permissions that are needed on keys.
    pub keys: Vec<KeyNeed>,
    /// What else stands in the way: the secret does not exist, or is marked for deletion.
    pub notes: Vec<String>,
}

/// Those whom the policy of a secret names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretPrincipals {
    /// ARNs of users, roles and sessions; names of services.
    pub names: BTreeSet<String>,
    /// Accounts, in twelve digits.
    pub accounts: BTreeSet<String>,
    /// Whether the policy allows something to everybody, maybe on conditions.
    pub everybody: bool,
}

/// Labelled versions that are under another key than the current one: that key decides who may read
/// them.
fn under_other_keys(head: &Head) -> Vec<String> {
    let key = |version: &Version| version.sealed.as_ref().map(|sealed| sealed.key.clone());
    let current = head.holder(&Stage::CURRENT).and_then(key);
    let others = head
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty() && version.sealed.is_some() && key(version) != current);
    let notes = others.filter_map(|version| {
        let stages: Vec<String> = version.stages.iter().map(ToString::to_string).collect();
        let (stages, id) = (stages.join(", "), &version.id);
        Some(format!(
            "the version {id} ({stages}) is under another key, {}, which is not looked at here",
            key(version)?
        ))
    });
    notes.collect()
}

/// What an operation would come to.
#[derive(Clone, Copy)]
pub(crate) struct Explainer<'a>(pub(crate) &'a Parts);

impl Explainer<'_> {
    pub(crate) async fn explain(
        self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        detail: Detail,
    ) -> Result<SecretAccess, Error> {
        let gate = Gate(self.0);
        let target = id.target(self.0.realm())?;
        let found = gate.named(cx, id).await?.map(|found| found.head);
        let found = found.as_deref();
        let new = Head::new(target.name().to_owned(), NO_SUFFIX.to_owned(), self.0.now());
        let call = self.plain(cx, operation, target.name());
        let mut calls = vec![];
        calls.extend(call.needs.calls.iter().map(|inner| self.plain(cx, *inner, target.name())));
        calls.insert(0, call);
        let subject = gate.subject(cx).await?;
        let policy = found.map(Head::resource_policy).transpose()?.flatten();
        let mut access = SecretAccess {
            secret: found.map_or_else(|| id.to_string(), |head| head.arn(self.0.realm()).to_string()),
            explanations: Vec::new(),
            denial: None,
            possible: Vec::new(),
            keys: Vec::new(),
            notes: self.notes(&calls[0], found),
        };
        for call in &calls {
            if let Some(what) = call.needs.owner_only
                && !cx.acts_freely_in(self.0.realm().account())
            {
                access.denial.get_or_insert_with(|| not_the_owner(cx, what));
            }
            let makes = call.needs.makes();
            let named = if makes { About::New(&new) } else { About::named(found, id.as_str()) };
            for (operation, about) in call.needs.permissions(named) {
                let request = gate.request(&subject, operation, about, &call.frame.facts);
                // A request about no existing secret has no resource policy, and gets none.
                let own = about.head().is_some();
                let policies = documents(&subject, policy.as_ref().filter(|_| own)).fixed(!own);
                access.note(&policies, &request, about.in_denials(operation, &request), detail);
            }
            if let Some(head) = if makes { Some(&new) } else { found } {
                for step in call.needs.keys {
                    access.keys.extend(step.needs(self.0.key_names(), cx, head)?);
                }
            }
        }
        Ok(access)
    }

    /// A call with the current value or a new one, and nothing else in it.
    fn plain<'a>(self, cx: &'a CallContext, operation: Operation, name: &'a str) -> Call<'a> {
        let name = (operation == Operation::CreateSecret).then_some(name);
        let parameters = Parameters { name, value: true, names_secret: true, ..Parameters::default() };
        Call::new(cx, operation, None, parameters, self.0.now())
    }

    /// What stands in the way of a call beside permission.
    fn notes(self, call: &Call<'_>, found: Option<&Head>) -> Vec<String> {
        let mut notes = Vec::new();
        match found {
            Some(head) if call.needs.makes() => notes.push(format!("the secret {} exists", head.name)),
            Some(head) if head.deleted.is_some() => {
                notes.push("the secret is marked for deletion".to_owned());
            }
            None if call.needs.makes() => {}
            None => notes.push("there is no such secret".to_owned()),
            Some(head) => {
                notes.extend(
                    Gate(self.0).owned(&call.needs, head).err().map(|error| error.message().to_owned()),
                );
            }
        }
        if call.operation() == Operation::GetSecretValue
            && let Some(head) = found
        {
            notes.extend(under_other_keys(head));
        }
        notes
    }

    pub(crate) async fn principals(self, id: &SecretId) -> Result<SecretPrincipals, Error> {
        let target = id.target(self.0.realm())?;
        let mut named = SecretPrincipals::default();
        let Some(found) = Storage(self.0).find(&target).await? else { return Ok(named) };
        // By the names in the document, not by the unique ids behind them.
        let mut head = Head::clone(&found.head);
        head.policy_ids.clear();
        let policy = head.resource_policy()?;
        let statements = policy.iter().flat_map(|policy| policy.statements());
        for statement in statements {
            for name in statement.principals().into_iter().flat_map(|some| some.names()) {
                match name {
                    PrincipalName::Everybody => named.everybody |= statement.effect() == Effect::Allow,
                    PrincipalName::Account(account) => {
                        named.accounts.insert(account.clone());
                    }
                    PrincipalName::Role(name) | PrincipalName::One(name) | PrincipalName::Service(name) => {
                        named.names.insert(name.clone());
                    }
                    _ => {}
                }
            }
        }
        Ok(named)
    }
}

impl SecretAccess {
    fn note(&mut self, policies: &Policies<'_>, request: &Request, resource: Option<&str>, detail: Detail) {
        let decision: Decision = policies.decide(request);
        if !decision.is_allowed() && self.denial.is_none() {
            self.denial = Some(decision.denial_of(request, resource));
        }
        self.explanations.push(policies.explain_with(request, detail));
        self.possible.push(policies.possible(request));
    }
}
