//! The principal of a request, and the principals that a statement names.

use strongroom_types::{AccountId, Arn, Caller, ParseError, Realm};

use crate::Context;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    kind: PrincipalKind,
    /// The ARN or a service's name; empty for an anonymous principal.
    arn: String,
    account: Option<String>,
    /// The role of a session.
    role: Option<String>,
    /// The user who created a federated session.
    maker: Option<String>,
    /// That user's unique id.
    maker_id: Option<String>,
    id: Option<String>,
}

/// What kind of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// An account's root.
    Root,
    /// An IAM user.
    User,
    /// A session of an assumed role.
    RoleSession,
    /// A federated user.
    FederatedUser,
    /// A service acting for itself.
    Service,
    /// Anonymous.
    Anonymous,
}

fn checked(
    arn: &Arn,
    what: &'static str,
    service: &str,
    resource: &str,
    shape: &'static str,
) -> Result<(), ParseError> {
    let rest = arn.resource().strip_prefix(resource);
    let good = arn.service() == service
        && is_account(arn.account())
        && rest.is_some_and(|rest| if resource.ends_with('/') { !rest.is_empty() } else { rest.is_empty() });
    if good { Ok(()) } else { Err(ParseError::new(what, arn.as_str(), shape)) }
}

impl Principal {
    /// The root of an account, by its ARN `arn:aws:iam::111122223333:root`.
    ///
    /// # Errors
    /// [`ParseError`] for another ARN.
    pub fn root(arn: &Arn) -> Result<Self, ParseError> {
        checked(arn, "account root", "iam", "root", "arn:partition:iam::account:root")?;
        Ok(Self::with_arn(PrincipalKind::Root, arn))
    }

    /// An IAM user: `arn:aws:iam::111122223333:user/path/name`.
    ///
    /// # Errors
    /// [`ParseError`] for another ARN.
    pub fn user(arn: &Arn) -> Result<Self, ParseError> {
        checked(arn, "IAM user", "iam", "user/", "arn:partition:iam::account:user/name")?;
        Ok(Self::with_arn(PrincipalKind::User, arn))
    }

    /// A session of a role: `arn:aws:sts::111122223333:assumed-role/Role/session`, and the role's
    /// own ARN (with its path).
    ///
    /// # Errors
    /// [`ParseError`] for other ARNs, and if the two do not belong to one account and role.
    pub fn role_session(session: &Arn, role: &Arn) -> Result<Self, ParseError> {
        let shape = "arn:partition:sts::account:assumed-role/Role/session";
        checked(session, "role session", "sts", "assumed-role/", shape)?;
        checked(role, "IAM role", "iam", "role/", "arn:partition:iam::account:role/name")?;
        let named = session.resource().split('/').nth(1);
        let same = named == role.resource().rsplit('/').next() && session.account() == role.account();
        if !same || session.resource().split('/').count() != 3 {
            return Err(ParseError::new("role session", session.as_str(), shape));
        }
        let mut principal = Self::with_arn(PrincipalKind::RoleSession, session);
        principal.role = Some(role.as_str().to_owned());
        Ok(principal)
    }

    /// A federated user: `arn:aws:sts::111122223333:federated-user/name`.
    ///
    /// # Errors
    /// [`ParseError`] for another ARN.
    pub fn federated_user(arn: &Arn) -> Result<Self, ParseError> {
        let shape = "arn:partition:sts::account:federated-user/name";
        checked(arn, "federated user", "sts", "federated-user/", shape)?;
        Ok(Self::with_arn(PrincipalKind::FederatedUser, arn))
    }

    /// A federated user, and the IAM user whose GetFederationToken created the session. A
    /// resource's policy that names that user also applies to the session.
    ///
    /// # Errors
    /// [`ParseError`] for other ARNs, and if the two are not of one account.
    pub fn federated_by(session: &Arn, user: &Arn) -> Result<Self, ParseError> {
        let shape = "arn:partition:iam::account:user/name";
        checked(user, "IAM user", "iam", "user/", shape)?;
        let mut principal = Self::federated_user(session)?;
        if user.account() != session.account() {
            return Err(ParseError::new("IAM user", user.as_str(), "a user of the session's account"));
        }
        principal.maker = Some(user.as_str().to_owned());
        Ok(principal)
    }

    /// Who makes a call.
    ///
    /// # Errors
    /// [`ParseError`] if the ARN is not that of a user, a session or a federated user.
    pub fn of(caller: &Caller, realm: &Realm) -> Result<Self, ParseError> {
        let bad = |arn: &Arn| ParseError::new("principal", arn.as_str(), "the ARN of a user or of a session");
        let parse = |text: String| Arn::parse(&text);
        match caller {
            Caller::Owner(account) => {
                let partition = realm.region().partition();
                Self::root(&parse(format!("arn:{partition}:iam::{account}:root"))?)
            }
            Caller::Session { session, role } => Self::role_session(session, role),
            Caller::Federated { session, user } => Self::federated_by(session, user),
            Caller::Principal(arn) => match arn.resource().split('/').next() {
                Some("root") => Self::root(arn),
                Some("user") => Self::user(arn),
                Some("federated-user") => Self::federated_user(arn),
                Some("assumed-role") => {
                    let role = arn.resource().split('/').nth(1).unwrap_or_default();
                    let role = format!("arn:{}:iam::{}:role/{role}", arn.partition(), arn.account());
                    Self::role_session(arn, &parse(role)?)
                }
                _ => Err(bad(arn)),
            },
            Caller::Service(name) => match PrincipalName::service(name.clone()) {
                PrincipalName::Service(name) => Ok(Self::service(name)),
                _ => Err(ParseError::new("service principal", name, "rds.amazonaws.com")),
            },
            _ => Ok(Self::anonymous()),
        }
    }

    /// A service: `rds.amazonaws.com`.
    #[must_use]
    pub fn service(name: impl Into<String>) -> Self {
        Self {
            kind: PrincipalKind::Service,
            arn: name.into(),
            account: None,
            role: None,
            maker: None,
            maker_id: None,
            id: None,
        }
    }

    /// An anonymous principal.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            kind: PrincipalKind::Anonymous,
            arn: String::new(),
            account: None,
            role: None,
            maker: None,
            maker_id: None,
            id: None,
        }
    }

    fn with_arn(kind: PrincipalKind, arn: &Arn) -> Self {
        let account = Some(arn.account().to_owned());
        let arn = arn.as_str().to_owned();
        Self { kind, arn, account, role: None, maker: None, maker_id: None, id: None }
    }

    /// Sets the unique id: `AIDA...` for a user, `AROA...` for a session's role. Policies can name
    /// it instead of the ARN.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the unique id of the user who created a federated session: see
    /// [`Principal::federated_by`].
    #[must_use]
    pub fn maker_id(mut self, id: impl Into<String>) -> Self {
        self.maker_id = Some(id.into());
        self
    }

    /// The kind of principal.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The ARN, or a service's name; empty for an anonymous principal.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account; `None` for services and anonymous principals.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The ARN that `aws:PrincipalArn` shows and grants name: a session's role, else the ARN.
    #[must_use]
    pub fn identity_arn(&self) -> &str {
        self.role.as_deref().unwrap_or(&self.arn)
    }

    /// The ARN of the user or role whose policies apply: a session's role, the user who created a
    /// federated session, or the user itself. `None` for a root, a service, or a federated user
    /// whose creator is unknown.
    #[must_use]
    pub fn attached_to(&self) -> Option<&str> {
        match self.kind {
            PrincipalKind::User => Some(&self.arn),
            PrincipalKind::RoleSession => self.role.as_deref(),
            PrincipalKind::FederatedUser => self.maker.as_deref(),
            _ => None,
        }
    }

    /// The unique id, if known.
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Sets the condition keys of the principal.
    pub(crate) fn describe(&self, context: &mut Context) {
        let kind = match self.kind {
            PrincipalKind::Root => "Account",
            PrincipalKind::User => "User",
            PrincipalKind::RoleSession => "AssumedRole",
            PrincipalKind::FederatedUser => "FederatedUser",
            PrincipalKind::Service => {
                context.set("aws:PrincipalIsAWSService", "true");
                context.set("aws:PrincipalServiceName", &self.arn);
                return;
            }
            PrincipalKind::Anonymous => return,
        };
        context.set("aws:PrincipalIsAWSService", "false");
        context.set("aws:PrincipalType", kind);
        context.set("aws:PrincipalArn", self.identity_arn());
        if let Some(account) = &self.account {
            context.set("aws:PrincipalAccount", account);
        }
        match (self.kind, &self.id) {
            (PrincipalKind::RoleSession, Some(id)) => {
                let session = self.arn.rsplit('/').next().unwrap_or_default();
                context.set("aws:userid", format!("{id}:{session}"));
            }
            (_, Some(id)) => context.set("aws:userid", id),
            (PrincipalKind::Root, None) => {
                context.set("aws:userid", self.account.clone().unwrap_or_default())
            }
            (PrincipalKind::FederatedUser, None) => {
                let name = self.arn.rsplit('/').next().unwrap_or_default();
                context.set("aws:userid", format!("{}:{name}", self.account.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
        if self.kind == PrincipalKind::User {
            context.set("aws:username", self.arn.rsplit('/').next().unwrap_or_default());
        }
    }
}

/// The principals of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principals {
    /// `NotPrincipal`: all but these.
    pub(crate) all_but: bool,
    pub(crate) names: Vec<PrincipalName>,
}

/// One name of a statement's principals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrincipalName {
    /// `*`.
    Everybody,
    /// An account, that is, its root: twelve digits or `arn:aws:iam::111122223333:root`.
    Account(String),
    /// A role, that is, all its sessions.
    Role(String),
    /// A user, a role's session or a federated user, by its ARN.
    One(String),
    /// The unique id of a user or role.
    Id(String),
    /// A service.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// A canonical user id, which only S3 uses.
    CanonicalUser(String),
    /// A name that is invalid for its kind, `AWS` or `Service`.
    Invalid(&'static str, String),
}

/// The reach of a statement that names the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The account is named: its own policies can delegate the permission.
    Account,
    /// The role of the session or the user who created the federated session is named: boundary and
    /// session policies still apply.
    Role,
    /// The caller itself or everyone is named.
    Direct,
}

impl Principals {
    /// Whether these are all but the ones named (`NotPrincipal`).
    #[must_use]
    pub fn all_but(&self) -> bool {
        self.all_but
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[PrincipalName] {
        &self.names
    }

    /// Whether the caller is named, and with what reach.
    pub(crate) fn reach(&self, caller: &Principal, allows: bool) -> Option<Reach> {
        match (self.all_but, allows) {
            (false, _) => self.best(caller),
            (true, false) => (!self.spares(caller)).then_some(Reach::Direct),
            // An Allow with NotPrincipal grants nothing.
            (true, true) => None,
        }
    }

    fn best(&self, caller: &Principal) -> Option<Reach> {
        self.names.iter().filter_map(|name| name.reach(caller)).max()
    }

    /// To be excepted from a Deny with NotPrincipal, the caller, its role and its account must all
    /// be named.
    fn spares(&self, caller: &Principal) -> bool {
        if self.names.contains(&PrincipalName::Everybody) {
            return true;
        }
        let named = |wanted: Reach| {
            self.names.iter().any(|name| match (name, wanted) {
                (PrincipalName::Account(account), Reach::Account) => {
                    Some(account.as_str()) == caller.account()
                }
                (PrincipalName::Role(_), Reach::Role) => name.reach(caller) == Some(Reach::Role),
                (PrincipalName::Id(id), Reach::Role) => {
                    caller.role.is_some() && Some(id) == caller.id.as_ref()
                }
                (PrincipalName::Id(id), Reach::Direct) => {
                    caller.role.is_none() && Some(id) == caller.id.as_ref()
                }
                (PrincipalName::One(arn), Reach::Direct) => *arn == caller.arn,
                (PrincipalName::Service(_), Reach::Direct) => name.reach(caller).is_some(),
                _ => false,
            })
        };
        match caller.kind {
            PrincipalKind::Root => named(Reach::Account),
            PrincipalKind::User | PrincipalKind::FederatedUser => {
                named(Reach::Direct) && named(Reach::Account)
            }
            PrincipalKind::RoleSession => named(Reach::Direct) && named(Reach::Role) && named(Reach::Account),
            PrincipalKind::Service => named(Reach::Direct),
            PrincipalKind::Anonymous => false,
        }
    }
}

impl PrincipalName {
    /// A name under `AWS`.
    pub(crate) fn aws(name: String) -> Self {
        if name == "*" {
            return Self::Everybody;
        }
        if is_account(&name) {
            return Self::Account(name);
        }
        let is_id = |prefix: &str| {
            name.starts_with(prefix)
                && name.len() >= 16
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if is_id("AIDA") || is_id("AROA") {
            return Self::Id(name);
        }
        let Ok(arn) = Arn::parse(&name) else { return Self::Invalid("AWS", name) };
        let of = |kind: &str| {
            arn.resource()
                .strip_prefix(kind)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(['*', '?']))
        };
        if !is_account(arn.account()) || !arn.region().is_empty() {
            return Self::Invalid("AWS", name);
        }
        match arn.service() {
            "iam" if arn.resource() == "root" => Self::Account(arn.account().to_owned()),
            "iam" if of("role/") => Self::Role(name),
            "iam" if of("user/") => Self::One(name),
            "sts" if of("assumed-role/") && arn.resource().split('/').count() == 3 => Self::One(name),
            "sts" if of("federated-user/") => Self::One(name),
            _ => Self::Invalid("AWS", name),
        }
    }

    /// A name under `Service`: `rds.amazonaws.com` and the like.
    pub(crate) fn service(name: String) -> Self {
        let good = [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|suffix| {
            name.strip_suffix(suffix).is_some_and(|service| {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
                !service.is_empty() && service.bytes().all(plain)
            })
        });
        if good { Self::Service(name) } else { Self::Invalid("Service", name) }
    }

    fn reach(&self, caller: &Principal) -> Option<Reach> {
        let own = |name: &str| name == caller.arn;
        match self {
            Self::Everybody => Some(Reach::Direct),
            Self::Account(account) if Some(account.as_str()) == caller.account() => {
                // Session policies limit an account's own sessions as they do a role's.
                Some(if caller.kind == PrincipalKind::Root { Reach::Role } else { Reach::Account })
            }
            Self::Role(role) if caller.role.as_ref() == Some(role) => Some(Reach::Role),
            // Federated user sessions, IAM User Guide, `reference_policies_evaluation-logic.html`:
            // what is granted to the user who federated is limited by boundary and session
            // policies.
            Self::One(user) if caller.maker.as_ref() == Some(user) => Some(Reach::Role),
            Self::Id(id) if caller.maker_id.as_ref() == Some(id) => Some(Reach::Role),
            Self::Id(id) if caller.id.as_ref() == Some(id) => {
                Some(if caller.role.is_some() { Reach::Role } else { Reach::Direct })
            }
            Self::One(arn) if caller.kind != PrincipalKind::Service && own(arn) => Some(Reach::Direct),
            Self::Service(name) if caller.kind == PrincipalKind::Service && own(name) => Some(Reach::Direct),
            _ => None,
        }
    }
}

fn is_account(text: &str) -> bool {
    AccountId::parse(text).is_ok()
}
