//! Who asks, and under what conditions.

use std::sync::Arc;

use crate::{AccountId, Caller, Realm, RequestInfo, SessionFacts, Timestamp};

/// The facts about one call that every operation is given. It has no default: a program says who calls.
///
/// Whoever makes it vouches for it: a program for its own parts, a server for whom it has authenticated. What a caller must not
/// be able to claim is not in here. That a call reached the key service *through* Secrets Manager, for one, is a property of the
/// handle the engine was built with.
#[derive(Clone, Debug)]
pub struct CallContext {
    caller: Caller,
    facts: Option<Arc<SessionFacts>>,
    request: Option<Arc<RequestInfo>>,
    deadline: Option<Timestamp>,
}

impl CallContext {
    /// The account itself, which may do everything in its own realm.
    #[must_use]
    pub fn owner(realm: &Realm) -> Self {
        Self::new(Caller::Owner(realm.account()))
    }

    /// A call made by `caller`.
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self { caller, facts: None, request: None, deadline: None }
    }

    /// With what is known of the caller's session, for policies that look at it.
    #[must_use]
    pub fn with_facts(mut self, facts: SessionFacts) -> Self {
        self.facts = Some(Arc::new(facts));
        self
    }

    /// With what a server knows about the request that the call arrived in.
    #[must_use]
    pub fn with_request(mut self, request: RequestInfo) -> Self {
        self.request = Some(Arc::new(request));
        self
    }

    /// The id that logs and audit show for this call.
    #[must_use]
    pub fn with_request_id(self, id: impl Into<Arc<str>>) -> Self {
        let request = self.request().cloned().unwrap_or_default();
        self.with_request(request.id(id))
    }

    /// After this moment the operation gives up instead of trying again.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same caller and session without what belongs to one call, for what is done later or for several.
    #[must_use]
    pub fn lasting(&self) -> Self {
        Self { request: None, deadline: None, ..self.clone() }
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the account itself calls, and nothing that is known of its session limits it.
    #[must_use]
    pub fn acts_freely_in(&self, account: AccountId) -> bool {
        let unlimited = |facts: &SessionFacts| facts.expires.is_none() && facts.policies.is_empty();
        self.caller.is_owner_of(account) && self.facts().is_none_or(unlimited)
    }

    /// Whether the caller is of another account. Somebody without an account is nobody's.
    #[must_use]
    pub fn is_foreign_to(&self, account: AccountId) -> bool {
        self.caller.account().is_some_and(|own| own != account.as_str())
    }

    /// What is known of the caller's session; nothing unless it was said.
    #[must_use]
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_deref()
    }

    /// The id of this call, if it was given one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request()?.id.as_deref()
    }

    /// What is known about the request that the call arrived in.
    #[must_use]
    pub fn request(&self) -> Option<&RequestInfo> {
        self.request.as_deref()
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
}

impl From<Caller> for CallContext {
    fn from(caller: Caller) -> Self {
        Self::new(caller)
    }
}
