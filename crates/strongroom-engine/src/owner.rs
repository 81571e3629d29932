//! Secrets that a service makes and manages for the account.

use std::fmt;
use std::sync::Arc;

use strongroom_store::{Error, ErrorKind};

use crate::call::Ownership;
use crate::head::Head;

/// The name of a service that manages secrets for its customers: `rds`, `redshift`, a program's
/// own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwningService(Arc<str>);

impl OwningService {
    /// A service's name: 1 to 64 small letters, digits and hyphens.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for another text.
    pub fn new(name: &str) -> Result<Self, Error> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
            return Ok(Self(name.into()));
        }
        let text = "a service is named by 1 to 64 small letters, digits and hyphens";
        Err(Error::new(ErrorKind::InvalidParameter, text).with("service", name.escape_default()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwningService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `service`, or the account itself, may name a new secret so: a service's secrets are
/// named after it, a customer's have no `!`.
pub(crate) fn may_name(service: Option<&OwningService>, name: &str) -> Result<(), Error> {
    let Some(service) = service else { return strongroom_store::validate::new_name(name) };
    let rest = name.strip_prefix(service.as_str()).and_then(|rest| rest.strip_prefix('!'));
    match rest {
        Some(rest) => strongroom_store::validate::new_name(rest),
        None => Err(Error::new(
            ErrorKind::InvalidParameter,
            format!("the secrets that {service} manages have names that begin with {service}!"),
        )),
    }
}

/// Whether `service`, or the account itself, may use an operation of this kind on the secret.
pub(crate) fn may_use(
    ownership: Ownership,
    service: Option<&OwningService>,
    head: &Head,
) -> Result<(), Error> {
    match ownership {
        Ownership::Any => Ok(()),
        Ownership::Annotates if service.is_none() => Ok(()),
        Ownership::Annotates | Ownership::Changes => may_change(service, head),
    }
}

/// A service changes its own secrets, and nobody else does.
fn may_change(service: Option<&OwningService>, head: &Head) -> Result<(), Error> {
    let own = service.map(OwningService::as_str);
    match &head.owning_service {
        owner if owner.as_deref() == own => Ok(()),
        Some(owner) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "You can't perform this operation on the secret because it is managed by a service. To change it, use {owner}."
            ),
        )),
        None => Err(Error::new(
            ErrorKind::AccessDenied,
            format!("{} may change only the secrets that it manages", own.unwrap_or_default()),
        )),
    }
}
