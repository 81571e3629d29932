//! When values were last read: from the notes of reads into the heads.

use strongroom_records::Expect;
use strongroom_root::TrustedBatch;
use strongroom_store::{Error, ErrorKind, SecretMetadata, VersionId};
use strongroom_types::Timestamp;

use crate::error::storage;
use crate::head::{Head, StoredHead};
use crate::notes::{Days, MANY, Note, Secret, day_of};
use crate::parts::Parts;
use crate::storage::Storage;

/// How often waiting notes are written where somebody waits for them. Once is enough unless heads
/// change meanwhile, for instance by notes that were handed over before.
const ROUNDS: usize = 3;
/// The most heads that `maintain` writes in one commit, so that no writer waits long behind it.
const CHUNK: usize = 64;

/// The dates of reads: noting them, writing them, showing them.
#[derive(Clone, Copy)]
pub(crate) struct Dates<'a>(pub(crate) &'a Parts);

impl Dates<'_> {
    /// What is known about a secret, with the reads that are noted but not yet written.
    pub(crate) fn metadata(self, head: &Head) -> SecretMetadata {
        let mut metadata = head.metadata(self.0.realm());
        let last = self.0.notes().last(head, None, head.accessed);
        metadata.last_accessed = last.map(Timestamp::from_millis);
        metadata
    }

    /// A version of a secret was read at this moment, which is not in the future.
    pub(crate) async fn accessed(
        self,
        head: &Head,
        version: &VersionId,
        stored: Option<i64>,
        moment: Timestamp,
    ) {
        let (notes, now) = (self.0.notes(), self.0.now());
        if stored < Some(day_of(moment)) {
            notes.add(head, version, moment);
        }
        if let Some(mut turn) = notes.take_turn(now) {
            // The read has succeeded; a failure to note it is no reason to withhold the value.
            // Storage that refuses is left alone for a minute.
            let few = std::mem::take(&mut turn.few);
            turn.failed = self.write_notes_of(&few, false).await.is_err();
        }
    }

    /// Writes all notes that wait into their heads. A damaged secret does not stop the others: the
    /// first such error is returned at the end.
    pub(crate) async fn write_notes(self) -> Result<(), Error> {
        let mut damaged = None;
        for _ in 0..ROUNDS {
            for chunk in self.0.notes().waiting(usize::MAX).chunks(CHUNK) {
                match self.write_notes_of(chunk, true).await {
                    Err(error) if error.kind() == ErrorKind::Tampered => damaged = damaged.or(Some(error)),
                    result => result?,
                }
            }
        }
        damaged.map_or(Ok(()), Err)
    }

    /// Before a listing in the order of these days: its index should know the reads of this
    /// process. Writes what can be written soon; a failure to do so does not fail the listing.
    pub(crate) async fn settle_notes(self) {
        for _ in 0..ROUNDS {
            let some = self.0.notes().waiting(MANY);
            if some.is_empty() || self.write_notes_of(&some, true).await.is_err() {
                return;
            }
        }
    }

    /// Writes some notes, in as few commits as the storage takes, and waits for them or not.
    async fn write_notes_of(self, notes: &[(Secret, Note)], wait: bool) -> Result<(), Error> {
        let (layout, records) = (&self.0.layout, &self.0.records);
        let limits = records.storage().limits();
        let mut damaged = None;
        let mut stored = Vec::with_capacity(notes.len());
        let places: Vec<_> = notes.iter().map(|((name, _), _)| layout.head(name)).collect();
        match records.read(&places).await {
            Ok(found) => stored.extend(found.into_iter().map(Ok)),
            // One of them is damaged: each by itself, then.
            Err(error) if error.kind() == strongroom_root::ErrorKind::Tampered => {
                for place in &places {
                    stored.push(records.get(place).await.map_err(storage));
                }
            }
            Err(error) => return Err(storage(error)),
        }
        let (mut batch, mut batched) = (records.batch(), Vec::new());
        for ((secret, note), record) in notes.iter().zip(stored) {
            let parsed = record.and_then(|record| record.as_ref().map(StoredHead::parse).transpose());
            let before = match parsed {
                Ok(before) => before.filter(|before| before.head.suffix == secret.1),
                Err(error) => {
                    damaged = damaged.or(Some(error));
                    None
                }
            };
            let head = before.as_ref().and_then(|before| before.head.read_on(&note.days));
            let Some((before, head)) = before.zip(head) else {
                // It is there already, or there is nowhere to write it.
                self.0.notes().done(secret, note);
                continue;
            };
            let content = head.encode()?;
            // Head, old and new index entry; the store's own check.
            let full = batch.len() + 4 > limits.batch_operations
                || batch.bytes() + content.len() + 8 * 1024 > limits.batch_bytes;
            if full && !batch.is_empty() {
                let full = std::mem::replace(&mut batch, records.batch());
                self.commit_notes(full, std::mem::take(&mut batched), wait).await?;
            }
            batch.put(&layout.head(&head.name), &content, Expect::At(before.revision));
            let (old, new) = (layout.accessed(&before.head), layout.accessed(&head));
            if old != new {
                batch.delete(&old, Expect::Any);
                batch.put(&new, b"", Expect::Any);
            }
            batched.push((secret, note));
        }
        self.commit_notes(batch, batched, wait).await?;
        damaged.map_or(Ok(()), Err)
    }

    async fn commit_notes(
        self,
        batch: TrustedBatch,
        notes: Vec<(&Secret, &Note)>,
        wait: bool,
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        if wait {
            // A head that somebody changed meanwhile keeps its companions waiting for the next
            // time.
            if Storage(self.0).commit(batch).await? {
                notes.iter().for_each(|(secret, note)| self.0.notes().done(secret, note));
            } else {
                notes.iter().for_each(|(secret, note)| self.0.notes().set_sent(secret, note, false));
            }
        } else {
            // Marked before: whoever looks for them in their heads must not find them unmarked and
            // hand them over again.
            notes.iter().for_each(|(secret, note)| self.0.notes().set_sent(secret, note, true));
            self.0.records.commit_soon(batch).await.map_err(storage)?;
        }
        Ok(())
    }
}

impl Head {
    /// The head with the days of reads, if any is newer than it was.
    fn read_on(&self, days: &Days) -> Option<Self> {
        let mut head = self.clone();
        let mut newer = false;
        for version in &mut head.versions {
            if let Some(day) = days.get(&version.id).copied().filter(|day| version.accessed < Some(*day)) {
                (version.accessed, newer) = (Some(day), true);
            }
        }
        let last = days.values().copied().max();
        if head.accessed < last {
            (head.accessed, newer) = (last, true);
        }
        newer.then_some(head)
    }
}
