//! Who may do what with a key: its policy, the caller's own policies, and grants.

use std::collections::BTreeSet;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{Error, ErrorKind, KeyState};
use strongroom_policy::{
    AuthorizerError, Context, Decision, DocumentKind, Known, Principal, Request, Subject,
};
use strongroom_types::{CallContext, Realm, Service};

use crate::call::KeyCall;
use crate::facts::facts_of;
use crate::grants::lookup::Grants;
use crate::grants::token::Tokens;
use crate::keys::names::Names;
use crate::layout::StoredKey;
use crate::needs::Permission;
use crate::parts::Parts;
use crate::states;

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

/// The refusal that a decision comes to.
pub(crate) fn denied(decision: Decision, request: &Request) -> Error {
    Error::new(ErrorKind::AccessDenied, decision.denial(request))
}

/// The directory could not say who calls.
fn unidentified(error: AuthorizerError) -> Error {
    error.into_frame().pass_on()
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

/// Decides over permission.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a>(pub(crate) &'a Parts);

impl Gate<'_> {
    /// Permission, then state: a caller who may not use the key does not learn its state.
    pub(crate) async fn permit(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
    ) -> Result<(), Error> {
        self.allow(call, key, needed).await?;
        self.check_state(call, key)
    }

    /// That the key's state allows the operation. To be asked for those only who have permission.
    pub(crate) fn check_state(self, call: &KeyCall<'_>, key: &StoredKey) -> Result<(), Error> {
        let state = if key.is_external() { self.imported_state(key) } else { key.state };
        states::check(call.operation(), state, &key.arn)
    }

    /// What can be wrong with a request whatever the key: reported before anything about the key
    /// is.
    pub(crate) fn check_request(self, call: &KeyCall<'_>) -> Result<(), Error> {
        if !call.tokens.is_empty() {
            Tokens(self.0).check(call.tokens)?;
        }
        // The account's own calls meet no policy that two keys of one name would confuse, unless
        // the key has a policy of its own.
        if let Some(context) = call.context.filter(|_| !call.cx().acts_freely_in(self.0.realm().account())) {
            check_distinct(context)?;
        }
        Ok(())
    }

    /// Permission, whatever the state.
    pub(crate) async fn allow(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
    ) -> Result<(), Error> {
        if self.is_plain(call.cx(), key, needed) {
            return Ok(());
        }
        Box::pin(self.ask(call, key, needed)).await
    }

    /// Whether the caller is of another account. Somebody without an account is nobody's.
    pub(crate) fn is_foreign(self, cx: &CallContext) -> bool {
        cx.is_foreign_to(self.0.realm().account())
    }

    /// The answer to another account's caller whether the key is unknown, not for it, or denied to
    /// it.
    pub(crate) fn hidden(self, cx: &CallContext, needed: &Permission) -> Error {
        let text = format!(
            "User: {} is not authorized to perform: {} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            cx.caller(),
            needed.action
        );
        Error::new(ErrorKind::AccessDenied, text)
    }

    fn imported_state(self, key: &StoredKey) -> KeyState {
        let state = key.state_at(self.0.now());
        if state == KeyState::PendingImport {
            // It may have gone just now: what is unwrapped of it goes.
            self.0.inner.materials.forget(&key.id);
        }
        state
    }

    /// The usual case, decided without reading a document: the account itself with a key whose
    /// policy leaves everything to it, or a service with its own key. The long way comes to the
    /// same.
    pub(crate) fn is_plain(self, cx: &CallContext, key: &StoredKey, needed: &Permission) -> bool {
        let managed = match &key.record.service {
            None => true,
            Some(service) => needed.of_managed_use && self.0.via.is_some_and(|via| via.name() == service),
        };
        managed && key.record.policy.is_none() && cx.acts_freely_in(self.0.realm().account())
    }

    pub(crate) async fn ask(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
    ) -> Result<(), Error> {
        let subject = self.subject(call.cx()).await?;
        let request = self.request(&subject, key, call, needed).await?;
        let foreign = self.is_foreign(call.cx());
        if foreign && !needed.crosses_accounts {
            return Err(self.hidden(call.cx(), needed));
        }
        let decision = self.decide(&subject, &request, key, call, needed).await?;
        match decision.is_allowed() {
            true => Ok(()),
            false if foreign => Err(self.hidden(call.cx(), needed)),
            false => Err(denied(decision, &request)),
        }
    }

    /// The caller with its documents.
    pub(crate) async fn subject(self, cx: &CallContext) -> Result<Subject, Error> {
        self.0.authorizer.subject(cx, self.0.realm(), self.0.now()).await.map_err(unidentified)
    }

    /// Whom a name names.
    pub(crate) async fn look_up(self, name: &str) -> Result<Known, Error> {
        self.0.authorizer.look_up(name, self.0.realm()).await.map_err(unidentified)
    }

    /// The unique ids of those whom a policy names; `None` when it names nobody's name.
    pub(crate) async fn ids_named(
        self,
        policy: &strongroom_policy::Policy,
    ) -> Result<Option<std::collections::BTreeMap<String, String>>, Error> {
        self.0.authorizer.ids_named(policy, self.0.realm()).await.map_err(unidentified)
    }

    /// The decision over key policy, the caller's policies, and, where these allow nothing, grants.
    async fn decide(
        self,
        subject: &Subject,
        request: &Request,
        key: &StoredKey,
        call: &KeyCall<'_>,
        needed: &'static Permission,
    ) -> Result<Decision, Error> {
        let policies = subject.policies().key(key.policy(self.0.realm())?);
        let decision = policies.decide(request);
        if matches!(decision, Decision::Missing(_))
            && let Some(wanted) = needed.grant
            && Grants(self.0).is_granted(key, request.principal(), wanted, call).await?
        {
            return Ok(policies.granted(true).decide(request));
        }
        Ok(decision)
    }

    /// That the key's policy does not forbid it, and `otherwise` holds.
    pub(crate) async fn unless_forbidden(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        needed: &'static Permission,
        otherwise: bool,
    ) -> Result<(), Error> {
        let subject = self.subject(call.cx()).await?;
        let request = self.request(&subject, key, call, needed).await?;
        match subject.policies().key(key.policy(self.0.realm())?).forbids(&request) {
            None if otherwise => Ok(()),
            _ if self.is_foreign(call.cx()) => Err(self.hidden(call.cx(), needed)),
            Some(decision) => Err(denied(decision, &request)),
            None => Err(denied(Decision::Missing(DocumentKind::Resource), &request)),
        }
    }

    /// The request as policies see it.
    pub(crate) async fn request(
        self,
        subject: &Subject,
        key: &StoredKey,
        call: &KeyCall<'_>,
        needed: &Permission,
    ) -> Result<Request, Error> {
        call.context.map_or(Ok(()), check_distinct)?;
        let mut request = self.request_on(subject, needed, key.arn.as_str());
        request.context_mut().extend(&facts_of(needed, key, call, self.0.via.is_some()));
        // The storage is asked only where a policy looks at it.
        const ALIASES: &str = "kms:ResourceAliases";
        if key.policy(self.0.realm())?.mentions(ALIASES) || subject.policies().mention(ALIASES) {
            let aliases = Names(self.0).of(&key.id).await?;
            if !aliases.is_empty() {
                request.context_mut().set_many(ALIASES, aliases);
            }
        }
        Ok(request)
    }

    /// The request without what there is to say of a key.
    pub(crate) fn request_on(self, subject: &Subject, needed: &Permission, resource: &str) -> Request {
        let mut request = subject.request(needed.action, resource, self.0.realm(), self.0.now());
        let account = request.principal().account().map(str::to_owned);
        let facts = request.context_mut();
        if let Some(account) = account {
            facts.set("kms:CallerAccount", account);
        }
        facts.set("aws:ViaAWSService", self.0.via.is_some().to_string());
        if let Some(via) = self.0.via {
            facts.set("kms:ViaService", via_service(via, self.0.realm()));
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

    /// Permission for what is about no key: what the caller's own policies allow.
    pub(crate) async fn authorize(self, call: &KeyCall<'_>, needed: &Permission) -> Result<(), Error> {
        self.authorize_on(call.cx(), needed, "*", call.facts()).await
    }

    /// As [`Gate::authorize`], of something that has no policy of its own.
    pub(crate) async fn authorize_on(
        self,
        cx: &CallContext,
        needed: &Permission,
        resource: &str,
        facts: &Context,
    ) -> Result<(), Error> {
        if cx.acts_freely_in(self.0.realm().account()) {
            return Ok(());
        }
        let subject = self.subject(cx).await?;
        let mut request = self.request_on(&subject, needed, resource);
        if resource == "*" {
            request = request.resource_account(self.0.realm().account().as_str());
        }
        request.context_mut().extend(facts);
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
