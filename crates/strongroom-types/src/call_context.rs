//! The caller and the circumstances of a call.

use std::sync::Arc;

use crate::{AccountId, Caller, Realm, RequestInfo, SessionFacts, Timestamp};

/// The facts about one call that every operation takes. It has no default: the program must name
/// the caller.
///
/// The code that creates it vouches for it: a program for its own parts, a server for callers that
/// it has authenticated. Facts that a caller must not be able to claim are elsewhere: that a call
/// reached the key service *through* Secrets Manager, for example, is a property of the engine's
/// handle.
#[derive(Clone, Debug)]
pub struct CallContext {
    caller: Caller,
    facts: Option<Arc<SessionFacts>>,
    request: Option<Arc<RequestInfo>>,
    deadline: Option<Timestamp>,
}

impl CallContext {
    /// The account's owner, who can do everything in the account's own realm.
    #[must_use]
    pub fn owner(realm: &Realm) -> Self {
        Self::new(Caller::Owner(realm.account()))
    }

    /// A call made by `caller`.
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self { caller, facts: None, request: None, deadline: None }
    }

    /// Adds the facts of the caller's session that policies can test.
    #[must_use]
    pub fn with_facts(mut self, facts: SessionFacts) -> Self {
        self.facts = Some(Arc::new(facts));
        self
    }

    /// Adds what a server knows about the request that the call arrived in.
    #[must_use]
    pub fn with_request(mut self, request: RequestInfo) -> Self {
        self.request = Some(Arc::new(request));
        self
    }

    /// Sets the id that logs and audit show for this call.
    #[must_use]
    pub fn with_request_id(self, id: impl Into<Arc<str>>) -> Self {
        let request = self.request().cloned().unwrap_or_default();
        self.with_request(request.id(id))
    }

    /// Sets the moment after which an operation gives up instead of retrying.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same caller and session without what belongs to a single call, for work that is done
    /// later or for several callers.
    #[must_use]
    pub fn lasting(&self) -> Self {
        Self { request: None, deadline: None, ..self.clone() }
    }

    /// The caller.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the caller is the account's owner, in a session without limits.
    #[must_use]
    pub fn acts_freely_in(&self, account: AccountId) -> bool {
        let unlimited = |facts: &SessionFacts| facts.expires.is_none() && facts.policies.is_empty();
        self.caller.is_owner_of(account) && self.facts().is_none_or(unlimited)
    }

    /// Whether the caller belongs to another account; false for callers without an account.
    #[must_use]
    pub fn is_foreign_to(&self, account: AccountId) -> bool {
        self.caller.account().is_some_and(|own| own != account.as_str())
    }

    /// The facts of the caller's session, if there are any.
    #[must_use]
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_deref()
    }

    /// The id of this call, if it has one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request()?.id.as_deref()
    }

    /// What is known about the request that the call arrived in.
    #[must_use]
    pub fn request(&self) -> Option<&RequestInfo> {
        self.request.as_deref()
    }

    /// The time when the caller stops waiting.
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
