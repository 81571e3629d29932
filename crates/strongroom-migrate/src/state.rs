//! The state of a secret.

use std::collections::BTreeSet;

use strongroom_store::{SecretId, SecretMetadata, SecretValue, Stage, VersionId, VersionMetadata};

use crate::digest::Digest;

/// A secret without its values.
pub(crate) struct SecretState {
    pub(crate) metadata: SecretMetadata,
    /// The versions that have a value, oldest first. See `look` for the order of equal dates.
    pub(crate) versions: Vec<VersionMetadata>,
    pub(crate) policy: Option<String>,
}

impl SecretState {
    pub(crate) fn id(&self) -> SecretId {
        // By ARN: a secret deleted and recreated in between is a different one.
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
