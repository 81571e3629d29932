//! Resource policies: kept with the secret, checked when they are put.

use strongroom_policy::Principal;
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, PolicyFinding, PolicyValidation, PutResourcePolicy, ResourcePolicy, SecretId,
    SecretRef, ValidateResourcePolicy,
};
use strongroom_types::CallContext;

use crate::document::{self, Flaw};
use crate::engine::Engine;

/// The longest policy, in characters.
const MAX: usize = 20_480;

fn error(flaw: Flaw) -> Error {
    let kind = if flaw == Flaw::Public { ErrorKind::PublicPolicy } else { ErrorKind::MalformedPolicy };
    Error::new(kind, flaw.text())
}

fn check_length(violations: &mut Violations, policy: &str) {
    let len = policy.chars().count();
    // The text itself is not repeated: it may be long.
    violations.count("resourcePolicy", len, 1, MAX);
}

impl Engine {
    fn principal(&self, cx: &CallContext) -> Result<Principal, Error> {
        Principal::of(cx.caller(), self.realm())
            .map_err(|error| Error::new(ErrorKind::AccessDenied, "the caller is not known").because(error))
    }

    pub(crate) async fn put_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        request.id.target(self.realm())?;
        let policy = document::parse(&request.policy).map_err(error)?;
        let author = self.principal(cx)?;
        self.change_head(cx, &request.id, |head| {
            self.may_annotate(head)?;
            let arn = head.arn(self.realm());
            let flaws = document::flaws(&policy, &author, arn.as_str());
            if let Some(flaw) =
                flaws.into_iter().find(|flaw| *flaw != Flaw::Public || request.block_public_policy)
            {
                return Err(error(flaw));
            }
            head.policy = Some(request.policy.clone());
            Ok(())
        })
        .await
    }

    pub(crate) async fn policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let head = self.live(id).await?.head;
        Ok(ResourcePolicy { arn: head.arn(self.realm()), name: head.name, policy: head.policy })
    }

    pub(crate) async fn delete_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        self.change_head(cx, id, |head| {
            self.may_annotate(head)?;
            head.policy = None;
            Ok(())
        })
        .await
    }

    pub(crate) async fn validate_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        if let Some(id) = &request.id {
            violations.secret_id(id);
        }
        check_length(&mut violations, &request.policy);
        violations.finish()?;
        let arn = match &request.id {
            Some(id) => String::from(self.live(id).await?.head.arn(self.realm())),
            None => String::new(),
        };
        let policy = document::parse(&request.policy).map_err(error)?;
        let findings: Vec<_> = document::flaws(&policy, &self.principal(cx)?, &arn)
            .into_iter()
            .map(|flaw| PolicyFinding { check: flaw.check().to_owned(), message: flaw.text().to_owned() })
            .collect();
        Ok(PolicyValidation { passed: findings.is_empty(), findings })
    }
}
