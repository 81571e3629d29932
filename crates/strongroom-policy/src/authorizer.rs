//! The port through which services learn who calls.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use strongroom_types::{CallContext, ErrorClass, Fault, Realm, Retry, Timestamp, error_type};

use crate::{Policy, Subject, SubjectError};

/// Finds out about callers. The engine and the key service ask it inside each operation and decide themselves, over its documents
/// and those of the resource at hand.
#[async_trait]
pub trait Authorizer: Send + Sync + fmt::Debug {
    /// Who calls, with the documents that come with it, as they are now. Begins with [`Subject::of`]. Of somebody who should be
    /// known and is not: [`Subject::stranger`].
    ///
    /// # Errors
    /// [`AuthorizerError`]: a caller that cannot be, a session that is over, documents that cannot be read.
    async fn subject(
        &self,
        cx: &CallContext,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Subject, AuthorizerError>;

    /// Looks for the user, role or session that a policy names by ARN, or by the unique id of a user or role.
    ///
    /// # Errors
    /// As [`Authorizer::subject`].
    async fn look_up(&self, name: &str, realm: &Realm) -> Result<Known, AuthorizerError>;

    /// The unique ids of the users and roles that a policy names, by ARN, for [`Policy::bind`]; `None` where it names nobody.
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
                // A session's name stays its name.
                Known::Somebody { arn: own, id } if own == arn => {
                    ids.insert(own, id);
                }
                Known::Nobody => return Ok(None),
                _ => {}
            }
        }
        for id in policy.named_ids() {
            // Where nobody can tell who has an id, a statement that names one would be without effect.
            if !matches!(self.look_up(id, realm).await?, Known::Somebody { .. }) {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }
}

/// What is known of a name in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Known {
    /// Nobody here can tell.
    Unsaid,
    /// There is nobody of this name.
    Nobody,
    /// A user or role, or a session of one.
    Somebody {
        /// The ARN of the user or role.
        arn: String,
        /// Its unique id.
        id: String,
    },
}

/// Knows nobody: callers are who they say, and have no policies but their session's.
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

/// Why nothing was found out about a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthorizerErrorKind {
    /// The caller cannot be, or a policy of its session is none.
    InvalidCaller,
    /// The caller's session is over.
    ExpiredSession,
    /// What is stored was damaged, or changed by somebody without the root.
    Tampered,
    /// The store was replaced or re-keyed meanwhile.
    StoreChanged,
    /// Others were at it; try again.
    Throttled,
    /// Whatever else failed.
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

impl From<AuthorizerErrorKind> for Fault {
    fn from(kind: AuthorizerErrorKind) -> Self {
        match kind {
            AuthorizerErrorKind::InvalidCaller => Self::InvalidCaller,
            AuthorizerErrorKind::ExpiredSession => Self::ExpiredSession,
            AuthorizerErrorKind::Tampered => Self::Tampered,
            AuthorizerErrorKind::StoreChanged => Self::StoreChanged,
            AuthorizerErrorKind::Throttled => Self::Busy,
            AuthorizerErrorKind::Internal => Self::Internal,
        }
    }
}

impl From<Fault> for AuthorizerErrorKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::InvalidCaller => Self::InvalidCaller,
            Fault::ExpiredSession => Self::ExpiredSession,
            Fault::Tampered => Self::Tampered,
            Fault::StoreChanged => Self::StoreChanged,
            Fault::Conflict | Fault::Busy => Self::Throttled,
            _ => Self::Internal,
        }
    }
}

error_type!(
    /// A failure to find out about a caller.
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
