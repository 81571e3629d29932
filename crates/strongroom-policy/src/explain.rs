//! Why a request is allowed or not, statement by statement.

use std::fmt;

use serde::Serialize;

use crate::condition::Miss;
use crate::matching::Mismatch;
use crate::policies::ORDER;
use crate::principal::Reach;
use crate::{
    Decision, DocumentKind, Effect, Ground, Place, Policies, PrincipalKind, Remedy, Request, Statement,
};

/// A decision with everything that was evaluated. `Display` formats it for people; it serializes
/// for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The caller: an ARN, a service's name, or `anonymous`.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// The reason for the decision, as a sentence.
    pub reason: String,
    /// The documents that were evaluated, in the order of the decision.
    pub documents: Vec<DocumentReport>,
    /// The grants that were evaluated, if the resource is a key.
    pub grants: Vec<GrantReport>,
    /// The changes that would allow the request, if it is not allowed. Any one of them suffices.
    pub remedies: Vec<Remedy>,
}

/// The level of detail of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// Documents, statements, remedies.
    Everything,
    /// The verdict and its reason.
    Reason,
}

/// How a grant of a key applies to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GrantReport {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The grantee principal.
    pub grantee: String,
    /// Whether it covers the request.
    pub matches: bool,
    /// What the grant covers, or why it does not cover the request.
    pub why: String,
}

impl GrantReport {
    /// An explained grant.
    #[must_use]
    pub fn new(id: &str, name: Option<&str>, grantee: &str, matches: bool, why: impl Into<String>) -> Self {
        let name = name.map(str::to_owned);
        Self { id: id.to_owned(), name, grantee: grantee.to_owned(), matches, why: why.into() }
    }
}

/// How a document applies to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DocumentReport {
    /// The kind of document, in the words of AWS's messages.
    pub kind: String,
    /// The name it was added under, or else its number among its kind, from 1; empty if it is the
    /// only one.
    pub name: String,
    /// Its statements, in the document's order.
    pub statements: Vec<StatementReport>,
}

/// How a statement applies to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StatementReport {
    /// Its number in the document, from 1.
    pub number: usize,
    /// Its name, if it has one.
    pub sid: Option<String>,
    /// The line of the document where it begins.
    pub line: usize,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Whether it matches the request.
    pub matches: bool,
    /// The element that does not match; for a statement that matches, a remark if there is one.
    pub why: String,
    /// Whether this statement decided.
    pub decides: bool,
}

impl Policies<'_> {
    /// Decides, and explains why each statement matches the request or does not. The decision is
    /// that of [`Policies::decide`].
    #[must_use]
    pub fn explain(&self, request: &Request) -> Explanation {
        let mut explanation = self.explain_in_short(request);
        explanation.documents = self.reports(request);
        explanation.remedies = self.remedies(request);
        explanation
    }

    /// Like [`Policies::explain`], with this level of detail.
    #[must_use]
    pub fn explain_with(&self, request: &Request, detail: Detail) -> Explanation {
        match detail {
            Detail::Everything => self.explain(request),
            Detail::Reason => self.explain_in_short(request),
        }
    }

    fn explain_in_short(&self, request: &Request) -> Explanation {
        let decision = self.decide(request);
        let who = request.principal().arn();
        Explanation {
            principal: if who.is_empty() { "anonymous".to_owned() } else { who.to_owned() },
            action: request.action().to_owned(),
            resource: request.resource().to_owned(),
            allowed: decision.is_allowed(),
            reason: reason(decision, self, request),
            documents: Vec::new(),
            grants: Vec::new(),
            remedies: Vec::new(),
        }
    }

    fn reports(&self, request: &Request) -> Vec<DocumentReport> {
        let decision = self.decide(request);
        let deciding = match decision {
            Decision::Allowed(Ground::Statement(place)) | Decision::Denied(place) => Some(place),
            _ => None,
        };
        let mut documents = Vec::new();
        for kind in ORDER {
            for (document, (name, policy)) in self.named(kind).iter().enumerate() {
                let statements = policy.statements().iter().enumerate().map(|(statement, one)| {
                    let place = Place { kind, document, statement };
                    self.report(one, place, deciding == Some(place), request)
                });
                documents.push(DocumentReport {
                    kind: self.word(kind),
                    name: match self.named(kind).len() {
                        1 if name.is_empty() => String::new(),
                        _ if name.is_empty() => (document + 1).to_string(),
                        _ => (*name).to_owned(),
                    },
                    statements: statements.collect(),
                });
            }
        }
        documents
    }

    fn report(
        &self,
        statement: &Statement,
        place: Place,
        decides: bool,
        request: &Request,
    ) -> StatementReport {
        let (matches, why) = match self.check(statement, request) {
            Ok(_) if self.spares_nobody(statement) && !statement.matches(request) => {
                let why = "NotPrincipal with Deny spares nobody who has a permissions boundary";
                (true, why.to_owned())
            }
            Ok(reach) => (true, reached(statement, reach, request)),
            Err(mismatch) => (false, missed(statement, mismatch, request)),
        };
        StatementReport {
            number: place.statement + 1,
            sid: statement.sid().map(str::to_owned),
            line: statement.line(),
            effect: if statement.effect() == Effect::Allow { "Allow" } else { "Deny" },
            matches,
            why,
            decides,
        }
    }
}

/// The reason for the decision, as a sentence.
fn reason(decision: Decision, policies: &Policies<'_>, request: &Request) -> String {
    if policies.stranger {
        return "there is no such user or role".to_owned();
    }
    let named = |place: Place| {
        let sid = policies.statement(place).and_then(Statement::sid);
        let number = format!("statement {}", place.statement + 1);
        let statement = sid.map_or_else(|| number.clone(), |sid| format!("{number} \"{sid}\""));
        format!("{statement} of {}", policies.title(place.kind, place.document))
    };
    match decision {
        Decision::Allowed(Ground::Statement(place)) => format!("{} allows it", named(place)),
        Decision::Allowed(Ground::Root) => "the caller is the root of the account".to_owned(),
        Decision::Allowed(Ground::Grant) => "a grant of the key allows it".to_owned(),
        Decision::Denied(place) => format!("{} denies it, whatever else allows", named(place)),
        Decision::Missing(DocumentKind::Identity) if policies.names(request) => {
            format!(
                "no {} allows it, which is needed beside the {}",
                DocumentKind::Identity,
                policies.word(DocumentKind::Resource)
            )
        }
        Decision::Missing(kind) if policies.named(kind).is_empty() => {
            format!("no {} allows it: there is none", policies.word(kind))
        }
        Decision::Missing(kind) => format!("no {} allows it", policies.word(kind)),
    }
}

fn reached(statement: &Statement, reach: Reach, request: &Request) -> String {
    let mut parts = Vec::new();
    match (statement.principals(), statement.effect(), reach, request.principal().kind()) {
        (Some(_), Effect::Allow, Reach::Account, _) => {
            parts.push("names the account, which leaves it to the account's own policies".to_owned());
        }
        (Some(_), Effect::Allow, Reach::Role, PrincipalKind::Root) => {
            parts.push("names the account, whose root this is: session policies still count".to_owned());
        }
        (Some(_), Effect::Allow, Reach::Role, PrincipalKind::FederatedUser) => {
            let whom = "names the user who made the session";
            parts.push(format!("{whom}: boundary and session policies still count"));
        }
        (Some(_), Effect::Allow, Reach::Role, _) => {
            parts.push("names the role: boundary and session policies still count".to_owned());
        }
        _ => {}
    }
    for condition in statement.conditions() {
        let (operator, key) = (condition.operator(), condition.key());
        if condition.is_negated()
            && request.context().get(key).is_some()
            && condition.is_unresolved(request.context())
        {
            let wanted = some(condition.values().iter().map(String::as_str));
            parts.push(format!(
                "Condition {operator} {key}: a variable of {wanted} has no value in this request, so nothing is like it"
            ));
        }
    }
    parts.join("; ")
}

/// The first few, for a sentence.
fn some<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut texts: Vec<&str> = texts.take(6).collect();
    if let Some(last) = texts.get_mut(5) {
        *last = "...";
    }
    texts.join(", ")
}

fn missed(statement: &Statement, mismatch: Mismatch, request: &Request) -> String {
    match mismatch {
        Mismatch::Action => {
            let but = if statement.not_action() { "NotAction" } else { "Action" };
            let which = if statement.not_action() { "excepts" } else { "is not among" };
            let actions = some(statement.actions());
            if statement.not_action() {
                format!("{but} {which} {}: {actions}", request.action())
            } else {
                format!("{but}: {} {which} {actions}", request.action())
            }
        }
        Mismatch::Resource => {
            let resources = some(statement.resources());
            if statement.not_resource() {
                format!("NotResource excepts {}: {resources}", request.resource())
            } else {
                format!("Resource: {} is not like {resources}", request.resource())
            }
        }
        Mismatch::Principal => {
            let who = request.principal().arn();
            let who = if who.is_empty() { "nobody known" } else { who };
            match statement.principals() {
                Some(principals) if principals.all_but() && statement.effect() == Effect::Deny => {
                    format!("NotPrincipal spares {who}")
                }
                Some(principals) if principals.all_but() => "NotPrincipal lets nobody in".to_owned(),
                _ => format!("Principal: {who} is not named"),
            }
        }
        Mismatch::Condition(index, miss) => {
            let Some(condition) = statement.conditions().get(index) else { return String::new() };
            let (operator, key) = (condition.operator(), condition.key());
            let wanted = some(condition.values().iter().map(String::as_str));
            let found = request.context().get(key).map(|values| some(values.iter().map(String::as_str)));
            let found = found.unwrap_or_default();
            match miss {
                Miss::KeyMissing => format!("Condition {operator} {key}: the request has no {key}"),
                Miss::KeyPresent => format!("Condition {operator} {key}: the request has one, {found}"),
                Miss::Differs if condition.is_negated() => {
                    format!("Condition {operator} {key}: {found} is among {wanted}")
                }
                Miss::Differs => format!("Condition {operator} {key}: {found}, not {wanted}"),
                Miss::Unresolved => {
                    format!("Condition {operator} {key}: a variable of {wanted} has no value in this request")
                }
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "ALLOWED" } else { "DENIED" };
        writeln!(f, "{verdict}: {} by {}", self.action, self.principal)?;
        writeln!(f, "  on {}", self.resource)?;
        writeln!(f, "  because {}", self.reason)?;
        for document in &self.documents {
            writeln!(f, "{}", format!("{} {}", document.kind, document.name).trim_end())?;
            for statement in &document.statements {
                let mark = match (statement.decides, statement.matches) {
                    (true, _) => ">",
                    (false, true) => "+",
                    (false, false) => "-",
                };
                write!(f, "  {mark} statement {}", statement.number)?;
                if let Some(sid) = &statement.sid {
                    write!(f, " \"{sid}\"")?;
                }
                let matches = if statement.matches { "matches" } else { "does not match" };
                let (line, effect) = (statement.line, statement.effect);
                let why =
                    if statement.why.is_empty() { String::new() } else { format!("; {}", statement.why) };
                writeln!(f, " (line {line}), {effect}: {matches}{why}")?;
            }
        }
        for grant in &self.grants {
            let mark = if grant.matches { "+" } else { "-" };
            let name = grant.name.as_deref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
            let short: String = grant.id.chars().take(12).collect();
            writeln!(f, "grant\n  {mark} {short}...{name} for {}: {}", grant.grantee, grant.why)?;
        }
        if !self.remedies.is_empty() {
            let any = if self.remedies.len() > 1 { ", any one of" } else { "" };
            writeln!(f, "what would allow it{any}:")?;
            for remedy in &self.remedies {
                writeln!(f, "  * {remedy}")?;
            }
        }
        Ok(())
    }
}
