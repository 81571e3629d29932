//! Assuming roles.

use std::time::Duration;

use strongroom_policy::{Policy, PrincipalKind, Subject};
use strongroom_types::{Arn, CallContext, Caller, Realm, SessionFacts, Timestamp};

use crate::authorizer::identity_of;
use crate::directory::Directory;
use crate::error::from_authorizer;
use crate::names::{check_size, check_tags, malformed, parse};
use crate::record::IdentityRecord;
use crate::{Error, ErrorKind, Iam, IdentityKind};

/// The maximum length of a session policy, in characters, not counting whitespace.
const MAX_POLICY: usize = 2048;

/// A request for a session of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumeRole {
    /// The role.
    pub role: Arn,
    /// The session's name: 2 to 64 letters, digits and `_+=,.@-`.
    pub session_name: String,
    /// The duration: 900 seconds up to the role's maximum; 3,600 when absent.
    pub duration_seconds: Option<u32>,
    /// Session policies, which limit the session further.
    pub policies: Vec<String>,
    /// Session tags, in addition to the role's tags.
    pub tags: Vec<(String, String)>,
    /// The external id, which the trust policy can require as `sts:ExternalId`.
    pub external_id: Option<String>,
}

impl AssumeRole {
    /// A request for a session of this role under this name.
    #[must_use]
    pub fn new(role: Arn, session_name: impl Into<String>) -> Self {
        Self {
            role,
            session_name: session_name.into(),
            duration_seconds: None,
            policies: Vec::new(),
            tags: Vec::new(),
            external_id: None,
        }
    }

    /// Sets [`AssumeRole::duration_seconds`].
    #[must_use]
    pub fn duration_seconds(mut self, seconds: u32) -> Self {
        self.duration_seconds = Some(seconds);
        self
    }

    /// Adds one of [`AssumeRole::policies`].
    #[must_use]
    pub fn policy(mut self, document: impl Into<String>) -> Self {
        self.policies.push(document.into());
        self
    }

    /// Adds one of [`AssumeRole::tags`].
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Sets [`AssumeRole::external_id`].
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }
}

/// A session of a role.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssumedRole {
    /// The context for calls of the session.
    pub context: CallContext,
    /// The role's unique id and the session's name: `AROA...:name`.
    pub id: String,
    /// When it expires.
    pub expires: Timestamp,
}

impl Iam {
    /// Starts a session of a role for the caller, if the role's trust policy and the caller's own
    /// policies allow it.
    ///
    /// # Errors
    /// [`ErrorKind::AccessDenied`], also if the role does not exist; [`ErrorKind::Validation`],
    /// [`ErrorKind::MalformedPolicy`], [`ErrorKind::LimitExceeded`] for an invalid request.
    pub async fn assume_role(&self, cx: &CallContext, request: AssumeRole) -> Result<AssumedRole, Error> {
        self.directory.assume(cx, request).await.map_err(|error| error.during("AssumeRole"))
    }
}

impl Directory {
    async fn assume(&self, cx: &CallContext, asked: AssumeRole) -> Result<AssumedRole, Error> {
        let validation = |text: String| Error::new(ErrorKind::Validation, text);
        let caller = Caller::role_session(&asked.role, &asked.session_name)
            .map_err(|error| validation(error.to_string()))?;
        check_tags(&asked.tags)?;
        for document in &asked.policies {
            check_size(document, MAX_POLICY, "PolicySize")?;
            parse(document)?;
        }
        let denied_as = |action: &str| {
            let text = format!(
                "User: {} is not authorized to perform: {action} on resource: {}",
                cx.caller(),
                asked.role
            );
            Error::new(ErrorKind::AccessDenied, text)
        };
        let denied = || denied_as("sts:AssumeRole");
        let (realm, now) = (&self.layout.realm, self.now());
        let named = identity_of(asked.role.as_str()).filter(|(account, identity)| {
            *account == self.layout.account && identity.kind == IdentityKind::Role
        });
        let (_, identity) = named.ok_or_else(denied)?;
        let role = self.find(&identity).await?.ok_or_else(denied)?.record;
        let described = role.to_identity(IdentityKind::Role, &self.layout);
        if described.arn != asked.role {
            return Err(denied());
        }
        let mut trust = Policy::kept_trust(role.trust.as_deref().unwrap_or_default()).map_err(malformed)?;
        trust.bind(&role.trusted_ids);
        let subject = self.subject(cx, realm, now).await.map_err(from_authorizer)?;
        if let Err(action) = may_assume(&subject, &asked, &role, &trust, (realm, now))? {
            return Err(denied_as(action));
        }
        // Role chaining limits a session to one hour.
        let chained = subject.principal().kind() == PrincipalKind::RoleSession;
        let most = if chained { 3600 } else { role.max_session_seconds.unwrap_or(3600) };
        let seconds = asked.duration_seconds.unwrap_or(3600);
        if seconds > most {
            let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(validation(text.to_owned()));
        }
        if seconds < 900 {
            let text = "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900";
            return Err(validation(text.to_owned()));
        }
        let expires = now.after(Duration::from_secs(seconds.into()));
        let mut facts = facts_of(cx).issued(now).expires(expires);
        facts.identity_id = Some(role.id.clone());
        facts.tags = asked.tags;
        facts.policies = asked.policies.into_iter().map(Into::into).collect();
        let id = format!("{}:{}", role.id, asked.session_name);
        let mut context = CallContext::new(caller).with_facts(facts);
        if let Some(request) = cx.request_id() {
            context = context.with_request_id(request);
        }
        if let Some(deadline) = cx.deadline() {
            context = context.with_deadline(deadline);
        }
        Ok(AssumedRole { context, id, expires })
    }
}

/// Whether the trust policy and the caller's own policies let the caller assume the role. If not,
/// returns the action that is not allowed.
fn may_assume(
    subject: &Subject,
    asked: &AssumeRole,
    role: &IdentityRecord,
    trust: &Policy,
    (realm, now): (&Realm, Timestamp),
) -> Result<Result<(), &'static str>, Error> {
    match subject.principal().kind() {
        PrincipalKind::Root => {
            return Err(Error::new(ErrorKind::AccessDenied, "Roles may not be assumed by root accounts."));
        }
        // Federated users cannot call STS operations such as AssumeRole.
        PrincipalKind::FederatedUser => return Ok(Err("sts:AssumeRole")),
        _ => {}
    }
    let policies = subject.policies().key(trust);
    let actions =
        if asked.tags.is_empty() { &["sts:AssumeRole"][..] } else { &["sts:AssumeRole", "sts:TagSession"] };
    for action in actions {
        let mut question = subject.request(action, asked.role.as_str(), realm, now);
        let facts = question.context_mut();
        for (key, value) in &role.tags {
            facts.set_first(format!("aws:ResourceTag/{key}"), value);
            facts.set_first(format!("iam:ResourceTag/{key}"), value);
        }
        facts.set("sts:RoleSessionName", &asked.session_name);
        if let Some(id) = &asked.external_id {
            facts.set("sts:ExternalId", id);
        }
        for (key, value) in &asked.tags {
            facts.set_first(format!("aws:RequestTag/{key}"), value);
        }
        if !asked.tags.is_empty() {
            facts.set_many("aws:TagKeys", asked.tags.iter().map(|(key, _)| key));
        }
        if !policies.decide(&question).is_allowed() {
            return Ok(Err(action));
        }
    }
    Ok(Ok(()))
}

/// The facts that a session inherits from the call that requests it.
fn facts_of(cx: &CallContext) -> SessionFacts {
    let mut facts = SessionFacts::new();
    if let Some(own) = cx.facts() {
        facts.source_ip = own.source_ip;
        facts.secure_transport = own.secure_transport;
        facts.user_agent.clone_from(&own.user_agent);
        // A session must not set the keys that only a service can vouch for.
        let keys = own.keys.iter().filter(|(key, _)| Subject::session_may_say(key));
        facts.keys = keys.cloned().collect();
    }
    facts
}
