//! Users and roles, and the requests that create them.

use std::fmt;

use strongroom_types::{Arn, Caller, ParseError, Timestamp};

/// A user or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdentityKind {
    /// A user: a person or program that calls under its own name.
    User,
    /// A role, which others assume for a limited time.
    Role,
}

impl IdentityKind {
    /// The name used in ARNs: `user`, `role`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a user or a role of the account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityRef {
    pub(crate) kind: IdentityKind,
    pub(crate) name: String,
}

impl IdentityRef {
    /// A user, by name.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self { kind: IdentityKind::User, name: name.into() }
    }

    /// A role, by name.
    #[must_use]
    pub fn role(name: impl Into<String>) -> Self {
        Self { kind: IdentityKind::Role, name: name.into() }
    }

    /// Whether it is a user or a role.
    #[must_use]
    pub fn kind(&self) -> IdentityKind {
        self.kind
    }

    /// The name, without its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for IdentityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl From<Identity> for IdentityRef {
    fn from(identity: Identity) -> Self {
        Self { kind: identity.kind, name: identity.name }
    }
}

impl From<&Self> for IdentityRef {
    fn from(identity: &Self) -> Self {
        identity.clone()
    }
}

impl From<&Identity> for IdentityRef {
    fn from(identity: &Identity) -> Self {
        Self { kind: identity.kind, name: identity.name.clone() }
    }
}

/// The description of a user or role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// User or role.
    pub kind: IdentityKind,
    /// The name. Unique in the account, ignoring case.
    pub name: String,
    /// The path: `/`, or `/teams/orders/`.
    pub path: String,
    /// The unique id, which is never reused: `AIDA...` or `AROA...`.
    pub id: String,
    /// The ARN, with the path.
    pub arn: Arn,
    /// When it was created.
    pub created: Timestamp,
    /// The description; roles only.
    pub description: Option<String>,
    /// The tags, in the order they were added.
    pub tags: Vec<(String, String)>,
    /// The ARN of the policy that limits what its own policies can allow.
    pub boundary: Option<String>,
    /// The trust policy, which says who can assume the role; roles only.
    pub trust: Option<String>,
    /// The maximum session duration, in seconds; roles only.
    pub max_session_seconds: Option<u32>,
}

impl Identity {
    /// The user as a caller. For a role, see [`Identity::session`].
    ///
    /// # Errors
    /// [`ParseError`] for a role, because only its sessions can call.
    pub fn caller(&self) -> Result<Caller, ParseError> {
        match self.kind {
            IdentityKind::User => Ok(Caller::Principal(self.arn.clone())),
            IdentityKind::Role => {
                Err(ParseError::new("caller", self.arn.as_str(), "a user; only a session of a role can call"))
            }
        }
    }

    /// A session of the role as a caller, without checking who can assume the role: the program
    /// vouches for it. [`Iam::assume_role`](crate::Iam::assume_role) checks.
    ///
    /// # Errors
    /// [`ParseError`] for a user, and for an invalid session name.
    pub fn session(&self, name: &str) -> Result<Caller, ParseError> {
        Caller::role_session(&self.arn, name)
    }
}

/// A page of users or roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityPage {
    /// Sorted by name.
    pub identities: Vec<Identity>,
    /// Where the next page begins, if there is one.
    pub next_marker: Option<String>,
}

/// A user to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateUser {
    /// 1 to 64 letters, digits and `_+=,.@-`.
    pub name: String,
    /// See [`Identity::path`]; `/` when absent.
    pub path: Option<String>,
    /// At most 50.
    pub tags: Vec<(String, String)>,
    /// The ARN of a policy.
    pub boundary: Option<String>,
}

/// A role to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateRole {
    /// 1 to 64 letters, digits and `_+=,.@-`.
    pub name: String,
    /// The trust policy: a document with principals and the action `sts:AssumeRole`.
    pub trust: String,
    /// See [`Identity::path`]; `/` when absent.
    pub path: Option<String>,
    /// The description, at most 1,000 characters.
    pub description: Option<String>,
    /// At most 50.
    pub tags: Vec<(String, String)>,
    /// The ARN of a policy.
    pub boundary: Option<String>,
    /// The maximum session duration, 3,600 to 43,200 seconds; 3,600 when absent.
    pub max_session_seconds: Option<u32>,
}

macro_rules! common {
    ($request:ty) => {
        impl $request {
            /// Sets the path.
            #[must_use]
            pub fn path(mut self, path: impl Into<String>) -> Self {
                self.path = Some(path.into());
                self
            }

            /// Adds a tag.
            #[must_use]
            pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.tags.push((key.into(), value.into()));
                self
            }

            /// Sets the permissions boundary: the ARN of a policy.
            #[must_use]
            pub fn boundary(mut self, policy_arn: impl Into<String>) -> Self {
                self.boundary = Some(policy_arn.into());
                self
            }
        }
    };
}
common!(CreateUser);
common!(CreateRole);

impl CreateUser {
    /// A user with this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl From<String> for CreateUser {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&str> for CreateUser {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl CreateRole {
    /// A role with this name and trust policy.
    #[must_use]
    pub fn new(name: impl Into<String>, trust: impl Into<String>) -> Self {
        Self { name: name.into(), trust: trust.into(), ..Self::default() }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the maximum session duration.
    #[must_use]
    pub fn max_session_seconds(mut self, seconds: u32) -> Self {
        self.max_session_seconds = Some(seconds);
        self
    }
}
