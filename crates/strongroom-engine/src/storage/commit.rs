//! Committing a changed head together with everything that depends on it.

use std::time::Duration;

use strongroom_records::Expect;
use strongroom_root::TrustedBatch;
use strongroom_store::{Error, ErrorKind};

use crate::call::Call;
use crate::error::storage;
use crate::head::{Head, StoredHead};
use crate::parts::Parts;
use crate::storage::secrets::Storage;

/// The age at which a version without labels may be removed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most versions that one put removes.
const MOST_PRUNED: usize = 16;

/// The attempts of a change, which end at the caller's deadline.
pub(crate) struct Attempts<'a>(Option<strongroom_root::Attempts<'a>>);

impl<'a> Attempts<'a> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// Begins another attempt.
    pub(crate) fn next(&mut self, parts: &'a Parts, call: &Call<'_>) -> Result<(), Error> {
        let begin = || strongroom_root::Attempts::new(&*parts.clock, call.cx().deadline());
        self.0.get_or_insert_with(begin).next().ok_or_else(|| {
            Error::new(ErrorKind::Throttled, "the secret is being changed by others; try again")
        })
    }
}

impl Storage<'_> {
    /// Puts the changed head into `batch`, moves its index entries, and commits. Returns `false` if
    /// somebody else was first.
    ///
    /// `before` is the head as it was read; its revision is the precondition of the commit.
    pub(crate) async fn commit_head(
        self,
        mut batch: TrustedBatch,
        before: Option<&StoredHead>,
        head: &Head,
    ) -> Result<bool, Error> {
        let layout = &self.0.layout;
        let expect = before.map_or(Expect::Absent, |before| Expect::At(before.revision));
        batch.put(&layout.head(&head.name), &head.encode()?, expect);
        // The three indexes: old entries go, new ones come, what stays is not touched.
        let entries = |head: &Head| [layout.created(head), layout.changed(head), layout.accessed(head)];
        let (old, new) = (before.map(|before| entries(&before.head)), entries(head));
        for (index, entry) in new.iter().enumerate() {
            match old.as_ref().map(|old| &old[index]) {
                Some(old) if old == entry => continue,
                Some(old) => batch.delete(old, Expect::Any),
                None => {}
            }
            batch.put(entry, b"", Expect::Any);
        }
        self.commit(batch).await
    }

    /// Commits. Returns `false` if a precondition did not hold; nothing was applied then.
    pub(crate) async fn commit(self, batch: TrustedBatch) -> Result<bool, Error> {
        match self.0.records.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == strongroom_root::ErrorKind::Conflict => Ok(false),
            Err(error) => Err(storage(error)),
        }
    }

    /// Makes room for one more version by removing the oldest one without labels, if it is a day
    /// old. After the quota was lowered the surplus goes a few at a time, so that the commit stays
    /// small.
    pub(crate) fn prune(self, batch: &mut TrustedBatch, head: &mut Head) -> Result<(), Error> {
        let layout = &self.0.layout;
        for _ in 0..MOST_PRUNED {
            if head.versions.len() < self.0.limits.versions {
                break;
            }
            let youngest =
                self.0.now().as_millis().saturating_sub(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX));
            let oldest = head
                .versions
                .iter()
                .position(|version| version.stages.is_empty() && version.created <= youngest)
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::LimitExceeded,
                        format!("A secret can have at most about {} versions.", self.0.limits.versions),
                    )
                })?;
            let version = head.versions.remove(oldest);
            let mut gone = vec![layout.value(head, &version.id)];
            gone.extend(version.sealed.iter().map(|sealed| layout.use_of(head, &version.id, sealed)));
            for key in &gone {
                // An update that changes the key may just have encrypted it again.
                batch.withdraw(key);
                batch.delete(key, Expect::Any);
            }
        }
        Ok(())
    }
}
