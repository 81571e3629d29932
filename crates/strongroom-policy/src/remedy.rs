//! Changes that would allow a request.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::matching::Mismatch;
use crate::open::can_differ;
use crate::policies::ORDER;
use crate::{Condition, DocumentKind, Effect, Policies, Policy, PrincipalKind, Request, ResourceRule};

/// Changes that together would allow a request. They were tested: with them, the request is
/// allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Remedy {
    /// The changes, all of which are needed.
    pub changes: Vec<Change>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Remove a statement that denies, or narrow it so that it does not match this request.
    Lift {
        /// The name of the document, for a sentence.
        document: String,
        /// The statement's number in it, from 1.
        statement: usize,
        /// The line where it begins.
        line: usize,
    },
    /// Add a statement to a document.
    Add {
        /// The name of the document, for a sentence.
        document: String,
        /// The statement, as JSON.
        statement: String,
    },
    /// Make the request such that the statement's conditions hold.
    Meet {
        /// The name of the document, for a sentence.
        document: String,
        /// The statement's number in it, from 1.
        statement: usize,
        /// The conditions that do not hold yet.
        conditions: Vec<String>,
    },
    /// Create a grant of the key for the caller.
    Grant {
        /// The grantee principal.
        grantee: String,
        /// The grant operation that it allows.
        operation: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lift { document, statement, line } => {
                write!(
                    f,
                    "remove or narrow statement {statement} (line {line}) of {document}, which denies it"
                )
            }
            Self::Add { document, statement } => write!(f, "add to {document}: {statement}"),
            Self::Meet { document, statement, conditions } => {
                let conditions = conditions.join(" and ");
                write!(f, "meet the condition of statement {statement} of {document}: {conditions}")
            }
            Self::Grant { grantee, operation } => {
                write!(f, "create a grant of the key for {grantee} with the operation {operation}")
            }
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.changes.iter().enumerate() {
            if index > 0 {
                f.write_str("; and ")?;
            }
            write!(f, "{change}")?;
        }
        Ok(())
    }
}

/// The documents of a decision, with trial changes.
#[derive(Clone)]
struct Draft {
    documents: Vec<Document>,
    rule: ResourceRule,
    granted: bool,
}

impl Draft {
    fn of(policies: &Policies<'_>) -> Self {
        let mut documents = Vec::new();
        for kind in ORDER {
            for (index, (name, policy)) in policies.named(kind).iter().enumerate() {
                let numbers = (1..=policy.statements().len()).collect();
                let (name, policy) = ((*name).to_owned(), (*policy).clone());
                documents.push(Document { kind, index, name, policy, numbers });
            }
        }
        Self { documents, rule: policies.rule, granted: policies.granted }
    }

    fn allows(&self, request: &Request) -> bool {
        let mut policies = Policies::new().rule(self.rule).granted(self.granted);
        for document in &self.documents {
            policies = policies.with(document.kind, &document.name, &document.policy);
        }
        policies.decide(request).is_allowed()
    }

    /// Adds a statement to the document of this kind, or a document with it.
    fn add(&mut self, kind: DocumentKind, statement: &str) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let read =
            if kind == DocumentKind::Resource { Policy::resource(&text) } else { Policy::identity(&text) };
        let Ok(new) = read else { return };
        match self.documents.iter_mut().find(|own| own.kind == kind) {
            Some(own) => own.policy.statements.extend(new.statements),
            None => {
                let (name, numbers) = (String::new(), Vec::new());
                self.documents.push(Document { kind, index: 0, name, policy: new, numbers });
            }
        }
    }
}

#[derive(Clone)]
struct Document {
    kind: DocumentKind,
    /// The index among its kind.
    index: usize,
    name: String,
    policy: Policy,
    /// The numbers that its statements have in the document as it is, from 1.
    numbers: Vec<usize>,
}

/// The additions to try if nothing allows the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Core {
    Nothing,
    Identity,
    Resource,
    Grant,
    Both,
    Delegation,
}

impl Policies<'_> {
    /// The minimal sets of changes that would allow a denied request: all changes of a set are
    /// needed. Empty if the request is allowed, if the caller is unknown, so that no document can
    /// help, or if only a fixed document could.
    #[must_use]
    pub fn remedies(&self, request: &Request) -> Vec<Remedy> {
        if self.stranger || self.decide(request).is_allowed() {
            return Vec::new();
        }
        let mut draft = Draft::of(self);
        let lifted = lift(self, &mut draft, request);
        let mut found: Vec<Vec<Change>> = Vec::new();
        let mut note = |changes: Vec<Change>| {
            let wider = |known: &Vec<Change>| known.iter().all(|one| changes.contains(one));
            if !found.iter().any(wider) {
                found.push(changes);
            }
        };
        self.meet(&draft, &lifted, request, &mut note);
        let limits = limits_that_lack(self, request);
        let fixed = self.fixed;
        for with_limits in [false, true] {
            for core in
                [Core::Nothing, Core::Identity, Core::Resource, Core::Grant, Core::Both, Core::Delegation]
            {
                let mut tried = draft.clone();
                let mut changes = lifted.clone();
                let mut add = |kind: DocumentKind, statement: String, tried: &mut Draft| {
                    tried.add(kind, &statement);
                    changes.push(Change::Add { document: document_of(self, kind, request), statement });
                };
                for kind in limits.iter().filter(|_| with_limits) {
                    add(*kind, own_statement(request), &mut tried);
                }
                match core {
                    Core::Nothing => {}
                    Core::Identity => add(DocumentKind::Identity, own_statement(request), &mut tried),
                    Core::Resource => add(DocumentKind::Resource, named_statement(request), &mut tried),
                    Core::Both => {
                        add(DocumentKind::Resource, named_statement(request), &mut tried);
                        add(DocumentKind::Identity, own_statement(request), &mut tried);
                    }
                    Core::Delegation if self.rule == ResourceRule::Key => {
                        let Some(statement) = delegation(request) else { continue };
                        add(DocumentKind::Resource, statement, &mut tried);
                        add(DocumentKind::Identity, own_statement(request), &mut tried);
                    }
                    Core::Grant if self.rule == ResourceRule::Key => {
                        let Some(change) = grant(request) else { continue };
                        tried.granted = true;
                        changes.push(change);
                    }
                    Core::Grant | Core::Delegation => continue,
                }
                if fixed && !matches!(core, Core::Nothing | Core::Identity) {
                    continue;
                }
                let about_identity = matches!(core, Core::Identity | Core::Both | Core::Delegation);
                if about_identity && request.principal().attached_to().is_none() {
                    continue;
                }
                if tried.allows(request) {
                    note(changes);
                }
            }
        }
        found.into_iter().map(|changes| Remedy { changes }).collect()
    }

    /// Statements that would allow the request but for their conditions.
    fn meet(&self, draft: &Draft, lifted: &[Change], request: &Request, note: &mut impl FnMut(Vec<Change>)) {
        let holds = |condition: &Condition| condition.check(request.context()).is_ok();
        for (at, document) in draft.documents.iter().enumerate() {
            for (index, statement) in document.policy.statements.iter().enumerate() {
                let only_conditions = statement.effect() == Effect::Allow
                    && matches!(statement.check(request), Err(Mismatch::Condition(..)));
                let missed = || statement.conditions().iter().filter(|condition| !holds(condition));
                if !only_conditions
                    || !missed().all(|condition| condition.keys().all(|key| can_differ(key, request)))
                {
                    continue;
                }
                let mut tried = draft.clone();
                tried.documents[at].policy.statements[index].conditions.retain(holds);
                if tried.allows(request) {
                    let mut changes = lifted.to_vec();
                    changes.push(Change::Meet {
                        document: self.title(document.kind, document.index),
                        statement: document.numbers[index],
                        conditions: missed().map(Condition::to_text).collect(),
                    });
                    note(changes);
                }
            }
        }
    }
}

/// Removes the statements that deny.
fn lift(policies: &Policies<'_>, draft: &mut Draft, request: &Request) -> Vec<Change> {
    let mut lifted = Vec::new();
    for Document { kind, index, policy, numbers, .. } in &mut draft.documents {
        let (mut kept, mut left) = (Vec::new(), Vec::new());
        for (statement, number) in policy.statements.drain(..).zip(numbers.drain(..)) {
            if statement.effect() == Effect::Deny && policies.matches(&statement, request) {
                let (document, line) = (policies.title(*kind, *index), statement.line());
                lifted.push(Change::Lift { document, statement: number, line });
            } else {
                kept.push(statement);
                left.push(number);
            }
        }
        (policy.statements, *numbers) = (kept, left);
    }
    lifted
}

/// The kinds of limiting documents that are present but do not allow the request.
fn limits_that_lack(policies: &Policies<'_>, request: &Request) -> Vec<DocumentKind> {
    let limits = [
        DocumentKind::ServiceControl,
        DocumentKind::ResourceControl,
        DocumentKind::Boundary,
        DocumentKind::Session,
    ];
    let lacks = |kind: &DocumentKind| {
        let all = policies.named(*kind);
        !all.is_empty()
            && !all.iter().any(|(_, policy)| {
                policy.statements().iter().any(|one| one.effect() == Effect::Allow && one.matches(request))
            })
    };
    limits.into_iter().filter(lacks).collect()
}

/// The document to add a statement to, for a sentence.
fn document_of(policies: &Policies<'_>, kind: DocumentKind, request: &Request) -> String {
    let principal = request.principal();
    match kind {
        DocumentKind::Identity => {
            format!("an identity-based policy of {}", principal.attached_to().unwrap_or(principal.arn()))
        }
        DocumentKind::Resource if policies.rule == ResourceRule::Key => "the key policy".to_owned(),
        DocumentKind::Resource => "the resource-based policy".to_owned(),
        kind if policies.named(kind).len() == 1 => policies.title(kind, 0),
        kind => format!("a {kind}"),
    }
}

/// A statement that allows the request, as a person would write it.
fn statement(principal: Option<String>, request: &Request, resource: &str) -> String {
    let principal = principal.map(|who| format!(r#""Principal": {who}, "#)).unwrap_or_default();
    let (action, resource) = (Value::from(request.action()), Value::from(resource));
    format!(r#"{{"Effect": "Allow", {principal}"Action": {action}, "Resource": {resource}}}"#)
}

fn of_kind(kind: &str, name: &str) -> String {
    format!(r#"{{"{kind}": {}}}"#, Value::from(name))
}

/// The statement for the caller's own policy.
fn own_statement(request: &Request) -> String {
    statement(None, request, request.resource())
}

/// The statement for the resource's policy.
fn named_statement(request: &Request) -> String {
    let principal = request.principal();
    let who = match principal.kind() {
        PrincipalKind::Service => of_kind("Service", principal.arn()),
        PrincipalKind::Anonymous => r#""*""#.to_owned(),
        _ => of_kind("AWS", principal.identity_arn()),
    };
    statement(Some(who), request, "*")
}

/// The key policy statement that delegates to the caller's account.
fn delegation(request: &Request) -> Option<String> {
    let principal = request.principal();
    let partition = principal.arn().split(':').nth(1)?;
    let root = format!("arn:{partition}:iam::{}:root", principal.account()?);
    Some(statement(Some(of_kind("AWS", &root)), request, "*"))
}

/// The operations that grants can allow.
const GRANTABLE: [&str; 13] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateMac",
    "VerifyMac",
    "Sign",
    "Verify",
];

fn grant(request: &Request) -> Option<Change> {
    let operation = request.action().strip_prefix("kms:").filter(|name| GRANTABLE.contains(name))?;
    let grantee = request.principal().identity_arn();
    (!grantee.is_empty())
        .then(|| Change::Grant { grantee: grantee.to_owned(), operation: operation.to_owned() })
}
