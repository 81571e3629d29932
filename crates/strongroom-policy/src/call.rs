//! One call of one operation.

use strongroom_types::{CallContext, OperationName, Timestamp};

use crate::Context;

/// One call of an operation, from the moment it is made until it is answered.
///
/// A store, a key service or a directory makes one at the beginning of each of its methods and passes
/// it down instead of its parts. Who calls and what is asked for cannot change on the way.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call<'a, O> {
    /// Who calls.
    pub cx: &'a CallContext,
    /// What is asked for.
    pub operation: O,
    /// On what, as the caller named it; `None` for an operation on no single resource.
    pub resource: Option<&'a str>,
    /// Condition keys that mirror the request's parameters, such as `secretsmanager:VersionStage`.
    pub facts: Context,
    /// When the call was made, by the service's clock.
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

    /// The same call as another operation: a batch is also a read of each of its secrets.
    #[must_use]
    pub fn as_operation(&self, operation: O) -> Self {
        Self { operation, facts: self.facts.clone(), ..*self }
    }

    /// Whether the caller's deadline has passed.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.cx.deadline().is_some_and(|deadline| now > deadline)
    }
}
