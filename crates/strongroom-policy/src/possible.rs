//! The outcome of a request whose circumstances are not yet known: its origin, second factor or
//! tags.

use crate::circumstance::Circumstances;
use crate::open::is_open;
use crate::policies::ORDER;
use crate::{Condition, Effect, Policies, Request, Statement};

/// The outcome of a request whose circumstances are open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Possible {
    /// Allowed under all circumstances.
    Always,
    /// Not allowed under any circumstances.
    Never,
    /// It depends on these conditions.
    Sometimes(Vec<String>),
}

impl Policies<'_> {
    /// The outcome of the request if its circumstances are left open: its address, session tags and
    /// second factor. Everything else is evaluated as in the request. A request that is allowed
    /// only at its present time is allowed sometimes.
    #[must_use]
    pub fn possible(&self, request: &Request) -> Possible {
        if self.decide(&request.taken(Circumstances::Against)).is_allowed() {
            let at_any_time = request.at_any_time();
            return if self.decide(&at_any_time.taken(Circumstances::Against)).is_allowed() {
                Possible::Always
            } else {
                sometimes(self, &at_any_time)
            };
        }
        if !self.decide(&request.taken(Circumstances::InFavour)).is_allowed() {
            return Possible::Never;
        }
        sometimes(self, &request.at_any_time())
    }
}

/// The deciding statements with their open conditions.
fn sometimes(policies: &Policies<'_>, request: &Request) -> Possible {
    let (holding, failing) = (request.taken(Circumstances::Holding), request.taken(Circumstances::Failing));
    let mut conditions = Vec::new();
    for kind in ORDER {
        for (document, (_, policy)) in policies.named(kind).iter().enumerate() {
            for (index, statement) in policy.statements().iter().enumerate() {
                if policies.matches(statement, &holding) == policies.matches(statement, &failing) {
                    continue;
                }
                let effect = if statement.effect() == Effect::Allow { "allows if" } else { "denies if" };
                let title = policies.title(kind, document);
                let open = open_conditions(statement, request);
                conditions.push(format!("statement {} of {title} {effect} {open}", index + 1));
            }
        }
    }
    Possible::Sometimes(conditions)
}

fn open_conditions(statement: &Statement, request: &Request) -> String {
    let open = |condition: &&Condition| condition.keys().any(|key| is_open(key, request));
    let conditions: Vec<_> = statement.conditions().iter().filter(open).map(Condition::to_text).collect();
    if conditions.is_empty() {
        return format!("Resource {}", statement.resources().collect::<Vec<_>>().join(", "));
    }
    conditions.join(" and ")
}
