//! Labels and tags.

use strongroom_store::validate::{self, MAX_TAGS, Violations};
use strongroom_store::{Error, ErrorKind, Operation, SecretId, SecretRef, Tag, UpdateSecretVersionStage};
use strongroom_types::CallContext;

use crate::commit::Attempts;
use crate::engine::Engine;
use crate::head::Head;
use crate::permission::{About, RequestFacts};

impl Engine {
    pub(crate) async fn move_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
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
        let asked = RequestFacts::nothing().with("secretsmanager:VersionStage", request.stage.as_str());
        self.change_head(cx, Operation::UpdateSecretVersionStage, &request.id, &asked, |head| {
            self.may_change(head)?;
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

    pub(crate) async fn tag(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.tags(&tags);
        violations.finish()?;
        id.target(self.realm())?;
        validate::tag_keys(&tags)?;
        let asked = RequestFacts::nothing().tags(&tags);
        self.change_head(cx, Operation::TagResource, id, &asked, |head| {
            self.may_annotate(head)?;
            if tags.is_empty() {
                return Ok(());
            }
            let list = head.tags.get_or_insert_default();
            for tag in &tags {
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

    pub(crate) async fn untag(
        &self,
        cx: &CallContext,
        id: &SecretId,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        for (index, key) in keys.iter().enumerate() {
            violations.length(&format!("tagKeys.{}.member", index + 1), key, 1, 128);
        }
        violations.finish()?;
        let asked = RequestFacts::nothing().tag_keys(keys.iter().map(String::as_str));
        self.change_head(cx, Operation::UntagResource, id, &asked, |head| {
            self.may_annotate(head)?;
            if let Some(tags) = &mut head.tags {
                tags.retain(|(key, _)| !keys.contains(key));
            }
            Ok(())
        })
        .await
        .map(|_| ())
    }

    /// Changes a live secret's head by a function of the head alone; again when somebody else was first. Nobody takes from
    /// themselves, by tags or a policy, the right to do it again.
    pub(crate) async fn change_head(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        asked: &RequestFacts,
        change: impl Fn(&mut Head) -> Result<(), Error> + Send + Sync,
    ) -> Result<SecretRef, Error> {
        let target = id.target(self.realm())?;
        let _turn = self.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self, cx)?;
            let before = self.live(cx, operation, id, asked).await?;
            let mut head = Head::clone(&before.head);
            change(&mut head)?;
            if head.tags != before.head.tags {
                self.permit(cx, operation, About::Secret(&head), asked).await?;
            }
            head.touch(self.now());
            if self.commit_head(self.inner.records.batch(), Some(&before), &head).await? {
                return Ok(head.reference(self.realm()));
            }
        }
    }
}
