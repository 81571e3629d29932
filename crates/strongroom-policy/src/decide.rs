//! The decision.

use crate::policies::ORDER;
use crate::principal::Reach;
use crate::{DocumentKind, Effect, Place, Policies, PrincipalKind, Request, ResourceRule};

impl Policies<'_> {
    /// Allow or deny.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        Weighing { policies: self, request }.weigh().unwrap_or_else(|denied| denied)
    }

    /// The reason to deny a request that something other than these documents allows: a statement
    /// that denies it, or a limit that does not allow it.
    #[must_use]
    pub fn forbids(&self, request: &Request) -> Option<Decision> {
        Weighing { policies: self, request }.unforbidden().err()
    }

    /// Whether the resource's policy names the caller or its account.
    pub(crate) fn names(&self, request: &Request) -> bool {
        Weighing { policies: self, request }.first(DocumentKind::Resource, Effect::Allow).is_some()
    }
}

/// A request and the documents that it is evaluated against.
#[derive(Clone, Copy)]
struct Weighing<'a> {
    policies: &'a Policies<'a>,
    request: &'a Request,
}

impl Weighing<'_> {
    /// The first matching statement of a kind of document, with the reach of its principal; of
    /// those that allow, the one with the greatest reach.
    fn first(&self, kind: DocumentKind, effect: Effect) -> Option<(Place, Reach)> {
        let mut best: Option<(Place, Reach)> = None;
        for (document, (_, policy)) in self.policies.named(kind).iter().enumerate() {
            for (statement, candidate) in policy.statements().iter().enumerate() {
                if candidate.effect() != effect {
                    continue;
                }
                if let Ok(reach) = self.policies.check(candidate, self.request)
                    && best.is_none_or(|(_, before)| reach > before)
                {
                    best = Some((Place { kind, document, statement }, reach));
                    if effect == Effect::Deny || reach == Reach::Direct {
                        return best;
                    }
                }
            }
        }
        best
    }

    fn allows(&self, kind: DocumentKind) -> Option<Place> {
        self.first(kind, Effect::Allow).map(|(place, _)| place)
    }

    /// Whether the limiting documents of a kind, if there are any, allow the request.
    fn passes(&self, kind: DocumentKind) -> Result<(), Decision> {
        if self.policies.named(kind).is_empty() || self.allows(kind).is_some() {
            return Ok(());
        }
        Err(Decision::Missing(kind))
    }

    fn unforbidden(&self) -> Result<(), Decision> {
        self.undenied()?;
        self.passes(DocumentKind::Boundary)?;
        self.passes(DocumentKind::Session)
    }

    fn undenied(&self) -> Result<(), Decision> {
        if self.policies.stranger {
            return Err(Decision::Missing(DocumentKind::Identity));
        }
        for kind in ORDER {
            if let Some((place, _)) = self.first(kind, Effect::Deny) {
                return Err(Decision::Denied(place));
            }
        }
        self.passes(DocumentKind::ServiceControl)?;
        self.passes(DocumentKind::ResourceControl)
    }

    fn weigh(&self) -> Result<Decision, Decision> {
        self.undenied()?;
        let named = self.first(DocumentKind::Resource, Effect::Allow);
        let limited = |allowed| {
            self.passes(DocumentKind::Boundary)?;
            self.passes(DocumentKind::Session)?;
            Ok(Decision::Allowed(allowed))
        };
        let own = || {
            let place = self.allows(DocumentKind::Identity);
            place.map(Ground::Statement).ok_or(Decision::Missing(DocumentKind::Identity))
        };
        let root = self.request.principal().kind() == PrincipalKind::Root;
        if self.request.principal().account().is_none() {
            let service = self.request.principal().kind() == PrincipalKind::Service;
            return match named {
                // Session policies limit any caller, although AWS's own services have none.
                Some((place, _)) => limited(Ground::Statement(place)),
                None if self.policies.granted && service => limited(Ground::Grant),
                None => Err(Decision::Missing(DocumentKind::Resource)),
            };
        }
        if !self.request.is_within_account() {
            let there = named.map(|(place, _)| Ground::Statement(place));
            let there = there.or(self.policies.granted.then_some(Ground::Grant));
            let there = there.ok_or(Decision::Missing(DocumentKind::Resource))?;
            // Both accounts must allow it. The root of the other account needs no policy of its
            // own.
            return limited(if root { there } else { own()? });
        }
        let decision = match (self.policies.rule, named) {
            // A statement that names the caller itself or everyone is not limited by these.
            (_, Some((place, Reach::Direct))) => Ok(Decision::Allowed(Ground::Statement(place))),
            (ResourceRule::Either, _) if root => limited(Ground::Root),
            (_, Some((place, Reach::Role))) => limited(Ground::Statement(place)),
            (ResourceRule::Either, _) | (ResourceRule::Key, Some((_, Reach::Account))) => {
                own().and_then(limited)
            }
            (ResourceRule::Key, None) => Err(Decision::Missing(DocumentKind::Resource)),
        };
        // A grant is the ground only if nothing else allows the request. Grants name roles and
        // accounts, not sessions, so boundary and session policies still apply.
        if self.policies.granted && (root || self.request.principal().kind() == PrincipalKind::RoleSession) {
            return decision.or_else(|_| limited(Ground::Grant));
        }
        decision.or_else(|missing| {
            if self.policies.granted { Ok(Decision::Allowed(Ground::Grant)) } else { Err(missing) }
        })
    }
}

/// A decision and its ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Allowed.
    Allowed(Ground),
    /// A statement denies it.
    Denied(Place),
    /// Nothing of this kind allows it.
    Missing(DocumentKind),
}

/// What allows a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ground {
    /// A statement.
    Statement(Place),
    /// The caller is the root of the account that the resource belongs to.
    Root,
    /// A grant.
    Grant,
}

impl Decision {
    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// AWS's message to a caller whose request was not allowed; empty if it was.
    #[must_use]
    pub fn denial(self, request: &Request) -> String {
        self.denial_of(request, Some(request.resource()))
    }

    /// Like [`Decision::denial`], for a request whose resource AWS's messages call something other
    /// than what it decides by, or do not name at all.
    #[must_use]
    pub fn denial_of(self, request: &Request, resource: Option<&str>) -> String {
        let action = request.action();
        let reason = match self {
            Self::Allowed(_) => return String::new(),
            Self::Denied(place) => format!("with an explicit deny in {}", place.kind.one()),
            Self::Missing(kind) => format!("because no {kind} allows the {action} action"),
        };
        let who = request.principal().arn();
        let who = if who.is_empty() { "anonymous" } else { who };
        let on = resource.map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
        format!("User: {who} is not authorized to perform: {action}{on} {reason}")
    }
}
