//! Reads that were served, until they are reported: what is served from the cache counts as use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_store::{Error, SecretStore, ServedReads, VersionId};
use strongroom_types::{CallContext, Timestamp};

use crate::cache_policy::may_be_ridden_out;
use crate::cached::{Cached, Shared};
use crate::counter::Counter;
use crate::entries::Question;

/// So many different reads wait at most: by caller, question and version.
const MOST: usize = 65_536;
/// So many are reported in one call.
const AT_ONCE: usize = 100;

/// Counts what handles show of one version; handles count without a lock.
pub(crate) struct Tally {
    question: Question,
    version: VersionId,
    cx: CallContext,
    since: Timestamp,
    pub(crate) hits: Counter,
}

/// What is served, by what, and how often that was told.
struct Told {
    tally: Arc<Tally>,
    told: u64,
}

#[derive(Default)]
pub(crate) struct Reads {
    /// Whether anybody wants to know.
    wanted: bool,
    waiting: HashMap<(Question, VersionId), (CallContext, ServedReads)>,
    tallies: Vec<Told>,
    /// How many there were when they were last gone through.
    swept: usize,
    /// What handles have served, of what was gone through.
    pub(crate) by_handles: u64,
    pub(crate) lost: u64,
    /// Not before when they are reported again in the background, and whether somebody does it now.
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

    /// Notes reads of a version, none of them before `first`.
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
            // (A clock may have been set back meanwhile.)
            let mut reads = ServedReads::one(question.request(), version.clone(), first.min(last));
            (reads.count, reads.last) = (count, last);
            self.waiting.insert(key, (cx.lasting(), reads));
        } else {
            self.lost = self.lost.saturating_add(count);
        }
    }

    /// A place for handles to count what they serve of this version.
    pub(crate) fn tally(
        &mut self,
        cx: &CallContext,
        question: &Question,
        version: &VersionId,
        since: Timestamp,
    ) -> Arc<Tally> {
        // Each is gone through a few times, however many there are.
        if self.tallies.len() >= 64 + 2 * self.swept {
            self.sweep();
        }
        let (question, version, cx) = (question.clone(), version.clone(), cx.lasting());
        let tally = Arc::new(Tally { question, version, cx, since, hits: Counter::default() });
        self.tallies.push(Told { tally: Arc::clone(&tally), told: 0 });
        tally
    }

    /// Notes what handles have counted.
    pub(crate) fn sweep(&mut self) {
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.retain_mut(|known| {
            // Seen before it is read: what nobody else holds is not added to any more.
            let shown = Arc::get_mut(&mut known.tally).is_none();
            let (tally, sum) = (&known.tally, known.tally.hits.sum());
            let count = sum - known.told;
            known.told = sum;
            self.by_handles = self.by_handles.saturating_add(count);
            let times = (tally.since, tally.hits.last().max(tally.since));
            self.note(&tally.cx, &tally.question, &tally.version, count, times);
            shown
        });
        self.swept = tallies.len();
        self.tallies = tallies;
    }

    /// What waits, taken away.
    fn take(&mut self) -> Vec<(Question, CallContext, ServedReads)> {
        self.sweep();
        self.waiting.drain().map(|((question, _), (cx, reads))| (question, cx, reads)).collect()
    }

    /// Whether it is time to report, and nobody does: who is told so does it.
    pub(crate) fn is_due(&mut self, every: Duration, now: Timestamp, served: impl FnOnce() -> bool) -> bool {
        // A clock that was set back must not stop it.
        let early = self.next.is_some_and(|next| now < next && next <= now.after(every));
        // One that does not come to an end is not waited for.
        let busy = self.reporting.is_some_and(|since| since <= now && now < since.after(every * 10));
        if !self.wanted || busy || early {
            return false;
        }
        let first = self.next.replace(now.after(every)).is_none();
        // The first read is no reason to report yet.
        let due = !first && (!self.waiting.is_empty() || !self.tallies.is_empty() || served());
        self.reporting = due.then_some(now);
        due
    }
}

/// Reads that are being reported; what is not told in the end waits again.
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

/// One that reports in the background, until it ends however it ends.
pub(crate) struct Reporting<S>(pub(crate) Cached<S>);

impl<S> Drop for Reporting<S> {
    fn drop(&mut self) {
        self.0.shared.entries().reads.reporting = None;
    }
}

impl<S: SecretStore + 'static> Cached<S> {
    /// Tells the store of the reads that were served without it and are not reported yet ([`SecretStore::report_reads`]), and how many it took. With a background
    /// ([`Cached::spawning`]) that happens every now and then ([`crate::CachePolicy::report_every`]); a program that ends calls it for the last of them. A
    /// store that takes no such reports is told nothing.
    ///
    /// # Errors
    /// The store's own. Where the store could not answer, the reads wait for the next time; if it did get them after all, they are told twice.
    pub async fn flush_reads(&self) -> Result<u64, Error> {
        if !self.inner().capabilities().served_reads {
            return Ok(0);
        }
        let mut report = Report::of(&self.shared);
        let (mut told, mut failure, mut later) = (0, None, Vec::new());
        while let Some(batch) = report.left.last() {
            let reads: Vec<ServedReads> = batch.iter().map(|(_, _, reads)| reads.clone()).collect();
            let count: u64 = reads.iter().map(|reads| reads.count).sum();
            let Some((_, cx, _)) = batch.first() else { break };
            match self.inner().report_reads(cx, &reads).await {
                Ok(taken) => {
                    told += taken.min(count);
                    self.lose(count.saturating_sub(taken));
                }
                // The others need not wait for it.
                Err(error) if may_be_ridden_out(error.kind()) => {
                    later.extend(report.left.pop());
                    failure = failure.or(Some(error));
                    continue;
                }
                // It will not be told otherwise the next time.
                Err(error) => {
                    self.lose(count);
                    failure = failure.or(Some(error));
                }
            }
            report.left.pop();
        }
        report.left = later;
        failure.map_or(Ok(told), Err)
    }

    fn lose(&self, count: u64) {
        let mut entries = self.shared.entries();
        entries.reads.lost = entries.reads.lost.saturating_add(count);
    }

    /// Takes the reads that were served without the store and are not reported yet, each with its caller: for a program that keeps an account of its own. They
    /// are collected where the store takes reports, and with [`crate::CachePolicy::keep_reads`].
    #[must_use]
    pub fn drain_reads(&self) -> Vec<(CallContext, ServedReads)> {
        let taken = self.shared.entries().reads_so_far().take();
        taken.into_iter().map(|(_, cx, reads)| (cx, reads)).collect()
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
    fn what_handles_count_is_told_once_and_let_go_when_nobody_shows_it() {
        let (cx, question, version) = asked();
        let mut reads = Reads::new(true);
        let tally = reads.tally(&cx, &question, &version, at(1));
        tally.hits.add(at(5));
        tally.hits.add(at(7));
        reads.sweep();
        reads.sweep();
        let told = reads.take();
        assert_eq!((told.len(), told[0].2.count, told[0].2.first, told[0].2.last), (1, 2, at(1), at(7)));
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
