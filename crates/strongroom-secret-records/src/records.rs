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

/// How often a commit is worked out again on what others committed meanwhile.
const ATTEMPTS: usize = 16;

/// How often a step is tried.
const TRIES: usize = 4;

/// Records kept as one secret. Clones share what is known of it; any number of processes may have the same secret.
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

/// What is known of the secret.
#[derive(Default)]
struct LoadedState {
    current: Option<Current>,
    /// When it was asked for last.
    asked: Option<Timestamp>,
    /// Counts how often it was another.
    token: u64,
    /// Counts the questions, and which of them `current` is the answer to: what was asked earlier and comes later is older.
    questions: u64,
    answered: u64,
}

/// A state, and the version that holds it; none while there is no secret.
#[derive(Clone)]
struct Current {
    version: Option<VersionId>,
    state: Arc<State>,
}

/// What makes a commit take effect.
enum Step {
    /// The first one makes the secret.
    Make(CreateSecret),
    /// Each other moves the label.
    Move(UpdateSecretVersionStage),
}

impl Step {
    /// Whether a failure of this kind says that somebody else was faster.
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
    /// The secret of this name, which is made with the first commit, read and written as `cx` says.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a store whose labels cannot be moved freely, or that takes no bytes or tokens.
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

    /// The key of the other store's that the secret is made under. Of a secret that is there, nothing changes.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.kms_key_id = Some(key.into());
        self
    }

    /// How long what was read counts as what is there, so that not every read asks. Commits of other processes may go unnoticed as long;
    /// none is ever lost, since what a commit is made of is checked when it is made.
    #[must_use]
    pub fn fresh_for(mut self, duration: Duration) -> Self {
        self.fresh_for = duration;
        self
    }

    /// Where the time comes from, for [`SecretRecords::fresh_for`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How many bytes are taken, and how many there are.
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

    /// What the secret holds now. `asked`: whether it must be asked although it was a moment ago.
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
            Error::new(ErrorKind::Incompatible, "the secret holds something else than records")
                .with("secret", &self.shared.name)
        })?;
        Ok(Current { version: Some(version), state: Arc::new(state) })
    }

    /// Keeps the answer to a question, unless a later one was answered already.
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

    /// Keeps what a commit has made of `before`, unless somebody else's was seen meanwhile, which may be on top of it.
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

    /// Makes `next` the current version, if `before` still is. `Ok(false)`: it is not, and nothing was done.
    async fn replace(&self, before: &Current, token: &VersionId, next: &State) -> Result<bool, Error> {
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let written = bytes::write(next);
        if written.len() > self.shared.room {
            return Err(Error::new(ErrorKind::TooLarge, "the records do not fit into one secret any more")
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
        // A version that nobody knows of does no harm: whether it was made is seen when it is to become the current one.
        let mut put_again = store.put_secret_value(cx, put()).await;
        if put_again.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::OutcomeUnknown) {
            put_again = store.put_secret_value(cx, put()).await;
        }
        put_again.map_err(failed)?;
        // From here on it may be done without our knowing: then only asking tells.
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

    /// Tries a step until it is done, refused because somebody else was faster, or failed for sure. A step made again does the same or is
    /// refused; once a try may have done it, a refusal is no proof that none has.
    async fn insist(&self, before: &Current, token: &VersionId, step: Step) -> Result<bool, Error> {
        let unknown = |error: Option<StoreError>| {
            let told = Error::new(ErrorKind::OutcomeUnknown, "whether the records were written is not known")
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

    /// Whether a commit is part of what is there now, others' commits on top of it or not; `None` when that cannot be told: what is there does
    /// not remember as far back as the version it was made of, or is that version still, as a store that is behind shows it.
    async fn is_in(&self, before: &Current, token: &VersionId) -> Option<bool> {
        let now = self.now(true).await.ok()?;
        let remembers =
            |version: &VersionId| now.state.commits.iter().any(|commit| commit == version.as_str());
        if remembers(token) {
            return Some(true);
        }
        let later = now.version.is_some() && now.version != before.version;
        // The first commit of all is made of nothing, and is remembered as long as all others are.
        let made_of = before.version.as_ref().map_or(now.state.commits.len() < REMEMBERED, remembers);
        (later && made_of).then_some(false)
    }
}

/// A failure of the other store as one of storage. Nothing was committed.
fn failed(error: StoreError) -> Error {
    let (kind, text) = match error.kind() {
        StoreErrorKind::Throttled => (ErrorKind::Busy, "the store that keeps the records is busy"),
        StoreErrorKind::LimitExceeded => (
            ErrorKind::Unavailable,
            "the store that keeps the records takes no more versions for now: a commit makes one, and they are kept for a day",
        ),
        _ => (ErrorKind::Unavailable, "the store that keeps the records failed"),
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
        // What is known may be old: then the other store refuses, and it is asked.
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
                let text = "there is a secret of this name already, without a value";
                return Err(Error::new(ErrorKind::Incompatible, text).with("secret", &self.shared.name));
            }
            current = now;
        }
        Err(Error::new(ErrorKind::Busy, "others were faster too many times"))
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
        // One question for the token and the records; what is known now is its answer, or a later one.
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
        // The version before is what a label keeps; what has none the other store forgets in its own time.
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
            // A commit came in between.
            Err(error) if error.kind() == StoreErrorKind::InvalidParameter => {
                Err(Error::new(ErrorKind::Busy, "somebody else is writing").because(error))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn limits(&self) -> Limits {
        // Of one record and batch; what all of them may have together is told by `used`.
        Limits { key: 4096, ..Limits::REQUIRED }
    }
}

impl fmt::Debug for SecretRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRecords").field("secret", &self.shared.name).finish_non_exhaustive()
    }
}
