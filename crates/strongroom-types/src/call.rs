//! Who asks, and under what conditions.

use std::fmt;

use crate::{AccountId, Arn, Realm, Timestamp};

/// The facts about one call that every operation is given. It has no default: a program says who calls.
///
/// What a caller must not be able to claim is not in here. That a call reached the key service *through*
/// Secrets Manager, for one, is a property of the handle the engine was built with.
#[derive(Clone, Debug)]
pub struct CallContext {
    caller: Caller,
    request_id: Option<String>,
    deadline: Option<Timestamp>,
}

impl CallContext {
    /// The account itself, which may do everything in its own realm.
    #[must_use]
    pub fn owner(realm: &Realm) -> Self {
        Self::new(Caller::Owner(realm.account()))
    }

    /// A call made by `caller`.
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self { caller, request_id: None, deadline: None }
    }

    /// The id that logs and audit show for this call.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// After this moment the operation gives up instead of trying again.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The id of this call, if it was given one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
}

/// A principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Caller {
    /// The account's owner (AWS: the account root).
    Owner(AccountId),
    /// An IAM user or federated user, by its ARN; a role session whose role has no path.
    Principal(Arn),
    /// A session of a role.
    Session {
        /// The session: `arn:aws:sts::111122223333:assumed-role/Role/session`.
        session: Arn,
        /// The role itself, with its path.
        role: Arn,
    },
    /// A service acting for itself.
    Service(Service),
}

impl Caller {
    /// Whether this is the owner of `account`.
    #[must_use]
    pub fn is_owner_of(&self, account: AccountId) -> bool {
        match self {
            Self::Owner(own) => *own == account,
            Self::Principal(arn) => {
                arn.service() == "iam" && arn.resource() == "root" && arn.account() == account.to_string()
            }
            _ => false,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(account) => write!(f, "arn:aws:iam::{account}:root"),
            Self::Principal(arn) | Self::Session { session: arn, .. } => fmt::Display::fmt(arn, f),
            Self::Service(service) => write!(f, "{}.amazonaws.com", service.name()),
        }
    }
}

/// An AWS service, as far as one acts on another here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
}

impl Service {
    /// The service's name in ARNs, aliases and principals: `secretsmanager`, `ssm`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::ParameterStore => "ssm",
        }
    }
}
