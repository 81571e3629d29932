//! Who may do what with a key: its policy, the caller's own policies, and grants.

use std::collections::BTreeSet;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{Error, ErrorKind, GrantConstraint, GrantOperation, KeyRef, KeyState};
use strongroom_policy::{
    AuthorizerError, AuthorizerErrorKind, Decision, DocumentKind, Principal, Request, Subject,
};
use strongroom_types::{CallContext, Realm, Service};

use crate::layout::StoredKey;
use crate::local::LocalKms;
use crate::request_facts::RequestFacts;
use crate::states::{self, Operation};

/// A service as principals and `aws:CalledVia` have it.
fn service_principal(service: Service) -> String {
    format!("{}.amazonaws.com", service.name())
}

/// A service as it stands in `kms:ViaService`.
fn via_service(service: Service, realm: &Realm) -> String {
    format!("{}.{}.amazonaws.com", service.name(), realm.region())
}

/// The caller, as policies know it, without asking anybody.
pub(crate) fn principal(cx: &CallContext, realm: &Realm) -> Result<Principal, Error> {
    Principal::of(cx.caller(), realm)
        .map_err(|error| Error::new(ErrorKind::AccessDenied, "the caller is not known").because(error))
}

pub(crate) fn denied(decision: Decision, request: &Request) -> Error {
    Error::new(ErrorKind::AccessDenied, decision.denial(request))
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

/// Policies do not tell the keys of a context apart by case; of two, neither may stand for both.
fn check_distinct(context: &EncryptionContext) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    if context.iter().all(|(name, _)| seen.insert(name.to_ascii_lowercase())) {
        return Ok(());
    }
    let text = "The encryption context has keys that differ in nothing but case, which the policy of the key cannot tell apart";
    Err(Error::new(ErrorKind::Validation, text))
}

impl LocalKms {
    /// Permission, then state: never tell the state to a caller who may not use the key.
    pub(crate) async fn permit(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        self.allow(cx, key, operation, asked).await?;
        self.check_state(key, operation)
    }

    /// That the key's state allows it. To be asked of those only who have permission.
    pub(crate) fn check_state(&self, key: &StoredKey, operation: Operation) -> Result<(), Error> {
        let state = if key.is_external() { self.imported_state(key) } else { key.state };
        states::check(operation, state, &key.arn)
    }

    /// What can be wrong with a request whatever the key: told before anything is told of the key.
    pub(crate) fn check_asked(&self, cx: &CallContext, asked: &RequestFacts<'_>) -> Result<(), Error> {
        if !asked.tokens.is_empty() {
            self.check_tokens(asked.tokens)?;
        }
        // The account's own calls meet no policy that would confuse them, unless the key has one of its own.
        if let Some(context) = asked.context.filter(|_| !cx.acts_freely_in(self.realm().account())) {
            check_distinct(context)?;
        }
        Ok(())
    }

    /// Permission, whatever the state.
    pub(crate) async fn allow(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        if self.is_plain(cx, key, operation) {
            return Ok(());
        }
        Box::pin(self.ask(cx, key, operation, asked)).await
    }

    /// Whether the caller is of another account. Somebody without an account is nobody's.
    pub(crate) fn is_foreign(&self, cx: &CallContext) -> bool {
        cx.is_foreign_to(self.realm().account())
    }

    /// What another account's caller is told, be the key unknown, not for it, or denied to it.
    pub(crate) fn hidden(&self, cx: &CallContext, operation: Operation) -> Error {
        let text = format!(
            "User: {} is not authorized to perform: {} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            cx.caller(),
            operation.action()
        );
        Error::new(ErrorKind::AccessDenied, text)
    }

    fn imported_state(&self, key: &StoredKey) -> KeyState {
        let state = key.state_at(self.now());
        if state == KeyState::PendingImport {
            // It may have gone just now: what is unwrapped of it goes.
            self.inner.materials.forget(&key.id);
        }
        state
    }

    /// The usual case, decided without reading a document: the account itself, with a key whose policy leaves everything to it,
    /// or a service with its own key. The long way comes to the same.
    fn is_plain(&self, cx: &CallContext, key: &StoredKey, operation: Operation) -> bool {
        let managed = match &key.record.service {
            None => true,
            Some(service) => {
                operation.is_of_managed_use() && self.via.is_some_and(|via| via.name() == service)
            }
        };
        managed && key.record.policy.is_none() && cx.acts_freely_in(self.realm().account())
    }

    async fn ask(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        let subject = self.subject(cx).await?;
        let request = self.request(&subject, key, operation, asked).await?;
        let foreign = self.is_foreign(cx);
        if foreign && !operation.crosses_accounts() {
            return Err(self.hidden(cx, operation));
        }
        let decision = self.decide(&subject, &request, key, operation, asked).await?;
        match decision.is_allowed() {
            true => Ok(()),
            false if foreign => Err(self.hidden(cx, operation)),
            false => Err(denied(decision, &request)),
        }
    }

    /// The caller with its documents.
    pub(crate) async fn subject(&self, cx: &CallContext) -> Result<Subject, Error> {
        self.authorizer.subject(cx, self.realm(), self.now()).await.map_err(not_found_out)
    }

    /// The decision over key policy, the caller's policies, and, where these allow nothing, grants.
    pub(crate) async fn decide(
        &self,
        subject: &Subject,
        request: &Request,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<Decision, Error> {
        let policies = subject.policies().key(key.policy(self.realm())?);
        let decision = policies.decide(request);
        if matches!(decision, Decision::Missing(_))
            && let Some(wanted) = GrantOperation::from_word(&operation.plain_name())
            && self.is_granted(key, request.principal(), wanted, asked).await?
        {
            return Ok(policies.granted(true).decide(request));
        }
        Ok(decision)
    }

    /// That the key's policy does not forbid it, and `otherwise` holds.
    pub(crate) async fn unless_forbidden(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        otherwise: bool,
    ) -> Result<(), Error> {
        let subject = self.subject(cx).await?;
        let request = self.request(&subject, key, operation, &RequestFacts::nothing()).await?;
        match subject.policies().key(key.policy(self.realm())?).forbids(&request) {
            None if otherwise => Ok(()),
            _ if self.is_foreign(cx) => Err(self.hidden(cx, operation)),
            Some(decision) => Err(denied(decision, &request)),
            None => Err(denied(Decision::Missing(DocumentKind::Resource), &request)),
        }
    }

    /// The request as policies see it.
    pub(crate) async fn request(
        &self,
        subject: &Subject,
        key: &StoredKey,
        operation: Operation,
        asked: &RequestFacts<'_>,
    ) -> Result<Request, Error> {
        let mut request = self.request_on(subject, operation, key.arn.as_str());
        let facts = request.context_mut();
        facts.set("kms:KeySpec", key.spec.to_string());
        facts.set("kms:KeyUsage", key.spec.usage().to_string());
        facts.set("kms:KeyOrigin", key.origin().to_string());
        facts.set("kms:MultiRegion", key.id.is_multi_region().to_string());
        if key.id.is_multi_region() {
            facts.set("kms:MultiRegionKeyType", "PRIMARY");
        }
        for (tag, value) in &key.record.tags {
            facts.set_first(format!("aws:ResourceTag/{tag}"), value);
        }
        if let Some(KeyRef::Alias(name) | KeyRef::AliasArn(_, name)) = asked.reference {
            facts.set("kms:RequestAlias", name.as_str());
        }
        if let Some(context) = asked.context {
            if operation.encrypts() || operation.makes_data_keys() {
                facts.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
            }
            check_distinct(context)?;
            for (name, value) in context.iter() {
                facts.set(format!("kms:EncryptionContext:{name}"), value);
            }
            if !context.is_empty() {
                facts.set_many("kms:EncryptionContextKeys", context.iter().map(|(name, _)| name));
            }
        }
        if let Some(grant) = asked.grant {
            facts.set_many("kms:GrantOperations", grant.operations.iter().map(|one| one.as_str()));
            facts.set("kms:GranteePrincipal", &grant.grantee);
            if let Some(retiring) = &grant.retiring {
                facts.set("kms:RetiringPrincipal", retiring);
            }
            match &grant.constraint {
                Some(GrantConstraint::EncryptionContextEquals(_)) => {
                    facts.set("kms:GrantConstraintType", "EncryptionContextEquals");
                }
                Some(_) => facts.set("kms:GrantConstraintType", "EncryptionContextSubset"),
                None => {}
            }
            if let Some(constraint) = &grant.constraint {
                for (name, value) in constraint.context().iter() {
                    facts.set_first(format!("kms:EncryptionContext:{name}"), value);
                }
                facts
                    .set_many("kms:EncryptionContextKeys", constraint.context().iter().map(|(name, _)| name));
            }
        }
        if matches!(operation, Operation::CreateGrant | Operation::ListGrants | Operation::RevokeGrant) {
            facts.set("kms:GrantIsForAWSResource", self.via.is_some().to_string());
        }
        facts.extend(&asked.facts);
        // RequestFacts of the storage only where a policy looks at it.
        const ALIASES: &str = "kms:ResourceAliases";
        if key.policy(self.realm())?.mentions(ALIASES) || subject.policies().mention(ALIASES) {
            let aliases = self.aliases_of(&key.id).await?;
            if !aliases.is_empty() {
                request.context_mut().set_many(ALIASES, aliases);
            }
        }
        Ok(request)
    }

    /// The request without what there is to say of a key.
    pub(crate) fn request_on(&self, subject: &Subject, operation: Operation, resource: &str) -> Request {
        let mut request = subject.request(&operation.action(), resource, self.realm(), self.now());
        let account = request.principal().account().map(str::to_owned);
        let facts = request.context_mut();
        if let Some(account) = account {
            facts.set("kms:CallerAccount", account);
        }
        facts.set("aws:ViaAWSService", self.via.is_some().to_string());
        if let Some(via) = self.via {
            facts.set("kms:ViaService", via_service(via, self.realm()));
            let service = service_principal(via);
            facts.set("aws:CalledViaFirst", &service);
            facts.set("aws:CalledViaLast", &service);
            facts.set_many("aws:CalledVia", [service]);
            // It is the service that connects, not the caller.
            for key in
                ["aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn"]
            {
                facts.remove(key);
            }
        }
        request
    }

    /// Who may do what is about no key: what the caller's own policies allow.
    pub(crate) async fn authorize(&self, cx: &CallContext, operation: Operation) -> Result<(), Error> {
        self.authorize_on(cx, operation, "*", &RequestFacts::nothing()).await
    }

    /// As [`LocalKms::authorize`], of something that has no policy of its own.
    pub(crate) async fn authorize_on(
        &self,
        cx: &CallContext,
        operation: Operation,
        resource: &str,
        asked: &RequestFacts<'_>,
    ) -> Result<(), Error> {
        if cx.acts_freely_in(self.realm().account()) {
            return Ok(());
        }
        let subject = self.subject(cx).await?;
        let mut request = self.request_on(&subject, operation, resource);
        if resource == "*" {
            request = request.resource_account(self.realm().account().as_str());
        }
        request.context_mut().extend(&asked.facts);
        let own = !self.is_foreign(cx);
        match subject.policies().decide(&request) {
            decision if decision.is_allowed() && own => Ok(()),
            Decision::Allowed(_) => Err(denied(Decision::Missing(DocumentKind::Identity), &request)),
            // A service has no policies of its own.
            Decision::Missing(DocumentKind::Resource) => {
                Err(denied(Decision::Missing(DocumentKind::Identity), &request))
            }
            decision => Err(denied(decision, &request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_kms::{CreateKey, DescribeKey, KeyRef, Kms as _, KmsAdmin as _};
    use strongroom_records::MemoryRecords;
    use strongroom_root::{RootKey, TrustedRecords};
    use strongroom_types::SystemClock;

    use super::*;
    use crate::states::EVERY_OPERATION;

    /// The short way allows nothing that the long one does not.
    #[test]
    fn the_short_way_comes_to_the_same() {
        pollster::block_on(async {
            let root = RootKey::from_bytes([1; 32]);
            let records = Arc::new(MemoryRecords::new());
            let records = TrustedRecords::open(records, root, None, &SystemClock).await.unwrap();
            let cx = CallContext::owner(records.realm());
            let kms = LocalKms::new(records, Arc::new(SystemClock));
            let own = kms.create_key(&cx, CreateKey::new()).await.unwrap().id;
            let service = kms.for_service(Service::SecretsManager);
            let alias = KeyRef::parse("alias/aws/secretsmanager").unwrap();
            let managed = service.describe_key(&cx, DescribeKey::new(&alias)).await.unwrap().id;
            let (mut short, mut allowed) = (0, 0);
            for id in [own, managed] {
                let key = kms.find_now(&id).await.unwrap().unwrap();
                for handle in [&kms, &service, &kms.for_service(Service::ParameterStore)] {
                    for operation in EVERY_OPERATION {
                        let asked = handle.ask(&cx, &key, operation, &RequestFacts::nothing()).await;
                        allowed += u32::from(asked.is_ok());
                        if handle.is_plain(&cx, &key, operation) {
                            short += 1;
                            assert!(asked.is_ok(), "{operation:?} of {id} through {:?}", handle.via);
                        }
                    }
                }
            }
            assert!(short > 0 && allowed > short, "{short} {allowed}");
        });
    }
}
