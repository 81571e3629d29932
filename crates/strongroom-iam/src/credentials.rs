//! Looks up credentials for callers that verify signatures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use strongroom_types::{CallContext, Caller};

use crate::access_keys::AccessKeyRecord;
use crate::at_hand::{Credentials, Recent};
use crate::directory::Directory;
use crate::error::storage;
use crate::record::Stored;
use crate::{AccessKeys, Error, Iam, IdentityRef};

impl Iam {
    /// The credentials behind an access key, for callers that verify signatures; `None` if no
    /// active key has this id. This process's changes are noticed at once; another process's, such
    /// as the deletion of the key, may go unnoticed for 100 ms.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn credentials(&self, id: &str) -> Result<Option<Arc<Credentials>>, Error> {
        // Loaded before the credentials are read, so that a change in between makes them stale.
        let commits = self.directory.inner.commits.load(Ordering::Acquire);
        if let Some(found) = self.directory.inner.credentials.get(id, commits) {
            return Ok(Some(found));
        }
        let asked = Instant::now();
        let found = self.directory.read_credentials(id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.directory.inner.credentials.keep(id, Recent { commits, asked, found: Arc::clone(found) });
        }
        Ok(found)
    }
}

impl Directory {
    async fn read_credentials(&self, id: &str) -> Result<Option<Credentials>, Error> {
        // One read for both: each may have to ask the storage whether anything changed.
        let places = [self.layout.access_key(id), self.layout.access_secret(id)];
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
        let secret = AccessKeys(self).opened(&places[1], secret)?;
        Ok(Some(Credentials { secret, context: CallContext::new(caller) }))
    }
}
