//! Resource policies: kept with the secret, checked when they are put.

use std::collections::BTreeMap;

use strongroom_policy::{Context, Known, ParseError, Policy};
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, Operation, PolicyFinding, PolicyValidation, PutResourcePolicy, ResourcePolicy,
    SecretId, SecretRef, ValidateResourcePolicy,
};

use crate::call::{About, Call, Parameters};
use crate::head::Head;
use crate::parts::Parts;
use crate::permission::{Gate, documents};
use crate::storage::{Attempts, Storage};
use crate::write::document::{self, Flaw};
use crate::write::labels::HeadWriter;

/// The longest policy, in characters.
const MAX: usize = 20_480;

fn error(flaw: Flaw) -> Error {
    let kind = if flaw == Flaw::Public { ErrorKind::PublicPolicy } else { ErrorKind::MalformedPolicy };
    Error::new(kind, flaw.text())
}

/// AWS's text does not say what is wrong; the source does.
fn unreadable(why: ParseError) -> Error {
    error(Flaw::Syntax).because(why)
}

fn check_length(violations: &mut Violations, policy: &str) {
    let len = policy.chars().count();
    // The text itself is not repeated: it may be long.
    violations.count("resourcePolicy", len, 1, MAX);
}

/// Puts, gets, removes and checks the resource policies of secrets.
#[derive(Clone, Copy)]
pub(crate) struct ResourcePolicies<'a>(pub(crate) &'a Parts);

impl ResourcePolicies<'_> {
    pub(crate) async fn put(self, call: &Call<'_>, request: &PutResourcePolicy) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        let gate = Gate(self.0);
        let target = request.id.target(self.0.realm())?;
        let policy = match Policy::resource(&request.policy) {
            Ok(policy) => policy,
            // Reported before what is wrong with the secret, but only to those who may put
            // policies.
            Err(why) => {
                gate.permitted(call, &request.id).await?;
                return Err(unreadable(why));
            }
        };
        let _turn = self.0.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let before = gate.live(call, &request.id).await?;
            gate.owned(&call.needs, &before.head)?;
            let refused = |flaw: &Flaw| *flaw != Flaw::Public || request.block_public_policy;
            let (flaws, ids) = self.flaws(call, &policy, About::Secret(&before.head)).await?;
            if let Some(flaw) = flaws.into_iter().find(refused) {
                return Err(error(flaw));
            }
            let mut head = Head::clone(&before.head);
            (head.policy, head.policy_ids) = (Some(request.policy.clone()), ids);
            head.touch(self.0.now());
            if Storage(self.0).commit_head(self.0.records.batch(), Some(&before), &head).await? {
                return Ok(head.reference(self.0.realm()));
            }
        }
    }

    /// What is wrong with a policy for its author and this secret, each flaw once, in the order in
    /// which AWS's errors take precedence; and the unique ids of those it names.
    async fn flaws(
        self,
        call: &Call<'_>,
        policy: &Policy,
        about: About<'_>,
    ) -> Result<(Vec<Flaw>, BTreeMap<String, String>), Error> {
        let ids = Gate(self.0).ids_named(policy).await?;
        let mut flaws = document::flaws(policy);
        if ids.is_none() && !flaws.contains(&Flaw::Principal) {
            flaws.push(Flaw::Principal);
        }
        if self.shuts_out(call, policy, about).await? {
            flaws.push(Flaw::LockOut);
        }
        flaws.sort_unstable();
        Ok((flaws, ids.unwrap_or_default()))
    }

    /// Whether under this policy its author could neither put another one nor remove this one.
    async fn shuts_out(self, call: &Call<'_>, policy: &Policy, about: About<'_>) -> Result<bool, Error> {
        let gate = Gate(self.0);
        let subject = gate.subject(call.cx()).await?;
        let may = |operation, facts: &Context| {
            let request = gate.request(&subject, operation, about, facts);
            documents(&subject, Some(policy)).decide(&request).is_allowed()
        };
        let (plain, blocking) = (
            Parameters::default().facts(),
            Parameters { block_public_policy: true, ..Parameters::default() }.facts(),
        );
        // However it is put.
        let again = [&plain, &blocking].into_iter().any(|facts| may(Operation::PutResourcePolicy, facts));
        Ok(!again && !may(Operation::DeleteResourcePolicy, &plain))
    }

    pub(crate) async fn get(self, call: &Call<'_>, id: &SecretId) -> Result<ResourcePolicy, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let head = Gate(self.0).live(call, id).await?.head;
        let policy = self.shown(&head).await?;
        Ok(ResourcePolicy { arn: head.arn(self.0.realm()).clone(), name: head.name.clone(), policy })
    }

    /// The policy as it is shown: a deleted user or role appears by its unique id.
    async fn shown(self, head: &Head) -> Result<Option<String>, Error> {
        let Some(mut text) = head.policy.clone() else { return Ok(None) };
        for (arn, id) in &head.policy_ids {
            if !matches!(Gate(self.0).look_up(arn).await?, Known::Somebody { id: now, .. } if now == *id) {
                text = text.replace(&format!("\"{arn}\""), &format!("\"{id}\""));
            }
        }
        Ok(Some(text))
    }

    pub(crate) async fn delete(self, call: &Call<'_>, id: &SecretId) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let heads = HeadWriter(self.0);
        heads
            .change(call, id, |head| {
                (head.policy, head.policy_ids) = Default::default();
                Ok(())
            })
            .await
    }

    pub(crate) async fn validate(
        self,
        call: &Call<'_>,
        request: &ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        let mut violations = Violations::new();
        if let Some(id) = &request.id {
            violations.secret_id(id);
        }
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        let head = match &request.id {
            Some(id) => Some(Gate(self.0).live(call, id).await?),
            None => {
                Gate(self.0).allow(call, About::Nothing).await?;
                None
            }
        };
        let policy = Policy::resource(&request.policy).map_err(unreadable)?;
        let about = head.as_ref().map_or(About::Nothing, |head| About::Secret(&head.head));
        let (flaws, _) = self.flaws(call, &policy, about).await?;
        let findings: Vec<_> = flaws
            .into_iter()
            .map(|flaw| PolicyFinding { check: flaw.check().to_owned(), message: flaw.text().to_owned() })
            .collect();
        Ok(PolicyValidation { passed: findings.is_empty(), findings })
    }
}
