//! What is known of one request, from its arrival to its answer.

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

/// The code of a request whose client disconnected before it was answered.
const ABANDONED: &str = "ClientDisconnected";

/// Is told of every request that ends, those included that nobody was let in for.
pub(crate) trait CallObserver: Send + Sync {
    /// A request ended, with this error if it failed. Must not wait for anything.
    fn ended(&self, call: &WireCall<'_>, error: Option<&ApiError>, taken: Duration);
}

/// One request: the frame that the log, the metrics and an audit share. It is made before anything
/// of the request is checked and ends exactly once: with [`WireCall::end`], or when it is dropped
/// because the client has gone. What an operation did on its way is its own frame's matter.
pub(crate) struct WireCall<'a> {
    observers: &'a [Box<dyn CallObserver>],
    pub(crate) id: &'a Arc<str>,
    pub(crate) request: &'a Parts,
    pub(crate) connection: &'a Connection,
    pub(crate) body: &'a Arc<Bytes>,
    /// What the request wants; `None` if it is for no service.
    pub(crate) wanted: Option<Wanted<'a>>,
    /// The signature as it was presented. Until [`WireCall::principal`] is known, nobody has
    /// checked it.
    pub(crate) presented: Result<Option<Presented>, Refusal>,
    /// Who calls, once the signature was checked.
    pub(crate) principal: Option<String>,
    /// Why the request was refused as that of a web page.
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

    /// What the operation is called. As the request says, which may be the name of none; but from
    /// the body of somebody who was not let in only a name that exists.
    pub(crate) fn operation(&self) -> &str {
        match &self.wanted {
            Some(wanted) if self.principal.is_none() && wanted.api.protocol() == Protocol::Query => {
                wanted.operation.map_or("", |operation| operation.name)
            }
            Some(wanted) => &wanted.name,
            None => "",
        }
    }

    /// The access key that the request names. Nobody may have checked that it is the client's.
    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.presented.as_ref().ok()?.as_ref().map(|presented| presented.key_id.as_str())
    }

    /// The service that the signature is scoped to.
    pub(crate) fn service(&self) -> &str {
        let presented = self.presented.as_ref().ok().and_then(Option::as_ref);
        presented.map_or("", |presented| presented.service.as_str())
    }

    /// What the client calls itself.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.request.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok())
    }

    /// What the request is about, as the client named it. Read from the body when it is first asked
    /// for, and only then.
    pub(crate) fn resource(&self) -> Option<&str> {
        let read = || {
            let member = self.wanted.as_ref()?.operation?.resource()?;
            named::member(self.body, member)
        };
        self.resource.get_or_init(read).as_deref()
    }

    /// The request is answered, with this error if it failed.
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
