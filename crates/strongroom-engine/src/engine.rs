//! The engine and what it is made of.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use strongroom_kms::Kms;
use strongroom_policy::{Authorizer, NoDirectory};
use strongroom_root::TrustedRecords;
use strongroom_store::{Error, Target};
use strongroom_types::{Clock, Realm, Timestamp};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::storage;
use crate::head::{Heads, StoredHead};
use crate::last_accessed::Notes;
use crate::layout::Layout;
use crate::owner::OwningService;

/// Writers of one process to one secret take turns, so that they do not race each other to the commit. Several secrets
/// may share a turn.
const TURNS: usize = 64;

/// The embedded secret store. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
    /// The service this handle acts for. Set by [`Engine::for_service`] and nowhere else.
    pub(crate) service: Option<OwningService>,
    /// Who knows callers and their policies.
    pub(crate) authorizer: Arc<dyn Authorizer>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.realm())
    }
}

pub(crate) struct Inner {
    pub(crate) records: TrustedRecords,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) limits: EngineLimits,
    pub(crate) notes: Notes,
    heads: Heads,
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

/// Quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineLimits {
    /// The versions of a secret. Beyond it the oldest without labels goes, if it is a day old; else
    /// [`strongroom_store::ErrorKind::LimitExceeded`]. Default: 100, as AWS has it.
    pub versions: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self { versions: 100 }
    }
}

impl EngineLimits {
    /// Sets [`EngineLimits::versions`]; two are the least.
    #[must_use]
    pub fn versions(mut self, versions: usize) -> Self {
        self.versions = versions.max(2);
        self
    }
}

impl Engine {
    /// An engine over `records`, with the default quotas.
    ///
    /// `kms` should be a handle that acts for Secrets Manager (`LocalKms::for_service`); over any other key service the
    /// managed key is refused and each secret must name a customer key.
    #[must_use]
    pub fn new(records: TrustedRecords, kms: Arc<dyn Kms>, clock: Arc<dyn Clock>) -> Self {
        Self::with_limits(records, kms, clock, EngineLimits::default())
    }

    /// As [`Engine::new`] with other quotas.
    #[must_use]
    pub fn with_limits(
        records: TrustedRecords,
        kms: Arc<dyn Kms>,
        clock: Arc<dyn Clock>,
        limits: EngineLimits,
    ) -> Self {
        let layout = Layout(records.realm().clone());
        let turns = std::array::from_fn(|_| Mutex::new(()));
        Self {
            inner: Arc::new(Inner {
                records,
                kms,
                clock,
                layout,
                limits,
                notes: Notes::default(),
                heads: Heads::default(),
                turns,
                hasher: RandomState::new(),
            }),
            service: None,
            authorizer: Arc::new(NoDirectory::default()),
        }
    }

    /// A handle that asks `authorizer` who calls. Without one, callers are who they say, and have no policies of their own.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer, ..self.clone() }
    }

    /// A handle that acts for a service which manages secrets for its customers, such as `rds`. The secrets it makes are
    /// named `rds!...`, say `OwningService`, can be read by the account, and be changed through such a handle only.
    #[must_use]
    pub fn for_service(&self, service: OwningService) -> Self {
        Self { service: Some(service), ..self.clone() }
    }

    /// The account and region of the secrets.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.inner.layout.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Waits for this process's turn to write the secret `name`.
    pub(crate) async fn turn(&self, name: &str) -> MutexGuard<'_, ()> {
        let hash = self.inner.hasher.hash_one(name);
        let index = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        self.inner.turns[index].lock().await
    }

    /// The secret that `id` names, marked for deletion or not.
    pub(crate) async fn find(&self, target: &Target) -> Result<Option<StoredHead>, Error> {
        let place = self.inner.layout.head(target.name());
        let stored = self.inner.records.get(&place).await.map_err(storage)?;
        let known = &self.inner.heads;
        let Some(head) = stored.as_ref().map(|stored| known.parse(stored)).transpose()? else {
            return Ok(None);
        };
        Ok(match target {
            Target::Arn { suffix, .. } if head.head.suffix != *suffix => None,
            _ => Some(head),
        })
    }
}
