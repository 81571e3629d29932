//! What every part of the key service works with.

use std::sync::Arc;
use std::time::Duration;

use strongroom_envelope::random_array;
use strongroom_kms::{Error, ErrorKind, KeyId, ListPage};
use strongroom_policy::Authorizer;
use strongroom_records::{Expect, Key, Revision, Scan};
use strongroom_root::{Attempts, DueEntry, Lease, TrustedBatch, TrustedPage, TrustedRecords};
use strongroom_types::{CallContext, Clock, PurgePermit, Realm, Service, Timestamp, hex};

use crate::cache::keys::KeyCache;
use crate::cache::material::MaterialCache;
use crate::layout::Layout;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Storage, clock, caches, and on whose behalf they are used. The types that do the work borrow it
/// for one call and keep nothing themselves.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) inner: Arc<Inner>,
    /// The service this handle acts for. Only the handle's maker sets it, so that no caller can
    /// claim it.
    pub(crate) via: Option<Service>,
    /// Who knows callers and their policies.
    pub(crate) authorizer: Arc<dyn Authorizer>,
    /// Asked before anything is destroyed because of its date.
    pub(crate) permit: Arc<dyn PurgePermit>,
}

/// What all handles of a key service share.
pub(crate) struct Inner {
    pub(crate) records: TrustedRecords,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) layout: Layout,
    pub(crate) keys: KeyCache,
    pub(crate) materials: MaterialCache,
}

impl Parts {
    /// The account and region of the keys.
    pub(crate) fn realm(&self) -> &Realm {
        &self.inner.layout.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The attempts of a change, which end at the caller's deadline.
    pub(crate) fn attempts(&self, cx: &CallContext) -> Attempts<'_> {
        Attempts::new(&*self.inner.clock, cx.deadline())
    }

    /// The attempts of a chore, which has no deadline.
    pub(crate) fn chore_attempts(&self) -> Attempts<'_> {
        Attempts::new(&*self.inner.clock, None)
    }

    /// Removes an entry that points at nothing which is due.
    pub(crate) async fn drop_entry(&self, lease: &Lease, entry: &DueEntry) -> Result<(), Error> {
        let mut batch = self.inner.records.batch();
        lease.fence(&mut batch);
        batch.delete(&entry.key, Expect::At(entry.revision));
        match self.commit(batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => lease.check().await.map_err(storage),
            result => result.map(drop),
        }
    }

    /// Commits, and makes sure that this process sees the change at once.
    pub(crate) async fn commit(&self, batch: TrustedBatch) -> Result<Revision, Error> {
        let result = self.inner.records.commit(batch).await.map_err(storage);
        // Also after a failure: what became of the commit may be unknown.
        self.inner.keys.committed();
        result
    }

    /// One page of the records under a prefix.
    pub(crate) async fn page(
        &self,
        prefix: &Key,
        page: &ListPage,
        limit: usize,
    ) -> Result<TrustedPage, Error> {
        let mut scan = Scan::prefix(prefix).limit(limit);
        if let Some(marker) = &page.marker {
            // A marker is the name of the last entry. An invented one still only names a place in
            // this listing.
            if marker.is_empty() || marker.len() > 1024 {
                return Err(invalid_marker());
            }
            scan = scan.after(&prefix.clone().then(marker));
        }
        self.inner.records.snapshot().await.map_err(storage)?.scan(&scan).await.map_err(storage)
    }

    /// Removes what was deleted from the storage's files too. The deletion stands whatever becomes
    /// of this; a busy storage only leaves traces for the next time.
    pub(crate) async fn erase(&self) -> Result<(), Error> {
        match self.inner.records.storage().erase_deleted().await {
            Err(error) if error.kind() != strongroom_records::ErrorKind::Busy => Err(storage(error.into())),
            _ => Ok(()),
        }
    }
}

/// How many entries a page of a listing has.
pub(crate) fn check_limit(page: &ListPage, default: usize, most: usize) -> Result<usize, Error> {
    match page.limit {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            let bound = if limit == 0 {
                "greater than or equal to 1".to_owned()
            } else {
                format!("less than or equal to {most}")
            };
            Err(Error::new(
                ErrorKind::Validation,
                format!(
                    "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
                ),
            ))
        }
    }
}

/// The answer to a dry run that would have succeeded.
pub(crate) fn dry_run(wanted: bool) -> Result<(), Error> {
    if wanted {
        let text = "The request would have succeeded, but the DryRun option is set.";
        return Err(Error::new(ErrorKind::DryRun, text));
    }
    Ok(())
}

pub(crate) fn invalid_marker() -> Error {
    Error::new(ErrorKind::InvalidMarker, "Invalid marker")
}

/// The moment so many days later.
pub(crate) fn after_days(from: Timestamp, days: u16) -> Timestamp {
    from.after(DAY * u32::from(days))
}

/// Somebody else was first each time.
pub(crate) fn contended() -> Error {
    Error::new(ErrorKind::Conflict, "the key is being changed by others")
}

/// The key that an entry of a due index points at.
pub(crate) fn due_key(entry: &DueEntry) -> Result<KeyId, Error> {
    KeyId::parse(&entry.id).map_err(|error| {
        Error::new(ErrorKind::Tampered, "the record is not what Strongroom wrote")
            .with("record", &entry.key)
            .because(error)
    })
}

/// A fresh id of key material: 64 hexadecimal digits.
pub(crate) fn material_id() -> Result<Arc<str>, Error> {
    Ok(hex(&random_array::<32>()?).into())
}

/// Storage's errors in the words of a key service.
pub(crate) fn storage(error: strongroom_root::Error) -> Error {
    error.into_frame().pass_on()
}
