//! The answer for everybody known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use strongroom_engine::SecretPrincipals;
use strongroom_iam::IdentityKind;
use strongroom_local_kms::KeyPrincipals;
use strongroom_policy::{Authorizer as _, Explanation, Known, Possible};
use strongroom_store::{Error, ErrorKind, Operation, SecretId};
use strongroom_types::{AccountId, Arn, CallContext, Caller};

use crate::Access;
use crate::access::{Answers, directory};

/// What a session is called that stands for all of its role.
const ANY_SESSION: &str = "any-session";

/// Who of those known may do something with a secret. `Display` writes it for people; it serializes for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WhoCan {
    /// What for: `GetSecretValue`.
    pub operation: &'static str,
    /// The secret's ARN; as it was named where there is none.
    pub secret: String,
    /// Everybody known: those who may first, then those who may under a condition, then the others; each by name.
    pub candidates: Vec<Candidate>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// One of those known, and what it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The ARN of a user or role, of a session that a policy names, of an account's root; a service's name.
    pub principal: String,
    /// Whether it may.
    pub verdict: Verdict,
    /// Why, for each permission that is needed.
    pub because: Vec<String>,
    /// The conditions it depends on.
    pub conditions: Vec<String>,
    /// The grants of keys that let it.
    pub grants: Vec<String>,
}

/// Whether somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may under conditions on its circumstances: from where it calls, with which tags, with a second factor.
    Conditional,
    /// It may not.
    Denied,
}

impl Access {
    /// Who of those known may do this with a secret: the owner, all users and roles of the directory, and whom the secret's policy, its
    /// key's policy and grants name.
    ///
    /// # Errors
    /// As [`Access::explain`].
    pub async fn who_can(&self, operation: Operation, id: &SecretId) -> Result<WhoCan, Error> {
        let realm = self.engine.realm().clone();
        let owner = CallContext::owner(&realm);
        let asked = self.ask(&owner, operation, id).await?;
        let mut notes = asked.notes.clone();
        let mut callers: BTreeMap<String, CallContext> = BTreeMap::new();
        callers.insert(owner.caller().to_string(), owner.clone());
        for kind in [IdentityKind::User, IdentityKind::Role] {
            let mut marker = None;
            loop {
                let page =
                    self.iam.list(&owner, kind, "/", marker.as_deref(), 1000).await.map_err(directory)?;
                for identity in page.identities {
                    let caller = match kind {
                        IdentityKind::Role => identity.session(ANY_SESSION),
                        _ => identity.caller(),
                    };
                    callers.insert(identity.arn.to_string(), caller.map_err(cannot_be)?.into());
                }
                match page.next_marker {
                    Some(next) => marker = Some(next),
                    None => break,
                }
            }
        }
        let (mut names, mut accounts) = (BTreeSet::new(), BTreeSet::new());
        let named: SecretPrincipals = self.engine.principals(id).await?;
        names.extend(named.names);
        accounts.extend(named.accounts);
        if let Some(kms) = &self.kms {
            for (need, _) in &asked.keys {
                let named: KeyPrincipals = kms.principals(&need.key).await.map_err(|error| {
                    Error::new(ErrorKind::Internal, "the key service failed").because(error)
                })?;
                names.extend(named.names);
                accounts.extend(named.accounts);
                if named.more_grants {
                    notes.push(format!(
                        "the key {} has more than a thousand grants; the others' grantees are not listed",
                        need.key
                    ));
                }
            }
        }
        for name in names {
            if !callers.contains_key(&name)
                && let Some(caller) = self.caller_named(&name).await?
            {
                callers.insert(name, caller.into());
            }
        }
        let foreign: Vec<&String> =
            accounts.iter().filter(|account| *account != realm.account().as_str()).collect();
        for account in &foreign {
            if let Ok(account) = AccountId::parse(account) {
                let caller = Caller::Owner(account);
                callers.insert(caller.to_string(), caller.into());
            }
        }
        if !foreign.is_empty() {
            notes.push(
                "an account that may passes it on by its own policies, which are not known here".to_owned(),
            );
        }
        let mut candidates = Vec::with_capacity(callers.len());
        for (principal, cx) in callers {
            candidates.push(candidate(principal, self.ask(&cx, operation, id).await?));
        }
        candidates
            .sort_by(|one, other| (one.verdict, &one.principal).cmp(&(other.verdict, &other.principal)));
        Ok(WhoCan { operation: operation.name(), secret: asked.secret.secret, candidates, notes })
    }

    /// Whoever a policy or grant means by a name that is not in the directory.
    async fn caller_named(&self, name: &str) -> Result<Option<Caller>, Error> {
        let Ok(arn) = Arn::parse(name) else { return Ok(Some(Caller::Service(name.to_owned()))) };
        let kind = arn.resource().split('/').next().unwrap_or_default();
        Ok(match (arn.service(), kind) {
            ("iam", "role") => Caller::role_session(&arn, ANY_SESSION).ok(),
            ("sts", "assumed-role") => {
                let known = self.iam.look_up(name, self.engine.realm()).await;
                let known = known.map_err(|error| {
                    Error::new(ErrorKind::Internal, "the directory failed").because(error)
                })?;
                match known {
                    Known::Somebody { arn: role, .. } => {
                        let role = Arn::parse(&role).map_err(cannot_be)?;
                        Some(Caller::Session { session: arn, role })
                    }
                    _ => Some(Caller::Principal(arn)),
                }
            }
            _ => Some(Caller::Principal(arn)),
        })
    }
}

fn cannot_be(error: strongroom_types::ParseError) -> Error {
    Error::new(ErrorKind::Internal, "a principal is not of its form").because(error)
}

fn candidate(principal: String, answers: Answers) -> Candidate {
    let Answers { secret, keys, .. } = answers;
    let mut told = Candidate {
        principal,
        verdict: Verdict::Allowed,
        because: Vec::new(),
        conditions: Vec::new(),
        grants: Vec::new(),
    };
    let own = secret.explanations.into_iter().zip(secret.possible);
    let of_keys = keys.into_iter().map(|(_, access)| (access.explanation, access.possible));
    for (explanation, possible) in own.chain(of_keys) {
        told.add(&explanation, possible);
    }
    if told.verdict != Verdict::Conditional {
        told.conditions.clear();
    }
    told
}

impl Candidate {
    fn add(&mut self, explanation: &Explanation, possible: Possible) {
        let reason = match &possible {
            Possible::Sometimes(_) => "it depends on conditions".to_owned(),
            _ => explanation.reason.clone(),
        };
        self.because.push(format!("{}: {reason}", explanation.action));
        match possible {
            Possible::Always => {}
            Possible::Sometimes(conditions) => {
                self.verdict = self.verdict.max(Verdict::Conditional);
                self.conditions.extend(conditions);
            }
            _ => self.verdict = Verdict::Denied,
        }
        for grant in explanation.grants.iter().filter(|grant| grant.matches) {
            self.grants.push(format!("{} ({})", grant.id, grant.name.as_deref().unwrap_or("no name")));
        }
    }
}

impl fmt::Display for WhoCan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Who can {} {}", self.operation, self.secret)?;
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        for candidate in &self.candidates {
            let verdict = match candidate.verdict {
                Verdict::Allowed => "ALLOWED",
                Verdict::Conditional => "ON CONDITION",
                Verdict::Denied => "DENIED",
            };
            writeln!(f, "{verdict:<12}  {}", candidate.principal)?;
            for line in &candidate.because {
                writeln!(f, "{:<14}{line}", "")?;
            }
            for line in &candidate.conditions {
                writeln!(f, "{:<14}if: {line}", "")?;
            }
            for line in &candidate.grants {
                writeln!(f, "{:<14}grant {line}", "")?;
            }
        }
        Ok(())
    }
}
