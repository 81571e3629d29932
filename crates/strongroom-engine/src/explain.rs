//! What an operation on a secret needs, and what the caller's policies and the secret's say to it. Reads only.

use std::collections::BTreeSet;

use strongroom_envelope::EncryptionContext;
use strongroom_kms::{GrantOperation, KeyRef};
use strongroom_policy::{Decision, Detail, Effect, Explanation, Policies, Possible, PrincipalName, Request};
use strongroom_store::{Error, Operation, SecretId, Stage};
use strongroom_types::CallContext;

use crate::engine::Engine;
use crate::head::{Head, Version};
use crate::permission::{About, NO_SUFFIX, RequestFacts, documents};
use crate::seal::context;

/// A version that is yet to be made has no id yet.
const NEW_VERSION: &str = "00000000-0000-0000-0000-000000000000";

/// What an operation needs of a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyNeed {
    /// The permission.
    pub permission: GrantOperation,
    /// The key, as the engine names it to the key service.
    pub key: KeyRef,
    /// The encryption context.
    pub context: EncryptionContext,
}

/// What the engine decides about an operation of a caller on a secret, and what it leaves to the key service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecretAccess {
    /// The secret's ARN; the name as given where there is no such secret.
    pub secret: String,
    /// Each permission of Secrets Manager that is needed, explained.
    pub explanations: Vec<Explanation>,
    /// What is refused, in AWS's words; the first thing that is.
    pub denial: Option<String>,
    /// What comes of it if the caller's circumstances are left open, in the order of the explanations.
    pub possible: Vec<Possible>,
    /// What is needed of keys.
    pub keys: Vec<KeyNeed>,
    /// What stands in the way beside permission: that the secret is not there, or marked for deletion.
    pub notes: Vec<String>,
}

/// Whom the policy of a secret names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretPrincipals {
    /// ARNs of users, roles and sessions; names of services.
    pub names: BTreeSet<String>,
    /// Accounts, in twelve digits.
    pub accounts: BTreeSet<String>,
    /// Whether the policy allows something to everybody, maybe on conditions.
    pub everybody: bool,
}

/// Whether an operation changes what only a service may change of the secrets that it manages.
fn changes(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutSecretValue
            | Operation::UpdateSecret
            | Operation::UpdateSecretVersionStage
            | Operation::DeleteSecret
            | Operation::RestoreSecret
    )
}

/// Labelled versions that are under another key than the current one: who may read those is that key's to say.
fn under_other_keys(head: &Head) -> Vec<String> {
    let key = |version: &Version| version.sealed.as_ref().map(|sealed| sealed.key.clone());
    let current = head.holder(&Stage::CURRENT).and_then(key);
    let others = head
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty() && version.sealed.is_some() && key(version) != current);
    let told = others.filter_map(|version| {
        let stages: Vec<String> = version.stages.iter().map(ToString::to_string).collect();
        let (stages, id) = (stages.join(", "), &version.id);
        Some(format!(
            "the version {id} ({stages}) is under another key, {}, which is not looked at here",
            key(version)?
        ))
    });
    told.collect()
}

/// What policies were asked for.
struct Needs<'a> {
    operations: Vec<(Operation, About<'a>)>,
    keys: Vec<KeyNeed>,
}

impl Engine {
    /// What an operation of `cx` on a secret comes to, as it would be decided if it were tried: with the current value, a new value of
    /// the secret's own key, nothing else said. Whoever asks is not asked for permission: do so before.
    ///
    /// # Errors
    /// [`strongroom_store::ErrorKind::Validation`] and the like for what is no secret's name; storage and damage.
    pub async fn explain(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        detail: Detail,
    ) -> Result<SecretAccess, Error> {
        let target = id.target(self.realm())?;
        let found = self.named(cx, id).await?.map(|found| found.head);
        let new = Head::new(target.name().to_owned(), NO_SUFFIX.to_owned(), self.now());
        let mut notes = Vec::new();
        let needs = self.needs(cx, operation, found.as_deref(), &new, id)?;
        match (&found, operation) {
            (Some(head), Operation::CreateSecret) => notes.push(format!("the secret {} exists", head.name)),
            (Some(head), _) if head.deleted.is_some() => {
                notes.push("the secret is marked for deletion".to_owned());
            }
            (None, Operation::CreateSecret) => {}
            (None, _) => notes.push("there is no such secret".to_owned()),
            (Some(head), operation) if changes(operation) => {
                if let Err(error) = self.may_change(head) {
                    notes.push(error.message().to_owned());
                }
            }
            _ => {}
        }
        if operation == Operation::GetSecretValue
            && let Some(head) = &found
        {
            notes.extend(under_other_keys(head));
        }
        let subject = self.subject(cx).await?;
        let policy = match &found {
            Some(head) => head.resource_policy()?,
            None => None,
        };
        let mut access = SecretAccess {
            secret: found.as_ref().map_or_else(|| id.to_string(), |head| head.arn(self.realm()).to_string()),
            explanations: Vec::new(),
            denial: None,
            possible: Vec::new(),
            keys: needs.keys,
            notes,
        };
        for (operation, about) in needs.operations {
            let asked = match operation {
                Operation::CreateSecret => RequestFacts::nothing().with("secretsmanager:Name", target.name()),
                _ => RequestFacts::nothing(),
            };
            let request = self.request(&subject, operation, about, &asked);
            // What is about no secret that is there has no policy of its own, and gets none.
            let own = matches!(about, About::Secret(_));
            let policies = documents(&subject, policy.as_ref().filter(|_| own)).fixed(!own);
            access.note(&policies, &request, about.in_denials(operation, &request), detail);
        }
        Ok(access)
    }

    /// What is asked of policies, and of keys.
    fn needs<'a>(
        &self,
        cx: &CallContext,
        operation: Operation,
        found: Option<&'a Head>,
        new: &'a Head,
        id: &'a SecretId,
    ) -> Result<Needs<'a>, Error> {
        let about = found.map_or(About::Given(id.as_str()), About::Secret);
        let mut operations = vec![(operation, about)];
        let mut keys = Vec::new();
        let seal = |head: &Head, keys: &mut Vec<KeyNeed>| -> Result<(), Error> {
            let (key, _) = self.key_for(cx, head.kms_key_id.as_deref())?;
            let context = context(self, head, NEW_VERSION)?;
            keys.push(KeyNeed { permission: GrantOperation::GenerateDataKey, key, context });
            Ok(())
        };
        match operation {
            Operation::CreateSecret => {
                operations = vec![(operation, About::New(new))];
                seal(new, &mut keys)?;
            }
            Operation::PutSecretValue | Operation::UpdateSecret => {
                if let Some(head) = found {
                    seal(head, &mut keys)?;
                }
            }
            Operation::GetSecretValue | Operation::BatchGetSecretValue => {
                if operation == Operation::BatchGetSecretValue {
                    operations = vec![(operation, About::Nothing), (Operation::GetSecretValue, about)];
                }
                let current =
                    found.and_then(|head| head.holder(&Stage::CURRENT).map(|version| (head, version)));
                if let Some((head, version)) = current
                    && let Some(sealed) = &version.sealed
                {
                    let key = KeyRef::parse(&sealed.key).map_err(crate::error::decryption)?;
                    let context = context(self, head, version.id.as_str())?;
                    keys.push(KeyNeed { permission: GrantOperation::Decrypt, key, context });
                }
            }
            Operation::ListSecrets | Operation::GetRandomPassword => {
                operations = vec![(operation, About::Nothing)];
            }
            Operation::ValidateResourcePolicy => operations.push((Operation::PutResourcePolicy, about)),
            _ => {}
        }
        Ok(Needs { operations, keys })
    }

    /// Whom a secret's policy names. Nobody where there is no such secret.
    ///
    /// # Errors
    /// As [`Engine::explain`].
    pub async fn principals(&self, id: &SecretId) -> Result<SecretPrincipals, Error> {
        let target = id.target(self.realm())?;
        let mut named = SecretPrincipals::default();
        let Some(found) = self.find(&target).await? else { return Ok(named) };
        // By their names, not by who stands behind them.
        let mut head = Head::clone(&found.head);
        head.policy_ids.clear();
        let policy = head.resource_policy()?;
        let statements = policy.iter().flat_map(|policy| policy.statements());
        for statement in statements {
            for name in statement.principals().into_iter().flat_map(|some| some.names()) {
                match name {
                    PrincipalName::Everybody => named.everybody |= statement.effect() == Effect::Allow,
                    PrincipalName::Account(account) => {
                        named.accounts.insert(account.clone());
                    }
                    PrincipalName::Role(name) | PrincipalName::One(name) | PrincipalName::Service(name) => {
                        named.names.insert(name.clone());
                    }
                    _ => {}
                }
            }
        }
        Ok(named)
    }
}

impl SecretAccess {
    fn note(&mut self, policies: &Policies<'_>, request: &Request, resource: Option<&str>, detail: Detail) {
        let decision: Decision = policies.decide(request);
        if !decision.is_allowed() && self.denial.is_none() {
            self.denial = Some(decision.denial_of(request, resource));
        }
        self.explanations.push(policies.explain_with(request, detail));
        self.possible.push(policies.possible(request));
    }
}
