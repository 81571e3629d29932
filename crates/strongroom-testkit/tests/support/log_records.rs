//! A log of batches on a simulated disk, right or wrong in a chosen way.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use strongroom_records::{
    Action, Batch, ChangeToken, Error, ErrorKind, Expect, Key, Limits, MemoryRecords, Records, Revision,
    Scan, Snapshot,
};
use strongroom_testkit::SimulatedDisk;

const LOG: &str = "log";

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Writes a batch when the next one comes.
    AcknowledgesBeforeKeeping,
    NeverSyncs,
    /// Syncs the file, and never its name.
    SyncsNoNames,
    LosesItsStoreOnReopen,
    KeepsHalfOfABatch,
    /// Writes and syncs the records of a batch one by one.
    SyncsEachRecord,
    ForgetsDeletions,
    /// Gives revisions from one on when it is opened.
    CountsRevisionsAnew,
    /// Has no code by which it knows a whole entry.
    TakesHalfAWriteForAWhole,
}

#[derive(Debug)]
pub(crate) struct LogRecords {
    /// What is in the log, in memory. It gives the same revisions when it gets the same batches again.
    memory: MemoryRecords,
    log: Mutex<Log>,
    flaw: Flaw,
}

#[derive(Debug)]
struct Log {
    disk: SimulatedDisk,
    len: usize,
    /// What is only in memory.
    held_back: Vec<u8>,
}

/// One operation, as it is in the log.
type Entry = (Key, Option<Vec<u8>>);

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the log cannot be written").because(error)
}

fn code(bytes: &[u8]) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish().to_be_bytes()
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(u32::from_be_bytes(from.get(..4)?.try_into().ok()?)).ok()?;
    let bytes = from.get(4..4 + len)?;
    *from = &from[4 + len..];
    Some(bytes)
}

/// A frame: code, length, operations.
fn frame(operations: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in operations {
        put_bytes(&mut body, key.as_bytes());
        body.push(u8::from(value.is_some()));
        put_bytes(&mut body, value.as_deref().unwrap_or_default());
    }
    let mut frame = code(&body).to_vec();
    put_bytes(&mut frame, &body);
    frame
}

fn entries(mut body: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    while let Some(key) = take_bytes(&mut body) {
        let Some((put, rest)) = body.split_first() else { break };
        body = rest;
        let Some(value) = take_bytes(&mut body) else { break };
        found.push((Key::from_bytes(key.to_vec()), (*put == 1).then(|| value.to_vec())));
    }
    found
}

/// The batches of a log, and how much of it they are.
fn replay(log: &[u8], flaw: Flaw) -> (Vec<Vec<Entry>>, usize) {
    let (mut batches, mut rest) = (Vec::new(), log);
    loop {
        let mut next = rest;
        let whole = next.split_at_checked(8).and_then(|(found, body)| {
            next = body;
            let body = take_bytes(&mut next)?;
            (code(body) == found).then_some(body)
        });
        match whole {
            Some(body) => batches.push(entries(body)),
            None => {
                if flaw == Flaw::TakesHalfAWriteForAWhole && rest.len() > 12 {
                    batches.push(entries(&rest[12..]));
                }
                return (batches, log.len() - rest.len());
            }
        }
        rest = next;
    }
}

impl LogRecords {
    pub(crate) async fn open(disk: SimulatedDisk, flaw: Flaw) -> Result<Self, Error> {
        let memory = MemoryRecords::new();
        let found = match flaw {
            Flaw::LosesItsStoreOnReopen => Vec::new(),
            _ => disk.read(LOG).unwrap_or_default(),
        };
        let (batches, len) = replay(&found, flaw);
        for operations in batches {
            let batch = operations.into_iter().fold(Batch::new(), |batch, (key, value)| match value {
                Some(value) => batch.put(&key, value, Expect::Any),
                None if flaw == Flaw::ForgetsDeletions => batch,
                None => batch.delete(&key, Expect::Any),
            });
            memory.commit(batch).await?;
        }
        let memory = if flaw == Flaw::CountsRevisionsAnew { anew(&memory).await? } else { memory };
        disk.write(LOG, len, b"").map_err(failed)?;
        disk.set_len(LOG, len).map_err(failed)?;
        if flaw != Flaw::NeverSyncs {
            disk.sync(LOG).map_err(failed)?;
        }
        if flaw != Flaw::SyncsNoNames {
            disk.sync_names().map_err(failed)?;
        }
        Ok(Self { memory, log: Mutex::new(Log { disk, len, held_back: Vec::new() }), flaw })
    }

    fn keep(&self, operations: &[Entry]) -> Result<(), Error> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        match self.flaw {
            Flaw::AcknowledgesBeforeKeeping => {
                let before = std::mem::replace(&mut log.held_back, frame(operations));
                log.append(&before, true)
            }
            Flaw::NeverSyncs => log.append(&frame(operations), false),
            Flaw::KeepsHalfOfABatch => log.append(&frame(&operations[..operations.len().div_ceil(2)]), true),
            Flaw::SyncsEachRecord => {
                operations.iter().try_for_each(|one| log.append(&frame(std::slice::from_ref(one)), true))
            }
            _ => log.append(&frame(operations), true),
        }
    }
}

impl Log {
    fn append(&mut self, frame: &[u8], sync: bool) -> Result<(), Error> {
        self.disk.write(LOG, self.len, frame).map_err(failed)?;
        if sync {
            self.disk.sync(LOG).map_err(failed)?;
        }
        self.len += frame.len();
        Ok(())
    }
}

/// The same records with revisions from one on.
async fn anew(memory: &MemoryRecords) -> Result<MemoryRecords, Error> {
    let fresh = MemoryRecords::new();
    let page = memory.snapshot().await?.scan(&Scan::prefix(&Key::default())).await?;
    for record in page.records {
        fresh.commit(Batch::new().put(&record.key, record.value, Expect::Any)).await?;
    }
    Ok(fresh)
}

#[async_trait]
impl Records for LogRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        self.memory.snapshot().await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        // One at a time from here on: the log has the order of the revisions. Nothing below waits.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let operations: Vec<Entry> = batch
            .changes()
            .iter()
            .filter_map(|operation| match &operation.action {
                Action::Put(value) => Some((operation.key.clone(), Some(value.clone()))),
                Action::Delete => Some((operation.key.clone(), None)),
                Action::Check => None,
            })
            .collect();
        let empty = batch.is_empty();
        let revision = pollster::block_on(self.memory.commit(batch))?;
        if !empty {
            self.keep(&operations)?;
        }
        Ok(revision)
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.memory.change_token().await
    }

    fn limits(&self) -> Limits {
        self.memory.limits()
    }
}
