//! Who may do what with a key: its policy, and grants.

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{CreateGrant, Error, ErrorKind, GrantConstraint, GrantOperation, KeyRef, KeyState};
use strongroom_policy::{Context, Decision, DocumentKind, Policies, Principal, Request};
use strongroom_types::{Arn, CallContext, Realm, Service};

use crate::layout::StoredKey;
use crate::local::LocalKms;
use crate::states::{self, Operation};

/// What a request says beyond caller, key and operation, as far as policies and grants look at it.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    pub(crate) context: Option<&'a EncryptionContext>,
    /// How the key was named.
    pub(crate) reference: Option<&'a KeyRef>,
    pub(crate) tokens: &'a [String],
    /// The grant to be made.
    pub(crate) grant: Option<&'a CreateGrant>,
    facts: Context,
}

impl<'a> Asked<'a> {
    /// Nothing beyond.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// Under this encryption context.
    pub(crate) fn context(mut self, context: &'a EncryptionContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Of a key named so.
    pub(crate) fn of(mut self, reference: &'a KeyRef) -> Self {
        self.reference = Some(reference);
        self
    }

    pub(crate) fn tokens(mut self, tokens: &'a [String]) -> Self {
        self.tokens = tokens;
        self
    }

    pub(crate) fn grant(mut self, grant: &'a CreateGrant) -> Self {
        self.grant = Some(grant);
        self.tokens = &grant.grant_tokens;
        self
    }

    /// With a condition key of its own.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.facts.set(key, value);
        self
    }
}

/// A service as it stands in `kms:ViaService`.
fn via_service(service: Service, realm: &Realm) -> String {
    format!("{}.{}.amazonaws.com", service.name(), realm.region())
}

/// The caller, as policies know it.
pub(crate) fn principal(cx: &CallContext, realm: &Realm) -> Result<Principal, Error> {
    Principal::of(cx.caller(), realm)
        .map_err(|error| Error::new(ErrorKind::AccessDenied, "the caller is not known").because(error))
}

pub(crate) fn denied(decision: Decision, request: &Request) -> Error {
    Error::new(ErrorKind::AccessDenied, decision.denial(request))
}

impl LocalKms {
    /// Permission, then state: never tell the state to a caller who may not use the key.
    pub(crate) async fn permit(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &Asked<'_>,
    ) -> Result<(), Error> {
        if !asked.tokens.is_empty() {
            self.check_tokens(asked.tokens)?;
        }
        if !self.is_plain(cx, key, operation) {
            Box::pin(self.ask(cx, key, operation, asked)).await?;
        }
        let state = if key.is_external() { self.imported_state(key) } else { key.state };
        states::check(operation, state, &key.arn)
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
        managed && key.record.policy.is_none() && cx.caller().is_owner_of(self.realm().account())
    }

    async fn ask(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &Asked<'_>,
    ) -> Result<(), Error> {
        let request = self.request(cx, key, operation, asked).await?;
        let policies = Policies::new().key(key.policy(self.realm())?);
        let mut decision = policies.decide(&request);
        let own = request.principal().account() == Some(&self.realm().account().to_string());
        if !own && request.principal().account().is_some() && !operation.crosses_accounts() {
            decision = Decision::Missing(DocumentKind::Resource);
        } else if matches!(decision, Decision::Missing(_))
            && let Some(wanted) = GrantOperation::from_word(&operation.plain_name())
            && self.is_granted(key, request.principal(), wanted, asked).await?
        {
            decision = policies.granted(true).decide(&request);
        }
        if decision.is_allowed() { Ok(()) } else { Err(denied(decision, &request)) }
    }

    /// Whether the key's policy forbids, whatever else allows.
    pub(crate) async fn is_forbidden(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
    ) -> Result<bool, Error> {
        let request = self.request(cx, key, operation, &Asked::nothing()).await?;
        let decision = Policies::new().key(key.policy(self.realm())?).decide(&request);
        Ok(matches!(decision, Decision::Denied(_)))
    }

    /// The request as policies see it.
    pub(crate) async fn request(
        &self,
        cx: &CallContext,
        key: &StoredKey,
        operation: Operation,
        asked: &Asked<'_>,
    ) -> Result<Request, Error> {
        let mut request = self.request_on(cx, operation, &key.arn)?;
        let facts = request.context_mut();
        facts.set("kms:KeySpec", key.spec.to_string());
        facts.set("kms:KeyUsage", key.spec.usage().to_string());
        facts.set("kms:KeyOrigin", key.origin().to_string());
        facts.set("kms:MultiRegion", key.id.is_multi_region().to_string());
        if key.id.is_multi_region() {
            facts.set("kms:MultiRegionKeyType", "PRIMARY");
        }
        for (tag, value) in &key.record.tags {
            facts.set(format!("aws:ResourceTag/{tag}"), value);
        }
        if let Some(KeyRef::Alias(name) | KeyRef::AliasArn(_, name)) = asked.reference {
            facts.set("kms:RequestAlias", name.as_str());
        }
        if let Some(context) = asked.context {
            if operation.encrypts() {
                facts.set("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
            }
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
        }
        if matches!(operation, Operation::CreateGrant | Operation::ListGrants | Operation::RevokeGrant) {
            facts.set("kms:GrantIsForAWSResource", self.via.is_some().to_string());
        }
        facts.extend(&asked.facts);
        // Asked of the storage only where a policy looks at it.
        if key.policy(self.realm())?.mentions("kms:ResourceAliases") {
            let aliases = self.aliases_of(&key.id).await?;
            if !aliases.is_empty() {
                request.context_mut().set_many("kms:ResourceAliases", aliases);
            }
        }
        Ok(request)
    }

    /// The request without what there is to say of a key.
    pub(crate) fn request_on(
        &self,
        cx: &CallContext,
        operation: Operation,
        resource: &Arn,
    ) -> Result<Request, Error> {
        let mut request = Request::new(principal(cx, self.realm())?, operation.action(), resource.as_str());
        let account = request.principal().account().map(str::to_owned);
        let (now, facts) = (self.now().as_millis(), request.context_mut());
        if let Some(account) = account {
            facts.set("kms:CallerAccount", account);
        }
        if let Some(via) = self.via {
            facts.set("kms:ViaService", via_service(via, self.realm()));
            facts.set("aws:ViaAWSService", "true");
        }
        facts.set("aws:RequestedRegion", self.realm().region().as_str());
        // A moment may be written in seconds since 1970.
        let seconds = format!("{}.{:03}", now.max(0) / 1000, now.max(0) % 1000);
        facts.set("aws:EpochTime", seconds.clone());
        facts.set("aws:CurrentTime", seconds);
        Ok(request)
    }

    /// Who may do what is about no key: the account.
    pub(crate) fn authorize(&self, cx: &CallContext, operation: Operation) -> Result<(), Error> {
        if cx.caller().is_owner_of(self.realm().account()) {
            return Ok(());
        }
        let request = Request::new(principal(cx, self.realm())?, operation.action(), "*");
        Err(denied(Decision::Missing(DocumentKind::Identity), &request))
    }
}
