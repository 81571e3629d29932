//! The request that a call arrived in, as known to a server.

use std::fmt::Debug;
use std::sync::Arc;

/// The request that a call arrived in, for logs and audit. Authorization does not look at it: facts
/// that policies decide by are in [`SessionFacts`](crate::SessionFacts).
///
/// ```
/// use strongroom_types::{CallContext, Realm, RequestInfo};
///
/// let info = RequestInfo::new().id("7f3c").access_key_id("AKIAIOSFODNN7EXAMPLE");
/// let cx = CallContext::owner(&Realm::default()).with_request(info);
/// assert_eq!(cx.request_id(), Some("7f3c"));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The id, which the response carries too (`x-amzn-RequestId`).
    pub id: Option<Arc<str>>,
    /// The access key that signed the request.
    pub access_key_id: Option<Arc<str>>,
    /// The TLS connection; `None` without TLS.
    pub tls: Option<TlsInfo>,
    /// The parameters as the client sent them.
    pub parameters: Option<Arc<dyn RequestParameters>>,
}

/// The TLS connection of a request, in the words of CloudTrail's `tlsDetails`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol version, such as `TLSv1.3`.
    pub version: Arc<str>,
    /// The cipher suite, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: Arc<str>,
    /// The host name that the client requested (SNI).
    pub server_name: Option<Arc<str>>,
}

impl TlsInfo {
    /// A connection of this version and cipher suite.
    #[must_use]
    pub fn new(version: impl Into<Arc<str>>, cipher_suite: impl Into<Arc<str>>) -> Self {
        Self { version: version.into(), cipher_suite: cipher_suite.into(), server_name: None }
    }

    /// Sets [`TlsInfo::server_name`].
    #[must_use]
    pub fn server_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.server_name = Some(name.into());
        self
    }
}

/// The parameters of a request as they were sent, without what must stay secret.
///
/// The view is lazy: nothing is parsed or copied until needed. Use it within the call: a server
/// drops the parameters when it has responded.
pub trait RequestParameters: Debug + Send + Sync {
    /// The parameters as a JSON object. Secret values, plaintexts, key material and tokens are left
    /// out or replaced, whatever the client sent.
    fn redacted_json(&self) -> String;
}

impl RequestInfo {
    /// An empty description.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`RequestInfo::id`].
    #[must_use]
    pub fn id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets [`RequestInfo::access_key_id`].
    #[must_use]
    pub fn access_key_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.access_key_id = Some(id.into());
        self
    }

    /// Sets [`RequestInfo::tls`].
    #[must_use]
    pub fn tls(mut self, tls: TlsInfo) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets [`RequestInfo::parameters`].
    #[must_use]
    pub fn parameters(mut self, parameters: Arc<dyn RequestParameters>) -> Self {
        self.parameters = Some(parameters);
        self
    }
}
