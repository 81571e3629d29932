//! One call of an operation of KMS.

use std::sync::Arc;

use strongroom::Keys;
use strongroom::strongrooms::Strongrooms;
use strongroom_kms::KmsAdmin;
use strongroom_types::{CallContext, Realm};

use crate::api::Running;
use crate::operation::Operation;

/// An operation's arguments.
pub(super) struct KeysCall<'a> {
    pub(super) kms: Arc<dyn KmsAdmin>,
    /// The same keys, for operations that the traits do not have.
    pub(super) keys: Keys,
    pub(super) cx: &'a CallContext,
    pub(super) body: &'a [u8],
    /// All strongrooms, to encrypt under a key of another account.
    pub(super) rooms: &'a Strongrooms,
    /// The caller's account, and the request's region.
    pub(super) own: &'a Realm,
    /// The realm of the keys.
    pub(super) there: &'a Realm,
}

/// An entry of the operation table.
pub(super) struct KeysOperation {
    pub(super) operation: Operation,
    pub(super) run: for<'a> fn(KeysCall<'a>) -> Running<'a>,
}

impl KeysOperation {
    pub(super) const fn new(operation: Operation, run: for<'a> fn(KeysCall<'a>) -> Running<'a>) -> Self {
        Self { operation, run }
    }
}
