//! What is kept: entries by their questions, and what was written meanwhile.

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
    /// By when they were used last.
    order: BTreeMap<u64, Question>,
    uses: u64,
    pub(crate) bytes: usize,
    /// What handles show, by the question of each.
    slots: HashMap<Question, Weak<Slot>>,
    /// How many there were when they were last gone through.
    slots_swept: usize,
    /// When what is too old to be served is thrown away next.
    next_sweep: Option<Timestamp>,
    /// Counts the writes that went through this store: what was asked before one that concerns it
    /// is not kept after it.
    pub(crate) writes: u64,
    /// What is being asked for: after how many writes that began, and how many take part.
    asked: HashMap<Question, (u64, usize)>,
    /// The last of them, newest last, by the names of their secrets; none where a name may be
    /// missing, so that it may concern all.
    log: VecDeque<(u64, Option<Vec<String>>)>,
    /// The newest that is not in the log any more.
    forgotten: u64,
    /// What was served and is not reported yet, but for what entries have counted.
    pub(crate) reads: Reads,
}

/// How many writes are remembered by name: more than go through in the time that a call takes.
const LOG: usize = 1024;

pub(crate) struct Entry {
    pub(crate) state: State<Arc<SecretVersion>>,
    pub(crate) failure: Option<Error>,
    used: u64,
    pub(crate) refreshing: bool,
    /// Who asks, for reports.
    cx: CallContext,
    /// How often it was served since that was noted, and when last.
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
    /// What a handle may serve without asking. Where nothing happens in the background, that ends
    /// with the day.
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
        // While the store rests there is nothing to ask for.
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

    /// It was served.
    pub(crate) fn serve(&mut self, now: Timestamp) {
        self.served += 1;
        self.last = now;
    }

    /// Notes what was served.
    fn note(&mut self, question: &Question, reads: &mut Reads) {
        if let Contents::Value { value, since, .. } = &self.state.known {
            let count = std::mem::take(&mut self.served);
            reads.note(&self.cx, question, &value.version_id, count, (*since, self.last));
        }
    }

    /// Whether it is of a secret that one of these names: by what was asked, or by what was
    /// answered.
    pub(crate) fn is_of(&self, question: &Question, names: &[&str]) -> bool {
        let asked = question.id.as_str();
        let answered = |name: &str| match &self.state.known {
            Contents::Value { value, .. } => value.name == *name || is(value.arn.as_str(), name),
            // Of what is missing nobody knows its other name.
            Contents::Missing { .. } => true,
            Contents::Nothing => false,
        };
        names.iter().any(|name| is(asked, name)) || names.iter().any(|name| answered(name))
    }
}

/// Whether two texts may name one secret.
fn is(one: &str, other: &str) -> bool {
    SecretArn::is(one, other) || SecretArn::is(other, one)
}

impl Entries {
    pub(crate) fn new(reads: Reads) -> Self {
        Self { reads, ..Self::default() }
    }

    /// Forgets everything, and what is being asked for.
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

    /// Notes a write by all the names of its secret.
    pub(crate) fn log(&mut self, names: Option<Vec<String>>) {
        self.writes += 1;
        self.log.push_back((self.writes, names));
        if self.log.len() > LOG
            && let Some((oldest, _)) = self.log.pop_front()
        {
            self.forgotten = oldest;
        }
    }

    /// Whether what was asked after so many writes may be older than a later one.
    pub(crate) fn is_over(&self, question: &Question, began: u64) -> bool {
        let asked = question.id.as_str();
        let concerns = |names: &Option<Vec<String>>| {
            names.as_ref().is_none_or(|names| names.iter().any(|name| is(asked, name)))
        };
        let later = self.log.iter().rev().take_while(|(write, _)| *write > began);
        self.forgotten > began || later.into_iter().any(|(_, names)| concerns(names))
    }

    /// Takes part in asking: in what is under way, unless a write that concerns it has come since,
    /// or anew. After how many writes that began.
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

    /// Takes part no more.
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

    /// What was served, with what entries have counted.
    pub(crate) fn reads_so_far(&mut self) -> &mut Reads {
        for (question, entry) in &mut self.all {
            entry.note(question, &mut self.reads);
        }
        &mut self.reads
    }

    /// A place where handles to this question see what there is.
    pub(crate) fn slot(&mut self, question: &Question, policy: &CachePolicy, background: bool) -> Arc<Slot> {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            return slot;
        }
        // Those that nobody holds any more; each is looked at a few times, however many there are.
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

    /// Takes an entry for another in its place: handles go on showing it until then.
    pub(crate) fn take_over(&mut self, question: &Question) -> Option<Entry> {
        let mut entry = self.all.remove(question)?;
        entry.note(question, &mut self.reads);
        self.order.remove(&entry.used);
        self.bytes -= entry.bytes();
        Some(entry)
    }

    /// Throws away, now and then, what is too old to be served.
    pub(crate) fn sweep(&mut self, policy: &CachePolicy, now: Timestamp) {
        let pause = (policy.hard_limit / 4).clamp(Duration::from_secs(1), Duration::from_secs(60));
        // (A clock may have been set back.)
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

    /// Lets handles to this question have it fetched again.
    pub(crate) fn ask_again(&self, question: &Question) {
        if let Some(slot) = self.slots.get(question).and_then(Weak::upgrade) {
            slot.ask_again();
        }
    }

    /// Whether it is time to report what was served, and nobody does.
    pub(crate) fn reads_are_due(&mut self, every: Duration, now: Timestamp) -> bool {
        // What entries have counted is gone through only then.
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
        // What somebody holds a handle to is used without our knowing: it goes last.
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
