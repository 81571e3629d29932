//! One call of an operation of Secrets Manager.

use std::sync::Arc;

use strongroom::strongrooms::Strongrooms;
use strongroom_store::SecretAdmin;
use strongroom_types::{CallContext, Realm};

use crate::api::Running;
use crate::operation::Operation;

/// An operation's arguments.
pub(super) struct SecretsCall<'a> {
    pub(super) store: Arc<dyn SecretAdmin>,
    pub(super) cx: &'a CallContext,
    pub(super) body: &'a [u8],
    /// All strongrooms, for batches.
    pub(super) rooms: &'a Strongrooms,
    /// The caller's account, and the request's region.
    pub(super) own: &'a Realm,
}

/// An entry of the operation table.
pub(super) struct SecretsOperation {
    pub(super) operation: Operation,
    pub(super) run: for<'a> fn(SecretsCall<'a>) -> Running<'a>,
}

impl SecretsOperation {
    pub(super) const fn new(operation: Operation, run: for<'a> fn(SecretsCall<'a>) -> Running<'a>) -> Self {
        Self { operation, run }
    }
}
