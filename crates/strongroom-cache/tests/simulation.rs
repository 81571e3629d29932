//! Random schedules of reads, writes, faults, cancellations and time against a store that is a model of itself, on one thread, so that a seed
//! is a schedule: `SEEDS=100000` for the long run, `SEED=n` for one of them.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use strongroom::store::{
    Capabilities, CreateSecret, Error, GetSecretValue, ListSecretVersionIds, ListSecrets, PutSecretValue,
    SecretCreated, SecretPage, SecretUpdated, ServedReads, UpdateSecret, UpdateSecretVersionStage, ValuePut,
    VersionPage,
};
use strongroom::{
    AccountId, Arn, CallContext, Caller, Clock, Realm, SecretErrorKind as ErrorKind, Stage, Timestamp,
};
use strongroom::{SecretId, SecretMetadata, SecretRef, SecretStore, SecretValue, SecretVersion};
use strongroom_cache::{CachePolicy, Cached, CachedSecret, Handle, Source, Spawn, Task};
use strongroom_testkit::ManualClock;

const SECRETS: [&str; 2] = ["a", "b"];
const CALLERS: usize = 2;

/// A small generator of its own, so that a seed is the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }
}

/// What is true, and since when.
#[derive(Default)]
struct Truth {
    /// Of each secret: its values, each from a moment on.
    values: BTreeMap<&'static str, Vec<(Timestamp, u64)>>,
    /// Who may not, and since when.
    denied: BTreeMap<(usize, &'static str), Timestamp>,
    down: Option<ErrorKind>,
    /// When a call last failed because the store was down.
    last_failure: Option<Timestamp>,
    /// Calls under way, by what they are for.
    under_way: HashMap<(usize, String, u64), usize>,
    /// Own writes so far: a call from before one may go on beside one from after it.
    writes: BTreeMap<String, u64>,
    /// Answers that are ready to be given: calls wait until one of these is theirs.
    released: BTreeSet<u64>,
    waiting: BTreeSet<u64>,
    calls: u64,
    /// What was reported: how often a caller read which value of a secret without a call.
    reported: BTreeMap<(usize, String, u64), u64>,
}

#[derive(Clone)]
struct Store {
    truth: Arc<Mutex<Truth>>,
    clock: Arc<ManualClock>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn caller(n: usize) -> CallContext {
    let user = Arn::parse(&format!("arn:aws:iam::000000000000:user/u{n}")).unwrap();
    CallContext::new(Caller::Principal(user))
}

fn number(cx: &CallContext) -> usize {
    (0..CALLERS).find(|n| caller(*n).caller() == cx.caller()).unwrap()
}

fn arn(name: &str) -> Arn {
    Realm::new(AccountId::DEFAULT, Default::default()).arn("secretsmanager", &format!("secret:{name}-AbCdEf"))
}

/// A call that waits until it is released, and is missed when it is given up.
struct Gate {
    truth: Arc<Mutex<Truth>>,
    id: u64,
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if self.truth.lock().unwrap_or_else(PoisonError::into_inner).released.remove(&self.id) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

struct UnderWay {
    truth: Arc<Mutex<Truth>>,
    key: (usize, String, u64),
    id: u64,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        truth.waiting.remove(&self.id);
        truth.released.remove(&self.id);
        *truth.under_way.get_mut(&self.key).unwrap() -= 1;
    }
}

impl Store {
    fn current(&self, truth: &Truth, who: usize, name: &str) -> Result<SecretVersion, Error> {
        if let Some(kind) = truth.down {
            return Err(Error::new(kind, "down"));
        }
        let name = *SECRETS.iter().find(|known| **known == name).unwrap();
        if truth.denied.contains_key(&(who, name)) {
            return Err(Error::new(ErrorKind::AccessDenied, "denied"));
        }
        let Some((_, value)) = truth.values.get(name).and_then(|values| values.last()) else {
            return Err(Error::new(ErrorKind::NotFound, "missing"));
        };
        Ok(SecretVersion {
            arn: arn(name),
            name: name.to_owned(),
            version_id: format!("{value:032}").into(),
            // For whom it was read is in it: what another caller must never see.
            value: SecretValue::text(format!("{name} {value} {who}")),
            stages: [Stage::CURRENT].into(),
            created: self.clock.now(),
        })
    }
}

#[async_trait::async_trait]
impl SecretStore for Store {
    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        let who = number(cx);
        let (_guard, id, early) = {
            let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
            truth.calls += 1;
            let id = truth.calls;
            let name = request.id.as_str().to_owned();
            let writes = truth.writes.get(&name).copied().unwrap_or(0);
            let key = (who, name, writes);
            let count = truth.under_way.entry(key.clone()).or_default();
            *count += 1;
            assert!(*count == 1, "two calls for one question at once");
            truth.waiting.insert(id);
            // Every other store answers as it was when it was asked, the rest as it is when they answer.
            let early = id.is_multiple_of(2).then(|| self.current(&truth, who, request.id.as_str()));
            (UnderWay { truth: Arc::clone(&self.truth), key, id }, id, early)
        };
        Gate { truth: Arc::clone(&self.truth), id }.await;
        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = early.unwrap_or_else(|| self.current(&truth, who, request.id.as_str()));
        if answer.as_ref().is_err_and(|error| error.message() == "down") {
            truth.last_failure = Some(self.clock.now());
        }
        answer
    }

    async fn put_secret_value(&self, _cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        let name = *SECRETS.iter().find(|known| **known == request.id.as_str()).unwrap();
        let value =
            truth.values.get(name).and_then(|values| values.last()).map_or(0, |(_, value)| *value) + 1;
        truth.values.entry(name).or_default().push((self.clock.now(), value));
        let version_id = format!("{value:032}").into();
        Ok(ValuePut { arn: arn(name), name: name.to_owned(), version_id, stages: [Stage::CURRENT].into() })
    }

    async fn create_secret(&self, _: &CallContext, _: CreateSecret) -> Result<SecretCreated, Error> {
        unreachable!()
    }
    async fn update_secret(&self, _: &CallContext, _: UpdateSecret) -> Result<SecretUpdated, Error> {
        unreachable!()
    }
    async fn update_secret_version_stage(
        &self,
        _: &CallContext,
        _: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        unreachable!()
    }
    async fn describe_secret(&self, _: &CallContext, _: &SecretId) -> Result<SecretMetadata, Error> {
        unreachable!()
    }
    async fn list_secrets(&self, _: &CallContext, _: ListSecrets) -> Result<SecretPage, Error> {
        unreachable!()
    }
    async fn list_secret_version_ids(
        &self,
        _: &CallContext,
        _: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        unreachable!()
    }
    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        let who = number(cx);
        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = truth.down {
            return Err(Error::new(kind, "down"));
        }
        for read in reads {
            assert!(read.count > 0 && read.first <= read.last && read.last <= self.clock.now(), "{read:?}");
            let value = read.version_id.as_str().parse().unwrap();
            *truth.reported.entry((who, read.request.id.to_string(), value)).or_default() += read.count;
        }
        Ok(reads.iter().map(|read| read.count).sum())
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.served_reads = true;
        capabilities
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<CachedSecret, Error>> + Send>>;

struct Read {
    who: usize,
    name: &'static str,
    begun: Timestamp,
    /// The newest value of our own writes when it began.
    own: u64,
    future: Reading,
}

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(100))
        .hard_limit(Duration::from_secs(400))
        .back_off(Duration::from_secs(2), Duration::from_secs(30))
        .missing_for(Duration::from_secs(5))
        .bounds(3, 1_000)
}

struct World {
    dice: Dice,
    clock: Arc<ManualClock>,
    truth: Arc<Mutex<Truth>>,
    cached: Cached<Store>,
    tasks: Arc<Mutex<Vec<Task>>>,
    reads: Vec<Read>,
    handles: Vec<(usize, &'static str, Handle<Store>)>,
    own: BTreeMap<&'static str, u64>,
    /// How often each caller was served which value: at least without a call, and in all.
    served: BTreeMap<(usize, String, u64), (u64, u64)>,
    completed: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::default());
        let truth = Arc::new(Mutex::new(Truth::default()));
        let tasks = Arc::new(Mutex::new(Vec::new()));
        let store = Store { truth: Arc::clone(&truth), clock: Arc::clone(&clock) };
        let queue = Arc::clone(&tasks);
        let spawn: Spawn = Arc::new(move |task| queue.lock().unwrap().push(task));
        let cached = Cached::build(store, policy(), clock.clone(), Some(spawn)).unwrap();
        let pairs = (0..CALLERS).flat_map(|who| SECRETS.map(|secret| (who, secret)));
        let handles = pairs.map(|(who, secret)| (who, secret, cached.handle(&caller(who), secret))).collect();
        let (reads, own, served) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { dice: Dice(seed), clock, truth, cached, tasks, reads, handles, own, served, completed: 0 }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn step(&mut self) {
        let secret = SECRETS[self.dice.below(SECRETS.len())];
        let who = self.dice.below(CALLERS);
        match self.dice.below(24) {
            0..=6 => {
                let (cached, cx) = (self.cached.clone(), caller(who));
                let future: Reading =
                    Box::pin(async move { cached.read(&cx, GetSecretValue::new(secret)).await });
                let own = self.own.get(secret).copied().unwrap_or(0);
                self.reads.push(Read { who, name: secret, begun: self.now(), own, future });
                self.poll(self.reads.len() - 1);
            }
            7..=9 => {
                // The answer to one of the calls comes.
                let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
                let waiting: Vec<u64> = truth.waiting.iter().copied().collect();
                if !waiting.is_empty() {
                    let id = waiting[self.dice.below(waiting.len())];
                    truth.waiting.remove(&id);
                    truth.released.insert(id);
                }
                drop(truth);
                self.settle();
            }
            10 => {
                // Somebody gives up.
                if !self.reads.is_empty() {
                    let at = self.dice.below(self.reads.len());
                    drop(self.reads.remove(at));
                    self.settle();
                }
            }
            11 => {
                let cx = caller(who);
                let put = PutSecretValue::new(secret, SecretValue::text("v"));
                let cached = self.cached.clone();
                let mut write = Box::pin(async move { cached.put_secret_value(&cx, put).await });
                match write.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(put) => {
                        let value: u64 = put.unwrap().version_id.as_str().parse().unwrap();
                        self.own.insert(secret, value);
                        let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
                        *truth.writes.entry(secret.to_owned()).or_default() += 1;
                    }
                    Poll::Pending => panic!("a write waits for nothing"),
                }
            }
            12 => {
                // Somebody else writes.
                let now = self.now();
                let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
                let values = truth.values.entry(secret).or_default();
                let value = values.last().map_or(0, |(_, value)| *value) + 1;
                values.push((now, value));
            }
            13 => {
                let now = self.now();
                let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
                if truth.denied.remove(&(who, secret)).is_none() {
                    truth.denied.insert((who, secret), now);
                }
            }
            14 => {
                let kinds = [ErrorKind::Throttled, ErrorKind::Internal, ErrorKind::OutcomeUnknown];
                let kind = kinds[self.dice.below(3)];
                let mut truth = self.truth.lock().unwrap_or_else(PoisonError::into_inner);
                truth.down = if truth.down.is_some() { None } else { Some(kind) };
            }
            15..=18 => {
                let seconds = [1, 3, 10, 25, 60, 110][self.dice.below(6)];
                self.clock.advance(Duration::from_secs(seconds));
            }
            _ => self.peek(),
        }
    }

    /// What handles show is what a read would serve.
    fn peek(&mut self) {
        let at = self.dice.below(self.handles.len());
        let (who, name, handle) = &self.handles[at];
        if let Some(hit) = handle.peek() {
            let own = self.own.get(name).copied().unwrap_or(0);
            let text = hit.version().unwrap().expose_text().unwrap().to_owned();
            self.holds(*who, name, own, &text, Source::Cache, hit.age(), self.now());
            let who = *who;
            drop(hit);
            self.served(who, &text, Source::Cache);
        }
    }

    /// Lets everybody go on who can.
    fn settle(&mut self) {
        // (Twice: what one does may let another go on.)
        for _ in 0..2 {
            let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
            tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            self.tasks.lock().unwrap().extend(tasks);
            for at in (0..self.reads.len()).rev() {
                self.poll(at);
            }
        }
    }

    fn poll(&mut self, at: usize) {
        let answer = self.reads[at].future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(answer) = answer else { return };
        let read = self.reads.remove(at);
        self.completed += 1;
        match answer {
            Ok(held) => {
                self.check(&read, &held);
                self.served(read.who, held.expose_text().unwrap(), held.source());
            }
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::AccessDenied
                        | ErrorKind::NotFound
                        | ErrorKind::Throttled
                        | ErrorKind::Internal
                        | ErrorKind::OutcomeUnknown
                ),
                "{error}"
            ),
        }
    }

    fn served(&mut self, who: usize, text: &str, source: Source) {
        let mut parts = text.split(' ');
        let (name, value) = (parts.next().unwrap().to_owned(), parts.next().unwrap().parse().unwrap());
        let (without_a_call, all) = self.served.entry((who, name, value)).or_default();
        *without_a_call += u64::from(source != Source::Store);
        *all += 1;
    }

    fn check(&self, read: &Read, held: &CachedSecret) {
        let text = held.expose_text().unwrap();
        self.holds(read.who, read.name, read.own, text, held.source(), held.age(), read.begun);
    }

    /// What must be true of every value that is served.
    #[allow(clippy::too_many_arguments, reason = "what is known of a read")]
    fn holds(
        &self,
        reader: usize,
        secret: &str,
        own: u64,
        text: &str,
        source: Source,
        age: Duration,
        begun: Timestamp,
    ) {
        let (now, truth) = (self.now(), self.truth.lock().unwrap_or_else(PoisonError::into_inner));
        let mut parts = text.split(' ');
        let (name, value, who) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let value: u64 = value.parse().unwrap();
        assert_eq!((name, who), (secret, reader.to_string().as_str()), "another's value");
        assert!(value >= own, "a write of our own was not seen: {value} after {own}");
        // The value was the current one at some moment within its age, which is not above the limit.
        let policy = policy();
        let since = match source {
            // It may have joined a call that was under way.
            Source::Store => Timestamp::from_millis(0),
            _ => {
                let limit = if source == Source::Cache { policy.time_to_live } else { policy.hard_limit };
                assert!(age < limit, "{age:?} is above {limit:?}");
                Timestamp::from_millis(now.as_millis() - i64::try_from(age.as_millis()).unwrap())
            }
        };
        assert!(now >= begun);
        let history = &truth.values[secret];
        let place = history.iter().position(|(_, known)| *known == value).unwrap();
        let replaced = history.get(place + 1).map(|(at, _)| *at);
        assert!(replaced.is_none_or(|at| at >= since), "{value} was replaced before it was fetched");
        if source == Source::Stale {
            assert!(truth.last_failure.is_some_and(|at| at >= since), "stale without a failure");
        }
        // A right that was taken away is gone after the time to live, unless the store could not say so.
        let denied = truth.denied.iter().find(|((who, name), _)| (*who, *name) == (reader, secret));
        let revoked = denied.map(|(_, at)| *at).filter(|_| source == Source::Cache);
        assert!(revoked.is_none_or(|revoked| revoked >= since), "read after the right was taken away");
    }
}

fn run(seed: u64) -> u64 {
    let mut world = World::new(seed);
    for _ in 0..120 {
        world.step();
    }
    // In the end, with the store up, everybody gets an answer.
    world.truth.lock().unwrap_or_else(PoisonError::into_inner).down = None;
    for _ in 0..20 {
        let mut truth = world.truth.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut truth.waiting);
        truth.released.extend(waiting);
        drop(truth);
        world.settle();
    }
    assert!(world.reads.is_empty(), "somebody waits for ever");
    // What was served without a call was reported, and nothing that was not served.
    let mut flush = Box::pin(world.cached.flush_reads());
    assert!(flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready(), "nothing to wait for");
    drop(flush);
    let reported = world.truth.lock().unwrap_or_else(PoisonError::into_inner).reported.clone();
    for (what, count) in &reported {
        assert!(world.served.get(what).is_some_and(|(_, all)| count <= all), "{what:?} {count}");
    }
    for (what, (without_a_call, _)) in &world.served {
        let count = reported.get(what).copied().unwrap_or(0);
        assert!(count >= *without_a_call, "{what:?}: {count} of {without_a_call}");
    }
    let stats = world.cached.stats();
    assert_eq!((stats.reads_waiting, stats.reads_lost), (0, 0));
    assert!(stats.entries <= 3 && stats.bytes <= 1_000, "{stats:?}");
    world.completed
}

#[test]
fn schedules() {
    if let Ok(seed) = std::env::var("SEED") {
        run(seed.parse().unwrap());
        return;
    }
    let seeds: u64 = std::env::var("SEEDS").map_or(100_000, |seeds| seeds.parse().unwrap());
    let threads: u64 = 2;
    let completed: u64 = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut completed = 0;
                    for seed in (thread..seeds).step_by(usize::try_from(threads).unwrap()) {
                        let ran = std::panic::catch_unwind(|| run(seed));
                        completed += ran.unwrap_or_else(|_| panic!("replay with SEED={seed}"));
                    }
                    completed
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert!(completed > seeds * 20, "the schedules do something: {completed}");
}
