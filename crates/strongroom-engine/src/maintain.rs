//! Housekeeping of secrets, by one process at a time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_envelope::random_uuid;
use strongroom_records::{Expect, Revision, Scan};
use strongroom_root::TrustedRecord;
use strongroom_store::{Error, ErrorKind, Target};
use strongroom_types::Timestamp;

use crate::engine::Engine;
use crate::error::{damaged, sealing, storage};
use crate::head::StoredHead;
use crate::layout::last_segment;

/// A holder that stopped half way keeps others out for this long.
const LEASE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: i64,
}

impl Engine {
    /// Writes down when secrets were last read, purges the secrets whose recovery window is over and what earlier purges
    /// left. Returns how many secrets went, or `None` when another process is at it.
    ///
    /// # Errors
    /// Storage; [`ErrorKind::Tampered`].
    pub async fn maintain(&self) -> Result<Option<u64>, Error> {
        // What this process noted is its own to write, whoever keeps house. A damaged secret must not keep the others.
        let noted = match self.write_notes().await {
            Err(error) if error.kind() == ErrorKind::Tampered => Err(error),
            result => Ok(result?),
        };
        // Where there is nothing to do, nothing is committed: in some storage a commit is dear.
        if !self.anything_due().await? {
            return noted.map(|()| Some(0));
        }
        let Some(lease) = self.take_lease().await? else { return noted.map(|()| None) };
        let result = self.purge_due(lease).await;
        // Others need not wait for the lease to run out. If it did run out meanwhile, it is theirs.
        let mut batch = self.inner.records.batch();
        batch.delete(&self.inner.layout.lease(), Expect::At(lease));
        self.commit(batch).await?;
        let purged = result?;
        noted.map(|()| Some(purged))
    }

    async fn take_lease(&self) -> Result<Option<Revision>, Error> {
        let place = self.inner.layout.lease();
        let now = self.now();
        let mut expect = Expect::Absent;
        if let Some(stored) = self.inner.records.get(&place).await.map_err(storage)? {
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
        let mut batch = self.inner.records.batch();
        batch.put(&place, &content, expect);
        match self.inner.records.commit(batch).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == strongroom_root::ErrorKind::Conflict => Ok(None),
            Err(error) => Err(storage(error)),
        }
    }

    /// What is due by now.
    fn due(&self) -> Scan {
        let due = self.inner.layout.due_secrets();
        let later = due.clone().then_time(Timestamp::from_millis(self.now().as_millis().saturating_add(1)));
        Scan::prefix(&due).below(&later)
    }

    async fn anything_due(&self) -> Result<bool, Error> {
        for scan in [self.due(), Scan::prefix(&self.inner.layout.purges())] {
            let mut walk = self.inner.records.walk(scan.limit(1));
            if walk.next().await.map_err(storage)?.is_some_and(|page| !page.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn purge_due(&self, lease: Revision) -> Result<u64, Error> {
        let layout = &self.inner.layout;
        let lease_key = layout.lease();
        let now = self.now();
        let due = self.due();
        let mut purged = 0;
        let damaged_due = self
            .each(due, async |entry| {
                let name = last_segment(&entry.key).unwrap_or_default();
                // The index only says where to look; the head's own date decides.
                let head = self.find(&Target::Name(name)).await?;
                match head.filter(|head| head.head.deleted.is_some_and(|date| date <= now.as_millis())) {
                    Some(head) if self.purge(&head, Some((&lease_key, lease))).await? => purged += 1,
                    Some(_) => self.still_leased(lease).await?,
                    None => {
                        let mut batch = self.inner.records.batch();
                        batch.check(&lease_key, Expect::At(lease));
                        batch.delete(&entry.key, Expect::At(entry.revision));
                        if !self.commit(batch).await? {
                            self.still_leased(lease).await?;
                        }
                    }
                }
                Ok(())
            })
            .await?;
        let damaged_note = self
            .each(Scan::prefix(&layout.purges()), async |note| {
                self.finish_purge(&StoredHead::parse(&note)?.head).await
            })
            .await?;
        damaged_due.or(damaged_note).map_or(Ok(purged), Err)
    }

    /// A commit under the lease was refused: because somebody changed the secret, or because the lease ran out and is
    /// another's now, who goes on where this stops.
    async fn still_leased(&self, lease: Revision) -> Result<(), Error> {
        let stored = self.inner.records.get(&self.inner.layout.lease()).await.map_err(storage)?;
        if stored.is_some_and(|stored| stored.revision == lease) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Throttled, "another process has taken over the housekeeping"))
    }

    /// Visits every record of a range. One that is damaged does not keep the others: the first such error is given back
    /// when all were visited.
    async fn each(
        &self,
        scan: Scan,
        mut visit: impl AsyncFnMut(TrustedRecord) -> Result<(), Error>,
    ) -> Result<Option<Error>, Error> {
        let mut damaged = None;
        self.walk(scan, async |_, record| {
            let result = match record {
                Ok(record) => visit(record).await,
                Err(error) => Err(storage(error)),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.take().or(Some(error)),
                result => result?,
            }
            Ok(())
        })
        .await?;
        Ok(damaged)
    }
}
