//! An opened store: its storage, its keys, and what it verifies with them.

use std::sync::Arc;

use strongroom_envelope::{AnySealer, Label, SecretBytes};
use strongroom_records::{Key, Record, Records, Revision};
use strongroom_types::Realm;

use crate::declared::Declared;
use crate::error::tampered;
use crate::store::{Keyring, Store};
use crate::trusted_record::TrustedRecord;
use crate::{Error, ErrorKind, frame};

pub(crate) const MATERIAL: Label = Label::new("strongroom-mat");

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) realm: Realm,
    /// As it was when the store was opened: its id never changes.
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) declared: Declared,
}

impl Inner {
    pub(crate) fn seal(
        &self,
        sealer: AnySealer,
        key: &Key,
        plaintext: &SecretBytes,
    ) -> Result<Vec<u8>, Error> {
        let epoch = self.keyring.current()?;
        let mut sealed = epoch.number.to_be_bytes().to_vec();
        sealer.seal_box(&epoch.seal, MATERIAL, &self.aad(key), plaintext.expose(), &mut sealed)?;
        Ok(sealed)
    }

    pub(crate) fn unseal(&self, sealer: AnySealer, key: &Key, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let (number, sealed) =
            sealed.split_first_chunk::<4>().ok_or_else(|| tampered(key, "what is sealed in it is cut"))?;
        let epoch = self
            .keyring
            .epoch(u32::from_be_bytes(*number))
            .ok_or_else(|| tampered(key, "it is sealed under an unknown store key"))?;
        sealer
            .open_box(&epoch.seal, MATERIAL, &self.aad(key), sealed)
            .map_err(|error| tampered(key, "what is sealed in it does not open").because(error))
    }

    pub(crate) fn verify(&self, record: Record) -> Result<TrustedRecord, Error> {
        frame::verify(&self.keyring, &self.store.id, record)
    }

    pub(crate) fn verify_all(
        &self,
        records: Vec<Option<Record>>,
    ) -> Result<Vec<Option<TrustedRecord>>, Error> {
        records.into_iter().map(|record| record.map(|record| self.verify(record)).transpose()).collect()
    }

    /// As [`Inner::verify_all`], with the last word on a record that says it is of a later store key.
    pub(crate) async fn verified(
        &self,
        records: Vec<Option<Record>>,
    ) -> Result<Vec<Option<TrustedRecord>>, Error> {
        match self.verify_all(records) {
            Ok(records) => Ok(records),
            Err(error) => Err(self.settle(error).await),
        }
    }

    /// A record that says it is of a later store key: either the store has one, or somebody changed the record.
    pub(crate) async fn settle(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::StoreChanged {
            return error;
        }
        match self.look_again().await {
            Ok(_) => Error::new(ErrorKind::Tampered, "the record is not what Strongroom wrote")
                .with("because", "it is of an unknown store key")
                .because(error),
            Err(refused) if refused.kind() == ErrorKind::Incompatible => refused,
            Err(_) => error,
        }
    }

    /// The store's own record has moved, or may have: see [`Declared::look_again`].
    pub(crate) async fn look_again(&self) -> Result<Revision, Error> {
        self.declared.look_again(&*self.records, &self.keyring).await
    }

    /// For what is known already: see [`Declared::keep_up_if_stale`].
    pub(crate) async fn keep_up_if_stale(&self) -> Result<(), Error> {
        self.declared.keep_up_if_stale(&*self.records, &self.keyring).await
    }

    /// For what is read: see [`Declared::keep_up`].
    pub(crate) async fn keep_up(&self) -> Result<(), Error> {
        self.declared.keep_up(&*self.records, &self.keyring).await
    }

    pub(crate) fn aad(&self, key: &Key) -> Vec<u8> {
        let mut aad = (self.store.id.len() as u64).to_be_bytes().to_vec();
        aad.extend_from_slice(self.store.id.as_bytes());
        aad.extend_from_slice(key.as_bytes());
        aad
    }
}
