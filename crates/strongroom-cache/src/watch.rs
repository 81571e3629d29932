//! A value that is always available.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use strongroom_store::{Error, ErrorKind, GetSecretValue, SecretId, SecretStore, SecretValue, SecretVersion};
use strongroom_types::{CallContext, Clock, Timestamp};
use tokio::sync::watch;

use crate::cache_policy::{age, may_be_ridden_out};
use crate::cached::Cached;
use crate::cached_secret::{CachedSecret, Source};

/// A timer, for example `tokio::time::sleep`.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

type Validate = Box<dyn Fn(&SecretVersion) -> Result<(), String> + Send + Sync>;

/// How a [`Watch`] is kept up to date.
#[must_use = "options do nothing until they are passed to a watch"]
pub struct WatchOptions {
    every: Duration,
    sleep: Sleep,
    validate: Validate,
}

impl WatchOptions {
    /// Polls the store at this interval, with Tokio's timer. The watch must run in a Tokio runtime
    /// with time enabled.
    #[cfg(feature = "tokio")]
    pub fn every(every: Duration) -> Self {
        Self::every_with(every, Arc::new(|time| Box::pin(tokio::time::sleep(time))))
    }

    /// Polls the store at this interval, with any executor's timer:
    /// `WatchOptions::every_with(duration, Arc::new(|time| Box::pin(tokio::time::sleep(time))))`.
    pub fn every_with(every: Duration, sleep: Sleep) -> Self {
        Self { every, sleep, validate: Box::new(|_| Ok(())) }
    }

    /// Shows only values that this function accepts, so that a bad rotation never reaches the
    /// program. Its error text must not contain the value.
    pub fn validate(
        mut self,
        accepts: impl Fn(&SecretVersion) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validate = Box::new(accepts);
        self
    }
}

impl fmt::Debug for WatchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchOptions").field("every", &self.every).finish_non_exhaustive()
    }
}

/// The current value of a secret, kept up to date in the background until this and its clones are
/// dropped. Clones see the same value, each with its own [`Watch::changed`].
#[derive(Clone)]
pub struct Watch {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
}

struct Shared {
    shown: ArcSwap<Shown>,
    failure: Mutex<Option<Error>>,
    clock: Arc<dyn Clock>,
    hard_limit: Duration,
}

struct Shown {
    version: Arc<SecretVersion>,
    since: Timestamp,
    /// The store has said that the value is gone. The version is then without its value.
    ended: bool,
}

/// The value that a [`Watch`] shows, unchanged as long as this is held. Holding it blocks nothing.
pub struct WatchedSecret<'a> {
    shown: Guard<Arc<Shown>>,
    clock: &'a dyn Clock,
}

impl WatchedSecret<'_> {
    /// The maximum possible age, counted from when the value was requested.
    #[must_use]
    pub fn age(&self) -> Duration {
        age(self.shown.since, self.clock.now()).unwrap_or(Duration::MAX)
    }

    /// A handle to the value, to keep.
    #[must_use]
    pub fn held(&self) -> CachedSecret {
        CachedSecret::new(Arc::clone(&self.shown.version), self.age(), Source::Cache)
    }
}

impl std::ops::Deref for WatchedSecret<'_> {
    type Target = SecretVersion;

    fn deref(&self) -> &SecretVersion {
        &self.shown.version
    }
}

impl fmt::Debug for WatchedSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Watch {
    /// The value, without waiting and without a copy. `None` once the store has said that the
    /// caller is no longer allowed to read it or that it is gone, or once it is older than the hard
    /// limit because the store is down.
    #[must_use]
    pub fn current(&self) -> Option<WatchedSecret<'_>> {
        let shown = self.shared.shown.load();
        (!shown.ended).then(|| WatchedSecret { shown, clock: &*self.shared.clock })
    }

    /// Waits until the value changes or is gone.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the value is no longer kept up to date because the background
    /// task has ended.
    pub async fn changed(&mut self) -> Result<(), Error> {
        let over = |_| Error::new(ErrorKind::Internal, "the background task of this watch has ended");
        self.changes.changed().await.map_err(over)
    }

    /// Why the last poll of the store failed, or why the store's value is not shown. `None` once a
    /// poll has succeeded again.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("current", &self.current()).finish_non_exhaustive()
    }
}

impl Shared {
    fn show(&self, version: Arc<SecretVersion>, since: Timestamp) {
        self.shown.store(Arc::new(Shown { version, since, ended: false }));
    }

    /// Drops the value.
    fn end(&self, before: &Shown) {
        let blank = SecretVersion { value: SecretValue::binary(Vec::new()), ..(*before.version).clone() };
        self.shown.store(Arc::new(Shown { version: Arc::new(blank), since: before.since, ended: true }));
    }

    /// Drops the value if it must no longer be shown. Returns whether it did.
    fn end_if_too_old(&self, before: &Shown) -> bool {
        let over =
            !before.ended && age(before.since, self.clock.now()).is_none_or(|age| age >= self.hard_limit);
        if over {
            self.end(before);
        }
        over
    }

    /// How long the value can still be shown.
    fn left(&self) -> Duration {
        let shown = self.shown.load();
        let age = age(shown.since, self.clock.now()).unwrap_or(Duration::MAX);
        if shown.ended { Duration::ZERO } else { self.hard_limit.saturating_sub(age) }
    }

    fn fail(&self, failure: Option<Error>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Applies a poll's outcome. Returns whether the shown value changed.
    fn take(
        &self,
        validate: &Validate,
        asked: Timestamp,
        looked: Result<CachedSecret, Error>,
    ) -> (bool, Option<Error>) {
        let before = self.shown.load_full();
        let held = match looked {
            Ok(held) => held,
            // An answer of the store takes effect immediately; without one, the value ages.
            Err(error) if may_be_ridden_out(error.kind()) => {
                return (self.end_if_too_old(&before), Some(error));
            }
            Err(error) => {
                self.end(&before);
                return (!before.ended, Some(error));
            }
        };
        let (one, other) = (&*before.version, &*held);
        let same = !before.ended
            && (&one.arn, &one.version_id, one.created) == (&other.arn, &other.version_id, other.created);
        // The value that is already shown was accepted.
        if !same && let Err(error) = accepted(validate, &held) {
            // The previous value is no longer the store's. It is shown until it is too old, because
            // a bad rotation must not stop the program.
            return (self.end_if_too_old(&before), Some(error));
        }
        self.show(held.into_version(), asked);
        (!same, None)
    }
}

/// The task that keeps a value up to date. However it ends, the value is dropped, so that a watch
/// never shows a value that is not kept up to date.
struct Keeper {
    shared: Arc<Shared>,
    send: watch::Sender<u64>,
}

impl Keeper {
    fn tell(&self, changed: bool) {
        if changed {
            self.send.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let before = self.shared.shown.load_full();
        self.shared.end(&before);
        let text = "the background task of this watch has ended";
        self.shared.fail(Some(Error::new(ErrorKind::Internal, text)));
    }
}

/// Resolves to the first of two futures that is ready, preferring the first.
async fn either<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Result<A, B> {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    poll_fn(|context| {
        if let Poll::Ready(done) = one.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        other.as_mut().poll(context).map(Err)
    })
    .await
}

impl<S: SecretStore + 'static> Cached<S> {
    /// A handle to the current value of a secret, kept up to date in the background until the
    /// handle and its clones are dropped. The first value must exist and be accepted.
    ///
    /// # Errors
    /// As reading. Also [`ErrorKind::InvalidParameter`] for an interval of zero,
    /// [`ErrorKind::NotOfThisForm`] if the first value is not accepted, and
    /// [`ErrorKind::Unsupported`] if the cache has no background tasks ([`Cached::spawning`]).
    pub async fn watch(
        &self,
        cx: &CallContext,
        id: impl Into<SecretId>,
        options: WatchOptions,
    ) -> Result<Watch, Error> {
        if options.every.is_zero() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "the interval of a watch must be longer than zero",
            ));
        }
        let (cx, id) = (cx.lasting(), id.into());
        let first = self.read(&cx, GetSecretValue::new(id.clone())).await?;
        accepted(&options.validate, &first)?;
        let since = i64::try_from(first.age().as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(self.now().as_millis().saturating_sub(since));
        let shared = Arc::new(Shared {
            shown: ArcSwap::from_pointee(Shown { version: first.into_version(), since, ended: false }),
            failure: Mutex::new(None),
            clock: self.clock(),
            hard_limit: self.hard_limit(),
        });
        let (send, changes) = watch::channel(0);
        let keeper = Keeper { shared: Arc::clone(&shared), send };
        let own = self.clone();
        self.in_background(Box::pin(async move {
            loop {
                // At most until the value expires or the last handle is dropped.
                let left = keeper.shared.left();
                let pause =
                    (options.sleep)(if left.is_zero() { options.every } else { options.every.min(left) });
                if either(keeper.send.closed(), pause).await.is_ok() {
                    return;
                }
                let asked = own.now();
                let look = own.refresh_now(&cx, GetSecretValue::new(id.clone()));
                let mut look = Box::pin(look);
                let looked = loop {
                    let left = keeper.shared.left();
                    if left.is_zero() {
                        // The limit may have passed since it was looked at last.
                        let before = keeper.shared.shown.load_full();
                        keeper.tell(keeper.shared.end_if_too_old(&before));
                        match either(keeper.send.closed(), &mut look).await {
                            Ok(()) => return,
                            Err(looked) => break looked,
                        }
                    }
                    // A store that does not answer does not extend the value's lifetime.
                    match either(&mut look, (options.sleep)(left)).await {
                        Ok(looked) => break looked,
                        Err(()) => {
                            let before = keeper.shared.shown.load_full();
                            keeper.tell(keeper.shared.end_if_too_old(&before));
                        }
                    }
                };
                let (changed, failure) = keeper.shared.take(&options.validate, asked, looked);
                keeper.shared.fail(failure);
                keeper.tell(changed);
            }
        }))?;
        Ok(Watch { shared, changes })
    }
}

fn accepted(validate: &Validate, held: &CachedSecret) -> Result<(), Error> {
    validate(held).map_err(|why| {
        Error::new(ErrorKind::NotOfThisForm, "the new value is not accepted")
            .with("version", &held.version_id)
            .with("because", why)
    })
}
