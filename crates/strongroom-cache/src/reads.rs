//! Reads that were served from the cache, until they are reported to the store as accesses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_store::{ServedReads, VersionId};
use strongroom_types::{CallContext, Timestamp};

use crate::counter::Counter;
use crate::question::Question;

/// The maximum number of distinct pending reads, by caller, query and version.
const MOST: usize = 65_536;

/// Counts handles' reads of one version, without a lock.
pub(crate) struct Tally {
    question: Question,
    version: VersionId,
    cx: CallContext,
    since: Timestamp,
    pub(crate) hits: Counter,
}

/// A tally, and how much of it has been collected.
struct KnownTally {
    tally: Arc<Tally>,
    collected: u64,
}

#[derive(Default)]
pub(crate) struct Reads {
    /// Whether to collect reads.
    wanted: bool,
    waiting: HashMap<(Question, VersionId), (CallContext, ServedReads)>,
    tallies: Vec<KnownTally>,
    /// The number of tallies at the last sweep.
    swept: usize,
    /// Handles' reads, as of the last collection.
    pub(crate) by_handles: u64,
    pub(crate) lost: u64,
    /// The earliest time of the next background report, and whether one is in progress.
    next: Option<Timestamp>,
    reporting: Option<Timestamp>,
}

impl Reads {
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Records reads of a version, none of them before `first`.
    pub(crate) fn note(
        &mut self,
        cx: &CallContext,
        question: &Question,
        version: &VersionId,
        count: u64,
        (first, last): (Timestamp, Timestamp),
    ) {
        if !self.wanted || count == 0 {
            return;
        }
        let key = (question.clone(), version.clone());
        if let Some((_, known)) = self.waiting.get_mut(&key) {
            known.first = known.first.min(first);
            known.add(count, last);
        } else if self.waiting.len() < MOST {
            // (The clock may have been set back in the meantime.)
            let mut reads = ServedReads::one(question.request(), version.clone(), first.min(last));
            (reads.count, reads.last) = (count, last);
            self.waiting.insert(key, (cx.lasting(), reads));
        } else {
            self.lose(count);
        }
    }

    /// A tally where handles count their reads of this version.
    pub(crate) fn tally(
        &mut self,
        cx: &CallContext,
        question: &Question,
        version: &VersionId,
        since: Timestamp,
    ) -> Arc<Tally> {
        // Amortized: each is visited a few times, however many there are.
        if self.tallies.len() >= 64 + 2 * self.swept {
            self.sweep();
        }
        let (question, version, cx) = (question.clone(), version.clone(), cx.lasting());
        let tally = Arc::new(Tally { question, version, cx, since, hits: Counter::default() });
        self.tallies.push(KnownTally { tally: Arc::clone(&tally), collected: 0 });
        tally
    }

    /// Collects the handles' counts.
    pub(crate) fn sweep(&mut self) {
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.retain_mut(|known| {
            // Checked before reading the count: a tally without other holders no longer changes.
            let shown = Arc::get_mut(&mut known.tally).is_none();
            let (tally, sum) = (&known.tally, known.tally.hits.sum());
            let count = sum - known.collected;
            known.collected = sum;
            self.by_handles = self.by_handles.saturating_add(count);
            let times = (tally.since, tally.hits.last().max(tally.since));
            self.note(&tally.cx, &tally.question, &tally.version, count, times);
            shown
        });
        self.swept = tallies.len();
        self.tallies = tallies;
    }

    /// Removes and returns the pending reads.
    pub(crate) fn take(&mut self) -> Vec<(Question, CallContext, ServedReads)> {
        self.sweep();
        self.waiting.drain().map(|((question, _), (cx, reads))| (question, cx, reads)).collect()
    }

    /// Whether a report is due and none is in progress. A caller that gets `true` must report.
    pub(crate) fn is_due(&mut self, every: Duration, now: Timestamp, served: impl FnOnce() -> bool) -> bool {
        // Robust against a clock that was set back.
        let early = self.next.is_some_and(|next| now < next && next <= now.after(every));
        // Does not wait forever for a report that does not end.
        let busy = self.reporting.is_some_and(|since| since <= now && now < since.after(every * 10));
        if !self.wanted || busy || early {
            return false;
        }
        let first = self.next.replace(now.after(every)).is_none();
        // The first read alone does not trigger a report yet.
        let due = !first && (!self.waiting.is_empty() || !self.tallies.is_empty() || served());
        self.reporting = due.then_some(now);
        due
    }

    /// Ends a report, successful or not.
    pub(crate) fn reporting_is_over(&mut self) {
        self.reporting = None;
    }

    /// Counts reads that will never be reported.
    pub(crate) fn lose(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use strongroom_store::GetSecretValue;
    use strongroom_types::Caller;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn asked() -> (CallContext, Question, VersionId) {
        let cx = CallContext::new(Caller::Service("test.amazonaws.com".into()));
        let question = Question::new(&cx, &GetSecretValue::new("a"));
        (cx, question, VersionId::new("v"))
    }

    #[test]
    fn what_handles_count_is_reported_once_and_dropped_with_the_last_handle() {
        let (cx, question, version) = asked();
        let mut reads = Reads::new(true);
        let tally = reads.tally(&cx, &question, &version, at(1));
        tally.hits.add(at(5));
        tally.hits.add(at(7));
        reads.sweep();
        reads.sweep();
        let taken = reads.take();
        assert_eq!((taken.len(), taken[0].2.count, taken[0].2.first, taken[0].2.last), (1, 2, at(1), at(7)));
        assert!(reads.take().is_empty());
        tally.hits.add(at(8));
        drop(tally);
        assert_eq!((reads.take()[0].2.count, reads.tallies.len(), reads.by_handles), (1, 0, 3));
        // However many there were.
        for _ in 0..10_000 {
            reads.tally(&cx, &question, &version, at(9)).hits.add(at(9));
        }
        assert!(reads.tallies.len() <= 64);
        assert_eq!((reads.take()[0].2.count, reads.by_handles), (10_000, 10_003));
    }

    #[test]
    fn nothing_waits_where_nobody_wants_to_know_and_memory_is_bounded() {
        let (cx, question, version) = asked();
        let mut reads = Reads::new(false);
        reads.note(&cx, &question, &version, 3, (at(1), at(2)));
        assert_eq!((reads.waiting(), reads.lost), (0, 0));
        let mut reads = Reads::new(true);
        for n in 0..MOST + 2 {
            reads.note(&cx, &question, &VersionId::new(n.to_string()), 3, (at(1), at(2)));
        }
        reads.note(&cx, &question, &VersionId::new("0"), 1, (at(1), at(3)));
        assert_eq!((reads.waiting(), reads.lost), (MOST, 6));
    }

    #[test]
    fn one_reports_at_a_time_and_now_and_then() {
        let (cx, question, version) = asked();
        let (mut reads, every) = (Reads::new(true), Duration::from_secs(60));
        assert!(!reads.is_due(every, at(0), || false), "it begins");
        assert!(!reads.is_due(every, at(60), || false), "nothing to tell");
        reads.note(&cx, &question, &version, 1, (at(61), at(61)));
        assert!(!reads.is_due(every, at(119), || false) && reads.is_due(every, at(120), || false));
        assert!(!reads.is_due(every, at(300), || false), "somebody does it");
        assert!(reads.is_due(every, at(720), || false), "and has not come to an end");
        reads.reporting = None;
        assert!(reads.is_due(every, at(300), || false));
        reads.reporting = None;
        assert!(reads.is_due(every, at(5), || false), "the clock was set back");
    }
}
