//! Labels and tags.

use strongroom_store::validate::{self, MAX_TAGS, Violations};
use strongroom_store::{Error, ErrorKind, SecretId, SecretRef, Tag, UpdateSecretVersionStage};

use crate::call::{About, Call};
use crate::head::Head;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::storage::{Attempts, Storage};

/// Changes heads without touching values.
#[derive(Clone, Copy)]
pub(crate) struct HeadWriter<'a>(pub(crate) &'a Parts);

impl HeadWriter<'_> {
    pub(crate) async fn move_stage(
        self,
        call: &Call<'_>,
        request: &UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        violations.stage(&request.stage);
        for (path, version) in
            [("removeFromVersionId", &request.remove_from), ("moveToVersionId", &request.move_to)]
        {
            if let Some(version) = version {
                violations.length(path, version.as_str(), 32, 64);
            }
        }
        violations.finish()?;
        self.change(call, &request.id, |head| {
            let labels = head.labels().move_stage(
                &request.stage,
                request.remove_from.as_ref(),
                request.move_to.as_ref(),
            )?;
            head.set_labels(&labels);
            Ok(())
        })
        .await
    }

    pub(crate) async fn tag(self, call: &Call<'_>, id: &SecretId, tags: &[Tag]) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.tags(tags);
        violations.finish()?;
        id.target(self.0.realm())?;
        validate::tag_keys(tags)?;
        self.change(call, id, |head| {
            if tags.is_empty() {
                return Ok(());
            }
            let list = head.tags.get_or_insert_default();
            for tag in tags {
                match list.iter_mut().find(|(key, _)| *key == tag.key) {
                    Some((_, value)) => value.clone_from(&tag.value),
                    None => list.push((tag.key.clone(), tag.value.clone())),
                }
            }
            if list.len() > MAX_TAGS {
                return Err(Error::new(ErrorKind::InvalidParameter, "A secret can have at most 50 tags."));
            }
            Ok(())
        })
        .await
        .map(|_| ())
    }

    pub(crate) async fn untag(self, call: &Call<'_>, id: &SecretId, keys: &[String]) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        for (index, key) in keys.iter().enumerate() {
            violations.length(&format!("tagKeys.{}.member", index + 1), key, 1, 128);
        }
        violations.finish()?;
        self.change(call, id, |head| {
            if let Some(tags) = &mut head.tags {
                tags.retain(|(key, _)| !keys.contains(key));
            }
            Ok(())
        })
        .await
        .map(|_| ())
    }

    /// Changes a live secret's head by a function of the head alone, and again if somebody else was
    /// first. Nobody can lose, by a change of tags or of a policy, the right to make the same
    /// change.
    pub(crate) async fn change(
        self,
        call: &Call<'_>,
        id: &SecretId,
        change: impl Fn(&mut Head) -> Result<(), Error> + Send + Sync,
    ) -> Result<SecretRef, Error> {
        let (gate, storage) = (Gate(self.0), Storage(self.0));
        let target = id.target(self.0.realm())?;
        let _turn = self.0.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let before = gate.live(call, id).await?;
            gate.owned(&call.needs, &before.head)?;
            let mut head = Head::clone(&before.head);
            change(&mut head)?;
            if head.tags != before.head.tags {
                gate.allow(call, About::Secret(&head)).await?;
            }
            head.touch(self.0.now());
            if storage.commit_head(self.0.records.batch(), Some(&before), &head).await? {
                return Ok(head.reference(self.0.realm()));
            }
        }
    }
}
