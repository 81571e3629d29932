//! Housekeeping of secrets, by one process at a time.

use std::sync::Arc;

use strongroom_records::{Expect, Scan};
use strongroom_root::{Budget, ChoreReport, DueEntry, DueIndex, Lease, TrustedRecord};
use strongroom_store::{Error, ErrorKind, Target};
use strongroom_types::Timestamp;

use crate::call::{About, Call};
use crate::error::storage;
use crate::head::StoredHead;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::read::Dates;
use crate::storage::Storage;
use crate::write::Deleter;

/// Housekeeping.
#[derive(Clone, Copy)]
pub(crate) struct Housekeeping<'a>(pub(crate) &'a Parts);

impl Housekeeping<'_> {
    pub(crate) async fn maintain(self, call: &Call<'_>) -> Result<Option<u64>, Error> {
        Gate(self.0).allow(call, About::Nothing).await?;
        // What this process noted is its own to write, whoever keeps house. A damaged secret must
        // not stop the others.
        let noted = match Dates(self.0).write_notes().await {
            Err(error) if error.kind() == ErrorKind::Tampered => Err(error),
            result => Ok(result?),
        };
        let now = self.0.now();
        // Where there is nothing to do, nothing is committed: in some storage a commit is
        // expensive.
        let due = self.next_purge().await?.is_some_and(|date| date <= now);
        if !due || !self.0.permit.may_destroy() {
            return noted.map(|()| Some(0));
        }
        let (records, clock) = (&self.0.records, &self.0.clock);
        let place = Lease::of_housekeeping(self.0.realm());
        let taken = self.0.housekeepers().try_take(records, &place, clock, records.batch()).await;
        let Some(lease) = taken.map_err(storage)? else { return noted.map(|()| None) };
        let permit = Arc::clone(&self.0.permit);
        let budget = Budget::unlimited(now).unless(Arc::new(move || !permit.may_destroy()));
        let result = self.purge_due(&lease, budget).await;
        // Others need not watch the lease for a term. If it was taken over meanwhile, it is theirs.
        lease.release().await.map_err(storage)?;
        let report = result?;
        noted?;
        report.damaged.map_or(Ok(Some(report.done)), Err)
    }

    fn due_secrets(self) -> DueIndex {
        DueIndex::new(self.0.layout.due_secrets())
    }

    /// When there is something to purge.
    pub(crate) async fn next_purge(self) -> Result<Option<Timestamp>, Error> {
        let records = &self.0.records;
        let mut left = records.walk(Scan::prefix(&self.0.layout.purges()).limit(1));
        if left.next_record().await.map_err(storage)?.is_some() {
            return Ok(Some(Timestamp::from_millis(i64::MIN)));
        }
        self.due_secrets().next(records).await.map_err(storage)
    }

    /// Purges the secrets that are due, and finishes earlier purges.
    pub(crate) async fn purge_due(
        self,
        lease: &Lease,
        mut budget: Budget,
    ) -> Result<ChoreReport<Error>, Error> {
        let records = &self.0.records;
        let now = budget.as_of();
        let mut report = self
            .due_secrets()
            .each_due(records, &mut budget, |entry| self.purge_entry(lease, entry, now))
            .await?;
        let mut left = records.walk(Scan::prefix(&self.0.layout.purges()));
        while let Some((_, note)) = left.next_record().await.map_err(storage)? {
            if !budget.go_on() {
                report.more = true;
                break;
            }
            report.note(self.finish_purge(lease, note.map_err(storage)).await)?;
        }
        Ok(report)
    }

    /// Removes what is left of a secret that is gone, and was counted when it went.
    async fn finish_purge(self, lease: &Lease, note: Result<TrustedRecord, Error>) -> Result<bool, Error> {
        lease.renew().await.map_err(storage)?;
        Deleter(self.0).finish_purge(&StoredHead::parse(&note?)?.head).await?;
        Ok(false)
    }

    /// The index only says where to look; the head's own date decides.
    async fn purge_entry(self, lease: &Lease, entry: DueEntry, now: Timestamp) -> Result<bool, Error> {
        lease.renew().await.map_err(storage)?;
        let head = Storage(self.0).find(&Target::Name(entry.id)).await?;
        let due = head.filter(|head| head.head.deleted.is_some_and(|date| date <= now.as_millis()));
        let (purged, committed) = match due {
            Some(head) => {
                let purged = Deleter(self.0).purge(&head, Some(lease)).await?;
                (purged, purged)
            }
            None => {
                let mut batch = self.0.records.batch();
                lease.fence(&mut batch);
                batch.delete(&entry.key, Expect::At(entry.revision));
                (false, Storage(self.0).commit(batch).await?)
            }
        };
        if !committed {
            // Either somebody changed the secret, or the lease is another's now, who continues
            // where this stops.
            lease.check().await.map_err(storage)?;
        }
        Ok(purged)
    }
}
