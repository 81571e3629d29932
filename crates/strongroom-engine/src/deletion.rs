//! Deletion with a way back, deletion at once, and the way back.

use std::time::Duration;

use strongroom_records::{Expect, Key, Revision};
use strongroom_store::validate::Violations;
use strongroom_store::{
    DeleteSecret, Error, ErrorKind, Operation, SecretArn, SecretDeleted, SecretId, SecretRef,
};
use strongroom_types::{CallContext, Timestamp};

use crate::commit::Attempts;
use crate::engine::Engine;
use crate::head::{Head, StoredHead};
use crate::permission::RequestFacts;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_WINDOW: i64 = 30;

/// The window, checked.
fn window(request: &DeleteSecret) -> Result<u32, Error> {
    let invalid = |text: &'static str| Error::new(ErrorKind::InvalidParameter, text);
    if request.force && request.recovery_window_days.is_some() {
        return Err(invalid(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    u32::try_from(request.recovery_window_days.unwrap_or(DEFAULT_WINDOW))
        .ok()
        .filter(|days| (7..=30).contains(days))
        .ok_or_else(|| invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."))
}

impl Engine {
    pub(crate) async fn delete(
        &self,
        cx: &CallContext,
        request: DeleteSecret,
    ) -> Result<SecretDeleted, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        violations.finish()?;
        let target = request.id.target(self.realm())?;
        let asked = RequestFacts::nothing()
            .maybe("secretsmanager:ForceDeleteWithoutRecovery", request.force.then_some("true"))
            .maybe(
                "secretsmanager:RecoveryWindowInDays",
                request.recovery_window_days.map(|days| days.to_string()),
            );
        let _turn = self.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self, cx)?;
            let now = self.now();
            let found = self.may(cx, Operation::DeleteSecret, &request.id, &asked).await?;
            let days = window(&request)?;
            let Some(before) = found else {
                if request.force {
                    // As AWS answers: the name as given and an ARN that could have been.
                    let arn = SecretArn::of(self.realm(), target.name(), &"a".repeat(SecretArn::SUFFIX));
                    return Ok(SecretDeleted { arn, name: request.id.to_string(), deletion_date: now });
                }
                return Err(Error::not_found());
            };
            self.may_change(&before.head)?;
            let answer = |head: &Head, deletion_date| SecretDeleted {
                arn: head.arn(self.realm()).clone(),
                name: head.name.clone(),
                deletion_date,
            };
            if request.force {
                if self.purge(&before, None).await? {
                    return Ok(answer(&before.head, now));
                }
                continue;
            }
            if before.head.deleted.is_some() {
                return Err(Error::marked(
                    "You tried to perform the operation on a secret that's currently marked deleted.",
                ));
            }
            let mut head = Head::clone(&before.head);
            let date = now.after(DAY * days);
            head.mark(Some(date), now);
            head.touch(now);
            let mut batch = self.inner.records.batch();
            batch.put(&self.inner.layout.due(date, &head.name), b"", Expect::Any);
            if self.commit_head(batch, Some(&before), &head).await? {
                return Ok(answer(&head, date));
            }
        }
    }

    pub(crate) async fn restore(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let target = id.target(self.realm())?;
        let _turn = self.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self, cx)?;
            let before = self.existing(cx, Operation::RestoreSecret, id, &RequestFacts::nothing()).await?;
            self.may_change(&before.head)?;
            let Some(date) = before.head.deleted else { return Ok(before.head.reference(self.realm())) };
            let mut head = Head::clone(&before.head);
            let now = self.now();
            head.mark(None, now);
            head.touch(now);
            let mut batch = self.inner.records.batch();
            batch.delete(&self.inner.layout.due(Timestamp::from_millis(date), &head.name), Expect::Any);
            if self.commit_head(batch, Some(&before), &head).await? {
                return Ok(head.reference(self.realm()));
            }
        }
    }

    /// Removes a secret with everything that belongs to it, on the condition that its head is unchanged and, if a lease is
    /// given, still held. `false`: it is not.
    ///
    /// What does not fit into one commit is noted in it and removed in the next ones; `maintain` goes on where this stops.
    pub(crate) async fn purge(
        &self,
        before: &StoredHead,
        lease: Option<(&Key, Revision)>,
    ) -> Result<bool, Error> {
        let (layout, head) = (&self.inner.layout, &before.head);
        let mut batch = self.inner.records.batch();
        if let Some((key, revision)) = lease {
            batch.check(key, Expect::At(revision));
        }
        batch.delete(&layout.head(&head.name), Expect::At(before.revision));
        batch.delete(&layout.created(head), Expect::Any);
        batch.delete(&layout.changed(head), Expect::Any);
        batch.delete(&layout.accessed(head), Expect::Any);
        if let Some(date) = head.deleted {
            batch.delete(&layout.due(Timestamp::from_millis(date), &head.name), Expect::Any);
        }
        let rest = self.belongings(head);
        // One more for the check that the store adds, one for the note.
        let room = self.inner.records.storage().limits().batch_operations.saturating_sub(batch.len() + 2);
        if rest.len() <= room {
            rest.iter().for_each(|key| batch.delete(key, Expect::Any));
            return self.commit(batch).await;
        }
        batch.put(&layout.purge(head), &head.encode()?, Expect::Any);
        if !self.commit(batch).await? {
            return Ok(false);
        }
        self.finish_purge(head).await?;
        Ok(true)
    }

    /// Removes what a purge noted as left over, then the note.
    pub(crate) async fn finish_purge(&self, head: &Head) -> Result<(), Error> {
        let chunk = self.inner.records.storage().limits().batch_operations.saturating_sub(2).max(1);
        let mut rest = self.belongings(head);
        rest.push(self.inner.layout.purge(head));
        for keys in rest.chunks(chunk) {
            let mut batch = self.inner.records.batch();
            keys.iter().for_each(|key| batch.delete(key, Expect::Any));
            self.commit(batch).await?;
        }
        Ok(())
    }

    /// The value records of a secret and their entries in the use index.
    fn belongings(&self, head: &Head) -> Vec<Key> {
        let layout = &self.inner.layout;
        let mut keys = Vec::with_capacity(head.versions.len() * 2);
        for version in &head.versions {
            if let Some(sealed) = &version.sealed {
                keys.push(layout.value(head, &version.id));
                keys.push(layout.use_of(head, &version.id, sealed));
            }
        }
        keys
    }
}
