//! Copies to a store that takes version ids and labels as they are.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_store::{
    CreateSecret, Error, PutSecretValue, SecretId, Stage, UpdateSecret, UpdateSecretVersionStage, VersionId,
};

use crate::digest::{Digest, Digests};
use crate::fits::Fit;
use crate::migration::Migration;
use crate::secret::{conflict, digests_of, look};
use crate::state::{Read, SecretState};

/// Labels an unlabeled version while it is written: a put without a label would make it current.
const COPYING: &str = "strongroom-copying";

impl Migration<'_> {
    /// Copies what is missing. Returns how many versions were written; `None` if nothing changed.
    pub(crate) async fn copy_by_id(
        &self,
        digests: &Digests,
        source: &SecretState,
        fit: &mut Fit,
        there: Option<SecretState>,
        target: &str,
        key: Option<String>,
    ) -> Result<Option<usize>, Error> {
        let (store, cx) = self.to;
        let name = SecretId::new(target);
        let id_of = |version: &VersionId| self.target_id(source, version);
        let mut written = 0;
        let mut changed = there.is_none();
        let mut present = BTreeMap::new();
        if let Some(there) = &there {
            present = digests_of(self.to, there, digests).await?;
            self.is_part_of(source, fit, there, &present)?;
            changed |= self.settle_key(there, key).await?;
        } else {
            // Put the policy first, so that only permitted callers can read, then the current
            // version, so that no reader sees an older one.
            let current = fit.versions.iter().find(|read| read.stages.contains(&Stage::CURRENT));
            let current = current.filter(|_| fit.policy.is_none());
            let mut create = CreateSecret::new(target);
            create.description = source.metadata.description.clone().filter(|text| !text.is_empty());
            create.tags.clone_from(&fit.tags);
            create.kms_key_id = key;
            if let Some(read) = current {
                let id = id_of(&read.version_id);
                present.insert(id.clone(), read.digest);
                create = create.value(read.value.clone()).token(id);
                written += 1;
            }
            store.create_secret(cx, create).await?;
        }
        if present.is_empty() {
            let now = look(self.to, &name).await?;
            changed |= self.copy_policy(fit, &now).await?;
        }
        // The current version first here too: a secret's first version becomes current, whatever
        // its labels.
        let is_current = |read: &&Read| read.stages.contains(&Stage::CURRENT);
        let others = fit.versions.iter().filter(|read| !is_current(read));
        for read in fit.versions.iter().filter(is_current).chain(others) {
            let id = id_of(&read.version_id);
            if present.contains_key(&id) {
                continue;
            }
            let mut put = PutSecretValue::new(name.clone(), read.value.clone()).token(id);
            if read.stages.is_empty() {
                put = put.stage(COPYING);
            }
            put = read.stages.iter().fold(put, |put, stage| put.stage(stage.clone()));
            store.put_secret_value(cx, put).await?;
            written += 1;
        }
        let wanted: BTreeMap<VersionId, BTreeSet<Stage>> =
            fit.versions.iter().map(|read| (id_of(&read.version_id), read.stages.clone())).collect();
        let (moved, now) = self.move_labels(&name, &wanted).await?;
        changed |= moved;
        changed |= self.copy_attributes(source, fit, &now).await?;
        // Read back, unless nothing has changed since the last read.
        let untouched = written == 0 && !changed;
        let stored = if untouched { present } else { digests_of(self.to, &now, digests).await? };
        for read in &fit.versions {
            let id = id_of(&read.version_id);
            if stored.get(&id) != Some(&read.digest) {
                return Err(conflict(format!("version {id} was not read back as it was written")));
            }
            let held = now.versions.iter().find(|version| version.version_id == id);
            if held.is_none_or(|held| held.stages != read.stages) {
                return Err(conflict(format!(
                    "the labels of version {id} were moved at the target meanwhile"
                )));
            }
        }
        Ok((changed || written > 0).then_some(written))
    }

    /// Checks that the target's secret is an earlier state of the source's, not a different secret.
    fn is_part_of(
        &self,
        source: &SecretState,
        fit: &Fit,
        there: &SecretState,
        present: &BTreeMap<VersionId, Digest>,
    ) -> Result<(), Error> {
        let id_of = |version: &VersionId| self.target_id(source, version);
        let own: BTreeMap<_, _> =
            fit.versions.iter().map(|read| (id_of(&read.version_id), read.digest)).collect();
        let differs = |(id, digest): &(&VersionId, &Digest)| own.get(*id).is_some_and(|own| own != *digest);
        if let Some((id, _)) = present.iter().find(differs) {
            return Err(conflict(format!("version {id} has another value at the target")));
        }
        if self.overwrite {
            return Ok(());
        }
        // An earlier run may have copied versions that this one leaves out.
        let known: BTreeSet<_> = source.versions.iter().map(|version| id_of(&version.version_id)).collect();
        if let Some(id) = present.keys().find(|id| !known.contains(*id)) {
            return Err(conflict(format!(
                "there is another secret of this name at the target, or it was changed there: its version {id} is not the source's; overwrite() keeps it without labels"
            )));
        }
        let current = source.holder(&Stage::CURRENT).map(id_of);
        let moved =
            current.is_some_and(|id| present.contains_key(&id) && there.holder(&Stage::CURRENT) != Some(&id));
        if moved {
            return Err(conflict(
                "another of its versions is the current one at the target: one of the two was rolled back; overwrite() follows the source",
            ));
        }
        let labels = |known: &SecretState| -> BTreeSet<Stage> {
            known.versions.iter().flat_map(|version| version.stages.iter().cloned()).collect()
        };
        let (here, mut foreign) = (labels(source), labels(there));
        foreign.remove(&Stage::new(COPYING));
        // These labels come and go on their own; a rotation at the target would have created a
        // version that the check above finds.
        foreign.remove(&Stage::PREVIOUS);
        foreign.remove(&Stage::PENDING);
        if let Some(label) = foreign.difference(&here).next() {
            return Err(conflict(format!(
                "the label {label} is in use at the target; overwrite() takes it away"
            )));
        }
        Ok(())
    }

    /// Moves the target's secret from the managed key to the customer key it should have.
    async fn settle_key(&self, there: &SecretState, key: Option<String>) -> Result<bool, Error> {
        let Some(key) = key.filter(|_| there.metadata.kms_key_id.is_none()) else { return Ok(false) };
        if !(there.versions.is_empty() || self.overwrite) {
            return Err(conflict(format!(
                "the target's secret is under the managed key, not under {key}; overwrite() moves it"
            )));
        }
        let (store, cx) = self.to;
        store.update_secret(cx, UpdateSecret::new(there.id()).kms_key_id(key)).await?;
        Ok(true)
    }

    /// Moves each label to where it is at the source, `AWSCURRENT` first, because others follow it.
    /// Returns whether anything moved, and the target's new state.
    async fn move_labels(
        &self,
        id: &SecretId,
        wanted: &BTreeMap<VersionId, BTreeSet<Stage>>,
    ) -> Result<(bool, SecretState), Error> {
        let (store, cx) = self.to;
        let holder = |stage: &Stage| {
            wanted.iter().find(|(_, stages)| stages.contains(stage)).map(|(version, _)| version)
        };
        let mut changed = false;
        let mut now = look(self.to, id).await?;
        let pair = holder(&Stage::CURRENT).zip(now.holder(&Stage::CURRENT));
        if let Some((to, from)) = pair.filter(|(to, from)| to != from) {
            let step =
                UpdateSecretVersionStage::new(id.clone(), Stage::CURRENT).remove_from(from).move_to(to);
            store.update_secret_version_stage(cx, step).await?;
            now = look(self.to, id).await?;
            changed = true;
        }
        let mut stages: BTreeSet<&Stage> = wanted.values().flatten().collect();
        stages.extend(now.versions.iter().flat_map(|version| &version.stages));
        stages.remove(&Stage::CURRENT);
        let mut others = false;
        for stage in stages {
            let (to, from) = (holder(stage), now.holder(stage));
            if to == from {
                continue;
            }
            let mut step = UpdateSecretVersionStage::new(id.clone(), stage.clone());
            (step.remove_from, step.move_to) = (from.cloned(), to.cloned());
            store.update_secret_version_stage(cx, step).await?;
            others = true;
        }
        if others {
            now = look(self.to, id).await?;
        }
        Ok((changed || others, now))
    }
}
