//! The documents that apply to a request.

use std::fmt;

use crate::matching::Mismatch;
use crate::principal::Reach;
use crate::{Effect, Policy, Principals, Request, Statement};

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
    pub(crate) rule: ResourceRule,
    pub(crate) granted: bool,
    pub(crate) stranger: bool,
    pub(crate) fixed: bool,
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

impl DocumentKind {
    /// With its article.
    pub(crate) fn one(self) -> String {
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
