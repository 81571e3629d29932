//! What an engine is made of.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use strongroom_kms::Kms;
use strongroom_policy::Authorizer;
use strongroom_root::{LeaseWatch, TrustedRecords};
use strongroom_types::{AlwaysPermitted, Clock, PurgePermit, Realm, Service, Timestamp};
use tokio::sync::{Mutex, MutexGuard};

use crate::call::KeyNames;
use crate::head::Heads;
use crate::layout::Layout;
use crate::notes::Notes;
use crate::owner::OwningService;

/// How many turns there are. Writers of one process to one secret take turns, so that they do not
/// race each other to the commit; several secrets may share a turn.
const TURNS: usize = 64;

/// Quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineLimits {
    /// The most versions of a secret. Storing one more removes the oldest version without labels if
    /// it is a day old, and fails with [`strongroom_store::ErrorKind::LimitExceeded`] otherwise.
    /// Default: 100, as in AWS.
    pub versions: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self { versions: 100 }
    }
}

impl EngineLimits {
    /// Sets [`EngineLimits::versions`], at least two.
    #[must_use]
    pub fn versions(mut self, versions: usize) -> Self {
        self.versions = versions.max(2);
        self
    }
}

/// What each capability of the engine works with. It knows none of them.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) records: TrustedRecords,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) limits: EngineLimits,
    /// The service this handle acts for. Set by [`crate::Engine::for_service`] and nowhere else.
    pub(crate) service: Option<OwningService>,
    /// Identifies callers and knows their policies.
    pub(crate) authorizer: Arc<dyn Authorizer>,
    /// Asked before a secret is purged because of its date.
    pub(crate) permit: Arc<dyn PurgePermit>,
    memory: Arc<Memory>,
}

/// What all handles of one engine keep in memory together.
struct Memory {
    heads: Heads,
    notes: Notes,
    /// Who else does the housekeeping of this store.
    housekeepers: LeaseWatch,
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

impl Parts {
    pub(crate) fn new(
        records: TrustedRecords,
        kms: Arc<dyn Kms>,
        clock: Arc<dyn Clock>,
        limits: EngineLimits,
        authorizer: Arc<dyn Authorizer>,
    ) -> Self {
        let memory = Memory {
            heads: Heads::default(),
            notes: Notes::default(),
            housekeepers: LeaseWatch::new(),
            turns: std::array::from_fn(|_| Mutex::new(())),
            hasher: RandomState::new(),
        };
        let layout = Layout(records.realm().clone());
        let (permit, memory) = (Arc::new(AlwaysPermitted), Arc::new(memory));
        Self { records, kms, clock, layout, limits, service: None, authorizer, permit, memory }
    }

    /// The account and region of the secrets.
    pub(crate) fn realm(&self) -> &Realm {
        &self.layout.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Heads that were read before.
    pub(crate) fn heads(&self) -> &Heads {
        &self.memory.heads
    }

    /// Reads that no head shows yet.
    pub(crate) fn notes(&self) -> &Notes {
        &self.memory.notes
    }

    /// What this engine has seen of others that do the housekeeping.
    pub(crate) fn housekeepers(&self) -> &LeaseWatch {
        &self.memory.housekeepers
    }

    /// Whether the key service knows that this engine's calls come through Secrets Manager.
    pub(crate) fn speaks_for_secrets_manager(&self) -> bool {
        self.kms.capabilities().via_service == Some(Service::SecretsManager)
    }

    /// How secrets name their keys here.
    pub(crate) fn key_names(&self) -> KeyNames<'_> {
        KeyNames { realm: self.realm(), managed: self.speaks_for_secrets_manager() }
    }

    /// Waits for this process's turn to write the secret `name`.
    pub(crate) async fn turn(&self, name: &str) -> MutexGuard<'_, ()> {
        let hash = self.memory.hasher.hash_one(name);
        let index = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        self.memory.turns[index].lock().await
    }
}
