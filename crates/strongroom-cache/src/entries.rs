//! The cache's entries by query, and the log of recent writes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use strongroom_store::{Error, SecretArn, SecretVersion};
use strongroom_types::{CallContext, Timestamp};

use crate::cache_policy::{CachePolicy, Contents, State, age};
use crate::cached_secret::{CachedSecret, Source};
use crate::question::Question;
use crate::reads::Reads;
use crate::slot::{Shown, Slot};

#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) all: HashMap<Question, Entry>,
    /// By time of last use.
    order: BTreeMap<u64, Question>,
    uses: u64,
    pub(crate) bytes: usize,
    /// The slots that handles show, by query.
    slots: HashMap<Question, Weak<Slot>>,
    /// The number of slots at the last sweep.
    slots_swept: usize,
    /// The time of the next removal of expired entries.
    next_sweep: Option<Timestamp>,
    /// Counts the writes that went through this store. A fetch that began before a write to the
    /// same secret is not cached after it.
    pub(crate) writes: u64,
    /// Fetches in flight: the write count at their start, and their number of participants.
    asked: HashMap<Question, (u64, usize)>,
    /// The last writes, newest last, with the names of their secrets; `None` if a name may be
    /// missing, so that the write may concern any secret.
    log: VecDeque<(u64, Option<Vec<String>>)>,
    /// The newest write that is no longer in the log.
    forgotten: u64,
    /// Served reads that are not reported yet, except those still counted in entries.
    pub(crate) reads: Reads,
}

/// How many writes are logged by name: more than happen during a store call.
const LOG: usize = 1024;

pub(crate) struct Entry {
    pub(crate) state: State<Arc<SecretVersion>>,
    pub(crate) failure: Option<Error>,
    used: u64,
    pub(crate) refreshing: bool,
    /// The caller, for reports.
    cx: CallContext,
    /// How often the entry was served since the last collection, and when last.
    served: u64,
    last: Timestamp,
}

impl Entry {
    fn bytes(&self) -> usize {
        match &self.state.known {
            Contents::Value { value, .. } => value.value.len(),
            _ => 0,
        }
    }
}

impl Entry {
    /// What a handle can serve without a fetch. Without background tasks, that ends with the day.
    fn shown(
        &self,
        question: &Question,
        reads: &mut Reads,
        policy: &CachePolicy,
        background: bool,
    ) -> Option<Shown> {
        if policy.sealed_in_memory {
            return None;
        }
        let Contents::Value { value, since, life } = &self.state.known else { return None };
        let ahead = policy.ahead(*since, *life);
        // During the pause after a failure there is nothing to fetch.
        let ahead = self.state.resting.map_or(ahead, |until| ahead.max(until));
        let ends = since.after(*life);
        let until = if background { ends } else { ends.min(policy.day_ends(*since, *life)) };
        let tally = reads.tally(&self.cx, question, &value.version_id, *since);
        Some(Shown {
            version: Arc::clone(value),
            since: *since,
            ahead,
            until,
            tally,
            asked: AtomicBool::new(false),
        })
    }

    pub(crate) fn held(&self, now: Timestamp, source: Source) -> Option<CachedSecret> {
        let Contents::Value { value, since, .. } = &self.state.known else { return None };
        Some(CachedSecret::new(Arc::clone(value), age(*since, now).unwrap_or_default(), source))
    }

    /// Counts one served read.
    pub(crate) fn serve(&mut self, now: Timestamp) {
        self.served += 1;
        self.last = now;
    }

    /// Collects the counts of served reads.
    fn note(&mut self, question: &Question, reads: &mut Reads) {
        if let Contents::Value { value, since, .. } = &self.state.known {
            let count = std::mem::take(&mut self.served);
            reads.note(&self.cx, question, &value.version_id, count, (*since, self.last));
        }
    }

    /// Whether the entry is of the secret with one of these names, by its query or by its value.
    pub(crate) fn is_of(&self, question: &Question, names: &[&str]) -> bool {
        let asked = question.id.as_str();
        let answered = |name: &str| match &self.state.known {
            Contents::Value { value, .. } => value.name == *name || is(value.arn.as_str(), name),
            // The other name of a missing secret is unknown.
            Contents::Missing { .. } => true,
            Contents::Nothing => false,
        };
        names.iter().any(|name| is(asked, name)) || names.iter().any(|name| answered(name))
    }
}

/// Whether two ids may name the same secret.
fn is(one: &str, other: &str) -> bool {
    SecretArn::is(one, other) || SecretArn::is(other, one)
}

impl Entries {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads, ..Self::default() }
    }

    /// Removes everything, and discards fetches in flight.
    pub(crate) fn clear(&mut self) {
        self.log(None);
        self.reads_so_far();
        self.all.clear();
        self.order.clear();
        self.bytes = 0;
        for slot in self.slots.values().filter_map(Weak::upgrade) {
            slot.show(None);
        }
    }

    /// Logs a write with all the names of its secret.
    pub(crate) fn log(&mut self, names: Option<Vec<String>>) {
        self.writes += 1;
        self.log.push_back((self.writes, names));
        if self.log.len() > LOG
            && let Some((oldest, _)) = self.log.pop_front()
        {
            self.forgotten = oldest;
        }
    }

    /// Whether a fetch that began at this write count may predate a later write to the secret.
    pub(crate) fn is_over(&self, question: &Question, began: u64) -> bool {
        let asked = question.id.as_str();
        let concerns = |names: &Option<Vec<String>>| {
            names.as_ref().is_none_or(|names| names.iter().any(|name| is(asked, name)))
        };
        let later = self.log.iter().rev().take_while(|(write, _)| *write > began);
        self.forgotten > began || later.into_iter().any(|(_, names)| concerns(names))
    }

    /// Joins the fetch in flight, unless there was a write to the secret since it began; otherwise
    /// starts a new one. Returns the write count at its start.
    pub(crate) fn ask(&mut self, question: &Question) -> u64 {
        if let Some((began, _)) = self.asked.get(question).copied()
            && !self.is_over(question, began)
        {
            self.asked.entry(question.clone()).and_modify(|(_, count)| *count += 1);
            return began;
        }
        self.asked.insert(question.clone(), (self.writes, 1));
        self.writes
    }

    /// Leaves a fetch.
    pub(crate) fn leave(&mut self, question: &Question, began: u64) {
        if let Some((own, count)) = self.asked.get_mut(question)
            && *own == began
        {
            *count -= 1;
            if *count == 0 {
                self.asked.remove(question);
            }
        }
    }

    pub(crate) fn touch(&mut self, question: &Question) {
        let Some(entry) = self.all.get_mut(question) else { return };
        self.uses += 1;
        let before = std::mem::replace(&mut entry.used, self.uses);
        if let Some(question) = self.order.remove(&before) {
            self.order.insert(self.uses, question);
        }
    }

    /// All served reads, including those counted in entries.
    pub(crate) fn reads_so_far(&mut self) -> &mut Reads {
        for (question, entry) in &mut self.all {
            entry.note(question, &mut self.reads);
        }
        &mut self.reads
    }

    /// The slot where handles to this query see the value.
    pub(crate) fn slot(&mut self, question: &Question, policy: &CachePolicy, background: bool) -> Arc<Slot> {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            return slot;
        }
        // Removes slots without handles. Amortized: each is visited a few times, however many there
        // are.
        if self.slots.len() >= self.slots_swept * 2 + 64 {
            self.slots.retain(|_, slot| slot.strong_count() > 0);
            self.slots_swept = self.slots.len();
        }
        let slot = Arc::new(Slot::new());
        self.slots.insert(question.clone(), Arc::downgrade(&slot));
        self.show(question, policy, background);
        slot
    }

    pub(crate) fn take(&mut self, question: &Question) -> Option<Entry> {
        let entry = self.take_over(question)?;
        self.hide(question);
        Some(entry)
    }

    /// Removes an entry that is about to be replaced: handles show the old one until then.
    pub(crate) fn take_over(&mut self, question: &Question) -> Option<Entry> {
        let mut entry = self.all.remove(question)?;
        entry.note(question, &mut self.reads);
        self.order.remove(&entry.used);
        self.bytes -= entry.bytes();
        Some(entry)
    }

    /// Periodically removes expired entries.
    pub(crate) fn sweep(&mut self, policy: &CachePolicy, now: Timestamp) {
        let pause = (policy.hard_limit / 4).clamp(Duration::from_secs(1), Duration::from_secs(60));
        // (The clock may have been set back.)
        if self.next_sweep.is_some_and(|next| now < next && next <= now.after(pause)) {
            return;
        }
        self.next_sweep = Some(now.after(pause));
        let over = |entry: &Entry| match &entry.state.known {
            Contents::Value { since, .. } => age(*since, now).is_none_or(|age| age >= policy.hard_limit),
            Contents::Missing { since } => age(*since, now).is_none_or(|age| age >= policy.missing_for),
            Contents::Nothing => false,
        };
        let gone: Vec<Question> =
            self.all.iter().filter(|(_, entry)| over(entry)).map(|(question, _)| question.clone()).collect();
        for question in gone {
            self.take(&question);
        }
    }

    fn show(&mut self, question: &Question, policy: &CachePolicy, background: bool) {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            let entry = self.all.get(question);
            slot.show(entry.and_then(|entry| entry.shown(question, &mut self.reads, policy, background)));
        }
    }

    /// Lets handles to this query trigger a refresh again.
    pub(crate) fn ask_again(&self, question: &Question) {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            slot.ask_again();
        }
    }

    /// Whether reads are due to be reported and no report is in progress.
    pub(crate) fn reads_are_due(&mut self, every: Duration, now: Timestamp) -> bool {
        // Counts in entries are collected only when a report is due.
        self.reads.is_due(every, now, || self.all.values().any(|entry| entry.served > 0))
    }

    pub(crate) fn hide(&self, question: &Question) {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            slot.show(None);
        }
    }

    pub(crate) fn put(
        &mut self,
        cx: &CallContext,
        question: Question,
        (state, failure): (State<Arc<SecretVersion>>, Option<Error>),
        policy: &CachePolicy,
        background: bool,
    ) {
        self.uses += 1;
        let (used, cx, last) = (self.uses, cx.lasting(), Timestamp::default());
        let entry = Entry { state, failure, used, refreshing: false, cx, served: 0, last };
        self.bytes += entry.bytes();
        self.order.insert(self.uses, question.clone());
        self.all.insert(question.clone(), entry);
        self.show(&question, policy, background);
        // Uses through handles are not tracked here, so entries with handles are evicted last.
        let mut spared = self.all.len();
        while self.all.len() > policy.max_entries || self.bytes > policy.max_bytes {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            if spared > 0 && self.slots.get(&oldest).is_some_and(|slot| slot.strong_count() > 0) {
                spared -= 1;
                self.uses += 1;
                if let Some(entry) = self.all.get_mut(&oldest) {
                    entry.used = self.uses;
                }
                self.order.insert(self.uses, oldest);
                continue;
            }
            self.take(&oldest);
        }
    }
}
