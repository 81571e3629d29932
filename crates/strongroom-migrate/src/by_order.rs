//! Copies to a store that numbers its versions and whose newest version is always current.

use std::collections::BTreeMap;

use strongroom_store::{
    CreateSecret, Error, PutSecretValue, SecretId, Stage, UpdateSecret, UpdateSecretVersionStage, VersionId,
};

use crate::digest::{Digest, Digests};
use crate::fits::Fit;
use crate::migration::Migration;
use crate::secret::{conflict, digests_of, look};
use crate::state::SecretState;

/// A written version: its index among those that fit, and its id at the target.
type Written = (usize, VersionId);

impl Migration<'_> {
    /// Writes the versions in order, or compares the current one if the secret exists already.
    /// Returns how many were written; `None` if nothing changed.
    pub(crate) async fn copy_by_order(
        &self,
        digests: &Digests,
        source: &SecretState,
        fit: &mut Fit,
        there: Option<SecretState>,
        target: &str,
        key: Option<String>,
    ) -> Result<Option<usize>, Error> {
        let name = SecretId::new(target);
        let mut changed = there.is_none();
        let written = match &there {
            Some(there) => self.continue_by_order(digests, source, fit, there, &name).await?,
            None => self.create_by_order(source, fit, target, key).await?,
        };
        let before = there.as_ref().map_or(0, |there| there.versions.len());
        let now = look(self.to, &name).await?;
        changed |= self.label_by_order(fit, &written, &now).await?;
        let now = look(self.to, &name).await?;
        changed |= self.copy_attributes(source, fit, &now).await?;
        let stored = digests_of(self.to, &now, digests).await?;
        for (place, id) in &written {
            if stored.get(id) != Some(&fit.versions[*place].digest) {
                return Err(conflict(format!("version {id} was not read back as it was written")));
            }
        }
        let made = now.versions.len().saturating_sub(before);
        Ok((changed || made > 0).then_some(made))
    }

    /// Creates the secret and writes the versions in order.
    async fn create_by_order(
        &self,
        source: &SecretState,
        fit: &Fit,
        target: &str,
        key: Option<String>,
    ) -> Result<Vec<Written>, Error> {
        let (store, cx) = self.to;
        let mut written = Vec::new();
        let Some((first, rest)) = fit.versions.split_first() else {
            return Err(conflict("the target has no secrets without a value"));
        };
        let mut create = CreateSecret::new(target).value(first.value.clone());
        create.description = source.metadata.description.clone().filter(|text| !text.is_empty());
        create.tags.clone_from(&fit.tags);
        create.kms_key_id = key;
        let made = store.create_secret(cx, create).await?.version_id;
        written.extend(made.map(|id| (0, id)));
        for (place, read) in rest.iter().enumerate() {
            let put =
                store.put_secret_value(cx, PutSecretValue::new(SecretId::new(target), read.value.clone()));
            written.push((place + 1, put.await?.version_id));
        }
        Ok(written)
    }

    /// Writes the missing versions.
    async fn continue_by_order(
        &self,
        digests: &Digests,
        source: &SecretState,
        fit: &Fit,
        there: &SecretState,
        name: &SecretId,
    ) -> Result<Vec<Written>, Error> {
        let (store, cx) = self.to;
        let mut written = Vec::new();
        let Some(current) = fit.versions.last() else {
            return Err(conflict("the secret has no value at the source, and one at the target"));
        };
        // Versions are identified by value and position: the target's are a prefix of the source's,
        // or share a suffix with them.
        let digests_there = digests_of(self.to, there, digests).await?;
        let newest = there.versions.last().and_then(|version| digests_there.get(&version.version_id));
        let last = fit.versions.len() - 1;
        let rest = match self.continues(fit, there, &digests_there) {
            Some(ids) => {
                let rest = ids.len();
                written.extend(ids.into_iter().enumerate());
                rest
            }
            None if newest == Some(&current.digest) => {
                let id = there.versions.last().map(|version| version.version_id.clone());
                written.extend(id.map(|id| (last, id)));
                last + 1
            }
            None if self.overwrite => last,
            None => {
                return Err(conflict(
                    "there is another secret of this name at the target, or it was changed there; overwrite() makes the source's value its newest version",
                ));
            }
        };
        for (place, read) in fit.versions.iter().enumerate().skip(rest) {
            let mut update = UpdateSecret::new(name.clone()).value(read.value.clone());
            update.description = source.metadata.description.clone().filter(|text| !text.is_empty());
            let made = store.update_secret(cx, update).await?.version_id;
            written.extend(made.map(|id| (place, id)));
        }
        Ok(written)
    }

    /// Gives the versions their custom labels. Returns whether any moved.
    async fn label_by_order(&self, fit: &Fit, written: &[Written], now: &SecretState) -> Result<bool, Error> {
        let (store, cx) = self.to;
        let mut changed = false;
        for (place, id) in written {
            let read = &fit.versions[*place];
            let own = |stage: &&Stage| ![Stage::CURRENT, Stage::PREVIOUS, Stage::PENDING].contains(stage);
            for stage in read.stages.iter().filter(own) {
                if now.holder(stage) == Some(id) {
                    continue;
                }
                let mut step = UpdateSecretVersionStage::new(now.id(), stage.clone()).move_to(id);
                step.remove_from = now.holder(stage).cloned();
                store.update_secret_version_stage(cx, step).await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The ids of the written versions, if the target's are a prefix of the source's, as after an
    /// interrupted run.
    fn continues(
        &self,
        fit: &Fit,
        there: &SecretState,
        digests: &BTreeMap<VersionId, Digest>,
    ) -> Option<Vec<VersionId>> {
        if there.versions.len() > fit.versions.len() {
            return None;
        }
        let mut pairs = fit.versions.iter().zip(&there.versions);
        let same = pairs.all(|(read, version)| digests.get(&version.version_id) == Some(&read.digest));
        same.then(|| there.versions.iter().map(|version| version.version_id.clone()).collect())
    }
}
