//! One call of an operation of Secrets Manager.

use std::sync::Arc;

use strongroom::strongrooms::Strongrooms;
use strongroom_store::SecretAdmin;
use strongroom_types::{CallContext, Realm};

use crate::api::Running;
use crate::operation::Operation;

/// What an operation is given.
pub(super) struct SecretsCall<'a> {
    pub(super) store: Arc<dyn SecretAdmin>,
    pub(super) cx: &'a CallContext,
    pub(super) body: &'a [u8],
    /// The other strongrooms, for batches.
    pub(super) rooms: &'a Strongrooms,
    /// The caller's own account, and the region of the request.
    pub(super) own: &'a Realm,
}

/// An entry of the table.
pub(super) struct SecretsOperation {
    pub(super) operation: Operation,
    pub(super) run: for<'a> fn(SecretsCall<'a>) -> Running<'a>,
}

impl SecretsOperation {
    pub(super) const fn new(operation: Operation, run: for<'a> fn(SecretsCall<'a>) -> Running<'a>) -> Self {
        Self { operation, run }
    }
}
