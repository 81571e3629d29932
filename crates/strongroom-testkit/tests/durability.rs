//! The suite finds storage that does not keep what it acknowledges, and lets pass what does.

#![cfg(test)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_records::{MemoryRecords, Records};
use strongroom_testkit::SimulatedDisk;
use strongroom_testkit::records::{self, Reopen, Volatile, durability};

use support::log_records::{Flaw, LogRecords};

/// What a crash takes away.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// What was not synced.
    Power,
    /// What had not left the process.
    Process,
}

/// A log on a simulated disk.
struct Subject {
    disk: Mutex<SimulatedDisk>,
    flaw: Flaw,
    crash: Crash,
}

impl Subject {
    fn new(flaw: Flaw, crash: Crash) -> Self {
        Self { disk: Mutex::new(SimulatedDisk::new()), flaw, crash }
    }
}

#[async_trait]
impl Reopen for Subject {
    async fn open(&self) -> Arc<dyn Records> {
        let disk = self.disk.lock().unwrap().clone();
        Arc::new(LogRecords::open(disk, self.flaw).await.unwrap())
    }

    async fn crash(&self, records: Arc<dyn Records>) {
        std::mem::forget(records);
        let mut disk = self.disk.lock().unwrap();
        *disk = match self.crash {
            Crash::Power => disk.lose_power(),
            Crash::Process => disk.kill_process(),
        };
    }

    fn fail_after(&self, steps: u64) -> bool {
        self.disk.lock().unwrap().fail_after(steps);
        true
    }
}

/// What the suite says of storage with this flaw, if anything.
fn found(flaw: Flaw, crash: Crash) -> Option<String> {
    said(|| pollster::block_on(records::conformance(async || Subject::new(flaw, crash))))
}

fn said(suite: impl FnOnce()) -> Option<String> {
    let said = catch_unwind(AssertUnwindSafe(suite)).err()?;
    let text = said.downcast_ref::<String>().cloned();
    Some(text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap())
}

#[test]
fn storage_that_syncs_before_it_acknowledges_passes() {
    for crash in [Crash::Power, Crash::Process] {
        assert_eq!(found(Flaw::None, crash), None, "{crash:?}");
    }
}

#[test]
fn every_way_not_to_keep_what_was_acknowledged_is_found() {
    for (flaw, said) in [
        (Flaw::AcknowledgesBeforeKeeping, "an acknowledged commit is gone after a crash"),
        (Flaw::NeverSyncs, "an acknowledged commit is gone after a crash"),
        (Flaw::SyncsNoNames, "an acknowledged commit is gone after a crash"),
        (Flaw::LosesItsStoreOnReopen, "an acknowledged commit is gone after a crash"),
        (Flaw::KeepsHalfOfABatch, "there is only a part of a batch: "),
        (Flaw::ForgetsDeletions, "what was deleted is back after a crash"),
        (Flaw::CountsRevisionsAnew, "another revision after a crash"),
    ] {
        let found = found(flaw, Crash::Power);
        assert!(found.as_ref().is_some_and(|found| found.contains(said)), "{flaw:?}: {found:?}");
    }
}

#[test]
fn a_batch_that_is_synced_piece_by_piece_is_found_by_a_crash_between_them() {
    let suite = |flaw| {
        let make = move || async move { Subject::new(flaw, Crash::Power) };
        said(|| pollster::block_on(durability::a_crash_at_any_step_leaves_whole_batches(make)))
    };
    assert_eq!(suite(Flaw::None), None);
    let found = suite(Flaw::SyncsEachRecord);
    assert!(found.as_ref().is_some_and(|found| found.contains("a part of a batch")), "{found:?}");
}

#[test]
fn a_killed_process_shows_what_had_not_left_it_and_halves_of_writes() {
    for flaw in [Flaw::AcknowledgesBeforeKeeping, Flaw::KeepsHalfOfABatch, Flaw::LosesItsStoreOnReopen] {
        assert!(found(flaw, Crash::Process).is_some(), "{flaw:?}");
    }
    let found = found(Flaw::TakesHalfAWriteForAWhole, Crash::Process);
    assert!(found.as_ref().is_some_and(|found| found.contains("a part of a batch")), "{found:?}");
}

#[test]
fn storage_that_is_not_durable_says_so_and_is_not_crashed() {
    assert!(!MemoryRecords::new().durable());
    pollster::block_on(records::conformance(async || Volatile::new(Arc::new(MemoryRecords::new()))));
    let claims = Arc::new(pollster::block_on(LogRecords::open(SimulatedDisk::new(), Flaw::None)).unwrap());
    let refused = catch_unwind(AssertUnwindSafe(|| Volatile::new(claims)));
    assert!(refused.is_err(), "storage that declares that it is durable must be opened again");
}

#[test]
fn a_single_case_can_be_run_alone() {
    pollster::block_on(durability::acknowledged_commits_survive_a_crash(&Subject::new(
        Flaw::None,
        Crash::Power,
    )));
}
