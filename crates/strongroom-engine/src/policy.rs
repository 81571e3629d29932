//! Resource policies: kept with the secret, checked when they are put.

use std::collections::BTreeMap;

use strongroom_policy::{Known, ParseError, Policy};
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, Operation, PolicyFinding, PolicyValidation, PutResourcePolicy, ResourcePolicy,
    SecretId, SecretRef, ValidateResourcePolicy,
};
use strongroom_types::CallContext;

use crate::commit::Attempts;
use crate::document::{self, Flaw};
use crate::engine::Engine;
use crate::head::Head;
use crate::permission::{About, RequestFacts, documents};

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

impl Engine {
    pub(crate) async fn put_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        let target = request.id.target(self.realm())?;
        let given = request.block_public_policy.then_some("true");
        let asked = RequestFacts::nothing().maybe("secretsmanager:BlockPublicPolicy", given);
        let policy = match Policy::resource(&request.policy) {
            Ok(policy) => policy,
            // Told before what is wrong with the secret, but only to those who may put policies.
            Err(why) => {
                self.may(cx, Operation::PutResourcePolicy, &request.id, &asked).await?;
                return Err(unreadable(why));
            }
        };
        let _turn = self.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self, cx)?;
            let before = self.live(cx, Operation::PutResourcePolicy, &request.id, &asked).await?;
            self.may_annotate(&before.head)?;
            let refused = |flaw: &Flaw| *flaw != Flaw::Public || request.block_public_policy;
            let (flaws, ids) = self.flaws(cx, &policy, About::Secret(&before.head)).await?;
            if let Some(flaw) = flaws.into_iter().find(refused) {
                return Err(error(flaw));
            }
            let mut head = Head::clone(&before.head);
            (head.policy, head.policy_ids) = (Some(request.policy.clone()), ids);
            head.touch(self.now());
            if self.commit_head(self.inner.records.batch(), Some(&before), &head).await? {
                return Ok(head.reference(self.realm()));
            }
        }
    }

    /// What is wrong with a policy for its author and this secret, each flaw once, in the order in which AWS's errors take
    /// precedence; and the unique ids of those whom it names.
    async fn flaws(
        &self,
        cx: &CallContext,
        policy: &Policy,
        about: About<'_>,
    ) -> Result<(Vec<Flaw>, BTreeMap<String, String>), Error> {
        let ids = self.ids_named(policy).await?;
        let mut flaws = document::flaws(policy);
        if ids.is_none() && !flaws.contains(&Flaw::Principal) {
            flaws.push(Flaw::Principal);
        }
        if self.shuts_out(cx, policy, about).await? {
            flaws.push(Flaw::LockOut);
        }
        flaws.sort_unstable();
        Ok((flaws, ids.unwrap_or_default()))
    }

    /// Whether under this policy its author could neither put another nor take this one away.
    async fn shuts_out(&self, cx: &CallContext, policy: &Policy, about: About<'_>) -> Result<bool, Error> {
        let subject = self.subject(cx).await?;
        let may = |operation, asked: &RequestFacts| {
            let request = self.request(&subject, operation, about, asked);
            documents(&subject, Some(policy)).decide(&request).is_allowed()
        };
        // However it is put.
        let blocking = RequestFacts::nothing().with("secretsmanager:BlockPublicPolicy", "true");
        let again = [&RequestFacts::nothing(), &blocking]
            .into_iter()
            .any(|asked| may(Operation::PutResourcePolicy, asked));
        Ok(!again && !may(Operation::DeleteResourcePolicy, &RequestFacts::nothing()))
    }

    pub(crate) async fn policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let head = self.live(cx, Operation::GetResourcePolicy, id, &RequestFacts::nothing()).await?.head;
        let policy = self.told_policy(&head).await?;
        Ok(ResourcePolicy { arn: head.arn(self.realm()).clone(), name: head.name.clone(), policy })
    }

    /// The policy as it is told: whoever is deleted stands in it by the id that was theirs.
    async fn told_policy(&self, head: &Head) -> Result<Option<String>, Error> {
        let Some(mut text) = head.policy.clone() else { return Ok(None) };
        for (arn, id) in &head.policy_ids {
            if !matches!(self.look_up(arn).await?, Known::Somebody { id: now, .. } if now == *id) {
                text = text.replace(&format!("\"{arn}\""), &format!("\"{id}\""));
            }
        }
        Ok(Some(text))
    }

    pub(crate) async fn delete_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        self.change_head(cx, Operation::DeleteResourcePolicy, id, &RequestFacts::nothing(), |head| {
            self.may_annotate(head)?;
            (head.policy, head.policy_ids) = Default::default();
            Ok(())
        })
        .await
    }

    pub(crate) async fn validate_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        let mut violations = Violations::new();
        if let Some(id) = &request.id {
            violations.secret_id(id);
        }
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        let asked = RequestFacts::nothing();
        let operations = [Operation::ValidateResourcePolicy, Operation::PutResourcePolicy];
        let mut head = None;
        // Both before it is told whether there is the secret.
        for operation in operations {
            match &request.id {
                Some(id) => drop(self.may(cx, operation, id, &asked).await?),
                None => self.permit(cx, operation, About::Nothing, &asked).await?,
            }
        }
        if let Some(id) = &request.id {
            head = Some(self.live(cx, Operation::PutResourcePolicy, id, &asked).await?);
        }
        let policy = Policy::resource(&request.policy).map_err(unreadable)?;
        let about = head.as_ref().map_or(About::Nothing, |head| About::Secret(&head.head));
        let (flaws, _) = self.flaws(cx, &policy, about).await?;
        let findings: Vec<_> = flaws
            .into_iter()
            .map(|flaw| PolicyFinding { check: flaw.check().to_owned(), message: flaw.text().to_owned() })
            .collect();
        Ok(PolicyValidation { passed: findings.is_empty(), findings })
    }
}
