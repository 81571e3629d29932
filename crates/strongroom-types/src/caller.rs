//! Principals, and services.

use std::fmt;

use crate::{AccountId, Arn, ParseError};

/// A principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Caller {
    /// The account's owner (AWS: the account's root user).
    Owner(AccountId),
    /// An IAM user, by its ARN; a session of a role without a path; a federated user of unknown
    /// origin.
    Principal(Arn),
    /// A session of a role. See [`Caller::role_session`].
    Session {
        /// The session: `arn:aws:sts::111122223333:assumed-role/Role/session`.
        session: Arn,
        /// The role itself, with its path.
        role: Arn,
    },
    /// A federated user: a session that an IAM user created for someone else. See
    /// [`Caller::federated`].
    Federated {
        /// The session: `arn:aws:sts::111122223333:federated-user/name`.
        session: Arn,
        /// The user whose permissions it has, within the session's policies.
        user: Arn,
    },
    /// A service acting for itself, by its principal: `rds.amazonaws.com`. See [`Caller::service`].
    Service(String),
}

impl Caller {
    /// A session of a role, by the role's ARN (with its path) and a name of 2 to 64 characters out
    /// of letters, digits and `_+=,.@-`.
    ///
    /// ```
    /// # use strongroom_types::{Arn, Caller};
    /// let role = Arn::parse("arn:aws:iam::111122223333:role/service/reader")?;
    /// let caller = Caller::role_session(&role, "run-1")?;
    /// assert_eq!(caller.to_string(), "arn:aws:sts::111122223333:assumed-role/reader/run-1");
    /// # Ok::<(), strongroom_types::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] if the ARN is not a role's, or if the name does not have this form.
    pub fn role_session(role: &Arn, name: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new("IAM role", role.as_str(), "arn:partition:iam::account:role/name");
        let path = role.resource().strip_prefix("role/").filter(|_| role.service() == "iam");
        let last = path.and_then(|path| path.rsplit('/').next()).filter(|last| !last.is_empty());
        let last = last.ok_or_else(bad)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !(2..=64).contains(&name.len()) || !name.bytes().all(plain) {
            let shape = "2 to 64 characters out of letters, digits and _+=,.@-";
            return Err(ParseError::new("role session name", name, shape));
        }
        let resource = format!("assumed-role/{last}/{name}");
        let session = Arn::new(role.partition(), "sts", "", role.account(), &resource);
        Ok(Self::Session { session, role: role.clone() })
    }

    /// A federated user created by this user, with a name of 2 to 32 letters, digits and `_+=,.@-`.
    ///
    /// # Errors
    /// [`ParseError`] if the ARN is not a user's, or if the name does not have this form.
    pub fn federated(user: &Arn, name: &str) -> Result<Self, ParseError> {
        if user.service() != "iam" || !user.resource().starts_with("user/") {
            return Err(ParseError::new("IAM user", user.as_str(), "arn:partition:iam::account:user/name"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !(2..=32).contains(&name.len()) || !name.bytes().all(plain) {
            let shape = "2 to 32 characters out of letters, digits and _+=,.@-";
            return Err(ParseError::new("federated user name", name, shape));
        }
        let session =
            Arn::new(user.partition(), "sts", "", user.account(), &format!("federated-user/{name}"));
        Ok(Self::Federated { session, user: user.clone() })
    }

    /// A service acting for itself.
    #[must_use]
    pub fn service(service: Service) -> Self {
        Self::Service(format!("{}.amazonaws.com", service.name()))
    }

    /// Whether this is the owner of `account`.
    #[must_use]
    pub fn is_owner_of(&self, account: AccountId) -> bool {
        match self {
            Self::Owner(own) => *own == account,
            Self::Principal(arn) => {
                arn.service() == "iam" && arn.resource() == "root" && arn.account() == account.as_str()
            }
            _ => false,
        }
    }

    /// The account, as twelve digits; `None` for services.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Owner(account) => Some(account.as_str()),
            Self::Principal(arn)
            | Self::Session { session: arn, .. }
            | Self::Federated { session: arn, .. } => Some(arn.account()),
            Self::Service(_) => None,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(account) => write!(f, "arn:aws:iam::{account}:root"),
            Self::Principal(arn)
            | Self::Session { session: arn, .. }
            | Self::Federated { session: arn, .. } => fmt::Display::fmt(arn, f),
            Self::Service(name) => f.write_str(name),
        }
    }
}

/// An AWS service that acts on another.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_made_of_roles_and_plain_names() {
        let arn = |text: &str| Arn::parse(text).unwrap();
        let role = arn("arn:aws-cn:iam::111122223333:role/reader");
        let caller = Caller::role_session(&role, "a@b.c").unwrap();
        assert_eq!(caller.to_string(), "arn:aws-cn:sts::111122223333:assumed-role/reader/a@b.c");
        assert_eq!(caller.account(), Some("111122223333"));
        for (role, name) in [
            ("arn:aws:iam::111122223333:user/reader", "run"),
            ("arn:aws:iam::111122223333:role/", "run"),
            ("arn:aws:kms::111122223333:role/reader", "run"),
            ("arn:aws:iam::111122223333:role/reader", "r"),
            ("arn:aws:iam::111122223333:role/reader", "a/b"),
        ] {
            assert!(Caller::role_session(&arn(role), name).is_err(), "{role} {name}");
        }
        let user = arn("arn:aws:iam::111122223333:user/ops/alice");
        let caller = Caller::federated(&user, "guest").unwrap();
        assert_eq!(caller.to_string(), "arn:aws:sts::111122223333:federated-user/guest");
        assert!(Caller::federated(&role, "guest").is_err() && Caller::federated(&user, "").is_err());
    }
}
