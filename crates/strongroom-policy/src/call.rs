//! One call of one operation.

use strongroom_types::{CallContext, OperationName, Timestamp};

use crate::Context;

/// One call of an operation, from request to response.
///
/// A store, a key service or a directory creates one at the beginning of each method and passes it
/// down, so that the caller and the operation cannot change on the way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call<'a, O> {
    /// The caller.
    pub cx: &'a CallContext,
    /// The operation.
    pub operation: O,
    /// The resource, as the caller named it; `None` for an operation without a single resource.
    pub resource: Option<&'a str>,
    /// Condition keys that mirror the request's parameters, such as `secretsmanager:VersionStage`.
    pub facts: Context,
    /// The time of the call, by the service's clock.
    pub started: Timestamp,
}

impl<'a, O: OperationName> Call<'a, O> {
    /// A call of `operation` that names no resource.
    #[must_use]
    pub fn new(cx: &'a CallContext, operation: O, started: Timestamp) -> Self {
        Self { cx, operation, resource: None, facts: Context::new(), started }
    }

    /// Sets [`Call::resource`].
    #[must_use]
    pub fn on(mut self, resource: &'a str) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Sets [`Call::facts`].
    #[must_use]
    pub fn with_facts(mut self, facts: Context) -> Self {
        self.facts = facts;
        self
    }

    /// Whether the caller's deadline has passed.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.cx.deadline().is_some_and(|deadline| now > deadline)
    }
}
