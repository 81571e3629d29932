//! A policy document, read.

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
    /// `2008-10-17`, also where a document says nothing: `${...}` is plain text.
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
    /// It forbids, whatever others allow.
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

/// Some patterns, or all but these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns {
    pub(crate) all_but: bool,
    pub(crate) patterns: Vec<Pattern>,
}

impl Policy {
    /// The longest document that is read, in bytes. Services set lower limits of their own.
    pub const MAX_LEN: usize = 131_072;

    /// The version of the language.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the document calls itself.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The statements, in the document's order; never none.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The names that cannot be principals: with their kind (`AWS`, `Service`) as it stands in the document.
    pub fn invalid_principals(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        names.filter_map(|name| match name {
            PrincipalName::Invalid(kind, name) => Some((*kind, name.as_str())),
            _ => None,
        })
    }

    /// The users, roles and sessions that it names by ARN, each once.
    #[must_use]
    pub fn named_identities(&self) -> BTreeSet<&str> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        let arns = names.filter_map(|name| match name {
            PrincipalName::Role(arn) | PrincipalName::One(arn) => Some(arn.as_str()),
            _ => None,
        });
        arns.collect()
    }

    /// The unique ids of users and roles that it names, each once.
    pub(crate) fn named_ids(&self) -> BTreeSet<&str> {
        let names = self.statements.iter().filter_map(Statement::principals).flat_map(Principals::names);
        let ids = names.filter_map(|name| match name {
            PrincipalName::Id(id) => Some(id.as_str()),
            _ => None,
        });
        ids.collect()
    }

    /// Has users and roles stand for themselves instead of their names: who is deleted and made again under the same name is
    /// another. `ids` are unique ids by ARN, of the moment at which the policy was put.
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

    /// Whether a condition of it is about this key.
    #[must_use]
    pub fn mentions(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        let mut variables =
            self.statements.iter().flat_map(|one| &one.resources.patterns).flat_map(Pattern::variables);
        let mut conditions = self.statements.iter().flat_map(Statement::conditions);
        conditions.any(|condition| condition.keys().any(|own| own == key)) || variables.any(|own| own == key)
    }

    /// Whether a statement lets in people whom nobody has named: everybody, without a condition that ties it to fixed values of
    /// where or whose the request is.
    #[must_use]
    pub fn allows_everybody(&self) -> bool {
        self.statements.iter().any(Statement::allows_everybody)
    }
}

impl Statement {
    /// Its name, if it has one. An empty name counts as none.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The line it begins on, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What it does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whom it is about; only in policies of resources.
    #[must_use]
    pub fn principals(&self) -> Option<&Principals> {
        self.principals.as_ref()
    }

    /// The actions it is about (or all but these, see [`Statement::not_action`]), as written; they are compared without case.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.patterns.iter().map(Pattern::text)
    }

    /// Whether it is about all actions but those named.
    #[must_use]
    pub fn not_action(&self) -> bool {
        self.actions.all_but
    }

    /// The resources it is about (or all but these, see [`Statement::not_resource`]).
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.patterns.iter().map(Pattern::text)
    }

    /// Whether it is about all resources but those named.
    #[must_use]
    pub fn not_resource(&self) -> bool {
        self.resources.all_but
    }

    /// Its conditions: all must hold.
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
