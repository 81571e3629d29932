//! What an access key stands for, looked up for callers that check signatures.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_envelope::SecretBytes;
use strongroom_types::{CallContext, Caller};

use crate::access_keys::AccessKeyRecord;
use crate::error::storage;
use crate::record::Stored;
use crate::{Error, Iam, IdentityRef};

/// What an access key stands for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// What requests are signed with.
    pub secret: SecretBytes,
    /// Who calls with it.
    pub context: CallContext,
}

/// Credentials that were looked up recently. Wiped when they are dropped.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<HashMap<String, Recent>>);

struct Recent {
    /// How often this process had changed the directory, before they were read.
    commits: u64,
    asked: Instant,
    found: Arc<Credentials>,
}

/// The most credentials to keep.
const MOST_AT_HAND: usize = 256;
/// How long another process's changes may go unnoticed. This process's are noticed at once.
const STALENESS: Duration = Duration::from_millis(100);

impl AtHand {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str, commits: u64) -> Option<Arc<Credentials>> {
        let all = self.lock();
        let recent = all.get(id)?;
        let fresh = recent.commits == commits && recent.asked.elapsed() < STALENESS;
        fresh.then(|| Arc::clone(&recent.found))
    }

    fn keep(&self, id: &str, recent: Recent) {
        let mut all = self.lock();
        if all.len() >= MOST_AT_HAND {
            all.clear();
        }
        all.insert(id.to_owned(), recent);
    }
}

impl Iam {
    /// What an access key stands for; `None` if no key has this id. For callers that check
    /// signatures. This process's changes are noticed at once; another process's, such as the
    /// deletion of the key, may go unnoticed for 100 ms.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn credentials(&self, id: &str) -> Result<Option<Arc<Credentials>>, Error> {
        // Read before the credentials: a change in between makes them stale.
        let commits = self.inner.commits.load(Ordering::Acquire);
        if let Some(found) = self.inner.credentials.get(id, commits) {
            return Ok(Some(found));
        }
        let asked = Instant::now();
        let found = self.read_credentials(id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.inner.credentials.keep(id, Recent { commits, asked, found: Arc::clone(found) });
        }
        Ok(found)
    }

    async fn read_credentials(&self, id: &str) -> Result<Option<Credentials>, Error> {
        // Both at once: a read may have to ask the storage whether anything changed.
        let places = [self.layout.access_key(id), self.access_secret(id)];
        let mut found = self.inner.records.read(&places).await.map_err(storage)?;
        let (secret, known) = (found.pop().flatten(), found.pop().flatten());
        let known = known.as_ref().map(Stored::<AccessKeyRecord>::parse).transpose()?;
        let Some(Stored { record, .. }) = known else { return Ok(None) };
        if record.inactive {
            return Ok(None);
        }
        let caller = match &record.user {
            None => Caller::Owner(self.layout.account),
            Some(user) => {
                let identity = IdentityRef::user(user);
                let Some(found) = self.find(&identity).await? else { return Ok(None) };
                Caller::Principal(found.record.to_identity(identity.kind, &self.layout).arn)
            }
        };
        let secret = self.opened(&places[1], secret)?;
        Ok(Some(Credentials { secret, context: CallContext::new(caller) }))
    }
}
