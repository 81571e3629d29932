//! What is known of a caller's session.

use std::net::IpAddr;
use std::sync::Arc;

use crate::Timestamp;

/// Circumstances of a call that policies may look at. What is not said is not known, and a condition on it finds nothing.
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
    /// Where the request came from: `aws:SourceIp`. Nothing for a call within the process.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over a protected channel: `aws:SecureTransport`. Nothing said counts as yes: a call within the process
    /// crosses no wire.
    pub secure_transport: Option<bool>,
    /// When the session showed a second factor: `aws:MultiFactorAuthPresent` and `aws:MultiFactorAuthAge`.
    pub mfa: Option<Timestamp>,
    /// When the session's credentials were given out: `aws:TokenIssueTime`.
    pub issued: Option<Timestamp>,
    /// When they end: from then on the session may nothing.
    pub expires: Option<Timestamp>,
    /// What the client calls itself: `aws:UserAgent`.
    pub user_agent: Option<String>,
    /// The session's tags, beside those of the user or role: `aws:PrincipalTag/...`.
    pub tags: Vec<(String, String)>,
    /// The session's policies: JSON documents that limit what the identity may do.
    pub policies: Vec<Arc<str>>,
    /// The unique id of the role that was taken on: a role made again under the same name is another. See `assume_role`.
    pub identity_id: Option<String>,
    /// Other condition keys with their values: `aws:SourceVpce` and the like, and those of identity providers. What the services
    /// themselves know (who calls, what is asked for, on what, by which way) cannot be said here: such a call is refused.
    pub keys: Vec<(String, String)>,
}

impl SessionFacts {
    /// Nothing known.
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
