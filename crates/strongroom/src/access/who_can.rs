//! The answer for all known principals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use strongroom_engine::SecretPrincipals;
use strongroom_iam::{Iam, IdentityKind};
use strongroom_kms::KeyRef;
use strongroom_local_kms::KeyPrincipals;
use strongroom_policy::{
    Authorizer as _, Detail, Effect, Explanation, Known, Policy, Possible, PrincipalName,
};
use strongroom_store::{Error, ErrorKind, Operation, SecretId};
use strongroom_types::{AccountId, Arn, CallContext, Caller};

use super::explain::{Access, Answers, directory};

/// The name of a session that stands for all sessions of its role.
const ANY_SESSION: &str = "any-session";

/// Which of the known principals may do something with a secret. `Display` is for people, the
/// serialized form for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WhoCan {
    /// The operation: `GetSecretValue`.
    pub operation: &'static str,
    /// The secret's ARN; the name as given if there is no such secret.
    pub secret: String,
    /// All known principals: first those that may, then those that may under a condition, then the
    /// others; each group by name.
    pub candidates: Vec<Candidate>,
    /// Further remarks.
    pub notes: Vec<String>,
}

/// A known principal, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The ARN of a user or role, of a session that a policy names, of an account's root; a
    /// service's name.
    pub principal: String,
    /// Whether it may.
    pub verdict: Verdict,
    /// Why, for each permission that is needed.
    pub because: Vec<String>,
    /// The conditions it depends on.
    pub conditions: Vec<String>,
    /// The grants of keys that allow it.
    pub grants: Vec<String>,
    /// For a role, those whom its trust policy allows to assume it.
    pub trusts: Vec<String>,
}

/// Whether somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may under conditions on its circumstances: where it calls from, its tags, a second
    /// factor.
    Conditional,
    /// It may not.
    Denied,
}

impl Access {
    /// Which of the known principals may do this with a secret: the owner, all users and roles of
    /// the directory, and those whom the secret's policy, its key's policy and grants name.
    ///
    /// # Errors
    /// As [`Access::explain`].
    pub(crate) async fn who_can(&self, operation: Operation, id: &SecretId) -> Result<WhoCan, Error> {
        let realm = self.engine.realm().clone();
        let owner = CallContext::owner(&realm);
        let asked = self.ask(&owner, operation, id, Detail::Reason).await?;
        let mut notes = asked.notes.clone();
        // By its full ARN, which means the same to everybody.
        let id = &SecretId::from(asked.secret.secret.clone());
        let mut callers: BTreeMap<String, CallContext> = BTreeMap::new();
        let mut trusts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        callers.insert(owner.caller().to_string(), owner.clone());
        self.list(&self.iam, &owner, &mut callers, &mut trusts).await?;
        let (mut names, mut accounts) = (BTreeSet::new(), BTreeSet::new());
        let named: SecretPrincipals = self.engine.principals(id).await?;
        names.extend(named.names);
        accounts.extend(named.accounts);
        let mut everybody = Vec::new();
        if named.everybody {
            everybody.push("the secret's policy".to_owned());
        }
        if let Some(kms) = &self.kms {
            for (need, _) in &asked.keys {
                let named: KeyPrincipals = kms.principals(&need.key).await.map_err(|error| {
                    Error::new(ErrorKind::Internal, "the key service failed").because(error)
                })?;
                names.extend(named.names);
                accounts.extend(named.accounts);
                if named.everybody && !need_is_managed(&asked, &need.key) {
                    everybody.push(format!("the policy of the key {}", need.key));
                }
                if named.more_grants {
                    notes.push(format!(
                        "the key {} has more than a thousand grants; the others' grantees are not listed",
                        need.key
                    ));
                }
            }
        }
        if !everybody.is_empty() {
            notes.push(format!(
                "everybody is named, maybe on conditions, by {}: other accounts, services and federated users that it lets in are listed as \
                 far as they are known here",
                everybody.join(" and ")
            ));
            let known = self.iam.accounts().await.map_err(directory)?;
            accounts.extend(known.iter().map(|account| account.as_str().to_owned()));
        }
        let foreign: Vec<_> =
            accounts.iter().filter(|account| *account != realm.account().as_str()).collect();
        for account in &foreign {
            if let Ok(account) = AccountId::parse(account) {
                let caller = Caller::Owner(account);
                callers.insert(caller.to_string(), caller.into());
                self.list(&self.iam.of_account(account), &owner, &mut callers, &mut trusts).await?;
            }
        }
        if !foreign.is_empty() {
            notes.push(
                "an account that may passes it on by its own policies; its users and roles are listed as far as they are known here"
                    .to_owned(),
            );
        }
        for name in names {
            if !callers.contains_key(&name)
                && let Some(caller) = self.caller_named(&name).await?
            {
                callers.insert(name, caller.into());
            }
        }
        let mut candidates = Vec::with_capacity(callers.len());
        for (principal, cx) in callers {
            let answers = self.ask(&cx, operation, id, Detail::Reason).await?;
            let trusts = trusts.remove(&principal).unwrap_or_default();
            candidates.push(candidate(principal, trusts, answers));
        }
        candidates
            .sort_by(|one, other| (one.verdict, &one.principal).cmp(&(other.verdict, &other.principal)));
        Ok(WhoCan { operation: operation.name(), secret: asked.secret.secret, candidates, notes })
    }

    /// Adds the users and roles of a directory.
    async fn list(
        &self,
        iam: &Iam,
        owner: &CallContext,
        callers: &mut BTreeMap<String, CallContext>,
        trusts: &mut BTreeMap<String, Vec<String>>,
    ) -> Result<(), Error> {
        for kind in [IdentityKind::User, IdentityKind::Role] {
            let mut marker = None;
            loop {
                let page = iam.list(owner, kind, "/", marker.as_deref(), 1000).await.map_err(directory)?;
                for identity in page.identities {
                    let caller = match kind {
                        IdentityKind::Role => identity.session(ANY_SESSION),
                        _ => identity.caller(),
                    };
                    let arn = identity.arn.to_string();
                    callers.insert(arn.clone(), caller.map_err(cannot_be)?.into());
                    if let Some(policy) =
                        identity.trust.as_deref().and_then(|trust| Policy::kept_trust(trust).ok())
                    {
                        trusts.insert(arn, trusted(&policy));
                    }
                }
                match page.next_marker {
                    Some(next) => marker = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// The caller that a policy or grant means by a name that is not in the directory.
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

/// Those whom a role's trust policy allows to assume it, as it names them.
fn trusted(policy: &Policy) -> Vec<String> {
    let allows = policy.statements().iter().filter(|statement| statement.effect() == Effect::Allow);
    let names = allows.filter_map(|statement| statement.principals()).flat_map(|some| some.names());
    let shown = names.map(|name| match name {
        PrincipalName::Everybody => "everybody".to_owned(),
        PrincipalName::Account(account) => format!("account {account}"),
        PrincipalName::Role(name)
        | PrincipalName::One(name)
        | PrincipalName::Id(name)
        | PrincipalName::Service(name)
        | PrincipalName::Federated(name) => name.clone(),
        _ => "a name that is none".to_owned(),
    });
    shown.collect()
}

/// The managed key's policy names everybody, and means this account.
fn need_is_managed(answers: &Answers, key: &KeyRef) -> bool {
    answers.keys.iter().any(|(need, access)| need.key == *key && access.managed)
}

fn candidate(principal: String, trusts: Vec<String>, answers: Answers) -> Candidate {
    let Answers { secret, keys, undecided, hidden, .. } = answers;
    let mut candidate = Candidate {
        principal,
        verdict: Verdict::Allowed,
        because: Vec::new(),
        conditions: Vec::new(),
        grants: Vec::new(),
        trusts,
    };
    let own = secret.explanations.into_iter().zip(secret.possible);
    let of_keys = keys.into_iter().map(|(_, access)| (access.explanation, access.possible));
    let mut reasons = Vec::new();
    for (explanation, possible) in own.chain(of_keys) {
        reasons.push(format!("{}: {}", explanation.action, explanation.reason));
        candidate.add(&explanation, possible);
    }
    if !undecided.is_empty() {
        candidate.verdict = candidate.verdict.max(Verdict::Conditional);
        candidate.conditions.extend(undecided);
    }
    if hidden {
        candidate.verdict = Verdict::Denied;
        reasons.push("the key is not there, which other accounts' callers are not told".to_owned());
    }
    if candidate.verdict != Verdict::Conditional {
        candidate.conditions.clear();
    }
    if candidate.verdict == Verdict::Denied {
        // Nothing allows it, whatever it depends on.
        candidate.grants.clear();
        candidate.because = reasons;
        // Assuming it helps nobody.
        candidate.trusts.clear();
    }
    candidate
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
            if !candidate.trusts.is_empty() {
                writeln!(f, "{:<14}can be taken on by: {}", "", candidate.trusts.join(", "))?;
            }
        }
        Ok(())
    }
}
