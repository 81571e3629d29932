//! The port through which services look up callers.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use strongroom_types::{CallContext, ErrorClass, Realm, Retry, Timestamp, error_type, fault_kinds};

use crate::{Policy, Subject, SubjectError};

/// Looks up callers. The engine and the key service call it in each operation and then decide
/// themselves, by its documents and those of the resource.
#[async_trait]
pub trait Authorizer: Send + Sync + fmt::Debug {
    /// The caller with its current documents. Implementations start from [`Subject::of`], and
    /// return [`Subject::stranger`] for a caller that should be known but is not.
    ///
    /// # Errors
    /// [`AuthorizerError`] for an invalid caller, an expired session, or documents that cannot be
    /// read.
    async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError>;

    /// Looks up the user, role or session that a policy names by ARN, or by the unique id of a user
    /// or role.
    ///
    /// # Errors
    /// As [`Authorizer::subject`].
    async fn look_up(&self, name: &str, realm: &Realm) -> Result<Known, AuthorizerError>;

    /// Maps the ARNs of the users and roles that a policy names to unique ids, for
    /// [`Policy::bind`]; `None` if a name does not exist.
    ///
    /// Provided: looks each up.
    ///
    /// # Errors
    /// As [`Authorizer::look_up`].
    async fn ids_named(
        &self,
        policy: &Policy,
        realm: &Realm,
    ) -> Result<Option<BTreeMap<String, String>>, AuthorizerError> {
        let mut ids = BTreeMap::new();
        for arn in policy.named_identities() {
            match self.look_up(arn, realm).await? {
                // A session is not bound to an id.
                Known::Somebody { arn: own, id } if own == arn => {
                    ids.insert(own, id);
                }
                Known::Nobody => return Ok(None),
                _ => {}
            }
        }
        for id in policy.named_ids() {
            // If ids cannot be looked up, a statement that names one would have no effect.
            if !matches!(self.look_up(id, realm).await?, Known::Somebody { .. }) {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }
}

/// The result of looking up a name in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Known {
    /// It is not known here whether the name exists.
    Unsaid,
    /// The name does not exist.
    Nobody,
    /// A user or role, or a session of one.
    Somebody {
        /// The ARN of the user or role.
        arn: String,
        /// Its unique id.
        id: String,
    },
}

/// An authorizer without a directory: it trusts the caller's identity and knows no policies but the
/// session's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoDirectory;

#[async_trait]
impl Authorizer for NoDirectory {
    async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError> {
        Ok(Subject::of(cx, realm, now)?)
    }

    async fn look_up(&self, _name: &str, _realm: &Realm) -> Result<Known, AuthorizerError> {
        Ok(Known::Unsaid)
    }
}

/// Why a caller could not be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthorizerErrorKind {
    /// The caller or a session policy is invalid.
    InvalidCaller,
    /// The caller's session has expired.
    ExpiredSession,
    /// A stored record is damaged, or was changed without the root key.
    Tampered,
    /// The store was replaced or re-keyed in the meantime.
    StoreChanged,
    /// Too many concurrent changes; try again.
    Throttled,
    /// Any other failure.
    Internal,
}

impl ErrorClass for AuthorizerErrorKind {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidCaller => "AccessDeniedException",
            Self::ExpiredSession => "ExpiredTokenException",
            Self::Throttled => "ThrottlingException",
            _ => "InternalServiceError",
        }
    }

    fn retry(self) -> Retry {
        match self {
            Self::Throttled | Self::Internal => Retry::Later,
            _ => Retry::Never,
        }
    }
}

fault_kinds!(AuthorizerErrorKind {
    InvalidCaller = InvalidCaller,
    ExpiredSession = ExpiredSession,
    Tampered = Tampered,
    StoreChanged = StoreChanged,
    Busy = Throttled,
} into { Conflict = Throttled } else Internal);

error_type!(
    /// A failure to look up a caller.
    AuthorizerError of AuthorizerErrorKind
);

impl From<SubjectError> for AuthorizerError {
    fn from(error: SubjectError) -> Self {
        let kind = match error {
            SubjectError::Expired => AuthorizerErrorKind::ExpiredSession,
            _ => AuthorizerErrorKind::InvalidCaller,
        };
        Self::new(kind, error.to_string())
    }
}
