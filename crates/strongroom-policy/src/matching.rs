//! Whether a statement matches a request.

use crate::condition::Miss;
use crate::document::Patterns;
use crate::open::is_open;
use crate::principal::Reach;
use crate::{Effect, Request, Statement};

/// Why a statement does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    Principal,
    Action,
    Resource,
    Condition(usize, Miss),
}

impl Statement {
    /// Whether it matches the request: principal, action, resource and all conditions. A Deny with
    /// NotPrincipal also depends on whether the caller has a permissions boundary, which only
    /// [`Policies::matches`](crate::Policies::matches) knows.
    #[must_use]
    pub fn matches(&self, request: &Request) -> bool {
        self.check(request).is_ok()
    }

    /// Whether it matches the request.
    pub(crate) fn check(&self, request: &Request) -> Result<Reach, Mismatch> {
        self.check_action_and_resource(request)?;
        let reach = match &self.principals {
            None => Reach::Direct,
            Some(principals) => principals
                .reach(request.principal(), self.effect == Effect::Allow)
                .ok_or(Mismatch::Principal)?,
        };
        self.check_conditions(request)?;
        Ok(reach)
    }

    /// Whether it matches the request, whoever the caller is.
    pub(crate) fn check_but_principal(&self, request: &Request) -> Result<Reach, Mismatch> {
        self.check_action_and_resource(request)?;
        self.check_conditions(request)?;
        Ok(Reach::Direct)
    }

    fn check_action_and_resource(&self, request: &Request) -> Result<(), Mismatch> {
        let action = |actions: &Patterns| {
            let named = actions.patterns.iter().any(|one| one.matches_plain(request.folded_action()));
            named != actions.all_but
        };
        if !action(&self.actions) {
            return Err(Mismatch::Action);
        }
        if self.is_about(request) { Ok(()) } else { Err(Mismatch::Resource) }
    }

    fn check_conditions(&self, request: &Request) -> Result<(), Mismatch> {
        let taken = request.circumstances().holds(self.effect);
        for (index, condition) in self.conditions.iter().enumerate() {
            let checked = match taken {
                Some(holds) if condition.keys().any(|key| is_open(key, request)) => {
                    if holds {
                        Ok(())
                    } else {
                        Err(Miss::KeyMissing)
                    }
                }
                _ => condition.check(request.context()),
            };
            checked.map_err(|miss| Mismatch::Condition(index, miss))?;
        }
        Ok(())
    }

    fn is_about(&self, request: &Request) -> bool {
        let mut named = false;
        let taken = request.circumstances().holds(self.effect);
        for pattern in &self.resources.patterns {
            if let Some(holds) = taken
                && pattern.variables().any(|key| is_open(key, request))
            {
                named |= holds != self.resources.all_but;
                continue;
            }
            match pattern.matches(request.resource(), request.context()) {
                Ok(true) => {
                    named = true;
                    break;
                }
                Ok(false) => {}
                // A resource with a variable that has no value "will not match any resource" (IAM
                // User Guide, "Policy variables with no value"). What that makes of an Allow for
                // all but this resource AWS leaves open; here it allows nothing, because the
                // exception is unknown.
                Err(_) if self.resources.all_but && self.effect == Effect::Allow => return false,
                Err(_) => {}
            }
        }
        named != self.resources.all_but
    }
}
