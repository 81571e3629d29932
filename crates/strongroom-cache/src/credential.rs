//! Logins that survive a rotation.

use std::future::Future;
use std::time::Duration;

use strongroom_store::{Error, ErrorKind, GetSecretValue, SecretId, SecretStore, Stage, VersionId};
use strongroom_types::{CallContext, Timestamp};

use crate::cached::Cached;
use crate::cached_secret::CachedSecret;

/// Why an attempt with a credential failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "an attempt was rejected or it was not")]
pub enum Attempt<E> {
    /// The other side rejected this credential. Another version may work.
    Rejected(E),
    /// The attempt failed for another reason. Another version does not help.
    Failed(E),
}

/// Why [`Cached::with_credential`] gave up.
#[derive(Debug)]
#[non_exhaustive]
pub enum CredentialError<E> {
    /// No candidate version was accepted. Contains the last attempt's failure.
    Rejected(E),
    /// An attempt failed for a reason other than its credential.
    Failed(E),
    /// No credential could be read.
    Store(Error),
}

impl<E: std::fmt::Display> std::fmt::Display for CredentialError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(error) => write!(f, "no version of the credential was accepted: {error}"),
            Self::Failed(error) => write!(f, "the attempt failed: {error}"),
            Self::Store(error) => write!(f, "failed to read the credential: {error}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CredentialError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(error) | Self::Failed(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}

impl<S: SecretStore + 'static> Cached<S> {
    /// Uses a credential, for example to log in, in a way that survives its rotation. `attempt`
    /// first gets the cached current version. If that is rejected, it gets the store's current
    /// version, then the pending and the previous version, which a rotation is about to make
    /// current or has just replaced. Each version is tried once, and no attempt starts after the
    /// deadline. The deadline does not limit how long a single store call or attempt takes.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// # use strongroom::{RootKey, Strongroom};
    /// # use strongroom_cache::{CachePolicy, Cached};
    /// # #[derive(Debug)] enum LoginError { Password, Network }
    /// # async fn log_in(password: &str) -> Result<u32, LoginError> { if password == "new" { Ok(7) } else { Err(LoginError::Password) } }
    /// # pollster::block_on(async {
    /// # let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    /// # room.create("prod/db").text("new").send().await.unwrap();
    /// # let cached = Cached::new(room.store(), CachePolicy::default()).unwrap();
    /// # let cx = room.context();
    /// use strongroom_cache::Attempt;
    ///
    /// let connection = cached
    ///     .with_credential(cx, "prod/db", Duration::from_secs(10), async |password| {
    ///         log_in(password.expose_text().unwrap_or_default()).await.map_err(|error| match error {
    ///             LoginError::Password => Attempt::Rejected(error),
    ///             other => Attempt::Failed(other),
    ///         })
    ///     })
    ///     .await;
    /// assert_eq!(connection.unwrap(), 7);
    /// # });
    /// ```
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn with_credential<T, E, F: Future<Output = Result<T, Attempt<E>>>>(
        &self,
        cx: &CallContext,
        id: impl Into<SecretId>,
        within: Duration,
        mut attempt: impl FnMut(CachedSecret) -> F,
    ) -> Result<T, CredentialError<E>> {
        let (id, until) = (id.into(), self.now().after(within));
        let mut tried: Vec<VersionId> = Vec::new();
        let (mut rejected, mut handed) = (None, self.now());
        for next in [Next::Kept, Next::Fresh, Next::Stage(Stage::PENDING), Next::Stage(Stage::PREVIOUS)] {
            if rejected.is_some() && self.now() >= until {
                break;
            }
            let held = match self.candidate(cx, &id, next, handed).await {
                Ok(Some(held)) if !tried.contains(&held.version_id) => held,
                Ok(_) => continue,
                Err(error) if rejected.is_none() => return Err(CredentialError::Store(error)),
                // The store may be down; all available versions were tried.
                Err(_) => continue,
            };
            // The store may have been slow.
            if rejected.is_some() && self.now() >= until {
                break;
            }
            tried.push(held.version_id.clone());
            // Only versions fetched after the first rejection are fresh.
            if rejected.is_none() {
                handed = self.now();
            }
            match attempt(held).await {
                Ok(done) => return Ok(done),
                Err(Attempt::Failed(error)) => return Err(CredentialError::Failed(error)),
                Err(Attempt::Rejected(error)) => rejected = Some(error),
            }
        }
        Err(rejected.map_or_else(|| CredentialError::Store(nothing(&id)), CredentialError::Rejected))
    }

    /// A version to try; `None` if no version has this label. `rejected` is when the last rejected
    /// version was read.
    fn candidate(
        &self,
        cx: &CallContext,
        id: &SecretId,
        next: Next,
        rejected: Timestamp,
    ) -> impl Future<Output = Result<Option<CachedSecret>, Error>> {
        let request = GetSecretValue::new(id.clone());
        async move {
            match next {
                Next::Kept => self.read(cx, request).await.map(Some),
                // Shares a fetch since then by other callers that were rejected too.
                Next::Fresh => self.read_since(cx, request, rejected).await.map(Some),
                Next::Stage(stage) => match self.read_since(cx, request.stage(stage), rejected).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    read => read.map(Some),
                },
            }
        }
    }
}

/// Which version to try.
enum Next {
    Kept,
    Fresh,
    Stage(Stage),
}

fn nothing(id: &SecretId) -> Error {
    Error::new(ErrorKind::NotFound, "the secret has no version to try").with("secret", id)
}
