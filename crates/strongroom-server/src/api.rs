//! A service on the wire.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use strongroom::strongrooms::{EmptyRoom, Strongrooms};
use strongroom::{CallContext, Realm, Strongroom};

use crate::answer::{Answer, ApiError};
use crate::operation::Operation;

/// An operation that is running. Dropping it is safe at any moment: what it changes, it changes in
/// one commit.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send + 'a>>;

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON. The header `X-Amz-Target` names the service by this prefix, and the operation after a
    /// full stop.
    Json(&'static str),
    /// A form, answered in XML. The form's `Action` names the operation.
    Query,
}

impl Protocol {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json(_) => "application/x-amz-json-1.1",
            Self::Query => "text/xml",
        }
    }
}

/// A service as clients know it. Each has a table of its operations; one entry says everything
/// about an operation that the wire must know.
pub(crate) trait Api: Send + Sync {
    /// How it is spoken to.
    fn protocol(&self) -> Protocol;

    /// The services that a signature may be scoped to.
    fn scopes(&self) -> &'static [&'static str];

    /// The service in the ARNs of its resources. `None` for a service that belongs to no region:
    /// the account's home answers for it.
    fn arn_service(&self) -> Option<&'static str>;

    /// The table's entry of an operation.
    fn operation(&self, name: &str) -> Option<&'static Operation>;

    /// All operations, with their members as they are sent.
    #[cfg(test)]
    fn operations(&self) -> Vec<(&'static Operation, Vec<String>)>;

    /// Whether logs and audit may show a member of an operation's request. Members that no table
    /// declares are not shown: a misspelled one may hold a secret.
    fn shows(&self, operation: &Operation, member: &str) -> bool {
        operation.has_member(member) && !operation.hides_member(member)
    }

    /// Runs an operation, or says that there is none of this name.
    fn run<'a>(&self, request: ApiRequest<'a>) -> Running<'a>;

    /// The status and body of an error.
    fn render_error(&self, error: ApiError, id: &str) -> (u16, Bytes);
}

/// Whose request it is, and where it goes.
pub(crate) struct Admitted {
    /// The strongroom that answers.
    pub(crate) room: Strongroom,
    /// The caller's own account, and the region of the request.
    pub(crate) own: Realm,
    /// Where the room is.
    pub(crate) there: Realm,
    /// What the room is while there is none yet.
    pub(crate) empty: Option<EmptyRoom>,
    /// The caller, the facts of the call, and what is known of the request.
    pub(crate) cx: CallContext,
}

/// A request of somebody who was let in.
#[derive(Clone, Copy)]
pub(crate) struct ApiRequest<'a> {
    pub(crate) admitted: &'a Admitted,
    /// The other strongrooms, for operations on several accounts.
    pub(crate) rooms: &'a Strongrooms,
    /// The service that the signature is scoped to.
    pub(crate) service: &'a str,
    /// What the operation is called.
    pub(crate) operation: &'a str,
    pub(crate) body: &'a [u8],
    /// The request's id.
    pub(crate) id: &'a str,
}

/// Fails without running anything.
pub(crate) fn failed<'a>(error: ApiError) -> Running<'a> {
    Box::pin(std::future::ready(Err(error)))
}
