//! One call of an operation of STS or IAM.

use std::future::Future;
use std::pin::Pin;

use strongroom_iam::Iam;
use strongroom_types::CallContext;

use super::form::Form;
use super::member::Member;
use super::xml::Xml;
use crate::answer::ApiError;
use crate::api::Admitted;
use crate::operation::Operation;

/// An operation's outcome: the content of its result element, or `None` if it has none.
pub(super) type Outcome = Result<Option<Xml>, ApiError>;

/// A running operation.
pub(super) type QueryRunning<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// An operation's arguments.
pub(super) struct QueryCall<'a> {
    pub(super) admitted: &'a Admitted,
    pub(super) cx: &'a CallContext,
    pub(super) directory: Iam,
    pub(super) form: &'a Form,
}

/// A table entry: an operation, its request's members, and the function that runs it.
pub(super) struct QueryOperation {
    pub(super) operation: Operation,
    members: &'static [Member],
    pub(super) run: for<'a> fn(&'a QueryCall<'a>) -> QueryRunning<'a>,
}

/// An operation with these members. A request with any other member is refused.
pub(super) const fn operation(
    name: &'static str,
    members: &'static [Member],
    run: for<'a> fn(&'a QueryCall<'a>) -> QueryRunning<'a>,
) -> QueryOperation {
    QueryOperation { operation: Operation::with_members(name, &[]), members, run }
}

impl QueryOperation {
    /// Whether a request can have this member, or part of a member.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.takes(name))
    }

    /// The members that a request can have.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.to_owned()).collect()
    }

    /// Checks that a form holds only what this operation understands: ignoring a member could
    /// change the request's meaning.
    pub(super) fn check(&self, form: &Form) -> Result<(), ApiError> {
        let unknown = |name: &&str| !matches!(*name, "Action" | "Version") && !self.takes(name);
        if let Some(other) = form.names().find(unknown) {
            let top = other.split('.').next().unwrap_or(other);
            // Part of a member that has no parts: the error gives the full name.
            let declared = self.members.iter().any(|member| member.name == top);
            let short: String = if declared { other } else { top }.chars().take(128).collect();
            let text = format!("The parameter {short} is not supported for {}.", self.operation.name);
            return Err(ApiError::new("InvalidParameterCombination", text));
        }
        self.members.iter().try_for_each(|member| member.check(form))
    }
}
