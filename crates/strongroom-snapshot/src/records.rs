//! The storage.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_records::{Batch, ChangeToken, Error, ErrorKind, Limits, Records, Revision, Snapshot};
use strongroom_store::{
    CreateSecret, Error as StoreError, ErrorKind as StoreErrorKind, GetSecretValue, PutSecretValue,
    SecretAdmin, SecretId, SecretValue, Stage, UpdateSecretVersionStage, VersionId,
};
use strongroom_types::{CallContext, Clock, SystemClock, Timestamp};

use crate::bytes;
use crate::state::{State, View};

/// The label of the newest version that was put, current or not yet.
const STAGE: &str = "strongroom-snapshot";

/// How often a commit is worked out again on what others committed meanwhile.
const ATTEMPTS: usize = 16;

/// How often a move of which nobody knows whether it happened is made again.
const MOVES: usize = 4;

/// Records kept as one secret. Clones share what is known of it; any number of processes may have the same secret.
#[derive(Clone)]
pub struct SnapshotRecords {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    fresh_for: Duration,
}

struct Shared {
    store: Arc<dyn SecretAdmin>,
    cx: CallContext,
    name: String,
    kms_key_id: Option<String>,
    room: usize,
    known: Mutex<Known>,
    /// Writers of this process do not race each other.
    turn: tokio::sync::Mutex<()>,
}

/// What is known of the secret.
#[derive(Default)]
struct Known {
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

impl SnapshotRecords {
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
            kms_key_id: None,
            room: can.max_value_len,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), clock: Arc::new(SystemClock), fresh_for: Duration::ZERO })
    }

    /// The key of the other store's that the secret is made under. Of a secret that is there, nothing changes.
    #[must_use]
    pub fn kms_key_id(mut self, key: impl Into<String>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.kms_key_id = Some(key.into());
        }
        self
    }

    /// How long what was read counts as what is there, so that not every read asks. Commits of other processes may go unnoticed as long;
    /// none is ever lost, since what a commit is made of is checked when it is made.
    #[must_use]
    pub fn fresh_for(mut self, duration: Duration) -> Self {
        self.fresh_for = duration;
        self
    }

    /// Where the time comes from, for [`SnapshotRecords::fresh_for`].
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
        Ok((bytes::write(&*self.now(false).await?.state).len(), self.shared.room))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
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

    /// Makes `next` the current version, if `before` still is. `Ok(false)`: it is not.
    async fn replace(&self, before: &Current, token: &VersionId, next: &State) -> Result<bool, Error> {
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let written = bytes::write(next);
        if written.len() > self.shared.room {
            return Err(Error::new(ErrorKind::TooLarge, "the records do not fit into one secret any more")
                .with("bytes", written.len())
                .with("room", self.shared.room));
        }
        let value = SecretValue::binary(written);
        let Some(version) = &before.version else { return self.begin(token, value).await };
        let put = || PutSecretValue::new(self.id(), value.clone()).token(token).stage(STAGE);
        // A version that nobody knows of does no harm: whether it was made is seen when it is to become the current one.
        let mut put_again = store.put_secret_value(cx, put()).await;
        if put_again.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::OutcomeUnknown) {
            put_again = store.put_secret_value(cx, put()).await;
        }
        put_again.map_err(failed)?;
        let step =
            || UpdateSecretVersionStage::new(self.id(), Stage::CURRENT).remove_from(version).move_to(token);
        for _ in 0..MOVES {
            match store.update_secret_version_stage(cx, step()).await {
                Ok(_) => return Ok(true),
                Err(error) => match error.kind() {
                    // Somebody else's version is current; or ours is, if an earlier try has done it.
                    StoreErrorKind::InvalidParameter | StoreErrorKind::InvalidRequest => {
                        return self.is_in(token).await;
                    }
                    // Made again it does the same or is refused.
                    StoreErrorKind::OutcomeUnknown | StoreErrorKind::Internal | StoreErrorKind::Throttled => {
                        ()
                    }
                    _ => return Err(failed(error)),
                },
            }
        }
        Err(Error::new(ErrorKind::OutcomeUnknown, "whether the records were written is not known")
            .with("secret", &self.shared.name))
    }

    /// Makes the secret.
    async fn begin(&self, token: &VersionId, value: SecretValue) -> Result<bool, Error> {
        let (store, cx) = (&self.shared.store, &self.shared.cx);
        let mut create = CreateSecret::new(&self.shared.name)
            .token(token)
            .value(value)
            .description("a strongroom's records: do not edit");
        create.kms_key_id.clone_from(&self.shared.kms_key_id);
        for _ in 0..MOVES {
            match store.create_secret(cx, create.clone()).await {
                Ok(_) => return Ok(true),
                Err(error) => match error.kind() {
                    StoreErrorKind::Exists => return self.is_in(token).await,
                    StoreErrorKind::OutcomeUnknown | StoreErrorKind::Internal | StoreErrorKind::Throttled => {
                        ()
                    }
                    _ => return Err(failed(error)),
                },
            }
        }
        Err(Error::new(ErrorKind::OutcomeUnknown, "whether the records were written is not known")
            .with("secret", &self.shared.name))
    }

    /// Whether a commit is part of what is there now, made current by an earlier try, others' commits on top of it.
    async fn is_in(&self, token: &VersionId) -> Result<bool, Error> {
        let unknown = |error: Error| {
            Error::new(ErrorKind::OutcomeUnknown, "whether the records were written is not known")
                .because(error)
        };
        let now = self.now(true).await.map_err(unknown)?;
        if now.version.is_none() {
            return Err(Error::new(
                ErrorKind::Incompatible,
                "there is a secret of this name, without a value",
            )
            .with("secret", &self.shared.name));
        }
        Ok(now.state.commits.iter().any(|commit| commit == token.as_str()))
    }
}

/// A failure of the other store as one of storage. Nothing was committed.
fn failed(error: StoreError) -> Error {
    let kind = match error.kind() {
        StoreErrorKind::Throttled => ErrorKind::Busy,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "the store that keeps the records failed").with("reason", &error).because(error)
}

#[async_trait]
impl Records for SnapshotRecords {
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
            let next = current.state.after(&batch, token.as_str().to_owned());
            if self.replace(&current, &token, &next).await? {
                let revision = Revision(next.revision);
                let made = Current { version: Some(token), state: Arc::new(next) };
                let question = {
                    let mut known = self.known();
                    known.questions += 1;
                    known.questions
                };
                self.learn(question, self.clock.now(), &made);
                return Ok(revision);
            }
            current = self.now(true).await?;
        }
        Err(Error::new(ErrorKind::Busy, "others were faster too many times"))
    }

    async fn change_token(&self) -> Result<ChangeToken, Error> {
        self.now(false).await?;
        Ok(ChangeToken(self.known().token))
    }

    fn limits(&self) -> Limits {
        // Of one record and batch; what all of them may have together is told by `used`.
        Limits { key: 4096, ..Limits::REQUIRED }
    }
}

impl fmt::Debug for SnapshotRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotRecords").field("secret", &self.shared.name).finish_non_exhaustive()
    }
}
