//! Asking the store, its key service and its directory.

use strongroom_engine::{Engine, KeyNeed, SecretAccess};
use strongroom_iam::Iam;
use strongroom_kms::{ErrorKind as KeyErrorKind, KeyRef, KeyState};
use strongroom_local_kms::{KeyAccess, LocalKms};
use strongroom_policy::Detail;
use strongroom_store::{Error, ErrorKind, Operation, SecretId};
use strongroom_types::CallContext;

use crate::access::AccessReport;

/// The engine's refusal if the key service refuses.
const NO_KMS: &str = "Access to KMS is not allowed";

/// The engine's refusal to callers of other accounts if a secret is under the managed key.
const DEFAULT_KEY: &str = "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";

const ONLY_OWN: &str =
    "the key that AWS manages is for callers of this account only: others need a secret under a customer key";

/// A store with its key service and its directory, which together know who may do what.
///
/// It checks no permission itself: use it only for those who may know all policies.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) engine: Engine,
    pub(crate) kms: Option<LocalKms>,
    pub(crate) iam: Iam,
}

/// What store and key service would decide about one operation of one caller.
pub(crate) struct Answers {
    pub(crate) secret: SecretAccess,
    pub(crate) keys: Vec<(KeyNeed, KeyAccess)>,
    pub(crate) notes: Vec<String>,
    /// What cannot be decided here.
    pub(crate) undecided: Vec<String>,
    /// A key does not exist. Callers of another account do not learn that: they are refused.
    pub(crate) hidden: bool,
    /// A key is the managed one, and the caller belongs to another account.
    pub(crate) default_key: bool,
}

impl Access {
    /// Over an engine, the key service as the engine has it (the handle that acts for Secrets
    /// Manager; nothing where keys are kept elsewhere and nobody here knows who may use them), and
    /// the directory that both ask.
    #[must_use]
    pub(crate) fn new(engine: Engine, kms: Option<LocalKms>, iam: Iam) -> Self {
        Self { engine, kms, iam }
    }

    pub(crate) async fn ask(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        detail: Detail,
    ) -> Result<Answers, Error> {
        let mut secret = self.engine.explain(cx, operation, id, detail).await?;
        let mut notes = std::mem::take(&mut secret.notes);
        let (mut keys, mut undecided, mut hidden) = (Vec::new(), Vec::new(), false);
        let foreign = cx.is_foreign_to(self.engine.realm().account());
        let mut default_key = false;
        for need in secret.keys.drain(..) {
            let alias =
                matches!(&need.key, KeyRef::Alias(name) | KeyRef::AliasArn(_, name) if name.is_reserved());
            default_key |= foreign && alias;
            let Some(kms) = &self.kms else {
                undecided.push(format!(
                    "kms:{} of {} is its own key service's to decide",
                    need.permission, need.key
                ));
                continue;
            };
            match kms.explain(cx, need.permission, &need.key, &need.context, detail).await {
                Ok(access) => {
                    if access.state != KeyState::Enabled {
                        notes.push(format!("the key {} is {}", need.key, access.state));
                    }
                    // Services belong to no account.
                    let outside = cx.caller().account() != Some(self.engine.realm().account().as_str());
                    if access.managed && outside && !access.explanation.allowed {
                        notes.push(ONLY_OWN.to_owned());
                    }
                    default_key |= foreign && access.managed;
                    keys.push((need, access));
                }
                Err(error) if error.kind() == KeyErrorKind::NotFound => {
                    notes.push(format!("the key {} does not exist", need.key));
                    hidden |= foreign;
                }
                Err(error) => return Err(key_service(error)),
            }
        }
        Ok(Answers { secret, keys, notes, undecided, hidden, default_key })
    }

    /// Why a caller may do this with a secret, or not: each permission that is needed, each
    /// document that was looked at, each of its statements, and what would help. Of reads, those of
    /// the current value; of writes, under the secret's own key.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] and the like for an invalid name of a secret; storage and damage.
    pub(crate) async fn explain(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
    ) -> Result<AccessReport, Error> {
        let answers = self.ask(cx, operation, id, Detail::Everything).await?;
        let Answers { secret, keys, mut notes, undecided, hidden, default_key } = answers;
        notes.extend(undecided);
        let by_key = hidden || keys.iter().any(|(_, access)| !access.explanation.allowed);
        let by_key = if default_key { Some(DEFAULT_KEY) } else { by_key.then_some(NO_KMS) };
        let denial = secret.denial.or_else(|| by_key.map(str::to_owned));
        let mut permissions = secret.explanations;
        permissions.extend(keys.into_iter().map(|(_, access)| access.explanation));
        Ok(AccessReport {
            caller: cx.caller().to_string(),
            operation: operation.name(),
            secret: secret.secret,
            allowed: denial.is_none(),
            error: denial,
            permissions,
            notes,
        })
    }
}

/// An error of the key service as one of a store.
fn key_service(error: strongroom_kms::Error) -> Error {
    let kind = match error.kind() {
        KeyErrorKind::Tampered => ErrorKind::Tampered,
        KeyErrorKind::StoreChanged => ErrorKind::StoreChanged,
        KeyErrorKind::Throttled | KeyErrorKind::Conflict => ErrorKind::Throttled,
        KeyErrorKind::AccessDenied => ErrorKind::AccessDenied,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, "the key service failed").because(error)
}

/// An error of the directory as one of a store.
pub(crate) fn directory(error: strongroom_iam::Error) -> Error {
    use strongroom_iam::ErrorKind as Iam;
    let kind = match error.kind() {
        Iam::Tampered => ErrorKind::Tampered,
        Iam::StoreChanged => ErrorKind::StoreChanged,
        Iam::Throttled => ErrorKind::Throttled,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, "the directory failed").because(error)
}
