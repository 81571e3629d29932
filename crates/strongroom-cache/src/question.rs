//! A query of the cache: the caller and the value.

use std::sync::Arc;

use strongroom_store::{GetSecretValue, SecretId, Stage, VersionId};
use strongroom_types::CallContext;

use crate::asker::identity;

/// A query: the caller and the value's id, version and stage.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// The caller with all facts of the session, so that one caller's permission never serves
    /// another.
    caller: Arc<str>,
    pub(crate) id: SecretId,
    version: Option<VersionId>,
    stage: Option<Stage>,
}

impl Question {
    pub(crate) fn new(cx: &CallContext, request: &GetSecretValue) -> Self {
        Self {
            caller: identity(cx).into(),
            id: request.id.clone(),
            version: request.version_id.clone(),
            stage: request.stage.clone(),
        }
    }

    /// The requested value.
    pub(crate) fn request(&self) -> GetSecretValue {
        let mut request = GetSecretValue::new(self.id.clone());
        (request.version_id, request.stage) = (self.version.clone(), self.stage.clone());
        request
    }

    pub(crate) fn caller(&self) -> Arc<str> {
        Arc::clone(&self.caller)
    }
}
