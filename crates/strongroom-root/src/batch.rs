//! Batches of authenticated records.

use std::sync::Arc;

use strongroom_envelope::{AnySealer, SecretBytes};
use strongroom_records::{Batch, Expect, Key};

use crate::opened_store::Inner;
use crate::{Error, Feature, frame};

/// A batch whose values are authenticated as they are added.
#[derive(Debug)]
pub struct TrustedBatch {
    inner: Arc<Inner>,
    sealer: AnySealer,
    batch: Batch,
    uses: Vec<Feature>,
    failed: Option<Error>,
}

impl TrustedBatch {
    /// A batch that begins with records that are framed already.
    pub(crate) fn of(inner: &Arc<Inner>, sealer: AnySealer, batch: Batch) -> Self {
        Self { inner: Arc::clone(inner), sealer, batch, uses: Vec::new(), failed: None }
    }

    /// What is to be written, and the features that the store must list with it.
    pub(crate) fn finish(self) -> Result<(Batch, Vec<Feature>), Error> {
        self.failed.map_or(Ok((self.batch, self.uses)), Err)
    }

    /// Says that what this batch writes is of a feature. The store lists it from the same commit on,
    /// unless it does already: from then on programs that do not know a required feature refuse the
    /// store, and open handles that do not know it stop.
    ///
    /// The commit fails with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the
    /// store is of a format without features and has to be upgraded first, and when the handle was
    /// opened without this feature ([`TrustedRecords::open_with`](crate::TrustedRecords::open_with)).
    pub fn uses(&mut self, feature: &Feature) {
        if !self.uses.contains(feature) {
            self.uses.push(*feature);
        }
    }

    /// Writes `content` under `key`. Gives the record's digest, by which another record can be made to vouch for this one.
    pub fn put(&mut self, key: &Key, content: &[u8], expect: Expect) -> [u8; 32] {
        self.put_framed(frame::PLAIN, key, content, expect)
    }

    /// Seals `plaintext` under the store key and writes it: [`TrustedRecords::unseal`](crate::TrustedRecords::unseal) opens the record's content.
    pub fn put_secret(&mut self, key: &Key, plaintext: &SecretBytes, expect: Expect) {
        match self.inner.seal(self.sealer, key, plaintext) {
            Ok(sealed) => {
                self.put_framed(frame::SEALED, key, &sealed, expect);
            }
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn put_framed(&mut self, kind: u8, key: &Key, content: &[u8], expect: Expect) -> [u8; 32] {
        match frame::write(&self.inner.keyring, &self.inner.store.id, kind, key, content) {
            Ok((value, digest)) => {
                self.batch = std::mem::take(&mut self.batch).put(key, value, expect);
                digest
            }
            Err(error) => {
                // Told at commit: the batch then fails as a whole.
                self.failed.get_or_insert(error);
                [0; 32]
            }
        }
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: &Key, expect: Expect) {
        self.batch = std::mem::take(&mut self.batch).delete(key, expect);
    }

    /// Takes back what was said of `key` so far: a batch names each key once.
    pub fn withdraw(&mut self, key: &Key) {
        self.batch = std::mem::take(&mut self.batch).withdraw(key);
    }

    /// Demands something of `key` without changing it.
    pub fn check(&mut self, key: &Key, expect: Expect) {
        self.batch = std::mem::take(&mut self.batch).check(key, expect);
    }

    /// The number of operations so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.changes().len()
    }

    /// The bytes of all keys and values so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }
}
