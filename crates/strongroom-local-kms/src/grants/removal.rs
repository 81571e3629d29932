//! Deleting grants.

use strongroom_kms::{Error, KeyId};
use strongroom_records::{Expect, Scan};
use strongroom_root::{TrustedBatch, TrustedRecord};

use crate::grants::record::GrantRecord;
use crate::layout::decode;
use crate::parts::{Parts, storage};

/// How many grants of a key that goes are deleted in one commit: four records each, and the least
/// that a backend takes is 100 operations.
const CHUNK: usize = 20;

/// Adds the deletion of grants to a batch.
#[derive(Clone, Copy)]
pub(crate) struct GrantRemoval<'a>(pub(crate) &'a Parts);

impl GrantRemoval<'_> {
    pub(crate) fn one(
        self,
        batch: &mut TrustedBatch,
        key: &KeyId,
        stored: &TrustedRecord,
        record: &GrantRecord,
    ) -> Result<(), Error> {
        let layout = &self.0.inner.layout;
        batch.delete(&layout.grant(key, &record.id), Expect::At(stored.revision));
        batch.delete(&layout.grant_for(key, &record.grantee, &record.id), Expect::Any);
        if let Some(retiring) = &record.retiring {
            batch.delete(&layout.retirable_grant(retiring, key, &record.id), Expect::Any);
        }
        if let Some(digest) = record.digest()? {
            batch.delete(&layout.named_grant(key, &digest), Expect::Any);
        }
        Ok(())
    }

    /// Of a key that goes: deletes some of its grants, and says whether there were any.
    pub(crate) async fn some(self, batch: &mut TrustedBatch, key: &KeyId) -> Result<bool, Error> {
        let scan = Scan::prefix(&self.0.inner.layout.grants(key)).limit(CHUNK);
        let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?.records;
        for stored in &found {
            self.one(batch, key, stored, &decode(stored)?)?;
        }
        Ok(!found.is_empty())
    }
}
