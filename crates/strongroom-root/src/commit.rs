//! Commits: on the condition that the store key and the features of the store are those that the handle knows.

use strongroom_records::{Batch, Expect, Revision};

use crate::store::Store;
use crate::{Error, ErrorKind, Feature, TrustedBatch, TrustedRecords, frame};

/// How often a commit is tried again because the store's own record has moved. Each time somebody has
/// added a feature, so that this many in a row mean storage that does not keep its word.
const ATTEMPTS: usize = 64;

/// What became of a commit that storage took or refused.
pub(crate) enum Outcome {
    Done(Revision),
    /// A record was not as the batch demanded. Nothing was applied.
    Conflict(Error),
    /// The store's own record had moved, and this handle knows it now. Nothing was applied; whether
    /// the batch is good otherwise is not known.
    Moved(Error),
}

/// A batch as the storage gets it.
struct Fenced {
    batch: Batch,
    /// The revision of the store's own record that it demands.
    revision: Revision,
    /// The store's own record as it writes it.
    store: Option<Store>,
}

impl TrustedRecords {
    /// Commits a batch, on the condition that the store key is still the one this handle knows, and
    /// that the store uses no feature which it does not know.
    ///
    /// When another handle has raised the format or added a feature that this one knows, the batch is
    /// committed all the same: a conflict is always one with the batch's own preconditions.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`], [`ErrorKind::StoreChanged`], [`ErrorKind::Incompatible`] naming the
    /// feature, storage errors; [`ErrorKind::Unsupported`] for a feature that the store's format has
    /// no place for.
    pub async fn commit(&self, batch: TrustedBatch) -> Result<Revision, Error> {
        let (batch, uses) = batch.finish()?;
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match self.commit_once(batch.clone(), &uses).await? {
                Outcome::Done(revision) => return Ok(revision),
                Outcome::Moved(_) if left > 0 => {}
                Outcome::Conflict(error) | Outcome::Moved(error) => return Err(error),
            }
        }
    }

    pub(crate) async fn commit_once(&self, batch: Batch, uses: &[Feature]) -> Result<Outcome, Error> {
        let inner = &self.inner;
        let Fenced { batch, revision, store } = self.fenced(batch, uses).await?;
        match inner.records.commit(batch).await {
            Ok(at) => {
                if let Some(store) = store {
                    inner.declared.wrote(store, at);
                }
                Ok(Outcome::Done(at))
            }
            Err(error) if error.kind() == strongroom_records::ErrorKind::Conflict => {
                let now = inner.look_again().await?;
                let error = error.into();
                Ok(if now == revision { Outcome::Conflict(error) } else { Outcome::Moved(error) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Hands over a batch whose outcome nobody waits for: see [`Records::commit_soon`].
    ///
    /// # Errors
    /// Storage errors, as far as they are known when this returns.
    ///
    /// [`Records::commit_soon`]: strongroom_records::Records::commit_soon
    pub async fn commit_soon(&self, batch: TrustedBatch) -> Result<(), Error> {
        let (batch, uses) = batch.finish()?;
        let batch = self.fenced(batch, &uses).await?.batch;
        Ok(self.inner.records.commit_soon(batch).await?)
    }

    /// The batch with the condition on the store's own record, or with that record as it lists these features.
    async fn fenced(&self, batch: Batch, uses: &[Feature]) -> Result<Fenced, Error> {
        let inner = &self.inner;
        if uses.is_empty() {
            let revision = inner.declared.revision()?;
            return Ok(Fenced {
                batch: batch.check(&Store::key(), Expect::At(revision)),
                revision,
                store: None,
            });
        }
        for feature in uses {
            feature.check()?;
            if !inner.declared.known().contains(feature) {
                let text = format!("this handle was opened without the feature \"{feature}\"");
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        }
        let (mut store, mut revision) = inner.declared.current()?;
        if store.format < Store::WITH_FEATURES {
            // Somebody may have upgraded it since this handle looked.
            inner.look_again().await?;
            (store, revision) = inner.declared.current()?;
        }
        if uses.iter().all(|feature| store.has(feature)) {
            return Ok(Fenced {
                batch: batch.check(&Store::key(), Expect::At(revision)),
                revision,
                store: None,
            });
        }
        let mut store = Store::clone(&store);
        for feature in uses {
            store.add(feature)?;
        }
        let content = store.to_json()?;
        let (framed, _) = frame::write(&inner.keyring, &store.id, frame::PLAIN, &Store::key(), &content)?;
        let batch = batch.put(&Store::key(), framed, Expect::At(revision));
        Ok(Fenced { batch, revision, store: Some(store) })
    }
}
