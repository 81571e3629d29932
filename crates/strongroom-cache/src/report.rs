//! Reports reads that were served from the cache to the store.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_store::{Error, SecretStore, ServedReads};
use strongroom_types::CallContext;

use crate::cache_policy::may_be_ridden_out;
use crate::question::Question;
use crate::shared::Shared;

/// The maximum number of reads reported in one call.
const AT_ONCE: usize = 100;

/// Reads in a report. What is not reported in the end becomes pending again.
struct Report<'a, S> {
    shared: &'a Shared<S>,
    /// By caller.
    left: Vec<Vec<(Question, CallContext, ServedReads)>>,
}

impl<'a, S> Report<'a, S> {
    fn of(shared: &'a Shared<S>) -> Self {
        let taken = shared.entries().reads_so_far().take();
        let mut by_caller: HashMap<Arc<str>, Vec<_>> = HashMap::new();
        for one in taken {
            by_caller.entry(one.0.caller()).or_default().push(one);
        }
        let mut left = Vec::new();
        for mut reads in by_caller.into_values() {
            while reads.len() > AT_ONCE {
                left.push(reads.split_off(reads.len() - AT_ONCE));
            }
            left.push(reads);
        }
        Self { shared, left }
    }
}

impl<S> Drop for Report<'_, S> {
    fn drop(&mut self) {
        let mut entries = self.shared.entries();
        for (question, cx, reads) in self.left.drain(..).flatten() {
            entries.reads.note(&cx, &question, &reads.version_id, reads.count, (reads.first, reads.last));
        }
    }
}

/// Marks a background report until dropped.
pub(crate) struct Reporting<S>(pub(crate) Arc<Shared<S>>);

impl<S> Drop for Reporting<S> {
    fn drop(&mut self) {
        self.0.entries().reads.reporting_is_over();
    }
}

impl<S: SecretStore> Shared<S> {
    /// Reports the pending reads. Returns how many the store recorded.
    pub(crate) async fn flush(&self) -> Result<u64, Error> {
        if !self.inner.capabilities().served_reads {
            return Ok(0);
        }
        let mut report = Report::of(self);
        let (mut recorded, mut failure, mut later) = (0, None, Vec::new());
        while let Some(batch) = report.left.last() {
            let reads: Vec<ServedReads> = batch.iter().map(|(_, _, reads)| reads.clone()).collect();
            let count: u64 = reads.iter().map(|reads| reads.count).sum();
            let Some((_, cx, _)) = batch.first() else { break };
            match self.inner.report_reads(cx, &reads).await {
                Ok(taken) => {
                    recorded += taken.min(count);
                    self.entries().reads.lose(count.saturating_sub(taken));
                }
                // Continues with the other callers' reads.
                Err(error) if may_be_ridden_out(error.kind()) => {
                    later.extend(report.left.pop());
                    failure = failure.or(Some(error));
                    continue;
                }
                // A retry would fail the same way.
                Err(error) => {
                    self.entries().reads.lose(count);
                    failure = failure.or(Some(error));
                }
            }
            report.left.pop();
        }
        report.left = later;
        failure.map_or(Ok(recorded), Err)
    }
}
