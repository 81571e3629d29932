//! Description, tags, policy.

use strongroom_store::{Error, PutResourcePolicy, Tag, UpdateSecret};

use crate::fits::Fit;
use crate::migration::Migration;
use crate::secret::Known;

impl Migration<'_> {
    /// Gives what is at the target the description, tags and policy of the source. Whether there was anything to do.
    pub(crate) async fn copy_attributes(
        &self,
        source: &Known,
        fit: &Fit,
        there: &Known,
    ) -> Result<bool, Error> {
        let ((store, cx), id, mut changed) = (self.to, there.id(), false);
        let description = source.metadata.description.clone().filter(|text| !text.is_empty());
        if let Some(text) = description.filter(|text| there.metadata.description.as_ref() != Some(text)) {
            store.update_secret(cx, UpdateSecret::new(id.clone()).description(text)).await?;
            changed = true;
        }
        let has = there.metadata.tags.as_deref().unwrap_or_default();
        let missing = |tag: &&Tag| !has.contains(tag);
        let tags: Vec<Tag> =
            source.metadata.tags.as_deref().unwrap_or_default().iter().filter(missing).cloned().collect();
        if !tags.is_empty() {
            store.tag_resource(cx, &id, tags).await?;
            changed = true;
        }
        if let Some(policy) = fit.policy.clone().filter(|policy| there.policy.as_ref() != Some(policy)) {
            store.put_resource_policy(cx, PutResourcePolicy::new(id, policy)).await?;
            changed = true;
        }
        Ok(changed)
    }
}
