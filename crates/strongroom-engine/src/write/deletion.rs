//! Deletion with a recovery window, deletion at once, and restoring.

use std::time::Duration;

use strongroom_records::{Expect, Key};
use strongroom_root::Lease;
use strongroom_store::validate::Violations;
use strongroom_store::{DeleteSecret, Error, ErrorKind, SecretArn, SecretDeleted, SecretId, SecretRef};
use strongroom_types::Timestamp;

use crate::call::Call;
use crate::head::{Head, StoredHead};
use crate::parts::Parts;
use crate::permission::Gate;
use crate::storage::{Attempts, Storage};

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

/// Deletes, restores and purges secrets.
#[derive(Clone, Copy)]
pub(crate) struct Deleter<'a>(pub(crate) &'a Parts);

impl Deleter<'_> {
    pub(crate) async fn delete(
        self,
        call: &Call<'_>,
        request: &DeleteSecret,
    ) -> Result<SecretDeleted, Error> {
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        violations.finish()?;
        let target = request.id.target(self.0.realm())?;
        let _turn = self.0.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let now = self.0.now();
            let found = Gate(self.0).permitted(call, &request.id).await?;
            let days = window(request)?;
            let Some(before) = found else {
                if request.force {
                    // As AWS answers: the name as given and a plausible ARN.
                    let arn = SecretArn::of(self.0.realm(), target.name(), &"a".repeat(SecretArn::SUFFIX));
                    return Ok(SecretDeleted { arn, name: request.id.to_string(), deletion_date: now });
                }
                return Err(Error::not_found());
            };
            Gate(self.0).owned(&call.needs, &before.head)?;
            let answer = |head: &Head, deletion_date| SecretDeleted {
                arn: head.arn(self.0.realm()).clone(),
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
            let mut batch = self.0.records.batch();
            batch.put(&self.0.layout.due(date, &head.name), b"", Expect::Any);
            if Storage(self.0).commit_head(batch, Some(&before), &head).await? {
                return Ok(answer(&head, date));
            }
        }
    }

    pub(crate) async fn restore(self, call: &Call<'_>, id: &SecretId) -> Result<SecretRef, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let target = id.target(self.0.realm())?;
        let _turn = self.0.turn(target.name()).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let before = Gate(self.0).existing(call, id).await?;
            Gate(self.0).owned(&call.needs, &before.head)?;
            let Some(date) = before.head.deleted else { return Ok(before.head.reference(self.0.realm())) };
            let mut head = Head::clone(&before.head);
            let now = self.0.now();
            head.mark(None, now);
            head.touch(now);
            let mut batch = self.0.records.batch();
            batch.delete(&self.0.layout.due(Timestamp::from_millis(date), &head.name), Expect::Any);
            if Storage(self.0).commit_head(batch, Some(&before), &head).await? {
                return Ok(head.reference(self.0.realm()));
            }
        }
    }

    /// Removes a secret with everything that belongs to it, provided that its head is unchanged and
    /// the lease, if one is given, still held. Returns `false` otherwise.
    ///
    /// What does not fit into one commit is noted in it and removed in the next ones; `maintain`
    /// continues where this stops.
    pub(crate) async fn purge(self, before: &StoredHead, lease: Option<&Lease>) -> Result<bool, Error> {
        let (layout, head) = (&self.0.layout, &before.head);
        let mut batch = self.0.records.batch();
        if let Some(lease) = lease {
            lease.fence(&mut batch);
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
        let room = self.0.records.storage().limits().batch_operations.saturating_sub(batch.len() + 2);
        if rest.len() <= room {
            rest.iter().for_each(|key| batch.delete(key, Expect::Any));
            return Storage(self.0).commit(batch).await;
        }
        batch.put(&layout.purge(head), &head.encode()?, Expect::Any);
        if !Storage(self.0).commit(batch).await? {
            return Ok(false);
        }
        self.finish_purge(head).await?;
        Ok(true)
    }

    /// Removes what a purge noted as left over, then the note.
    pub(crate) async fn finish_purge(self, head: &Head) -> Result<(), Error> {
        let chunk = self.0.records.storage().limits().batch_operations.saturating_sub(2).max(1);
        let mut rest = self.belongings(head);
        rest.push(self.0.layout.purge(head));
        for keys in rest.chunks(chunk) {
            let mut batch = self.0.records.batch();
            keys.iter().for_each(|key| batch.delete(key, Expect::Any));
            Storage(self.0).commit(batch).await?;
        }
        Ok(())
    }

    /// The value records of a secret and their entries in the use index.
    fn belongings(self, head: &Head) -> Vec<Key> {
        let layout = &self.0.layout;
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
