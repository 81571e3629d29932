//! The storage.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_records::{
    Batch, ChangeToken, Error, ErrorKind, FreshRecords, Key, Limits, Records, Revision, Snapshot,
};
use strongroom_store::{
    CreateSecret, Error as StoreError, ErrorKind as StoreErrorKind, GetSecretValue, PutSecretValue,
    SecretAdmin, SecretId, SecretValue, Stage, UpdateSecretVersionStage, VersionId,
};
use strongroom_types::{CallContext, Clock, SystemClock, Timestamp};

use crate::bytes;
use crate::state::{REMEMBERED, State, View};

/// The label of the newest version that was put, current or not yet.
const STAGE: &str = "strongroom-snapshot";

/// How often a commit is retried on top of concurrent ones.
const ATTEMPTS: usize = 16;

/// The maximum number of attempts of a step.
const TRIES: usize = 4;

/// Records stored as one secret. Clones share the cached state. Any number of processes can use the
/// same secret.
#[derive(Clone)]
pub struct SecretRecords {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    fresh_for: Duration,
    kms_key_id: Option<String>,
}

struct Shared {
    store: Arc<dyn SecretAdmin>,
    cx: CallContext,
    name: String,
    room: usize,
    known: Mutex<LoadedState>,
    /// Writers of this process do not race each other.
    turn: tokio::sync::Mutex<()>,
}

/// The cached state of the secret.
#[derive(Default)]
struct LoadedState {
    current: Option<Current>,
    /// When the store was last queried.
    asked: Option<Timestamp>,
    /// Counts the changes of `current`.
    token: u64,
    /// Numbers the queries; `answered` is the one that `current` came from. A response to an
    /// earlier query that arrives later is stale.
    questions: u64,
    answered: u64,
}

/// A state, and the version that holds it; `None` while the secret does not exist.
#[derive(Clone)]
struct Current {
    version: Option<VersionId>,
    state: Arc<State>,
}

/// What makes a commit take effect.
enum Step {
    /// The first commit creates the secret.
    Make(CreateSecret),
    /// Every other commit moves the label.
    Move(UpdateSecretVersionStage),
}

impl Step {
    /// Whether an error of this kind means that another commit came first.
    fn is_refused_by(&self, kind: StoreErrorKind) -> bool {
        match self {
            Self::Make(_) => kind == StoreErrorKind::Exists,
            Self::Move(_) => {
                matches!(
                    kind,
                    StoreErrorKind::InvalidParameter
                        | StoreErrorKind::InvalidRequest
                        | StoreErrorKind::MarkedForDeletion
                )
            }
        }
    }
}

impl SecretRecords {
    /// Uses the secret of this name, which the first commit creates. `cx` is the caller of every
    /// call to `store`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a store without freely movable labels, request tokens or
    /// binary values.
    pub fn new(store: Arc<dyn SecretAdmin>, cx: CallContext, name: impl Into<String>) -> Result<Self, Error> {
        let can = store.capabilities();
        if !(can.free_stages && can.token_is_version_id && can.binary_values) {
            let text = "records need a store with version stages, request tokens and binary values";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let shared = Shared {
            store,
            cx,
            name: name.into(),
            room: can.max_value_len,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        let clock = Arc::new(SystemClock);
        Ok(Self { shared: Arc::new(shared), clock, fresh_for: Duration::ZERO, kms_key_id: None })
    }

    /// The key of the outer store that encrypts the secret, if the first commit creates it. An
    /// existing secret keeps its key.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.kms_key_id = Some(key.into());
        self
    }

    /// How long cached state is used without querying the store. Commits of other processes may go
    /// unnoticed for that long, but none is lost: every commit checks the version it was based on.
    #[must_use]
    pub fn fresh_for(mut self, duration: Duration) -> Self {
        self.fresh_for = duration;
        self
    }

    /// The clock for [`SecretRecords::fresh_for`] and for revisions.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The bytes in use and the bytes available.
    ///
    /// # Errors
    /// As [`Records::snapshot`].
    pub async fn used(&self) -> Result<(usize, usize), Error> {
        Ok((bytes::write(&self.now(false).await?.state).len(), self.shared.room))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LoadedState> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self) -> SecretId {
        SecretId::new(&self.shared.name)
    }

    /// The current state. `asked`: query the store even if the cached state is fresh.
    async fn now(&self, asked: bool) -> Result<Current, Error> {
        let now = self.clock.now();
        let (kept, question) = {
            let mut known = self.known();
            let fresh = known.asked.is_some_and(|asked| now < asked.after(self.fresh_for) && now >= asked);
            if let Some(current) = known.current.as_ref().filter(|_| fresh && !asked) {
                return Ok(current.clone());
            }
            known.questions += 1;
            (known.current.clone(), known.questions)
        };
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let current = match store.describe_secret(cx, &self.id()).await {
            Ok(told) if told.deleted.is_some() => {
                let text = "the secret that holds the records is marked for deletion: restore it";
                return Err(Error::new(ErrorKind::Unavailable, text).with("secret", &self.shared.name));
            }
            Ok(told) => {
                let holder = |labels: &std::collections::BTreeSet<Stage>| labels.contains(&Stage::CURRENT);
                told.versions.into_iter().find(|(_, labels)| holder(labels)).map(|(version, _)| version)
            }
            Err(error) if error.kind() == StoreErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let current = match kept {
            Some(kept) if kept.version == current => kept,
            _ => self.fetch(current).await?,
        };
        self.learn(question, now, &current);
        Ok(current)
    }

    /// The state in a version.
    async fn fetch(&self, version: Option<VersionId>) -> Result<Current, Error> {
        let Some(version) = version else { return Ok(Current { version: None, state: Arc::default() }) };
        let request = GetSecretValue::new(self.id()).version_id(&version);
        let stored = self.shared.store.get_secret_value(&self.shared.cx, request).await.map_err(failed)?;
        let state = bytes::read(stored.expose_bytes()).ok_or_else(|| {
            Error::new(ErrorKind::Incompatible, "the secret does not hold records")
                .with("secret", &self.shared.name)
        })?;
        Ok(Current { version: Some(version), state: Arc::new(state) })
    }

    /// Caches the response to a query, unless a later query was answered already.
    fn learn(&self, question: u64, asked: Timestamp, current: &Current) {
        let mut known = self.known();
        if known.current.is_some() && question < known.answered {
            return;
        }
        if known.current.as_ref().is_none_or(|known| known.version != current.version) {
            known.token += 1;
            known.current = Some(current.clone());
        }
        (known.answered, known.asked) = (question, Some(asked));
    }

    /// Caches the state that our commit made of `before`, unless another state was seen meanwhile,
    /// which may be based on ours.
    fn learn_own(&self, before: &Current, made: Current) {
        let now = self.clock.now();
        let mut known = self.known();
        if known.current.as_ref().is_some_and(|known| known.version == before.version) {
            known.questions += 1;
            (known.answered, known.asked) = (known.questions, Some(now));
            known.token += 1;
            known.current = Some(made);
        }
    }

    /// Makes `next` the current version, if `before` still is. `Ok(false)`: it is not, and nothing
    /// changed.
    async fn replace(&self, before: &Current, token: &VersionId, next: &State) -> Result<bool, Error> {
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let written = bytes::write(next);
        if written.len() > self.shared.room {
            return Err(Error::new(ErrorKind::TooLarge, "the records do not fit into one secret")
                .with("bytes", written.len())
                .with("room", self.shared.room));
        }
        let value = SecretValue::binary(written);
        let Some(version) = &before.version else {
            let mut create = CreateSecret::new(&self.shared.name)
                .token(token)
                .value(value)
                .description("a strongroom's records: do not edit");
            create.kms_key_id.clone_from(&self.kms_key_id);
            return self.insist(before, token, Step::Make(create)).await;
        };
        let put = || PutSecretValue::new(self.id(), value.clone()).token(token).stage(STAGE);
        // An unused version does no harm; moving the label shows whether this one was created.
        let mut put_again = store.put_secret_value(cx, put()).await;
        if put_again.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::OutcomeUnknown) {
            put_again = store.put_secret_value(cx, put()).await;
        }
        put_again.map_err(failed)?;
        // From here on the commit may take effect without our knowing: query before the next read.
        self.known().asked = None;
        let step =
            UpdateSecretVersionStage::new(self.id(), Stage::CURRENT).remove_from(version).move_to(token);
        self.insist(before, token, Step::Move(step)).await
    }

    async fn take(&self, step: &Step) -> Result<(), StoreError> {
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        match step {
            Step::Make(create) => store.create_secret(cx, create.clone()).await.map(drop),
            Step::Move(step) => store.update_secret_version_stage(cx, step.clone()).await.map(drop),
        }
    }

    /// Repeats a step until it succeeds, is refused after a concurrent commit, or definitely fails.
    /// A repeated step is idempotent or refused. Once an attempt may have taken effect, a refusal
    /// no longer proves that none did.
    async fn insist(&self, before: &Current, token: &VersionId, step: Step) -> Result<bool, Error> {
        let unknown = |error: Option<StoreError>| {
            let told =
                Error::new(ErrorKind::OutcomeUnknown, "it is unknown whether the records were written")
                    .with("secret", &self.shared.name);
            match error {
                Some(error) => told.with("reason", &error).because(error),
                None => told,
            }
        };
        let (mut uncertain, mut last) = (false, None);
        for _ in 0..TRIES {
            let error = match self.take(&step).await {
                Ok(()) => return Ok(true),
                Err(error) => error,
            };
            match error.kind() {
                StoreErrorKind::OutcomeUnknown | StoreErrorKind::Internal => uncertain = true,
                StoreErrorKind::Throttled => (),
                kind if step.is_refused_by(kind) && !uncertain => return Ok(false),
                kind if step.is_refused_by(kind) => {
                    return match self.is_in(before, token).await {
                        Some(done) => Ok(done),
                        None => Err(unknown(Some(error))),
                    };
                }
                _ if uncertain => return Err(unknown(Some(error))),
                _ => return Err(failed(error)),
            }
            last = Some(error);
        }
        match last {
            Some(error) if !uncertain => Err(failed(error)),
            last => Err(unknown(last)),
        }
    }

    /// Whether the current state includes a commit, possibly below later ones. `None` if that is
    /// unknown: the current state's commit list does not reach back to the version the commit was
    /// based on, or the current version still is that one, as a lagging store shows it.
    async fn is_in(&self, before: &Current, token: &VersionId) -> Option<bool> {
        let now = self.now(true).await.ok()?;
        let remembers =
            |version: &VersionId| now.state.commits.iter().any(|commit| commit == version.as_str());
        if remembers(token) {
            return Some(true);
        }
        let later = now.version.is_some() && now.version != before.version;
        // The very first commit is based on no version: it is listed as long as the list is not
        // full.
        let made_of = before.version.as_ref().map_or(now.state.commits.len() < REMEMBERED, remembers);
        (later && made_of).then_some(false)
    }
}

/// Maps an error of the outer store to one of storage. Nothing was committed.
fn failed(error: StoreError) -> Error {
    let (kind, text) = match error.kind() {
        StoreErrorKind::Throttled => (ErrorKind::Busy, "the store that holds the records is busy"),
        StoreErrorKind::LimitExceeded => (
            ErrorKind::Unavailable,
            "the store that holds the records accepts no more versions for now: each commit creates one, and they are kept for a day",
        ),
        _ => (ErrorKind::Unavailable, "the store that holds the records failed"),
    };
    Error::new(kind, text).with("reason", &error).because(error)
}

#[async_trait]
impl Records for SecretRecords {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        let state = self.now(false).await?.state;
        Ok(Box::new(View { state, page: self.limits().scan }))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, Error> {
        batch.validate(&self.limits())?;
        let _turn = self.shared.turn.lock().await;
        // The cached state may be stale: then the outer store refuses, and is queried.
        let mut current = self.now(false).await?;
        for _ in 0..ATTEMPTS {
            if let Some(conflict) = current.state.conflict(&batch) {
                let now = self.now(true).await?;
                if now.version == current.version {
                    return Err(conflict);
                }
                current = now;
                continue;
            }
            if batch.is_empty() {
                return Ok(Revision(current.state.revision));
            }
            let token = VersionId::random().map_err(failed)?;
            let now = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
            let Some(next) = current.state.after(&batch, token.as_str().to_owned(), now) else {
                return Err(Error::new(ErrorKind::Corrupt, "there are no more revisions"));
            };
            if self.replace(&current, &token, &next).await? {
                let revision = Revision(next.revision);
                let made = Current { version: Some(token), state: Arc::new(next) };
                self.learn_own(&current, made);
                return Ok(revision);
            }
            let now = self.now(true).await?;
            if now.version.is_none() {
                let text = "a secret of this name exists already, without a value";
                return Err(Error::new(ErrorKind::Incompatible, text).with("secret", &self.shared.name));
            }
            current = now;
        }
        Err(Error::new(ErrorKind::Busy, "concurrent commits came first too many times"))
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.now(false).await?;
        Ok(ChangeToken(self.known().token))
    }

    async fn read_if_changed(
        &self,
        since: Option<ChangeToken>,
        keys: &[Key],
    ) -> Result<Option<FreshRecords>, Error> {
        // One query for the token and the records; the cached state is its response or a later one.
        self.now(false).await?;
        let (token, state) = {
            let known = self.known();
            let state = known.current.as_ref().map(|current| Arc::clone(&current.state));
            (ChangeToken(known.token), state.unwrap_or_default())
        };
        if since == Some(token) {
            return Ok(None);
        }
        let view = View { state, page: self.limits().scan };
        Ok(Some(FreshRecords { token, records: view.get_many(keys).await? }))
    }

    async fn erase_deleted(&self) -> Result<(), Error> {
        // A label keeps the previous version; the outer store removes unlabeled ones in its own
        // time.
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let told = match store.describe_secret(cx, &self.id()).await {
            Err(error) if error.kind() == StoreErrorKind::NotFound => return Ok(()),
            told => told.map_err(failed)?,
        };
        let mut versions = told.versions.into_iter();
        let Some((before, _)) = versions.find(|(_, labels)| labels.contains(&Stage::PREVIOUS)) else {
            return Ok(());
        };
        let step = UpdateSecretVersionStage::new(self.id(), Stage::PREVIOUS).remove_from(before);
        match store.update_secret_version_stage(cx, step).await {
            Ok(_) => Ok(()),
            // A concurrent commit.
            Err(error) if error.kind() == StoreErrorKind::InvalidParameter => {
                Err(Error::new(ErrorKind::Busy, "another process is writing").because(error))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn limits(&self) -> Limits {
        // Limits of one record and batch; `used` reports the total.
        Limits { key: 4096, ..Limits::REQUIRED }
    }
}

impl fmt::Debug for SecretRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRecords").field("secret", &self.shared.name).finish_non_exhaustive()
    }
}
