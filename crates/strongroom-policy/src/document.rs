//! A parsed policy document.

use std::collections::{BTreeMap, BTreeSet};

use crate::pattern::Pattern;
use crate::{Condition, PrincipalName, Principals};

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(crate) version: Version,
    pub(crate) id: Option<String>,
    pub(crate) statements: Vec<Statement>,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// `2008-10-17`, the default if a document names no version: `${...}` is plain text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever other statements allow.
    Deny,
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) line: usize,
    pub(crate) effect: Effect,
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Patterns,
    pub(crate) resources: Patterns,
    pub(crate) conditions: Vec<Condition>,
}

/// A list of patterns, or everything but these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns {
    pub(crate) all_but: bool,
    pub(crate) patterns: Vec<Pattern>,
}

impl Policy {
    /// The maximum length of a document, in bytes. Services set lower limits.
    pub const MAX_LEN: usize = 131_072;

    /// The version of the language.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The document's `Id`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The statements, in the document's order. There is at least one.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The names that cannot be principals, with their kind (`AWS`, `Service`) as written in the
    /// document.
    pub fn invalid_principals(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        names.filter_map(|name| match name {
            PrincipalName::Invalid(kind, name) => Some((*kind, name.as_str())),
            _ => None,
        })
    }

    /// The users, roles and sessions that it names by ARN, without duplicates.
    #[must_use]
    pub fn named_identities(&self) -> BTreeSet<&str> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        let arns = names.filter_map(|name| match name {
            PrincipalName::Role(arn) | PrincipalName::One(arn) => Some(arn.as_str()),
            _ => None,
        });
        arns.collect()
    }

    /// The unique ids of users and roles that it names, without duplicates.
    pub(crate) fn named_ids(&self) -> BTreeSet<&str> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        let ids = names.filter_map(|name| match name {
            PrincipalName::Id(id) => Some(id.as_str()),
            _ => None,
        });
        ids.collect()
    }

    /// Binds the users and roles it names to their unique ids, so that it no longer matches an
    /// identity that is deleted and created again under the same name. `ids` maps ARNs to unique
    /// ids as of the moment when the policy was put.
    pub fn bind(&mut self, ids: &BTreeMap<String, String>) {
        if ids.is_empty() {
            return;
        }
        for name in self
            .statements
            .iter_mut()
            .filter_map(|one| one.principals.as_mut())
            .flat_map(|all| &mut all.names)
        {
            if let PrincipalName::Role(arn) | PrincipalName::One(arn) = name
                && let Some(id) = ids.get(arn)
            {
                *name = PrincipalName::Id(id.clone());
            }
        }
    }

    /// Whether one of its conditions uses this key.
    #[must_use]
    pub fn mentions(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        let mut variables =
            self.statements.iter().flat_map(|one| &one.resources.patterns).flat_map(Pattern::variables);
        let mut conditions = self.statements.iter().flat_map(Statement::conditions);
        conditions.any(|condition| condition.keys().any(|own| own == key)) || variables.any(|own| own == key)
    }

    /// Whether a statement grants access to the public: to everyone, without a condition that
    /// restricts the origin or owner of the request to fixed values.
    #[must_use]
    pub fn allows_everybody(&self) -> bool {
        self.statements.iter().any(Statement::allows_everybody)
    }
}

impl Statement {
    /// The `Sid`, if it has one. An empty one counts as none.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The line where it begins, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The principals. Only statements of resource-based policies have them.
    #[must_use]
    pub fn principals(&self) -> Option<&Principals> {
        self.principals.as_ref()
    }

    /// The actions (or the excluded actions, see [`Statement::not_action`]), as written. They are
    /// compared ignoring case.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.patterns.iter().map(Pattern::text)
    }

    /// Whether it applies to all actions except those named.
    #[must_use]
    pub fn not_action(&self) -> bool {
        self.actions.all_but
    }

    /// The resources (or the excluded resources, see [`Statement::not_resource`]).
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.patterns.iter().map(Pattern::text)
    }

    /// Whether it applies to all resources except those named.
    #[must_use]
    pub fn not_resource(&self) -> bool {
        self.resources.all_but
    }

    /// The conditions, all of which must hold.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn allows_everybody(&self) -> bool {
        const TIES: [&str; 10] = [
            "aws:sourcearn",
            "aws:sourceaccount",
            "aws:sourceorgid",
            "aws:sourcevpc",
            "aws:sourcevpce",
            "aws:sourceip",
            "aws:principalorgid",
            "aws:principalaccount",
            "aws:principalarn",
            "aws:userid",
        ];
        let tied = |condition: &Condition| {
            TIES.contains(&condition.key().to_lowercase().as_str()) && condition.is_tied()
        };
        let everybody = self.principals.as_ref().is_some_and(|principals| {
            principals.all_but || principals.names.contains(&PrincipalName::Everybody)
        });
        self.effect == Effect::Allow && everybody && !self.conditions.iter().any(tied)
    }
}
