//! One secret.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_store::{
    Error, ErrorKind, GetSecretValue, ListSecretVersionIds, SecretId, SecretMetadata, SecretValue, Stage,
    VersionId, VersionMetadata,
};

use crate::digest::{Digest, Digests};
use crate::fits::Fit;
use crate::migration::{Migration, Side};
use crate::report::{Outcome, SecretReport};

/// All there is to know of a secret but its values.
pub(crate) struct Known {
    pub(crate) metadata: SecretMetadata,
    /// Those that have a value, oldest first, the current one last where dates are equal.
    pub(crate) versions: Vec<VersionMetadata>,
    pub(crate) policy: Option<String>,
}

impl Known {
    pub(crate) fn id(&self) -> SecretId {
        // By ARN: a secret deleted and made again in between is another one.
        SecretId::new(String::from(self.metadata.arn.clone()))
    }

    pub(crate) fn holder(&self, stage: &Stage) -> Option<&VersionId> {
        let holds = |version: &&VersionMetadata| version.stages.contains(stage);
        self.versions.iter().find(holds).map(|version| &version.version_id)
    }
}

/// A version of the source, read.
pub(crate) struct Read {
    pub(crate) version_id: VersionId,
    pub(crate) stages: BTreeSet<Stage>,
    pub(crate) value: SecretValue,
    pub(crate) digest: Digest,
}

/// What is under a name in a store.
pub(crate) async fn look((store, cx): Side<'_>, id: &SecretId) -> Result<Known, Error> {
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
    // No order is promised by every store.
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
    Ok(Known { metadata, versions, policy })
}

/// Reads versions of a secret.
pub(crate) async fn read(
    (store, cx): Side<'_>,
    known: &Known,
    digests: &Digests,
) -> Result<Vec<Read>, Error> {
    let mut all = Vec::with_capacity(known.versions.len());
    for version in &known.versions {
        let request = GetSecretValue::new(known.id()).version_id(&version.version_id);
        let value = store.get_secret_value(cx, request).await?.value;
        let digest = digests.of(&value);
        let (version_id, stages) = (version.version_id.clone(), version.stages.clone());
        all.push(Read { version_id, stages, value, digest });
    }
    Ok(all)
}

/// The digests of a secret's versions.
pub(crate) async fn digests_of(
    side: Side<'_>,
    known: &Known,
    digests: &Digests,
) -> Result<BTreeMap<VersionId, Digest>, Error> {
    let read = read(side, known, digests).await?;
    Ok(read.into_iter().map(|version| (version.version_id, version.digest)).collect())
}

pub(crate) fn conflict(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Exists, text.into())
}

impl Migration<'_> {
    pub(crate) fn failed(&self, secret: &SecretMetadata, target: String, error: Error) -> SecretReport {
        let outcome = Outcome::Failed(error);
        SecretReport { name: secret.name.clone(), target, outcome, left_out: Vec::new() }
    }

    /// Copies one secret, and says what came of it.
    pub(crate) async fn copy(
        &self,
        digests: &Digests,
        secret: &SecretMetadata,
        target: String,
    ) -> SecretReport {
        let mut left_out = Vec::new();
        let outcome = match self.attempt(digests, secret, &target, &mut left_out).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error),
        };
        SecretReport { name: secret.name.clone(), target, outcome, left_out }
    }

    async fn attempt(
        &self,
        digests: &Digests,
        secret: &SecretMetadata,
        target: &str,
        left_out: &mut Vec<String>,
    ) -> Result<Outcome, Error> {
        if secret.deleted.is_some() {
            return Ok(Outcome::Skipped("it is marked for deletion".to_owned()));
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
        let there = match look(self.to, &SecretId::new(target)).await {
            Ok(known) if known.metadata.deleted.is_some() => {
                return Err(conflict("the secret of this name at the target is marked for deletion"));
            }
            Ok(known) => Some(known),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let key = self.key_for(&source)?;
        if self.dry_run {
            return Ok(self.would(&source, there.as_ref()));
        }
        let versions = read(self.from, &source, digests).await?;
        let fit = Fit::of(self.to.0.capabilities(), &source, versions);
        if let Some(first) = fit.left_out.first().filter(|_| !self.leave_out) {
            let text =
                format!("the target cannot hold {first}; leave_out_what_does_not_fit() copies the rest");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        left_out.clone_from(&fit.left_out);
        let written = if self.keeps_ids() {
            self.copy_by_id(digests, &source, &fit, there, target, key).await?
        } else {
            self.copy_by_order(digests, &source, &fit, there, target, key).await?
        };
        let now = self.from.0.describe_secret(self.from.1, &source.id()).await?;
        if now.last_changed != source.metadata.last_changed {
            return Err(conflict("it was changed at the source while it was copied: run again"));
        }
        Ok(written.map_or(Outcome::Unchanged, |versions| Outcome::Copied { versions }))
    }

    /// Whether the target takes version ids and labels as they are.
    pub(crate) fn keeps_ids(&self) -> bool {
        let can = self.to.0.capabilities();
        can.token_is_version_id && can.free_stages
    }

    fn would(&self, source: &Known, there: Option<&Known>) -> Outcome {
        let Some(there) = there else {
            return Outcome::Would { create: true, versions: source.versions.len() };
        };
        let ids: BTreeSet<_> = there.versions.iter().map(|version| &version.version_id).collect();
        let missing = source.versions.iter().filter(|version| !ids.contains(&self.id_for(source, version)));
        Outcome::Would { create: false, versions: missing.count() }
    }

    /// The id of a version at a target that takes ids.
    pub(crate) fn id_for(&self, source: &Known, version: &VersionMetadata) -> VersionId {
        self.target_id(source, &version.version_id)
    }

    pub(crate) fn target_id(&self, source: &Known, version: &VersionId) -> VersionId {
        if self.from.0.capabilities().token_is_version_id {
            version.clone()
        } else {
            crate::digest::stable_id(source.metadata.arn.as_str(), version)
        }
    }

    /// The key at the target. `None`: the managed one.
    fn key_for(&self, source: &Known) -> Result<Option<String>, Error> {
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
            "it is under the customer key {key}: say which key of the target takes its place, key(..), or managed_key()"
        );
        Err(Error::new(ErrorKind::InvalidParameter, text))
    }
}
