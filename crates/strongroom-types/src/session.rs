//! The facts of a caller's session.

use std::net::IpAddr;
use std::sync::Arc;

use crate::Timestamp;

/// Circumstances of a call that policies can test. A fact that is not set is unknown, and
/// conditions on it find no value.
///
/// ```
/// use strongroom_types::{Arn, CallContext, Caller, SessionFacts};
///
/// let role = Arn::parse("arn:aws:iam::111122223333:role/reader")?;
/// let facts = SessionFacts::new().source_ip([10, 0, 0, 7]).tag("team", "orders");
/// let cx = CallContext::new(Caller::role_session(&role, "run-1")?).with_facts(facts);
/// # Ok::<(), strongroom_types::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionFacts {
    /// The source address: `aws:SourceIp`. `None` for a call within the process.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over a protected channel: `aws:SecureTransport`. `None` counts as true: a
    /// call within the process crosses no network.
    pub secure_transport: Option<bool>,
    /// When the session presented a second factor: `aws:MultiFactorAuthPresent` and
    /// `aws:MultiFactorAuthAge`.
    pub mfa: Option<Timestamp>,
    /// When the session's credentials were issued: `aws:TokenIssueTime`.
    pub issued: Option<Timestamp>,
    /// When they expire: from then on the session has no permissions.
    pub expires: Option<Timestamp>,
    /// The client's own name: `aws:UserAgent`.
    pub user_agent: Option<String>,
    /// The session's tags, in addition to those of the user or role: `aws:PrincipalTag/...`.
    pub tags: Vec<(String, String)>,
    /// The session's policies: JSON documents that limit the identity's permissions.
    pub policies: Vec<Arc<str>>,
    /// The unique id of the assumed role: a role that was deleted and created again under the same
    /// name is another one. See `assume_role`.
    pub identity_id: Option<String>,
    /// Other condition keys and their values, such as `aws:SourceVpce` and those of identity
    /// providers. Keys that the services determine themselves (the caller, the operation, the
    /// resource, the path of the call) cannot be set here: such a call is refused.
    pub keys: Vec<(String, String)>,
}

impl SessionFacts {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`SessionFacts::source_ip`].
    #[must_use]
    pub fn source_ip(mut self, address: impl Into<IpAddr>) -> Self {
        self.source_ip = Some(address.into());
        self
    }

    /// Sets [`SessionFacts::secure_transport`].
    #[must_use]
    pub fn secure_transport(mut self, secure: bool) -> Self {
        self.secure_transport = Some(secure);
        self
    }

    /// Sets [`SessionFacts::mfa`].
    #[must_use]
    pub fn mfa(mut self, shown: Timestamp) -> Self {
        self.mfa = Some(shown);
        self
    }

    /// Sets [`SessionFacts::issued`].
    #[must_use]
    pub fn issued(mut self, issued: Timestamp) -> Self {
        self.issued = Some(issued);
        self
    }

    /// Sets [`SessionFacts::expires`].
    #[must_use]
    pub fn expires(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// Sets [`SessionFacts::user_agent`].
    #[must_use]
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// Adds one of [`SessionFacts::tags`].
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Adds one of [`SessionFacts::policies`].
    #[must_use]
    pub fn policy(mut self, document: impl Into<Arc<str>>) -> Self {
        self.policies.push(document.into());
        self
    }

    /// Adds one of [`SessionFacts::keys`].
    #[must_use]
    pub fn key(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.keys.push((key.into(), value.into()));
        self
    }
}
