//! One request, from arrival to response.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::USER_AGENT;
use http::request::Parts;
use strongroom_http::Connection;

use crate::answer::ApiError;
use crate::api::Protocol;
use crate::apis::Wanted;
use crate::named;
use crate::sigv4::{Presented, Refusal};

/// The error code of a request whose client disconnected before the response.
const ABANDONED: &str = "ClientDisconnected";

/// Notified of every request that ends, including unauthenticated ones.
pub(crate) trait CallObserver: Send + Sync {
    /// A request ended, with this error if it failed. Must not block.
    fn ended(&self, call: &WireCall<'_>, error: Option<&ApiError>, taken: Duration);
}

/// One request, as log, metrics and audit see it. Created before anything in the request is
/// checked. Ends exactly once: with [`WireCall::end`], or by being dropped because the client
/// disconnected. The operation itself records what it does in its own call frame.
pub(crate) struct WireCall<'a> {
    observers: &'a [Box<dyn CallObserver>],
    pub(crate) id: &'a Arc<str>,
    pub(crate) request: &'a Parts,
    pub(crate) connection: &'a Connection,
    pub(crate) body: &'a Arc<Bytes>,
    /// What the request asks for; `None` if it is for no known service.
    pub(crate) wanted: Option<Wanted<'a>>,
    /// The signature as presented. Unverified until [`WireCall::principal`] is set.
    pub(crate) presented: Result<Option<Presented>, Refusal>,
    /// The caller, once the signature is verified.
    pub(crate) principal: Option<String>,
    /// Set if the request was refused because it came from a web page: the reason.
    pub(crate) foreign: Option<&'static str>,
    resource: OnceLock<Option<String>>,
    received: Instant,
    ended: bool,
}

impl<'a> WireCall<'a> {
    pub(crate) fn new(
        observers: &'a [Box<dyn CallObserver>],
        (request, connection, id): (&'a Parts, &'a Connection, &'a Arc<str>),
        body: &'a Arc<Bytes>,
        wanted: Option<Wanted<'a>>,
        presented: Result<Option<Presented>, Refusal>,
        received: Instant,
    ) -> Self {
        Self {
            observers,
            id,
            request,
            connection,
            body,
            wanted,
            presented,
            principal: None,
            foreign: None,
            resource: OnceLock::new(),
            received,
            ended: false,
        }
    }

    /// The operation's name, as the request gives it; the operation may not exist. For an
    /// unauthenticated request, a name from the body is used only if the operation exists.
    pub(crate) fn operation(&self) -> &str {
        match &self.wanted {
            Some(wanted) if self.principal.is_none() && wanted.api.protocol() == Protocol::Query => {
                wanted.operation.map_or("", |operation| operation.name)
            }
            Some(wanted) => &wanted.name,
            None => "",
        }
    }

    /// The access key id that the request names. May be unverified.
    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.presented.as_ref().ok()?.as_ref().map(|presented| presented.key_id.as_str())
    }

    /// The service in the signature's credential scope.
    pub(crate) fn service(&self) -> &str {
        let presented = self.presented.as_ref().ok().and_then(Option::as_ref);
        presented.map_or("", |presented| presented.service.as_str())
    }

    /// The client's user agent.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.request.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok())
    }

    /// The resource, as the client named it. Parsed from the body on first use.
    pub(crate) fn resource(&self) -> Option<&str> {
        let read = || {
            let member = self.wanted.as_ref()?.operation?.resource()?;
            named::member(self.body, member)
        };
        self.resource.get_or_init(read).as_deref()
    }

    /// Ends the call, with this error if it failed.
    pub(crate) fn end(&mut self, error: Option<&ApiError>) {
        self.ended = true;
        let taken = self.received.elapsed();
        self.observers.iter().for_each(|observer| observer.ended(self, error, taken));
    }
}

impl Drop for WireCall<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Some(&ApiError::new(ABANDONED, "The client disconnected.")));
        }
    }
}
