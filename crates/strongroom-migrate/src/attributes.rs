//! Copies description, tags and policy.

use strongroom_store::{Error, PutResourcePolicy, Tag, UpdateSecret};

use crate::fits::Fit;
use crate::migration::Migration;
use crate::secret::conflict;
use crate::state::SecretState;

impl Migration<'_> {
    /// Gives the target's secret the description, tags and policy of the source's. Returns whether
    /// anything changed.
    pub(crate) async fn copy_attributes(
        &self,
        source: &SecretState,
        fit: &mut Fit,
        there: &SecretState,
    ) -> Result<bool, Error> {
        let ((store, cx), id, mut changed) = (self.to, there.id(), false);
        let description = source.metadata.description.clone().filter(|text| !text.is_empty());
        match (&description, &there.metadata.description) {
            (Some(own), other) if other.as_ref() != Some(own) => {
                if self.keeps_ids() {
                    store.update_secret(cx, UpdateSecret::new(id.clone()).description(own)).await?;
                    changed = true;
                } else {
                    // The target takes a description only with a value; the last write set it, if
                    // there was one.
                    fit.notes.push(
                        "the description differs, which the target changes with a value only".to_owned(),
                    );
                }
            }
            (None, Some(other)) if !other.is_empty() => {
                fit.notes.push("the target has a description, the source has none".to_owned());
            }
            _ => (),
        }
        let has = there.metadata.tags.as_deref().unwrap_or_default();
        let tags: Vec<Tag> = fit.tags.iter().filter(|tag| !has.contains(tag)).cloned().collect();
        if !tags.is_empty() {
            store.tag_resource(cx, &id, tags).await?;
            changed = true;
        }
        for tag in has.iter().filter(|tag| fit.tags.iter().all(|own| own.key != tag.key)) {
            fit.notes.push(format!("the target has the tag {}, the source has not", tag.key));
        }
        changed |= self.copy_policy(fit, there).await?;
        Ok(changed)
    }

    /// Gives the target's secret the source's policy. A different policy there is an error, unless
    /// [`Migration::overwrite`] is set.
    pub(crate) async fn copy_policy(&self, fit: &mut Fit, there: &SecretState) -> Result<bool, Error> {
        match (&fit.policy, &there.policy) {
            (Some(own), Some(other)) if own != other && !self.overwrite => Err(conflict(
                "the target has another resource policy; overwrite() puts the source's in its place",
            )),
            (Some(own), other) if other.as_ref() != Some(own) => {
                let (store, cx) = self.to;
                store.put_resource_policy(cx, PutResourcePolicy::new(there.id(), own.clone())).await?;
                Ok(true)
            }
            (None, Some(_)) => {
                let note = "the target has a resource policy, the source has none";
                if !fit.notes.iter().any(|known| known == note) {
                    fit.notes.push(note.to_owned());
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}
