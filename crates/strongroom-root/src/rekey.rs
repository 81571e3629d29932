//! Another store key for a store, and everything in it written anew under it.

use std::sync::Arc;

use strongroom_records::{Batch, Expect, Key, Record, Scan};
use strongroom_types::Clock;

use crate::slot::{self, MAX_SLOTS, Resolved, Slot};
use crate::store::{Keyring, Store};
use crate::trusted::{Inner, slots};
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
        let mut batch = Batch::new();
        for old in slots(&*inner.records).await? {
            batch = batch.delete(&old.key, Expect::At(old.revision));
        }
        for (root, label) in roots {
            let (_, key, record) = slot::seal(root, label, clock.now(), &inner.store.id, &keyring).await?;
            batch = batch.put(&key, record, Expect::Absent);
        }
        let content = inner.store.to_json()?;
        let (framed, _) = frame::write(&keyring, &inner.store.id, frame::PLAIN, &Store::key(), &content)?;
        batch = batch.put(&Store::key(), framed, Expect::At(inner.store_revision));
        let store_revision = inner.records.commit(batch).await?;
        let inner = Inner {
            records: Arc::clone(&inner.records),
            realm: inner.realm.clone(),
            store: inner.store.clone(),
            store_revision,
            keyring,
        };
        Ok(Self::of(inner).with_sealer(self.sealer).with_read_cache(self.read_cache()))
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
        let mut batch = self.batch_of(&ready);
        if ready.is_empty() {
            return Ok((0, damaged));
        }
        match self.commit(batch).await {
            Ok(_) => return Ok((ready.len() as u64, damaged)),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
        let mut done = 0;
        for one in &ready {
            batch = self.batch_of(std::slice::from_ref(one));
            match self.commit(batch).await {
                Ok(_) => done += 1,
                // Written by somebody else, who knows the new store key, or deleted.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok((done, damaged))
    }

    fn batch_of(&self, records: &[Record]) -> crate::TrustedBatch {
        let put = |batch: Batch, record: &Record| {
            batch.put(&record.key, record.value.clone(), Expect::At(record.revision))
        };
        crate::TrustedBatch::of(self, records.iter().fold(Batch::new(), put))
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
