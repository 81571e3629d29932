//! Who calls, with the documents that come with it.

use std::sync::Arc;

use strongroom_types::{CallContext, Caller, Realm, SessionFacts, Timestamp};

use crate::said::may_be_said;
use crate::{Context, ParseError, Policies, Policy, Principal, PrincipalKind, Request};

/// A caller with its policies: what an [`Authorizer`](crate::Authorizer) finds out about it.
#[derive(Clone, Debug)]
pub struct Subject {
    principal: Principal,
    facts: Context,
    identity: Vec<NamedPolicy>,
    boundary: Option<NamedPolicy>,
    session: Vec<NamedPolicy>,
    service_control: Vec<NamedPolicy>,
    mfa: Option<Timestamp>,
    stranger: bool,
}

/// A document and what it is called.
pub type NamedPolicy = (String, Arc<Policy>);

/// Allows nothing that there is: what a federated user without policies has of its maker's rights.
const NOTHING: &str = r#"{"Statement":{"Effect":"Allow","Action":"none:none","Resource":"*"}}"#;

impl Subject {
    /// A caller of whom no more is known than the call says: no policies but its session's.
    ///
    /// # Errors
    /// [`SubjectError`] for a caller that cannot be, a session that is over, and a session's policy that is none.
    pub fn of(cx: &CallContext, realm: &Realm, now: Timestamp) -> Result<Self, SubjectError> {
        let principal = Principal::of(cx.caller(), realm).map_err(SubjectError::Caller)?;
        let nothing = SessionFacts::new();
        let said = cx.facts().unwrap_or(&nothing);
        if said.expires.is_some_and(|expires| expires <= now) {
            return Err(SubjectError::Expired);
        }
        let is_service = principal.kind() == PrincipalKind::Service;
        if let Some((key, _)) = said.keys.iter().find(|(key, _)| !may_be_said(key, is_service)) {
            return Err(SubjectError::Key(key.clone()));
        }
        let mut session = Vec::with_capacity(said.policies.len());
        for (index, text) in said.policies.iter().enumerate() {
            let policy = Policy::identity(text).map_err(SubjectError::SessionPolicy)?;
            session.push(((index + 1).to_string(), Arc::new(policy)));
        }
        if session.is_empty() && matches!(cx.caller(), Caller::Federated { .. }) {
            let nothing = Policy::identity(NOTHING).map_err(SubjectError::SessionPolicy)?;
            session.push(("which a federated user needs and this one has not".to_owned(), Arc::new(nothing)));
        }
        let mut subject = Self {
            facts: facts_of(said, &principal),
            mfa: said.mfa,
            principal,
            identity: Vec::new(),
            boundary: None,
            session,
            service_control: Vec::new(),
            stranger: false,
        };
        for (key, value) in &said.tags {
            subject.tag(key, value);
        }
        Ok(subject)
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Nobody here knows it: nothing is allowed to it, whatever names it.
    #[must_use]
    pub fn stranger(mut self) -> Self {
        self.stranger = true;
        self
    }

    /// Whether nobody knows it.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        self.stranger
    }

    /// With its unique id: see [`Principal::id`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.principal = self.principal.id(id);
        self
    }

    /// Adds the unique id of the user who made this federated principal: see
    /// [`Principal::maker_id`].
    #[must_use]
    pub fn with_maker_id(mut self, id: impl Into<String>) -> Self {
        self.principal = self.principal.maker_id(id);
        self
    }

    /// With a tag of the user or role. A session's tag of this name stays.
    #[must_use]
    pub fn with_tag(mut self, key: &str, value: &str) -> Self {
        if self.facts.get(&format!("aws:PrincipalTag/{key}")).is_none() {
            self.tag(key, value);
        }
        self
    }

    fn tag(&mut self, key: &str, value: &str) {
        self.facts.set(format!("aws:PrincipalTag/{key}"), value);
    }

    /// With a policy of the user or role, and what it is called.
    #[must_use]
    pub fn with_identity(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.identity.push((name.into(), policy));
        self
    }

    /// With a permissions boundary, and what it is called.
    #[must_use]
    pub fn with_boundary(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.boundary = Some((name.into(), policy));
        self
    }

    /// With a service control policy, and what it is called. Where there are any, one must allow.
    #[must_use]
    pub fn with_service_control(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.service_control.push((name.into(), policy));
        self
    }

    /// Its documents, for a decision. Those of the resource are added by who has it.
    #[must_use]
    pub fn policies(&self) -> Policies<'_> {
        let mut policies = Policies::new().stranger(self.stranger);
        for (name, policy) in &self.identity {
            policies = policies.identity_named(name, policy);
        }
        for (name, policy) in &self.service_control {
            policies = policies.service_control_named(name, policy);
        }
        for (name, policy) in &self.session {
            policies = policies.session_named(name, policy);
        }
        match &self.boundary {
            Some((name, policy)) => policies.boundary_named(name, policy),
            None => policies,
        }
    }

    /// A request of it at some moment. The keys that say who asks, when, where and under what circumstances are there; those of the
    /// resource and of the action are added by who knows them.
    #[must_use]
    pub fn request(&self, action: &str, resource: &str, realm: &Realm, now: Timestamp) -> Request {
        let mut request = Request::new(self.principal.clone(), action, resource);
        let facts = request.context_mut();
        facts.add_missing(&self.facts);
        facts.set("aws:RequestedRegion", realm.region().as_str());
        let moment = seconds(now);
        if let Some(shown) = self.mfa {
            let age = now.as_millis().saturating_sub(shown.as_millis()).max(0) / 1000;
            facts.set("aws:MultiFactorAuthAge", age.to_string());
        }
        facts.set("aws:EpochTime", moment.clone());
        facts.set("aws:CurrentTime", moment);
        request
    }
}

impl Subject {
    /// Whether a session of a user or role may say this condition key of itself.
    #[must_use]
    pub fn session_may_say(key: &str) -> bool {
        may_be_said(key, false)
    }
}

/// A moment as policies may write it, in seconds since 1970.
fn seconds(moment: Timestamp) -> String {
    let millis = moment.as_millis().max(0);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn facts_of(said: &SessionFacts, principal: &Principal) -> Context {
    let mut facts = Context::new();
    for (key, value) in &said.keys {
        facts.set(key, value);
    }
    facts.set("aws:SecureTransport", said.secure_transport.unwrap_or(true).to_string());
    if let Some(address) = said.source_ip {
        facts.set("aws:SourceIp", address.to_string());
    }
    if let Some(agent) = &said.user_agent {
        facts.set("aws:UserAgent", agent);
    }
    if let Some(issued) = said.issued {
        facts.set("aws:TokenIssueTime", seconds(issued));
    }
    // Only credentials that were given out for a while say whether there was a second factor.
    let temporary = said.issued.is_some()
        || said.mfa.is_some()
        || matches!(principal.kind(), PrincipalKind::RoleSession | PrincipalKind::FederatedUser);
    if temporary {
        facts.set("aws:MultiFactorAuthPresent", said.mfa.is_some().to_string());
    }
    facts
}

/// Why a call has no [`Subject`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubjectError {
    /// The caller cannot be.
    Caller(strongroom_types::ParseError),
    /// The session says a condition key that is not its to say.
    Key(String),
    /// The session is over.
    Expired,
    /// A policy of the session is none.
    SessionPolicy(ParseError),
}

impl std::fmt::Display for SubjectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caller(error) => write!(f, "the caller is not known: {error}"),
            Self::Key(key) => {
                write!(f, "a session cannot say the condition key {}", key.escape_default())
            }
            // AWS's text.
            Self::Expired => f.write_str("The security token included in the request is expired"),
            Self::SessionPolicy(error) => write!(f, "a session policy cannot be read: {error}"),
        }
    }
}

impl std::error::Error for SubjectError {}
