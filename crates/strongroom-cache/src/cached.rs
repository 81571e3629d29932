//! The caching store.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use strongroom_envelope::random_array;
use strongroom_store::{Error, ErrorKind, GetSecretValue, SecretStore, SecretVersion, ServedReads};
use strongroom_types::{CallContext, Clock, Timestamp};

use crate::asker::is_over;
use crate::cache_policy::{CachePolicy, Contents, Outcome, Step, age, may_be_ridden_out};
use crate::cached_secret::{CachedSecret, Source};
use crate::coarse::CoarseClock;
use crate::entries::Entries;
use crate::flight::Flights;
use crate::question::Question;
use crate::reads::Reads;
use crate::report::Reporting;
use crate::shared::{Fetched, Shared, Spawn, Task};
use crate::slot::Slot;
use crate::stats::{CacheStats, Counts};
use crate::vault::Vault;

/// A secret store that caches the values of another one. Clones share the cache.
pub struct Cached<S> {
    pub(crate) shared: Arc<Shared<S>>,
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Why the store is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A read found no current value.
    Read,
    /// The caller wants the store's present value.
    Now,
    /// A background refresh.
    Refresh,
}

impl<S: SecretStore + 'static> Cached<S> {
    /// A cache around `inner` without background tasks: the first read after a value's time to live
    /// fetches it again. See also [`Cached::spawning`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for an inconsistent policy.
    pub fn new(inner: S, policy: CachePolicy) -> Result<Self, Error> {
        Self::build(inner, policy, Arc::new(CoarseClock::new()), None)
    }

    /// Like [`Cached::new`], with background tasks:
    /// `Cached::spawning(store, policy, Arc::new(move |task| drop(runtime.spawn(task))))` with a
    /// `tokio::runtime::Handle`.
    ///
    /// # Errors
    /// As [`Cached::new`].
    pub fn spawning(inner: S, policy: CachePolicy, spawn: Spawn) -> Result<Self, Error> {
        Self::build(inner, policy, Arc::new(CoarseClock::new()), Some(spawn))
    }

    /// Like [`Cached::new`] or [`Cached::spawning`], with a custom clock.
    ///
    /// # Errors
    /// As [`Cached::new`].
    pub fn build(
        inner: S,
        policy: CachePolicy,
        clock: Arc<dyn Clock>,
        spawn: Option<Spawn>,
    ) -> Result<Self, Error> {
        policy.check()?;
        let takes_reads = inner.capabilities().served_reads;
        let reads = Reads::new(policy.keep_reads || takes_reads);
        let entries = Mutex::new(Entries::new(reads));
        let (calls, counts) = (Flights::default(), Counts::default());
        let vault = policy.sealed_in_memory.then(Vault::new).transpose()?;
        let shared = Shared { inner, policy, clock, spawn, entries, calls, counts, vault, takes_reads };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The wrapped store.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.shared.inner
    }

    /// The cache's statistics.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.shared.counts;
        let (now, mut entries) = (self.now(), self.entries());
        entries.reads_so_far().sweep();
        entries.sweep(&self.shared.policy, now);
        let limit = self.shared.policy.hard_limit;
        let ages = entries.all.values().filter_map(|entry| Some(entry.held(now, Source::Cache)?.age()));
        let ages = ages.filter(|age| *age < limit);
        CacheStats {
            hits: counts.hits.sum() + entries.reads.by_handles,
            misses: count(&counts.misses),
            refused: count(&counts.refused),
            refreshes: count(&counts.refreshes),
            failures: count(&counts.failures),
            stale: count(&counts.stale),
            entries: entries.all.len(),
            bytes: entries.bytes,
            oldest: ages.max().unwrap_or_default(),
            reads_waiting: entries.reads.waiting(),
            reads_lost: entries.reads.lost,
        }
    }

    /// Reports the reads that were served from the cache to the store
    /// ([`SecretStore::report_reads`]). Returns how many the store recorded. With background tasks
    /// ([`Cached::spawning`]), this happens regularly ([`crate::CachePolicy::report_every`]); call
    /// it before the program ends. Does nothing if the store accepts no reports.
    ///
    /// # Errors
    /// The store's own. If the store does not answer, the reads are reported again the next time,
    /// so they are counted twice if it did receive them.
    pub async fn flush_reads(&self) -> Result<u64, Error> {
        self.shared.flush().await
    }

    /// Removes and returns the reads that were served from the cache and are not reported yet, each
    /// with its caller, for a program with its own accounting. Reads are collected if the store
    /// accepts reports or with [`crate::CachePolicy::keep_reads`].
    #[must_use]
    pub fn drain_reads(&self) -> Vec<(CallContext, ServedReads)> {
        let taken = self.shared.entries().reads_so_far().take();
        taken.into_iter().map(|(_, cx, reads)| (cx, reads)).collect()
    }

    /// Drops, and thereby wipes, all values.
    pub fn clear(&self) {
        self.entries().clear();
    }

    /// The slot that handles to this query show.
    pub(crate) fn slot(&self, question: &Question) -> Arc<Slot> {
        self.entries().slot(question, &self.shared.policy, self.shared.spawn.is_some())
    }

    /// Reads a value: the cached one within its time to live, otherwise the store's. While the
    /// store is down, returns the cached one up to the hard limit.
    ///
    /// # Errors
    /// As the store's own.
    pub async fn read(&self, cx: &CallContext, request: GetSecretValue) -> Result<CachedSecret, Error> {
        let question = Question::new(cx, &request);
        // Lets the store refuse an expired session.
        let over = is_over(cx, self.now());
        let (step, found) = if over { (Step::Fetch, None) } else { self.look(&question) };
        // A value that is served without a fetch was found under the same lock as the decision to
        // serve it.
        let (found, failure) = match found {
            Some(Ok(held)) => (Some(held), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, None),
        };
        let count = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let counts = &self.shared.counts;
        match step {
            Step::Serve | Step::ServeAndRefresh => {
                counts.hits.add(self.now());
                if step == Step::ServeAndRefresh {
                    self.refresh_meanwhile(cx, &request, &question);
                }
                found.ok_or_else(lost)
            }
            Step::ServeStale => {
                count(&counts.stale);
                found.ok_or_else(lost)
            }
            Step::SayMissing | Step::SayFailure => {
                count(&counts.refused);
                Err(failure.unwrap_or_else(lost))
            }
            Step::Fetch => {
                count(&counts.misses);
                match self.fetch(cx, request, &question, Why::Read).await {
                    Ok(fetched) => Ok(self.fresh(fetched)),
                    Err(error) if may_be_ridden_out(error.kind()) && !over => match self.last(&question) {
                        Some(held) => {
                            count(&counts.stale);
                            Ok(held)
                        }
                        None => Err(error),
                    },
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Fetches a value now, whatever is cached. The request to the store starts after this call.
    ///
    /// # Errors
    /// As the store's own. The cached value stays, unless the store's answer invalidates it.
    pub async fn refresh_now(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<CachedSecret, Error> {
        let question = Question::new(cx, &request);
        self.fetch_since(cx, request, &question, self.now()).await.map(|fetched| self.fresh(fetched))
    }

    /// The cached value if it was requested after this time, otherwise the store's. Callers that
    /// check on a value they got earlier share one fetch.
    pub(crate) async fn read_since(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
        moment: Timestamp,
    ) -> Result<CachedSecret, Error> {
        let question = Question::new(cx, &request);
        let now = self.now();
        let kept = if is_over(cx, now) { None } else { self.kept_since(&question, moment, now) };
        match kept.and_then(|held| self.opened(held)) {
            Some(held) => Ok(held),
            None => self.fetch_since(cx, request, &question, moment).await.map(|fetched| self.fresh(fetched)),
        }
    }

    fn kept_since(&self, question: &Question, moment: Timestamp, now: Timestamp) -> Option<CachedSecret> {
        let mut entries = self.entries();
        let entry = entries.all.get_mut(question)?;
        match &entry.state.known {
            Contents::Value { since, .. } if *since > moment && *since <= now => {
                entry.serve(now);
                entry.held(now, Source::Cache)
            }
            _ => None,
        }
    }

    /// Fetches from the store. Does not join a call that began before this time.
    async fn fetch_since(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
        question: &Question,
        moment: Timestamp,
    ) -> Fetched {
        let first = self.fetch(cx, request.clone(), question, Why::Now).await;
        match &first {
            Ok((_, asked)) if *asked < moment => self.fetch(cx, request, question, Why::Now).await,
            _ => first,
        }
    }

    fn fresh(&self, (version, asked): (Arc<SecretVersion>, Timestamp)) -> CachedSecret {
        let age = age(asked, self.now()).unwrap_or_default();
        CachedSecret::new(version, age, Source::Store)
    }

    /// Spawns a background task.
    pub(crate) fn in_background(&self, task: Task) -> Result<(), Error> {
        let text = "this cache has no background tasks: create it with Cached::spawning";
        let spawn = self.shared.spawn.as_ref().ok_or_else(|| Error::new(ErrorKind::Unsupported, text))?;
        spawn(task);
        Ok(())
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.clock)
    }

    pub(crate) fn hard_limit(&self) -> Duration {
        self.shared.policy.hard_limit
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.shared.entries()
    }

    /// What a read does, and the cached value.
    fn look(&self, question: &Question) -> (Step, Option<Result<CachedSecret, Error>>) {
        let now = self.now();
        let mut entries = self.entries();
        let Some(entry) = entries.all.get_mut(question) else { return (Step::Fetch, None) };
        let mut step = entry.state.step(&self.shared.policy, now);
        // Without background tasks, a new day's first read fetches itself.
        if let (Step::ServeAndRefresh, None, Contents::Value { since, life, .. }) =
            (step, &self.shared.spawn, &entry.state.known)
        {
            step = if now >= self.shared.policy.day_ends(*since, *life) { Step::Fetch } else { Step::Serve };
        }
        let source = if step == Step::ServeStale { Source::Stale } else { Source::Cache };
        let found = match step {
            Step::SayMissing | Step::SayFailure => entry.failure.clone().map(Err),
            _ => entry.held(now, source).map(Ok),
        };
        if matches!(step, Step::Serve | Step::ServeAndRefresh | Step::ServeStale) {
            entry.serve(now);
        }
        entries.touch(question);
        let due = self.report_is_due(&mut entries, now);
        drop(entries);
        if due {
            self.report_meanwhile();
        }
        let found = match found {
            Some(Ok(held)) if step != Step::Fetch => self.opened(held).map(Ok),
            found => found,
        };
        (step, found)
    }

    /// The cached value, if it can still be served while the store is down.
    fn last(&self, question: &Question) -> Option<CachedSecret> {
        let now = self.now();
        let mut entries = self.entries();
        let entry = entries.all.get_mut(question)?;
        let held =
            entry.state.may_serve(&self.shared.policy, now).then(|| entry.held(now, Source::Stale))??;
        entry.serve(now);
        drop(entries);
        self.opened(held)
    }

    /// The cached value, decrypted.
    fn opened(&self, held: CachedSecret) -> Option<CachedSecret> {
        let Some(vault) = &self.shared.vault else { return Some(held) };
        let (age, source) = (held.age(), held.source());
        Some(CachedSecret::new(Arc::new(vault.open(&held)?), age, source))
    }

    fn fetched_meanwhile(&self, question: &Question) -> Option<(Arc<SecretVersion>, Timestamp)> {
        let now = self.now();
        let entries = self.entries();
        let entry = entries.all.get(question)?;
        let Contents::Value { since, .. } = entry.state.known else { return None };
        let young = entry.state.step(&self.shared.policy, now) == Step::Serve;
        let held = young.then(|| entry.held(now, Source::Cache))??;
        drop(entries);
        Some((self.opened(held)?.into_version(), since))
    }

    /// Fetches from the store, once for all concurrent readers of the same value, and caches the
    /// answer unless there was a write in the meantime. Readers that join another's call are not
    /// visible to the store.
    async fn fetch(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
        question: &Question,
        why: Why,
    ) -> Fetched {
        loop {
            // (A reader that takes over an abandoned call that is already complete has not
            // fetched.)
            let mut own = false;
            let asking = Taking::part(&self.shared, question);
            let began = asking.began;
            // A read after a write does not join a call from before it.
            let key = (question.clone(), began);
            let answer = self.shared.calls.join(&key, || {
                own = true;
                async {
                    // A call that was abandoned and taken over after a write would duplicate the
                    // calls that began after the write.
                    if self.entries().is_over(question, began) {
                        return None;
                    }
                    // Another reader has fetched it since.
                    if why == Why::Read
                        && let Some(kept) = self.fetched_meanwhile(question)
                    {
                        return Some((Ok(kept), false));
                    }
                    let asked = self.now();
                    let fetched = self.shared.inner.get_secret_value(cx, request.clone()).await;
                    let fetched: Fetched = fetched.map(|version| (Arc::new(version), asked));
                    self.keep(cx, question, &fetched, asked, began);
                    Some((fetched, true))
                }
            });
            let answer = answer.await;
            drop(asking);
            let Some((fetched, by_store)) = answer else { continue };
            if let Ok((version, _)) = &fetched
                && why != Why::Refresh
                && !(own && by_store)
            {
                let now = self.now();
                self.entries().reads.note(cx, question, &version.version_id, 1, (now, now));
            }
            return fetched;
        }
    }

    fn keep(&self, cx: &CallContext, question: &Question, fetched: &Fetched, asked: Timestamp, began: u64) {
        let now = self.now();
        let dice = random_array::<2>().map_or(0, u16::from_be_bytes);
        if fetched.is_err() {
            self.shared.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        let kept = match (fetched, &self.shared.vault) {
            (Ok((version, _)), Some(vault)) => vault.seal(version).map(Arc::new),
            (Ok((version, _)), None) => Some(Arc::clone(version)),
            (Err(_), _) => None,
        };
        let mut entries = self.entries();
        entries.sweep(&self.shared.policy, now);
        if entries.is_over(question, began) {
            // A refusal takes effect even if there was a write in the meantime.
            if fetched.as_ref().is_err_and(|error| !may_be_ridden_out(error.kind())) {
                entries.take(question);
            }
            return;
        }
        let before = entries.take_over(question);
        let state = before.map(|entry| entry.state).unwrap_or_default();
        let outcome = match fetched {
            Ok(_) => match &kept {
                Some(version) => Outcome::Got(Arc::clone(version)),
                // It could not be encrypted, and is not cached in plaintext.
                None => {
                    entries.hide(question);
                    return;
                }
            },
            Err(error) => Outcome::Failed(error.kind()),
        };
        let state = state.after(&self.shared.policy, outcome, asked, now, dice);
        // An entry with nothing to cache is removed.
        if state.is_nothing() {
            entries.hide(question);
            return;
        }
        let failure = fetched.as_ref().err().cloned();
        let background = self.shared.spawn.is_some();
        entries.put(cx, question.clone(), (state, failure), &self.shared.policy, background);
        let due = self.report_is_due(&mut entries, now);
        drop(entries);
        if due {
            self.report_meanwhile();
        }
    }

    fn report_is_due(&self, entries: &mut Entries, now: Timestamp) -> bool {
        self.shared.spawn.is_some()
            && self.shared.takes_reads
            && entries.reads_are_due(self.shared.policy.report_every, now)
    }

    /// Reports served reads in the background.
    fn report_meanwhile(&self) {
        let reporting = Reporting(Arc::clone(&self.shared));
        if let Some(spawn) = &self.shared.spawn {
            spawn(Box::pin(async move {
                let _ = reporting.0.flush().await;
            }));
        }
    }

    pub(crate) fn refresh_meanwhile(&self, cx: &CallContext, request: &GetSecretValue, question: &Question) {
        let Some(spawn) = &self.shared.spawn else { return };
        {
            let mut entries = self.entries();
            let Some(entry) = entries.all.get_mut(question) else { return };
            // It may have been fetched since the decision.
            let wanted = entry.state.step(&self.shared.policy, self.now()) == Step::ServeAndRefresh;
            if entry.refreshing || !wanted {
                return;
            }
            entry.refreshing = true;
        }
        let (own, cx, request, question) = (self.clone(), cx.lasting(), request.clone(), question.clone());
        // Created before the task: if the task never runs or ends early, others can fetch.
        let asking = Asking { cached: own, question };
        spawn(Box::pin(async move {
            asking.cached.shared.counts.refreshes.fetch_add(1, Ordering::Relaxed);
            let _ = asking.cached.fetch(&cx, request, &asking.question, Why::Refresh).await;
        }));
    }

    /// Removes a secret's entries, for all callers and names, and discards fetches in flight.
    /// `all`: these are all the secret's names.
    pub(crate) fn written(&self, names: &[&str], all: bool) {
        let mut entries = self.entries();
        entries.log(all.then(|| names.iter().map(|name| (*name).to_owned()).collect()));
        let concerned: Vec<Question> = entries
            .all
            .iter()
            .filter(|(question, entry)| entry.is_of(question, names))
            .map(|(question, _)| question.clone())
            .collect();
        for question in concerned {
            entries.take(&question);
        }
    }
}

/// Counts a participant in a fetch until dropped.
struct Taking<'a, S> {
    shared: &'a Shared<S>,
    question: &'a Question,
    began: u64,
}

impl<'a, S> Taking<'a, S> {
    fn part(shared: &'a Shared<S>, question: &'a Question) -> Self {
        let began = shared.entries().ask(question);
        Self { shared, question, began }
    }
}

impl<S> Drop for Taking<'_, S> {
    fn drop(&mut self) {
        self.shared.entries().leave(self.question, self.began);
    }
}

/// Marks a background fetch until dropped.
struct Asking<S> {
    cached: Cached<S>,
    question: Question,
}

impl<S> Drop for Asking<S> {
    fn drop(&mut self) {
        let mut entries = self.cached.shared.entries();
        if let Some(entry) = entries.all.get_mut(&self.question) {
            entry.refreshing = false;
        }
        entries.ask_again(&self.question);
    }
}

/// An internal error: a step that serves without a value.
fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the value was removed while it was read: read again")
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("inner", &self.shared.inner)
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}
