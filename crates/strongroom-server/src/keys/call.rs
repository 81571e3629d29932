//! One call of an operation of KMS.

use std::sync::Arc;

use strongroom::Keys;
use strongroom::strongrooms::Strongrooms;
use strongroom_kms::KmsAdmin;
use strongroom_types::{CallContext, Realm};

use crate::api::Running;
use crate::operation::Operation;

/// What an operation is given.
pub(super) struct KeysCall<'a> {
    pub(super) kms: Arc<dyn KmsAdmin>,
    /// The same, for what the traits do not have.
    pub(super) keys: Keys,
    pub(super) cx: &'a CallContext,
    pub(super) body: &'a [u8],
    /// The other strongrooms, for an encryption under a key of another account.
    pub(super) rooms: &'a Strongrooms,
    /// The caller's own account, and the region of the request.
    pub(super) own: &'a Realm,
    /// Whose keys these are.
    pub(super) there: &'a Realm,
}

/// An entry of the table.
pub(super) struct KeysOperation {
    pub(super) operation: Operation,
    pub(super) run: for<'a> fn(KeysCall<'a>) -> Running<'a>,
}

impl KeysOperation {
    pub(super) const fn new(operation: Operation, run: for<'a> fn(KeysCall<'a>) -> Running<'a>) -> Self {
        Self { operation, run }
    }
}
