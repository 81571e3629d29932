//! What a decision comes to while nobody knows yet from where, with what second factor or with which tags a request comes.

use crate::decide::ORDER;
use crate::lint::may_exist;
use crate::subject::may_be_said;
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

/// Keys that differ from session to session of one caller, whatever this one says.
const OF_THE_SESSION: [&str; 4] =
    ["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime", "aws:useragent"];

const TIME: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// From where a request comes, which a service that calls for somebody hides.
const OF_THE_CONNECTION: [&str; 5] =
    ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"];

/// Of Secrets Manager's keys, those that say what the secret is like: they are not the request's.
const OF_THE_SECRET: [&str; 4] = [
    "secretsmanager:resourcetag/",
    "secretsmanager:resource/",
    "secretsmanager:secretid",
    "secretsmanager:secretprimaryregion",
];

/// Of those of KMS.
const OF_THE_KEY: [&str; 6] = [
    "kms:calleraccount",
    "kms:key",
    "kms:multiregion",
    "kms:resourcealiases",
    "kms:viaservice",
    "kms:encryptioncontext",
];

/// What reads of secrets are given.
const OF_READS: [&str; 2] = ["secretsmanager:versionid", "secretsmanager:versionstage"];

/// Whether the same caller could make the same request with another value of this key, in small letters.
pub(crate) fn can_differ(key: &str, request: &Request) -> bool {
    let begins = |some: &[&str]| some.iter().any(|start| key.starts_with(start));
    let kind = request.principal().kind();
    let by_service = request.context().single_folded("aws:viaawsservice") == Some("true");
    if OF_THE_CONNECTION.contains(&key) {
        return !by_service;
    }
    if key == "aws:userid" {
        return has_sessions(kind);
    }
    if key.starts_with("aws:requesttag/") || key == "aws:tagkeys" {
        return !by_service;
    }
    let action = request.folded_action();
    if key.starts_with("secretsmanager:") {
        let given = if action == "secretsmanager:getsecretvalue" {
            OF_READS.contains(&key)
        } else {
            action.starts_with("secretsmanager:") && !begins(&OF_THE_SECRET)
        };
        return given && may_exist(key);
    }
    if key.starts_with("kms:") {
        return action.starts_with("kms:") && !by_service && !begins(&OF_THE_KEY) && may_exist(key);
    }
    OF_THE_SESSION.contains(&key)
        || key.starts_with("aws:principaltag/")
        || may_be_said(key, kind == PrincipalKind::Service)
}

/// A role has many sessions, which may bring tags of their own.
fn has_sessions(kind: PrincipalKind) -> bool {
    matches!(kind, PrincipalKind::RoleSession | PrincipalKind::FederatedUser)
}

/// Whether a key, in small letters, is a circumstance that this request leaves open.
pub(crate) fn is_open(key: &str, request: &Request) -> bool {
    if TIME.contains(&key) {
        return request.is_time_open();
    }
    let of_sessions = has_sessions(request.principal().kind())
        && (key == "aws:userid" || key.starts_with("aws:principaltag/"));
    let varies = of_sessions || OF_THE_SESSION.contains(&key) || OF_THE_CONNECTION.contains(&key);
    can_differ(key, request) && (varies || request.context().folded(key).is_none())
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
        self.sometimes(&request.at_any_time())
    }

    /// The statements that decide it, with their conditions that are open.
    fn sometimes(&self, request: &Request) -> Possible {
        let (holding, failing) =
            (request.taken(Circumstances::Holding), request.taken(Circumstances::Failing));
        let mut conditions = Vec::new();
        for kind in ORDER {
            for (document, (_, policy)) in self.named(kind).iter().enumerate() {
                for (index, statement) in policy.statements().iter().enumerate() {
                    if self.matches(statement, &holding) == self.matches(statement, &failing) {
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
    let conditions: Vec<_> = statement.conditions().iter().filter(open).map(Condition::to_text).collect();
    if conditions.is_empty() {
        return format!("Resource {}", statement.resources().collect::<Vec<_>>().join(", "));
    }
    conditions.join(" and ")
}
