//! Copies one secret.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_store::{
    Error, ErrorKind, GetSecretValue, ListSecretVersionIds, SecretId, SecretMetadata, Stage, VersionId,
    VersionMetadata,
};

use crate::digest::{Digest, Digests};
use crate::fits::Fit;
use crate::migration::{Migration, Side};
use crate::report::{Outcome, SecretReport};
use crate::state::{Read, SecretState};

/// Reads the state of a secret, without values.
pub(crate) async fn look((store, cx): Side<'_>, id: &SecretId) -> Result<SecretState, Error> {
    let metadata = store.describe_secret(cx, id).await?;
    let mut request = ListSecretVersionIds::new(id.clone()).include_deprecated();
    let mut versions = Vec::new();
    if metadata.deleted.is_none() {
        loop {
            let page = store.list_secret_version_ids(cx, request.clone()).await?;
            versions.extend(page.versions);
            match page.next_token {
                Some(token) => request.next_token = Some(token),
                None => break,
            }
        }
    }
    // Not every store guarantees an order.
    let rank = |version: &VersionMetadata| {
        let has = |stage: &Stage| version.stages.contains(stage);
        (version.created, has(&Stage::PENDING), has(&Stage::CURRENT), has(&Stage::PREVIOUS))
    };
    versions.sort_by_key(rank);
    let policy = if store.capabilities().resource_policies && metadata.deleted.is_none() {
        store.get_resource_policy(cx, id).await?.policy
    } else {
        None
    };
    Ok(SecretState { metadata, versions, policy })
}

/// Reads the versions of a secret. With `unread`, unlabeled versions that cannot be read (their key
/// may be gone) are listed there instead of failing.
pub(crate) async fn read(
    (store, cx): Side<'_>,
    known: &SecretState,
    digests: &Digests,
    mut unread: Option<&mut Vec<String>>,
) -> Result<Vec<Read>, Error> {
    let mut all = Vec::with_capacity(known.versions.len());
    for version in &known.versions {
        let request = GetSecretValue::new(known.id()).version_id(&version.version_id);
        let value = match (store.get_secret_value(cx, request).await, &mut unread) {
            (Ok(read), _) => read.value,
            (Err(error), Some(unread)) if version.stages.is_empty() && of_one(error.kind()) => {
                unread.push(format!("version {}: it cannot be read ({})", version.version_id, error.code()));
                continue;
            }
            (Err(error), _) => return Err(error),
        };
        let digest = digests.of(&value);
        let (version_id, stages) = (version.version_id.clone(), version.stages.clone());
        all.push(Read { version_id, stages, value, digest });
    }
    Ok(all)
}

/// Whether an error concerns a single version.
fn of_one(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DecryptionFailure
            | ErrorKind::AccessDenied
            | ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::MarkedForDeletion
    )
}

/// The digests of a secret's versions.
pub(crate) async fn digests_of(
    side: Side<'_>,
    known: &SecretState,
    digests: &Digests,
) -> Result<BTreeMap<VersionId, Digest>, Error> {
    let read = read(side, known, digests, None).await?;
    Ok(read.into_iter().map(|version| (version.version_id, version.digest)).collect())
}

pub(crate) fn conflict(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Exists, text.into())
}

impl Migration<'_> {
    pub(crate) fn failed(&self, secret: &SecretMetadata, target: String, error: Error) -> SecretReport {
        let outcome = Outcome::Failed(error);
        SecretReport { name: secret.name.clone(), target, outcome, left_out: Vec::new(), notes: Vec::new() }
    }

    /// Copies one secret and reports the outcome.
    pub(crate) async fn copy(
        &self,
        digests: &Digests,
        secret: &SecretMetadata,
        target: String,
    ) -> SecretReport {
        let mut told = SecretReport {
            name: secret.name.clone(),
            target,
            outcome: Outcome::Unchanged,
            left_out: Vec::new(),
            notes: Vec::new(),
        };
        told.outcome = match self.attempt(digests, secret, &mut told).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error),
        };
        told
    }

    async fn attempt(
        &self,
        digests: &Digests,
        secret: &SecretMetadata,
        told: &mut SecretReport,
    ) -> Result<Outcome, Error> {
        let marked = || Ok(Outcome::Skipped("it is marked for deletion".to_owned()));
        if secret.deleted.is_some() {
            return marked();
        }
        if let Some(service) = &secret.owning_service {
            return Ok(Outcome::Skipped(format!("it is managed by {service}")));
        }
        let source_id = SecretId::new(String::from(secret.arn.clone()));
        let source = match look(self.from, &source_id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Outcome::Skipped("it was deleted meanwhile".to_owned()));
            }
            found => found?,
        };
        if source.metadata.deleted.is_some() {
            return marked();
        }
        let there = match look(self.to, &SecretId::new(&told.target)).await {
            Ok(known) if known.metadata.deleted.is_some() => {
                return Err(conflict("the secret of this name at the target is marked for deletion"));
            }
            Ok(known) => Some(known),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let key = self.key_for(&source)?;
        let policy = self.policy_for(&source)?;
        if self.dry_run {
            return self.would(&source, there.as_ref());
        }
        let mut unread = Vec::new();
        let versions = read(self.from, &source, digests, Some(&mut unread)).await?;
        let mut fit = Fit::of(self.to.0.capabilities(), &source, versions, policy);
        fit.left_out.append(&mut unread);
        if let Some(why) = &fit.fatal {
            let text = format!("the target cannot hold {why}");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        if let Some(first) = fit.left_out.first().filter(|_| !self.leave_out) {
            let text =
                format!("the target cannot hold {first}; leave_out_what_does_not_fit() copies the rest");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        told.left_out.clone_from(&fit.left_out);
        let target = told.target.as_str();
        let written = if self.keeps_ids() {
            self.copy_by_id(digests, &source, &mut fit, there, target, key).await?
        } else {
            self.copy_by_order(digests, &source, &mut fit, there, target, key).await?
        };
        told.notes = fit.notes;
        let now = self.from.0.describe_secret(self.from.1, &source.id()).await?;
        if now.last_changed != source.metadata.last_changed {
            let text = "it was changed at the source while it was copied: run again";
            return Err(Error::new(ErrorKind::Throttled, text));
        }
        Ok(written.map_or(Outcome::Unchanged, |versions| Outcome::Copied { versions }))
    }

    /// Whether the target takes version ids and labels as they are.
    pub(crate) fn keeps_ids(&self) -> bool {
        let can = self.to.0.capabilities();
        can.token_is_version_id && can.free_stages
    }

    fn would(&self, source: &SecretState, there: Option<&SecretState>) -> Result<Outcome, Error> {
        let Some(there) = there else {
            return Ok(Outcome::Would { create: true, versions: source.versions.len() });
        };
        if !self.keeps_ids() {
            // The target identifies versions by value, and a dry run reads no values.
            let versions = source.versions.len().saturating_sub(there.versions.len());
            return Ok(Outcome::Would { create: false, versions });
        }
        let own: BTreeSet<_> =
            source.versions.iter().map(|version| self.target_id(source, &version.version_id)).collect();
        let ids: BTreeSet<_> = there.versions.iter().map(|version| version.version_id.clone()).collect();
        if let Some(id) = ids.difference(&own).next().filter(|_| !self.overwrite) {
            return Err(conflict(format!(
                "there is another secret of this name at the target, or it was changed there: its version {id} is not the source's"
            )));
        }
        Ok(Outcome::Would { create: false, versions: own.difference(&ids).count() })
    }

    /// The id of a version at a target that takes ids.
    pub(crate) fn target_id(&self, source: &SecretState, version: &VersionId) -> VersionId {
        if self.from.0.capabilities().token_is_version_id {
            version.clone()
        } else {
            crate::digest::stable_id(source.metadata.arn.as_str(), version)
        }
    }

    /// The policy at the target.
    fn policy_for(&self, source: &SecretState) -> Result<Option<String>, Error> {
        let Some(policy) = &source.policy else { return Ok(None) };
        if let Some(map) = &self.policies {
            return Ok(map(policy));
        }
        let target = self.to.1.caller().account();
        if target.is_none_or(|target| target == source.metadata.arn.account()) {
            return Ok(Some(policy.clone()));
        }
        let text = "its resource policy names principals of another account: map it with policy(..)";
        Err(Error::new(ErrorKind::InvalidParameter, text))
    }

    /// The key at the target; `None` for the managed key.
    fn key_for(&self, source: &SecretState) -> Result<Option<String>, Error> {
        let Some(key) = source.metadata.kms_key_id.as_deref().filter(|key| !key.starts_with("alias/aws/"))
        else {
            return Ok(None);
        };
        if let Some(mapped) = self.keys.as_ref().and_then(|map| map(key)) {
            return Ok(Some(mapped));
        }
        if self.managed_key {
            return Ok(None);
        }
        let text = format!(
            "it is encrypted under the customer key {key}: map it to a key of the target with key(..), or use managed_key()"
        );
        Err(Error::new(ErrorKind::InvalidParameter, text))
    }
}
