//! What a decision comes to while nobody knows yet from where, with what second factor or with which tags a request comes.

use crate::decide::ORDER;
use crate::lint::may_exist;
use crate::{Condition, Effect, Policies, PrincipalKind, Request, Statement};

/// How conditions on circumstances are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Circumstances {
    /// By what the request says.
    #[default]
    AsSaid,
    /// As the request would want them.
    InFavour,
    /// As the request would not want them.
    Against,
    /// As if they held.
    Holding,
    /// As if they did not hold.
    Failing,
}

impl Circumstances {
    /// Whether a condition of a statement is to hold whatever the request says.
    pub(crate) fn holds(self, effect: Effect) -> Option<bool> {
        match self {
            Self::AsSaid => None,
            Self::InFavour => Some(effect == Effect::Allow),
            Self::Against => Some(effect == Effect::Deny),
            Self::Holding => Some(true),
            Self::Failing => Some(false),
        }
    }
}

/// Keys that differ from request to request of one caller, whatever this one says.
const ALWAYS: [&str; 7] = [
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:referer",
    "aws:sourcearn",
    "aws:sourceaccount",
];

/// Beginnings of keys that are open where the request does not have them: a session's tags, what an operation may be given.
const UNLESS_SAID: [&str; 9] = [
    "aws:federatedprovider",
    "aws:principalorg",
    "aws:principaltag/",
    "aws:sourceorg",
    "aws:userid",
    "aws:sourceidentity",
    "aws:requesttag/",
    "aws:tagkeys",
    "secretsmanager:",
];

/// Beginnings of keys that AWS's own words have: all others are for whoever makes a session to say.
const AWS: [&str; 3] = ["aws:", "kms:", "secretsmanager:"];

const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// Of the service's own keys, those that say what the resource is like: they are not open.
const OF_THE_RESOURCE: [&str; 4] = [
    "secretsmanager:resourcetag/",
    "secretsmanager:resource/",
    "secretsmanager:secretid",
    "secretsmanager:secretprimaryregion",
];

/// From where a request comes, which a service that calls for somebody hides.
const OF_THE_CONNECTION: [&str; 5] =
    ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"];

/// Whether a key, in small letters, is a circumstance that this request leaves open.
pub(crate) fn is_open(key: &str, request: &Request) -> bool {
    let begins = |some: &[&str]| some.iter().any(|start| key.starts_with(start));
    let kind = request.principal().kind();
    // A role has many sessions, which may bring tags of their own; a user has its tags, and others may be said.
    let has_sessions = matches!(kind, PrincipalKind::RoleSession | PrincipalKind::FederatedUser);
    if key == "aws:userid" || (has_sessions && key.starts_with("aws:principaltag/")) {
        return has_sessions;
    }
    if request.is_time_open() && TIME.contains(&key) {
        return true;
    }
    if OF_THE_CONNECTION.contains(&key) {
        return request.context().single_folded("aws:viaawsservice") != Some("true");
    }
    ALWAYS.contains(&key)
        || ((begins(&UNLESS_SAID) || !begins(&AWS))
            && !begins(&OF_THE_RESOURCE)
            && request.context().folded(key).is_none())
}

/// Beginnings of keys that say who asks, for what, or by which way: a request with others would be another request.
const IDENTIFYING: [&str; 17] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalis",
    "aws:principalservice",
    "aws:userid",
    "aws:username",
    "aws:resource",
    "aws:via",
    "aws:calledvia",
    "aws:requestedregion",
    "kms:calleraccount",
    "kms:key",
    "kms:multiregion",
    "kms:resourcealiases",
    "kms:viaservice",
    "kms:encryptioncontext",
];

/// Whether the same caller could make the same request such that a condition on this key, in small letters, holds.
pub(crate) fn can_be_met(key: &str, request: &Request) -> bool {
    let begins = |some: &[&str]| some.iter().any(|start| key.starts_with(start));
    let hidden = OF_THE_CONNECTION.contains(&key) && !is_open(key, request);
    !begins(&IDENTIFYING) && !begins(&OF_THE_RESOURCE) && !hidden && may_exist(key)
}

/// What comes of a request whose circumstances are open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Possible {
    /// Allowed, whatever they are.
    Always,
    /// Not allowed, whatever they are.
    Never,
    /// It depends on these conditions.
    Sometimes(Vec<String>),
}

impl Policies<'_> {
    /// What comes of the request if its circumstances are left open: from which address, with which session tags, with or without
    /// a second factor. Everything else is taken as the request says; what is allowed only because of the moment at which it is asked is
    /// allowed sometimes.
    #[must_use]
    pub fn possible(&self, request: &Request) -> Possible {
        if self.decide(&request.taken(Circumstances::Against)).is_allowed() {
            let at_any_time = request.at_any_time();
            return if self.decide(&at_any_time.taken(Circumstances::Against)).is_allowed() {
                Possible::Always
            } else {
                self.sometimes(&at_any_time)
            };
        }
        if !self.decide(&request.taken(Circumstances::InFavour)).is_allowed() {
            return Possible::Never;
        }
        self.sometimes(request)
    }

    /// The statements that decide it, with their conditions that are open.
    fn sometimes(&self, request: &Request) -> Possible {
        let (holding, failing) =
            (request.taken(Circumstances::Holding), request.taken(Circumstances::Failing));
        let mut conditions = Vec::new();
        for kind in ORDER {
            for (document, (_, policy)) in self.named(kind).iter().enumerate() {
                for (index, statement) in policy.statements().iter().enumerate() {
                    if statement.matches(&holding) == statement.matches(&failing) {
                        continue;
                    }
                    let effect = if statement.effect() == Effect::Allow { "allows if" } else { "denies if" };
                    let title = self.title(kind, document);
                    let open = open_conditions(statement, request);
                    conditions.push(format!("statement {} of {title} {effect} {open}", index + 1));
                }
            }
        }
        Possible::Sometimes(conditions)
    }
}

fn open_conditions(statement: &Statement, request: &Request) -> String {
    let open = |condition: &&Condition| condition.keys().any(|key| is_open(key, request));
    let conditions: Vec<_> = statement.conditions().iter().filter(open).map(Condition::told).collect();
    if conditions.is_empty() {
        return format!("Resource {}", statement.resources().collect::<Vec<_>>().join(", "));
    }
    conditions.join(" and ")
}
