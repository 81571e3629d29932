//! Which parts of a secret a target can hold.

use std::collections::BTreeSet;

use strongroom_store::{Capabilities, Labels, Stage, Tag};

use crate::state::{Read, SecretState};

/// Versions left free at the target, so that programs can put values right after the migration.
const ROOM: usize = 10;

/// What is copied, and what is left out because the target cannot hold it.
pub(crate) struct Fit {
    /// Oldest first. If the target's newest version is always current, the current version is last
    /// and the previous one before it.
    pub(crate) versions: Vec<Read>,
    pub(crate) policy: Option<String>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) left_out: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Why the secret cannot be copied even with omissions: without its current value, another
    /// version would become current.
    pub(crate) fatal: Option<String>,
}

impl Fit {
    pub(crate) fn of(
        can: Capabilities,
        source: &SecretState,
        versions: Vec<Read>,
        policy: Option<String>,
    ) -> Self {
        let (mut left_out, mut notes, mut fatal) = (Vec::new(), Vec::new(), None);
        let mut kept: Vec<Read> = Vec::with_capacity(versions.len());
        for mut version in versions {
            if let Some(why) = unfit(can, &version) {
                if version.stages.contains(&Stage::CURRENT) {
                    fatal = Some(why.clone());
                }
                left_out.push(why);
                continue;
            }
            let id = &version.version_id;
            if !can.free_stages && version.stages.contains(&Stage::PENDING) {
                left_out.push(format!("the label AWSPENDING of version {id}"));
                version.stages.remove(&Stage::PENDING);
                // A pending version would become current.
                if version.stages.is_empty() {
                    left_out.push(format!("version {id}: it is pending"));
                    continue;
                }
            }
            if !can.custom_stages {
                let own = |stage: &&Stage| [Stage::CURRENT, Stage::PREVIOUS, Stage::PENDING].contains(stage);
                let kept: BTreeSet<Stage> = version.stages.iter().filter(own).cloned().collect();
                for stage in version.stages.difference(&kept) {
                    left_out.push(format!("the label {stage} of version {id}"));
                }
                version.stages = kept;
            }
            kept.push(version);
        }
        drop_oldest(can, &mut kept, &mut left_out);
        if !can.free_stages {
            kept.sort_by_key(|version| {
                let has = |stage: &Stage| version.stages.contains(stage);
                (has(&Stage::CURRENT), has(&Stage::PREVIOUS))
            });
        }
        // A label may be attached to a version without a value.
        for (version, stages) in &source.metadata.versions {
            if source.versions.iter().all(|known| known.version_id != *version) && !stages.is_empty() {
                left_out.push(format!("version {version}: it has no value yet"));
            }
        }
        if kept.is_empty() && !can.empty_secrets {
            fatal.get_or_insert_with(|| "a secret without a value".to_owned());
            left_out.push("a secret without a value".to_owned());
        }
        if policy.is_some() && !can.resource_policies {
            left_out.push("its resource policy".to_owned());
        }
        let policy = policy.filter(|_| can.resource_policies);
        let (own, tags): (Vec<Tag>, Vec<Tag>) = source
            .metadata
            .tags
            .clone()
            .unwrap_or_default()
            .into_iter()
            .partition(|tag| tag.key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")));
        notes.extend(own.into_iter().map(|tag| format!("the tag {} is AWS's own and not copied", tag.key)));
        Self { versions: kept, policy, tags, left_out, notes, fatal }
    }
}

/// Why the target cannot hold a version's value.
fn unfit(can: Capabilities, version: &Read) -> Option<String> {
    let (id, len) = (&version.version_id, version.value.len());
    if len > can.max_value_len {
        return Some(format!("version {id}: {len} bytes, more than {}", can.max_value_len));
    }
    (!version.value.is_text() && !can.binary_values).then(|| format!("version {id}: it is binary"))
}

/// Drops unlabeled versions that exceed the target's number of versions, oldest first, or that the
/// target cannot store without a label.
fn drop_oldest(can: Capabilities, kept: &mut Vec<Read>, left_out: &mut Vec<String>) {
    let labelled = kept.iter().filter(|version| !version.stages.is_empty()).count();
    let labels: usize = kept.iter().map(|version| version.stages.len()).sum();
    let room = can.max_versions.saturating_sub(ROOM + labelled);
    let room = if labels < Labels::MAX || !can.free_stages { room } else { 0 };
    let excess = (kept.len() - labelled).saturating_sub(room);
    if excess == 0 {
        return;
    }
    let mut dropped = 0;
    kept.retain(|version| {
        let drop = version.stages.is_empty() && dropped < excess;
        dropped += usize::from(drop);
        !drop
    });
    left_out
        .push(format!("its {excess} oldest versions without labels: the target keeps {}", can.max_versions));
}
