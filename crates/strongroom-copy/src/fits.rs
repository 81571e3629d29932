//! What of a secret a target can hold.

use std::collections::BTreeSet;

use strongroom_store::{Capabilities, Stage};

use crate::secret::{Known, Read};

/// What is copied, and what is left out because the target cannot hold it.
pub(crate) struct Fit {
    /// Oldest first; where the newest version is the current one at the target, the current one last and the previous before it.
    pub(crate) versions: Vec<Read>,
    pub(crate) policy: Option<String>,
    pub(crate) left_out: Vec<String>,
}

impl Fit {
    pub(crate) fn of(can: Capabilities, source: &Known, versions: Vec<Read>) -> Self {
        let mut left_out = Vec::new();
        let mut kept: Vec<Read> = Vec::with_capacity(versions.len());
        for mut version in versions {
            let id = &version.version_id;
            if version.value.len() > can.max_value_len {
                left_out.push(format!(
                    "version {id}: {} bytes, more than {}",
                    version.value.len(),
                    can.max_value_len
                ));
                continue;
            }
            if !version.value.is_text() && !can.binary_values {
                left_out.push(format!("version {id}: it is binary"));
                continue;
            }
            if !can.free_stages && version.stages.contains(&Stage::PENDING) {
                left_out.push(format!("the label AWSPENDING of version {id}"));
                version.stages.remove(&Stage::PENDING);
                // What is only pending would become the current version.
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
        if !can.free_stages {
            kept.sort_by_key(|version| {
                let has = |stage: &Stage| version.stages.contains(stage);
                (has(&Stage::CURRENT), has(&Stage::PREVIOUS))
            });
        }
        // A label may be on a version that has no value yet.
        for (version, stages) in &source.metadata.versions {
            if source.versions.iter().all(|known| known.version_id != *version) && !stages.is_empty() {
                left_out.push(format!("version {version}: it has no value yet"));
            }
        }
        if kept.is_empty() && !can.empty_secrets {
            left_out.push("a secret without a value".to_owned());
        }
        let policy = source.policy.clone().filter(|_| {
            if !can.resource_policies {
                left_out.push("its resource policy".to_owned());
            }
            can.resource_policies
        });
        Self { versions: kept, policy, left_out }
    }
}
