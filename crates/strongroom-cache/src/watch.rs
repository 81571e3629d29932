//! A value that is always at hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_store::{Error, ErrorKind, GetSecretValue, SecretId, SecretStore, SecretVersion};
use strongroom_types::CallContext;
use tokio::sync::watch;

use crate::cached::{Cached, Held};

/// Waits for so long, such as `tokio::time::sleep`.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

type Validate = Box<dyn Fn(&SecretVersion) -> Result<(), String> + Send + Sync>;

/// How a [`Watch`] is kept up to date.
#[must_use = "it says how a watch is made"]
pub struct WatchOptions {
    every: Duration,
    sleep: Sleep,
    validate: Validate,
}

impl WatchOptions {
    /// Looks at the store this often: `WatchOptions::every(duration, Arc::new(|time| Box::pin(tokio::time::sleep(time))))`.
    pub fn every(every: Duration, sleep: Sleep) -> Self {
        Self { every, sleep, validate: Box::new(|_| Ok(())) }
    }

    /// Shows only values that this accepts: a bad rotation never reaches the program. What it says must not hold the value.
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

/// The current value of a secret, kept up to date in the background while this is held. Clones see the same value, each with its own
/// [`Watch::changed`].
#[derive(Clone)]
pub struct Watch {
    values: watch::Receiver<Held>,
    failure: Arc<Mutex<Option<Arc<Error>>>>,
}

/// A value that is looked at. Let go of it soon: while it is held the next value cannot be shown.
pub struct Looked<'a>(watch::Ref<'a, Held>);

impl std::ops::Deref for Looked<'_> {
    type Target = SecretVersion;

    fn deref(&self) -> &SecretVersion {
        &self.0
    }
}

impl fmt::Debug for Looked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Watch {
    /// The value, without waiting and without a copy.
    #[must_use]
    pub fn current(&self) -> Looked<'_> {
        Looked(self.values.borrow())
    }

    /// A handle to the value, to be kept.
    #[must_use]
    pub fn held(&self) -> Held {
        self.values.borrow().clone()
    }

    /// Waits until there is another value than this handle has waited for.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when nobody keeps it up to date any more: the program's background has ended.
    pub async fn changed(&mut self) -> Result<(), Error> {
        let over = |_| Error::new(ErrorKind::Internal, "nobody keeps the value up to date any more");
        self.values.changed().await.map_err(over)
    }

    /// What the last look at the store failed with, or why the value there is not shown; nothing once a look has succeeded again.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("current", &*self.current()).finish_non_exhaustive()
    }
}

impl<S: SecretStore + 'static> Cached<S> {
    /// A handle to the current value of a secret, kept up to date in the background until the handle and its clones are dropped. The first value
    /// must be there and be accepted.
    ///
    /// # Errors
    /// As reading; [`ErrorKind::NotOfThisForm`] when the value is not accepted; [`ErrorKind::Unsupported`] unless the cache does things in
    /// the background ([`Cached::spawning`]).
    pub async fn watch(
        &self,
        cx: &CallContext,
        id: impl Into<SecretId>,
        options: WatchOptions,
    ) -> Result<Watch, Error> {
        let (cx, id) = (cx.clone(), id.into());
        let first = self.read(&cx, GetSecretValue::new(id.clone())).await?;
        accepted(&options.validate, &first)?;
        let (send, values) = watch::channel(first);
        let failure = Arc::new(Mutex::new(None));
        let watch = Watch { values, failure: Arc::clone(&failure) };
        let own = self.clone();
        self.in_background(Box::pin(async move {
            loop {
                (options.sleep)(options.every).await;
                if send.is_closed() {
                    return;
                }
                let looked = own.refresh_now(&cx, GetSecretValue::new(id.clone())).await;
                let outcome = looked.and_then(|held| {
                    // What is shown already was accepted.
                    if send.borrow().version_id != held.version_id {
                        accepted(&options.validate, &held)?;
                        send.send_replace(held);
                    }
                    Ok(())
                });
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err().map(Arc::new);
            }
        }))?;
        Ok(watch)
    }
}

fn accepted(validate: &Validate, held: &Held) -> Result<(), Error> {
    validate(held).map_err(|why| {
        Error::new(ErrorKind::NotOfThisForm, "the new value is not accepted")
            .with("version", &held.version_id)
            .with("because", why)
    })
}
