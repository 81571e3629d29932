//! An AWS service as clients see it.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use strongroom::strongrooms::{EmptyRoom, Strongrooms};
use strongroom::{CallContext, Realm, Strongroom};

use crate::answer::{Answer, ApiError};
use crate::operation::Operation;

/// A running operation. Cancel-safe: an operation makes its changes in one commit.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send + 'a>>;

/// How requests and responses are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON. The header `X-Amz-Target` is this prefix, a dot, and the operation.
    Json(&'static str),
    /// A form, with a response in XML. The form's `Action` names the operation.
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

/// An AWS service. Each has a table of operations; an entry declares everything that the wire
/// protocol needs to know about its operation.
pub(crate) trait Api: Send + Sync {
    /// The service's protocol.
    fn protocol(&self) -> Protocol;

    /// The service names that a signature's credential scope may contain.
    fn scopes(&self) -> &'static [&'static str];

    /// The service in its resources' ARNs. `None` for a global service, which the account's home
    /// region answers.
    fn arn_service(&self) -> Option<&'static str>;

    /// Looks up an operation in the table.
    fn operation(&self, name: &str) -> Option<&'static Operation>;

    /// All operations, with the wire names of their members.
    #[cfg(test)]
    fn operations(&self) -> Vec<(&'static Operation, Vec<String>)>;

    /// Whether logs and audit may show a member of an operation's request. Undeclared members are
    /// hidden: a misspelled one may hold a secret.
    fn shows(&self, operation: &Operation, member: &str) -> bool {
        operation.has_member(member) && !operation.hides_member(member)
    }

    /// Runs an operation. Fails if there is none of this name.
    fn run<'a>(&self, request: ApiRequest<'a>) -> Running<'a>;

    /// The status and body for an error.
    fn render_error(&self, error: ApiError, id: &str) -> (u16, Bytes);
}

/// An authenticated caller, and the strongroom that the request goes to.
pub(crate) struct Admitted {
    /// The strongroom that runs the operation.
    pub(crate) room: Strongroom,
    /// The caller's account, and the request's region.
    pub(crate) own: Realm,
    /// The strongroom's realm.
    pub(crate) there: Realm,
    /// Set if the realm has no strongroom yet: the empty one that answers in its place.
    pub(crate) empty: Option<EmptyRoom>,
    /// The caller and the request's facts, for policies, logs and audit.
    pub(crate) cx: CallContext,
}

/// A request whose signature was verified.
#[derive(Clone, Copy)]
pub(crate) struct ApiRequest<'a> {
    pub(crate) admitted: &'a Admitted,
    /// All strongrooms, for operations across accounts.
    pub(crate) rooms: &'a Strongrooms,
    /// The service in the signature's credential scope.
    pub(crate) service: &'a str,
    /// The operation's name.
    pub(crate) operation: &'a str,
    pub(crate) body: &'a [u8],
    /// The request's id.
    pub(crate) id: &'a str,
}

/// An operation that fails with this error.
pub(crate) fn failed<'a>(error: ApiError) -> Running<'a> {
    Box::pin(std::future::ready(Err(error)))
}
