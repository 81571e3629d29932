//! The decision.

use std::fmt;

use crate::circumstance::is_open;
use crate::condition::Miss;
use crate::document::Patterns;
use crate::principal::Reach;
use crate::{Effect, Policy, PrincipalKind, Principals, Request, Statement};

/// The documents that apply to a request.
///
/// ```
/// # use strongroom_policy::{Policies, Policy};
/// let own = Policy::identity(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#)?;
/// let policies = Policies::new().identity(&own);
/// # Ok::<_, strongroom_policy::ParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policies<'a> {
    service_control: Vec<Named<'a>>,
    resource_control: Vec<Named<'a>>,
    resource: Option<Named<'a>>,
    identity: Vec<Named<'a>>,
    boundary: Option<Named<'a>>,
    session: Vec<Named<'a>>,
    rule: ResourceRule,
    granted: bool,
    stranger: bool,
    fixed: bool,
}

/// A document and what it is called in explanations; nothing for its number.
type Named<'a> = (&'a str, &'a Policy);

/// The order in which documents are looked at for what denies.
pub(crate) const ORDER: [DocumentKind; 6] = [
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
    DocumentKind::Resource,
    DocumentKind::Identity,
    DocumentKind::Boundary,
    DocumentKind::Session,
];

/// How the policy of a resource counts within its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceRule {
    /// What it or the caller's own policies allow is allowed: secrets, and most services' resources.
    #[default]
    Either,
    /// It decides. The callers' own policies count only where it names their account: keys.
    Key,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// A service control policy of the caller's organization.
    ServiceControl,
    /// A resource control policy of the resource's organization.
    ResourceControl,
    /// The resource's own policy.
    Resource,
    /// A policy of the caller.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// A policy of the caller's session.
    Session,
}

impl<'a> Policies<'a> {
    /// No documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a policy of the caller.
    #[must_use]
    pub fn identity(self, policy: &'a Policy) -> Self {
        self.identity_named("", policy)
    }

    /// As [`Policies::identity`], with a name that explanations show.
    #[must_use]
    pub fn identity_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.identity.push((name, policy));
        self
    }

    /// The resource's own policy, which counts as [`ResourceRule::Either`].
    #[must_use]
    pub fn resource(mut self, policy: &'a Policy) -> Self {
        self.resource = Some(("", policy));
        self
    }

    /// The resource is a key, and this its policy.
    #[must_use]
    pub fn key(mut self, policy: &'a Policy) -> Self {
        self.rule = ResourceRule::Key;
        self.resource(policy)
    }

    /// How the resource's policy counts, also where there is none.
    #[must_use]
    pub fn rule(mut self, rule: ResourceRule) -> Self {
        self.rule = rule;
        self
    }

    /// The caller's permissions boundary.
    #[must_use]
    pub fn boundary(self, policy: &'a Policy) -> Self {
        self.boundary_named("", policy)
    }

    /// As [`Policies::boundary`], with a name that explanations show.
    #[must_use]
    pub fn boundary_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.boundary = Some((name, policy));
        self
    }

    /// Adds a policy of the caller's session. What one of them allows, all do.
    #[must_use]
    pub fn session(self, policy: &'a Policy) -> Self {
        self.session_named("", policy)
    }

    /// As [`Policies::session`], with a name that explanations show.
    #[must_use]
    pub fn session_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.session.push((name, policy));
        self
    }

    /// Adds a service control policy. Where there are any, one must allow.
    #[must_use]
    pub fn service_control(self, policy: &'a Policy) -> Self {
        self.service_control_named("", policy)
    }

    /// As [`Policies::service_control`], with a name that explanations show.
    #[must_use]
    pub fn service_control_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.service_control.push((name, policy));
        self
    }

    /// Adds a resource control policy. Where there are any, one must allow.
    #[must_use]
    pub fn resource_control(mut self, policy: &'a Policy) -> Self {
        self.resource_control.push(("", policy));
        self
    }

    /// Whether a grant of the key names the caller and covers the request. It counts as the key policy naming the caller itself.
    #[must_use]
    pub fn granted(mut self, granted: bool) -> Self {
        self.granted = granted;
        self
    }

    /// Whether nobody knows the caller. Nothing is allowed to it then, whatever names it.
    #[must_use]
    pub fn stranger(mut self, stranger: bool) -> Self {
        self.stranger = stranger;
        self
    }

    /// Whether the resource's policy cannot be changed, so that no remedy is to be looked for in it: the keys that AWS manages.
    #[must_use]
    pub fn fixed(mut self, fixed: bool) -> Self {
        self.fixed = fixed;
        self
    }

    /// Whether a condition of a document is about this key.
    #[must_use]
    pub fn mention(&self, key: &str) -> bool {
        ORDER.iter().any(|kind| self.named(*kind).iter().any(|(_, policy)| policy.mentions(key)))
    }

    /// The statement that a decision names.
    #[must_use]
    pub fn statement(&self, place: Place) -> Option<&'a Statement> {
        self.named(place.kind).get(place.document)?.1.statements().get(place.statement)
    }

    /// What a document is called in a sentence.
    pub(crate) fn title(&self, kind: DocumentKind, document: usize) -> String {
        let word = self.word(kind);
        match self.named(kind) {
            [("", _)] => format!("the {word}"),
            all => match all.get(document) {
                Some((name, _)) if !name.is_empty() => format!("the {word} {name}"),
                _ => format!("{word} {}", document + 1),
            },
        }
    }

    /// What documents of a kind are called here.
    pub(crate) fn word(&self, kind: DocumentKind) -> String {
        match (kind, self.rule) {
            (DocumentKind::Resource, ResourceRule::Key) => "key policy".to_owned(),
            _ => kind.to_string(),
        }
    }

    pub(crate) fn resource_rule(&self) -> ResourceRule {
        self.rule
    }

    pub(crate) fn is_granted(&self) -> bool {
        self.granted
    }

    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed
    }

    pub(crate) fn is_stranger(&self) -> bool {
        self.stranger
    }

    /// Adds a document of some kind.
    pub(crate) fn with(mut self, kind: DocumentKind, name: &'a str, policy: &'a Policy) -> Self {
        match kind {
            DocumentKind::ServiceControl => self.service_control.push((name, policy)),
            DocumentKind::ResourceControl => self.resource_control.push((name, policy)),
            DocumentKind::Resource => self.resource = Some((name, policy)),
            DocumentKind::Identity => self.identity.push((name, policy)),
            DocumentKind::Boundary => self.boundary = Some((name, policy)),
            DocumentKind::Session => self.session.push((name, policy)),
        }
        self
    }

    pub(crate) fn named(&self, kind: DocumentKind) -> &[Named<'a>] {
        match kind {
            DocumentKind::ServiceControl => &self.service_control,
            DocumentKind::ResourceControl => &self.resource_control,
            DocumentKind::Resource => self.resource.as_slice(),
            DocumentKind::Identity => &self.identity,
            DocumentKind::Boundary => self.boundary.as_slice(),
            DocumentKind::Session => &self.session,
        }
    }

    /// The first statement of a kind of document that matches, with how far its naming of the caller goes; of those that allow,
    /// the one that goes farthest.
    fn first(&self, kind: DocumentKind, effect: Effect, request: &Request) -> Option<(Place, Reach)> {
        let mut best: Option<(Place, Reach)> = None;
        for (document, (_, policy)) in self.named(kind).iter().enumerate() {
            for (statement, candidate) in policy.statements().iter().enumerate() {
                if candidate.effect() != effect {
                    continue;
                }
                if let Ok(reach) = self.check(candidate, request)
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

    /// Whether a statement of one of these documents is about the request.
    #[must_use]
    pub fn matches(&self, statement: &Statement, request: &Request) -> bool {
        self.check(statement, request).is_ok()
    }

    /// Whether a statement of one of these documents is about the request, or why it is not.
    ///
    /// A Deny with NotPrincipal denies every caller that has a permissions boundary, even one that
    /// it names (IAM User Guide, `access_policies_boundaries.html` and
    /// `reference_policies_elements_notprincipal.html`).
    pub(crate) fn check(&self, statement: &Statement, request: &Request) -> Result<Reach, Mismatch> {
        match statement.principals() {
            Some(_) if self.spares_nobody(statement) => statement.check_but_principal(request),
            _ => statement.check(request),
        }
    }

    /// Whether a statement denies the caller although its NotPrincipal may name it.
    pub(crate) fn spares_nobody(&self, statement: &Statement) -> bool {
        self.boundary.is_some()
            && statement.effect() == Effect::Deny
            && statement.principals().is_some_and(Principals::all_but)
    }

    /// Whether the resource's policy names the caller or its account.
    pub(crate) fn names(&self, request: &Request) -> bool {
        self.first(DocumentKind::Resource, Effect::Allow, request).is_some()
    }

    fn allows(&self, kind: DocumentKind, request: &Request) -> Option<Place> {
        self.first(kind, Effect::Allow, request).map(|(place, _)| place)
    }

    /// Whether documents that limit, where there are any, let the request pass.
    fn passes(&self, kind: DocumentKind, request: &Request) -> Result<(), Decision> {
        if self.named(kind).is_empty() || self.allows(kind, request).is_some() {
            return Ok(());
        }
        Err(Decision::Missing(kind))
    }

    /// Allow or deny.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        self.weigh(request).unwrap_or_else(|denied| denied)
    }

    /// What forbids a request that something else than these documents allows: a statement that denies it, or a limit that does not let it pass.
    #[must_use]
    pub fn forbids(&self, request: &Request) -> Option<Decision> {
        self.unforbidden(request).err()
    }

    fn unforbidden(&self, request: &Request) -> Result<(), Decision> {
        self.undenied(request)?;
        self.passes(DocumentKind::Boundary, request)?;
        self.passes(DocumentKind::Session, request)
    }

    fn undenied(&self, request: &Request) -> Result<(), Decision> {
        if self.stranger {
            return Err(Decision::Missing(DocumentKind::Identity));
        }
        for kind in ORDER {
            if let Some((place, _)) = self.first(kind, Effect::Deny, request) {
                return Err(Decision::Denied(place));
            }
        }
        self.passes(DocumentKind::ServiceControl, request)?;
        self.passes(DocumentKind::ResourceControl, request)
    }

    fn weigh(&self, request: &Request) -> Result<Decision, Decision> {
        self.undenied(request)?;
        let named = self.first(DocumentKind::Resource, Effect::Allow, request);
        let limited = |allowed| {
            self.passes(DocumentKind::Boundary, request)?;
            self.passes(DocumentKind::Session, request)?;
            Ok(Decision::Allowed(allowed))
        };
        let own = || {
            let place = self.allows(DocumentKind::Identity, request);
            place.map(Ground::Statement).ok_or(Decision::Missing(DocumentKind::Identity))
        };
        let root = request.principal().kind() == PrincipalKind::Root;
        if request.principal().account().is_none() {
            let service = request.principal().kind() == PrincipalKind::Service;
            return match named {
                // What is known of its session limits whoever calls, though AWS's services have none.
                Some((place, _)) => limited(Ground::Statement(place)),
                None if self.granted && service => limited(Ground::Grant),
                None => Err(Decision::Missing(DocumentKind::Resource)),
            };
        }
        if !request.is_within_account() {
            let there = named.map(|(place, _)| Ground::Statement(place));
            let there = there.or(self.granted.then_some(Ground::Grant));
            let there = there.ok_or(Decision::Missing(DocumentKind::Resource))?;
            // Both accounts must agree; another account's root speaks for it.
            return limited(if root { there } else { own()? });
        }
        let decision = match (self.rule, named) {
            // Everybody stands above what limits a session.
            (_, Some((place, Reach::Direct))) => Ok(Decision::Allowed(Ground::Statement(place))),
            (ResourceRule::Either, _) if root => limited(Ground::Root),
            (_, Some((place, Reach::Role))) => limited(Ground::Statement(place)),
            (ResourceRule::Either, _) | (ResourceRule::Key, Some((_, Reach::Account))) => {
                own().and_then(limited)
            }
            (ResourceRule::Key, None) => Err(Decision::Missing(DocumentKind::Resource)),
        };
        // Named only where nothing else allows. Grants name roles and accounts, not sessions: boundary and session policy still count.
        if self.granted && (root || request.principal().kind() == PrincipalKind::RoleSession) {
            return decision.or_else(|_| limited(Ground::Grant));
        }
        decision
            .or_else(|missing| if self.granted { Ok(Decision::Allowed(Ground::Grant)) } else { Err(missing) })
    }
}

/// What was decided, and by what.
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

/// A statement among the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "three numbers of a place, and no more to come")]
pub struct Place {
    /// The kind of document.
    pub kind: DocumentKind,
    /// Which of this kind, from 0, in the order they were added.
    pub document: usize,
    /// Which statement of it, from 0.
    pub statement: usize,
}

impl Decision {
    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// What AWS says to a caller whose request was not allowed; empty where it was.
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

impl DocumentKind {
    /// With its article.
    fn one(self) -> String {
        let article = if self == Self::Identity { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl fmt::Display for DocumentKind {
    /// As AWS calls it in its messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Resource => "resource-based policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        })
    }
}

/// Why a statement does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    Principal,
    Action,
    Resource,
    Condition(usize, Miss),
}

impl Statement {
    /// Whether it is about the request.
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

    /// Whether it is about the request, whoever asks.
    fn check_but_principal(&self, request: &Request) -> Result<Reach, Mismatch> {
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
                // all but this resource AWS leaves open; it allows nothing here, since nobody knows
                // what was to be excepted.
                Err(_) if self.resources.all_but && self.effect == Effect::Allow => return false,
                Err(_) => {}
            }
        }
        named != self.resources.all_but
    }
}
