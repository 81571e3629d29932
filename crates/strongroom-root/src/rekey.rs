//! Another store key for a store, and everything in it written anew under it.

use std::sync::Arc;

use strongroom_records::{Batch, Expect, Key, Record, Revision, Scan};
use strongroom_types::Clock;

use crate::commit::Outcome;
use crate::opened_store::Inner;
use crate::slot::{self, MAX_SLOTS, Resolved, Slot};
use crate::store::{Keyring, Store};
use crate::unlock::slots;
use crate::{Error, ErrorKind, RootKey, TrustedRecords, frame};

/// How far [`TrustedRecords::rekey`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RekeyProgress {
    /// Records that were written anew.
    pub done: u64,
}

/// So many records go into one commit, and so many bytes, unless storage takes less.
const RECORDS: usize = 64;
const BYTES: usize = 256 * 1024;

impl TrustedRecords {
    /// Gives the store another store key, which only `roots` open, and writes every record anew under it. The handle that is
    /// returned knows the new key; all others, in all processes, answer [`ErrorKind::StoreChanged`] from the first commit on
    /// and must be opened again. Others may read and write meanwhile, once they have done so.
    ///
    /// Stopped at any moment, the store opens with `roots` and is whole; called again it goes on where it stopped. Until it has
    /// ended the old store key is still needed, and kept under the new roots.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSlot`] for no roots, or more than 32; what a root can fail with; [`ErrorKind::Tampered`] naming a
    /// record that is damaged, after all others are done: the old key is kept then; storage errors.
    pub async fn rekey(
        &self,
        roots: Vec<(RootKey, String)>,
        clock: &dyn Clock,
        mut progress: impl FnMut(RekeyProgress) + Send,
    ) -> Result<Self, Error> {
        if roots.is_empty() || roots.len() > MAX_SLOTS {
            return Err(Error::new(ErrorKind::InvalidSlot, "a store has between 1 and 32 roots"));
        }
        let mut resolved = Vec::with_capacity(roots.len());
        for (root, label) in roots {
            resolved.push((Resolved::new(root, true)?, label));
        }
        // More than one epoch: somebody has begun and was stopped.
        let begun = if self.inner.keyring.epochs().count() > 1 {
            self.clone()
        } else {
            self.replace_keyring(self.inner.keyring.grown()?, &resolved, clock).await?
        };
        let mut so_far = RekeyProgress::default();
        begun.write_anew(&mut so_far, &mut progress).await?;
        let done = begun.replace_keyring(begun.inner.keyring.newest()?, &resolved, clock).await?;
        // What was under the old key goes from the storage's own files too; somebody in the way only leaves traces for the
        // next time.
        match done.inner.records.erase_deleted().await {
            Err(error) if error.kind() != strongroom_records::ErrorKind::Busy => Err(error.into()),
            _ => Ok(done),
        }
    }

    /// One commit: the slots of the roots given, and no others, hold another keyring; the store's own record is of its newest
    /// epoch, and its new revision shuts all other handles out.
    async fn replace_keyring(
        &self,
        keyring: Keyring,
        roots: &[(Resolved, String)],
        clock: &dyn Clock,
    ) -> Result<Self, Error> {
        let inner = &self.inner;
        let mut met: Option<(Error, Vec<(Key, Revision)>)> = None;
        loop {
            let (store, revision) = inner.declared.current()?;
            let old: Vec<_> =
                slots(&*inner.records).await?.into_iter().map(|slot| (slot.key, slot.revision)).collect();
            match met {
                // A format or feature that was raised meanwhile is taken over. Roots that somebody changed are not.
                Some((error, before)) if before != old => return Err(error),
                _ => {}
            }
            let mut batch = Batch::new();
            for (slot, revision) in &old {
                batch = batch.delete(slot, Expect::At(*revision));
            }
            for (root, label) in roots {
                let (_, key, record) =
                    slot::seal(root, label, clock.now(), &inner.store.id, &keyring).await?;
                batch = batch.put(&key, record, Expect::Absent);
            }
            let content = store.to_json()?;
            let (framed, _) = frame::write(&keyring, &store.id, frame::PLAIN, &Store::key(), &content)?;
            batch = batch.put(&Store::key(), framed, Expect::At(revision));
            match inner.records.commit(batch).await {
                Ok(revision) => {
                    let store = Store::clone(&store);
                    let declared = inner.declared.renewed(store.clone(), revision);
                    let (records, realm) = (Arc::clone(&inner.records), inner.realm.clone());
                    let inner = Inner { records, realm, store, keyring, declared };
                    return Ok(Self::of(inner).with_sealer(self.sealer).with_read_cache(self.read_cache()));
                }
                Err(error) if error.kind() == strongroom_records::ErrorKind::Conflict => {
                    if inner.look_again().await? == revision {
                        return Err(error.into());
                    }
                    met = Some((error.into(), old));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all records of older epochs anew. Nobody writes such any more: every commit checks the store's own record.
    async fn write_anew(
        &self,
        so_far: &mut RekeyProgress,
        progress: &mut (impl FnMut(RekeyProgress) + Send),
    ) -> Result<(), Error> {
        let limits = self.inner.records.limits();
        let (most, bytes) = (RECORDS.min(limits.batch_operations - 1), BYTES.min(limits.batch_bytes / 2));
        let newest = self.inner.keyring.current()?.number;
        let mut damaged = None;
        let mut scan = Some(Scan::prefix(&Key::default()));
        while let Some(this) = scan {
            let page = self.inner.records.snapshot().await?.scan(&this).await?;
            scan = page.cursor().map(|cursor| this.clone().after(cursor));
            let mut pending: Vec<Record> = Vec::new();
            for record in page.records {
                if record.key == Store::key() || record.key.starts_with(&Slot::prefix()) {
                    continue;
                }
                match frame::peek(&record) {
                    Ok((_, epoch)) if epoch == newest => {}
                    Ok(_) => pending.push(record),
                    Err(error) => damaged = damaged.or(Some(error)),
                }
            }
            while !pending.is_empty() {
                let mut size = 0;
                let count = pending
                    .iter()
                    .take(most)
                    .take_while(|record| {
                        size += record.value.len() + record.key.as_bytes().len() + 64;
                        size <= bytes
                    })
                    .count();
                let some: Vec<_> = pending.drain(..count.max(1)).collect();
                let (done, error) = self.write_some_anew(some).await?;
                damaged = damaged.or(error);
                so_far.done += done;
                progress(*so_far);
            }
        }
        damaged.map_or(Ok(()), Err)
    }

    /// Writes some records anew in one commit; one by one where somebody else has written one of them meanwhile.
    async fn write_some_anew(&self, records: Vec<Record>) -> Result<(u64, Option<Error>), Error> {
        let (mut damaged, mut ready) = (None, Vec::new());
        for record in records {
            match self.anew(record) {
                Ok(new) => ready.push(new),
                Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        if ready.is_empty() {
            return Ok((0, damaged));
        }
        if self.commit_anew(&ready).await? {
            return Ok((ready.len() as u64, damaged));
        }
        let mut done = 0;
        for one in &ready {
            // Else it was written by somebody else, who knows the new store key, or deleted.
            done += u64::from(self.commit_anew(std::slice::from_ref(one)).await?);
        }
        Ok((done, damaged))
    }

    /// Writes records that are ready, unless somebody has written one of them. That alone may pass a
    /// record by: one that stays as it was is lost with the old store key.
    async fn commit_anew(&self, ready: &[Record]) -> Result<bool, Error> {
        loop {
            match self.commit_once(batch_of(ready), &[]).await? {
                Outcome::Done(_) => return Ok(true),
                Outcome::Conflict(_) => return Ok(false),
                Outcome::Moved(_) => {}
            }
        }
    }

    /// The record as it is under the newest epoch; what is sealed in it is sealed anew.
    fn anew(&self, record: Record) -> Result<Record, Error> {
        let (kind, _) = frame::peek(&record)?;
        let verified = self.inner.verify(record)?;
        let content = if kind == frame::SEALED {
            let plaintext = self.unseal(&verified.key, &verified.content)?;
            self.seal(&verified.key, &plaintext)?
        } else {
            verified.content
        };
        let (value, _) =
            frame::write(&self.inner.keyring, &self.inner.store.id, kind, &verified.key, &content)?;
        Ok(Record { key: verified.key, revision: verified.revision, value })
    }
}

fn batch_of(records: &[Record]) -> Batch {
    let put = |batch: Batch, record: &Record| {
        batch.put(&record.key, record.value.clone(), Expect::At(record.revision))
    };
    records.iter().fold(Batch::new(), put)
}
