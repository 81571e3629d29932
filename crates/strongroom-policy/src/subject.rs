//! A caller with its policies.

use std::sync::Arc;

use strongroom_types::{CallContext, Caller, Realm, SessionFacts, Timestamp};

use crate::said::may_be_said;
use crate::{Context, ParseError, Policies, Policy, Principal, PrincipalKind, Request};

/// A caller with its policies, as returned by an [`Authorizer`](crate::Authorizer).
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

/// A document and its name.
pub type NamedPolicy = (String, Arc<Policy>);

/// Matches no existing action: a federated user without session policies has none of its creator's
/// permissions.
const NOTHING: &str = r#"{"Statement":{"Effect":"Allow","Action":"none:none","Resource":"*"}}"#;

impl Subject {
    /// A caller with no policies but those of its session, as given by the call.
    ///
    /// # Errors
    /// [`SubjectError`] for an invalid caller, an expired session, or an invalid session policy.
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

    /// The principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Marks the caller as unknown here: nothing is allowed, even if a policy names it.
    #[must_use]
    pub fn stranger(mut self) -> Self {
        self.stranger = true;
        self
    }

    /// Whether the caller is unknown.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        self.stranger
    }

    /// Sets the unique id: see [`Principal::id`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.principal = self.principal.id(id);
        self
    }

    /// Sets the unique id of the user who created this federated session: see
    /// [`Principal::maker_id`].
    #[must_use]
    pub fn with_maker_id(mut self, id: impl Into<String>) -> Self {
        self.principal = self.principal.maker_id(id);
        self
    }

    /// Adds a tag of the user or role. A session tag with the same key takes precedence.
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

    /// Adds a policy of the user or role under a name.
    #[must_use]
    pub fn with_identity(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.identity.push((name.into(), policy));
        self
    }

    /// Sets the permissions boundary under a name.
    #[must_use]
    pub fn with_boundary(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.boundary = Some((name.into(), policy));
        self
    }

    /// Adds a service control policy under a name. If there are any, one must allow the request.
    #[must_use]
    pub fn with_service_control(mut self, name: impl Into<String>, policy: Arc<Policy>) -> Self {
        self.service_control.push((name.into(), policy));
        self
    }

    /// The caller's documents, for a decision. The service adds those of the resource.
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

    /// A request of the caller at a given time, with the condition keys of the principal, time,
    /// region and session. The service adds those of the resource and the action.
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
    /// Whether a session of a user or role can set this condition key.
    #[must_use]
    pub fn session_may_say(key: &str) -> bool {
        may_be_said(key, false)
    }
}

/// A time in seconds since 1970, as policies can write it.
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
    // Only temporary credentials carry whether a second factor was used.
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
    /// The caller is invalid.
    Caller(strongroom_types::ParseError),
    /// The session sets a condition key that sessions cannot set.
    Key(String),
    /// The session has expired.
    Expired,
    /// A session policy is invalid.
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
