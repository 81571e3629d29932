//! Finding grants.

use strongroom_kms::{Error, GrantOperation, KeyId};
use strongroom_policy::{Principal, Request};
use strongroom_records::Scan;
use strongroom_root::TrustedRecord;

use crate::call::KeyCall;
use crate::grants::record::{GrantRecord, names_of};
use crate::layout::{StoredKey, decode, last_segment};
use crate::parts::{Parts, storage};

/// The grants that there are.
#[derive(Clone, Copy)]
pub(crate) struct Grants<'a>(pub(crate) &'a Parts);

impl Grants<'_> {
    /// Whether a grant of the key lets the principal do this.
    pub(crate) async fn is_granted(
        self,
        key: &StoredKey,
        who: &Principal,
        wanted: GrantOperation,
        call: &KeyCall<'_>,
    ) -> Result<bool, Error> {
        if key.record.grants == 0 {
            return Ok(false);
        }
        for name in names_of(who) {
            let mut walk =
                self.0.inner.records.walk(Scan::prefix(&self.0.inner.layout.grants_for(&key.id, name)));
            while let Some(page) = walk.next().await.map_err(storage)? {
                let mut places = Vec::with_capacity(page.len());
                for (place, entry) in page {
                    entry.map_err(storage)?;
                    places
                        .push(self.0.inner.layout.grant(&key.id, &last_segment(&place).unwrap_or_default()));
                }
                // Ended in this moment, if one is not there.
                for stored in self.0.inner.records.read(&places).await.map_err(storage)?.iter().flatten() {
                    let grant: GrantRecord = decode(stored)?;
                    if grant.is_for(name, who) && grant.allows(wanted, call)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The grants of a key that are for whoever makes a request, at most so many.
    pub(crate) async fn of_caller(
        self,
        key: &StoredKey,
        request: &Request,
        most: usize,
    ) -> Result<Vec<GrantRecord>, Error> {
        let mut found = Vec::new();
        if key.record.grants == 0 {
            return Ok(found);
        }
        for name in names_of(request.principal()) {
            let scan = Scan::prefix(&self.0.inner.layout.grants_for(&key.id, name)).limit(most);
            let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
            for entry in snapshot.scan(&scan).await.map_err(storage)?.records {
                let id = last_segment(&entry.key).unwrap_or_default();
                found.extend(self.find(&key.id, &id).await?.map(|(_, record)| record));
            }
        }
        Ok(found)
    }

    pub(crate) async fn find(
        self,
        key: &KeyId,
        id: &str,
    ) -> Result<Option<(TrustedRecord, GrantRecord)>, Error> {
        let stored = self.0.inner.records.get(&self.0.inner.layout.grant(key, id)).await.map_err(storage)?;
        stored.map(|stored| decode(&stored).map(|record| (stored, record))).transpose()
    }
}
