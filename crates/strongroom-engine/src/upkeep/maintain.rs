//! Housekeeping of secrets, by one process at a time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_envelope::random_uuid;
use strongroom_records::{Expect, Revision, Scan};
use strongroom_root::TrustedRecord;
use strongroom_store::{Error, ErrorKind, Target};
use strongroom_types::Timestamp;

use crate::call::{About, Call};
use crate::error::{damaged, sealing, storage};
use crate::head::StoredHead;
use crate::layout::last_segment;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::read::Dates;
use crate::storage::Storage;
use crate::write::Deleter;

/// A holder that stopped half way keeps others out for this long.
const LEASE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: i64,
}

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
        // Where there is nothing to do, nothing is committed: in some storage a commit is
        // expensive.
        if !self.anything_due().await? {
            return noted.map(|()| Some(0));
        }
        let Some(lease) = self.take_lease().await? else { return noted.map(|()| None) };
        let result = self.purge_due(lease).await;
        // Others need not wait for the lease to run out. If it ran out meanwhile, it is theirs.
        let mut batch = self.0.records.batch();
        batch.delete(&self.0.layout.lease(), Expect::At(lease));
        Storage(self.0).commit(batch).await?;
        let purged = result?;
        noted.map(|()| Some(purged))
    }

    async fn take_lease(self) -> Result<Option<Revision>, Error> {
        let place = self.0.layout.lease();
        let now = self.0.now();
        let mut expect = Expect::Absent;
        if let Some(stored) = self.0.records.get(&place).await.map_err(storage)? {
            let held: Lease = serde_json::from_slice(&stored.content)
                .map_err(|_| damaged(&stored.key, "the lease is not readable"))?;
            // A lease that reaches further than any lease does was taken by a clock that was wrong.
            if held.until > now.as_millis() && held.until <= now.after(LEASE).as_millis() {
                return Ok(None);
            }
            expect = Expect::At(stored.revision);
        }
        let lease = Lease { holder: random_uuid().map_err(sealing)?, until: now.after(LEASE).as_millis() };
        let content = serde_json::to_vec(&lease)
            .map_err(|error| Error::new(ErrorKind::Internal, "the lease cannot be written").because(error))?;
        let mut batch = self.0.records.batch();
        batch.put(&place, &content, expect);
        match self.0.records.commit(batch).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == strongroom_root::ErrorKind::Conflict => Ok(None),
            Err(error) => Err(storage(error)),
        }
    }

    /// What is due by now.
    fn due(self) -> Scan {
        let due = self.0.layout.due_secrets();
        let later = due.clone().then_time(Timestamp::from_millis(self.0.now().as_millis().saturating_add(1)));
        Scan::prefix(&due).below(&later)
    }

    async fn anything_due(self) -> Result<bool, Error> {
        for scan in [self.due(), Scan::prefix(&self.0.layout.purges())] {
            let mut walk = self.0.records.walk(scan.limit(1));
            if walk.next().await.map_err(storage)?.is_some_and(|page| !page.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn purge_due(self, lease: Revision) -> Result<u64, Error> {
        let layout = &self.0.layout;
        let lease_key = layout.lease();
        let now = self.0.now();
        let due = self.due();
        let mut purged = 0;
        let damaged_due = self
            .each(due, async |entry| {
                let name = last_segment(&entry.key).unwrap_or_default();
                // The index only says where to look; the head's own date decides.
                let head = Storage(self.0).find(&Target::Name(name)).await?;
                match head.filter(|head| head.head.deleted.is_some_and(|date| date <= now.as_millis())) {
                    Some(head) if Deleter(self.0).purge(&head, Some((&lease_key, lease))).await? => {
                        purged += 1
                    }
                    Some(_) => self.still_leased(lease).await?,
                    None => {
                        let mut batch = self.0.records.batch();
                        batch.check(&lease_key, Expect::At(lease));
                        batch.delete(&entry.key, Expect::At(entry.revision));
                        if !Storage(self.0).commit(batch).await? {
                            self.still_leased(lease).await?;
                        }
                    }
                }
                Ok(())
            })
            .await?;
        let damaged_note = self
            .each(Scan::prefix(&layout.purges()), async |note| {
                Deleter(self.0).finish_purge(&StoredHead::parse(&note)?.head).await
            })
            .await?;
        damaged_due.or(damaged_note).map_or(Ok(purged), Err)
    }

    /// A commit under the lease was refused: either somebody changed the secret, or the lease ran
    /// out and another process continues where this one stops.
    async fn still_leased(self, lease: Revision) -> Result<(), Error> {
        let stored = self.0.records.get(&self.0.layout.lease()).await.map_err(storage)?;
        if stored.is_some_and(|stored| stored.revision == lease) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Throttled, "another process has taken over the housekeeping"))
    }

    /// Visits every record of a range. A damaged one does not stop the others: the first such error
    /// is returned after all were visited.
    async fn each(
        self,
        scan: Scan,
        mut visit: impl AsyncFnMut(TrustedRecord) -> Result<(), Error>,
    ) -> Result<Option<Error>, Error> {
        let mut damaged = None;
        Storage(self.0)
            .walk(scan, async |_, record| {
                let result = match record {
                    Ok(record) => visit(record).await,
                    Err(error) => Err(storage(error)),
                };
                match result {
                    Err(error) if error.kind() == ErrorKind::Tampered => {
                        damaged = damaged.take().or(Some(error))
                    }
                    result => result?,
                }
                Ok(())
            })
            .await?;
        Ok(damaged)
    }
}
