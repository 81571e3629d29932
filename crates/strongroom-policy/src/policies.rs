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

/// A document and its name in explanations; empty to use its number.
type Named<'a> = (&'a str, &'a Policy);

/// The order in which documents are searched for a Deny.
pub(crate) const ORDER: [DocumentKind; 6] = [
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
    DocumentKind::Resource,
    DocumentKind::Identity,
    DocumentKind::Boundary,
    DocumentKind::Session,
];

/// How the policy of a resource applies within its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceRule {
    /// An Allow in it or in the caller's own policies suffices: secrets, and the resources of most
    /// services.
    #[default]
    Either,
    /// It decides. Callers' own policies apply only if it names their account: KMS keys.
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
    /// An identity-based policy of the caller.
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

    /// Like [`Policies::identity`], with a name for explanations.
    #[must_use]
    pub fn identity_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.identity.push((name, policy));
        self
    }

    /// Sets the resource's own policy, which applies as [`ResourceRule::Either`].
    #[must_use]
    pub fn resource(mut self, policy: &'a Policy) -> Self {
        self.resource = Some(("", policy));
        self
    }

    /// Sets the key policy; the resource is a key.
    #[must_use]
    pub fn key(mut self, policy: &'a Policy) -> Self {
        self.rule = ResourceRule::Key;
        self.resource(policy)
    }

    /// Sets how the resource's policy applies, even if there is none.
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

    /// Like [`Policies::boundary`], with a name for explanations.
    #[must_use]
    pub fn boundary_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.boundary = Some((name, policy));
        self
    }

    /// Adds a session policy. An Allow in one of several suffices.
    #[must_use]
    pub fn session(self, policy: &'a Policy) -> Self {
        self.session_named("", policy)
    }

    /// Like [`Policies::session`], with a name for explanations.
    #[must_use]
    pub fn session_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.session.push((name, policy));
        self
    }

    /// Adds a service control policy. If there are any, one must allow the request.
    #[must_use]
    pub fn service_control(self, policy: &'a Policy) -> Self {
        self.service_control_named("", policy)
    }

    /// Like [`Policies::service_control`], with a name for explanations.
    #[must_use]
    pub fn service_control_named(mut self, name: &'a str, policy: &'a Policy) -> Self {
        self.service_control.push((name, policy));
        self
    }

    /// Adds a resource control policy. If there are any, one must allow the request.
    #[must_use]
    pub fn resource_control(mut self, policy: &'a Policy) -> Self {
        self.resource_control.push(("", policy));
        self
    }

    /// Whether a grant of the key names the caller and covers the request. It applies as if the key
    /// policy named the caller.
    #[must_use]
    pub fn granted(mut self, granted: bool) -> Self {
        self.granted = granted;
        self
    }

    /// Marks the caller as unknown. Nothing is then allowed, even if a policy names it.
    #[must_use]
    pub fn stranger(mut self, stranger: bool) -> Self {
        self.stranger = stranger;
        self
    }

    /// Marks the resource's policy as fixed, as for AWS managed keys: remedies do not change it.
    #[must_use]
    pub fn fixed(mut self, fixed: bool) -> Self {
        self.fixed = fixed;
        self
    }

    /// Whether a condition of a document uses this key.
    #[must_use]
    pub fn mention(&self, key: &str) -> bool {
        ORDER.iter().any(|kind| self.named(*kind).iter().any(|(_, policy)| policy.mentions(key)))
    }

    /// The statement that a decision names.
    #[must_use]
    pub fn statement(&self, place: Place) -> Option<&'a Statement> {
        self.named(place.kind).get(place.document)?.1.statements().get(place.statement)
    }

    /// The name of a document in a sentence.
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

    /// The name of a kind of document here.
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

    /// Whether a statement of one of these documents matches the request.
    #[must_use]
    pub fn matches(&self, statement: &Statement, request: &Request) -> bool {
        self.check(statement, request).is_ok()
    }

    /// Whether a statement of one of these documents matches the request, or why it does not.
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
    /// The index among its kind, in the order they were added.
    pub document: usize,
    /// The index of the statement.
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
    /// The name in AWS's messages.
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
