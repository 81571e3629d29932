//! The keys of a strongroom, without async.

use pollster::block_on;
use strongroom_engine::{KeyUse, RewrapProgress};
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{Decrypted, ImportKeyMaterial, KeyMetadata};
use strongroom_local_kms::Retirement;
use strongroom_types::Timestamp;

use crate::Error;
use crate::blocking_room::Strongroom;

/// As [`crate::Keys`], without async.
#[derive(Clone, Debug)]
pub struct Keys(crate::Keys);

impl Strongroom {
    /// As [`crate::Strongroom::keys`], without async.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys(self.as_async().keys())
    }
}

impl Keys {
    /// As [`crate::Keys::create`].
    ///
    /// # Errors
    /// As [`crate::Keys::create`].
    pub fn create(&self, alias: &str, description: &str) -> Result<KeyMetadata, Error> {
        block_on(self.0.create(alias, description))
    }

    /// As [`crate::Keys::describe`].
    ///
    /// # Errors
    /// As [`crate::Keys::describe`].
    pub fn describe(&self, key: &str) -> Result<KeyMetadata, Error> {
        block_on(self.0.describe(key))
    }

    /// As [`crate::Keys::encrypt`].
    ///
    /// # Errors
    /// As [`crate::Keys::encrypt`].
    pub fn encrypt(
        &self,
        key: &str,
        plaintext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, Error> {
        block_on(self.0.encrypt(key, plaintext, context))
    }

    /// As [`crate::Keys::decrypt`].
    ///
    /// # Errors
    /// As [`crate::Keys::decrypt`].
    pub fn decrypt(&self, ciphertext: &[u8], context: &EncryptionContext) -> Result<Decrypted, Error> {
        block_on(self.0.decrypt(ciphertext, context))
    }

    /// As [`crate::Keys::import`].
    ///
    /// # Errors
    /// As [`crate::Keys::import`].
    pub fn import(
        &self,
        key: &str,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<(), Error> {
        block_on(self.0.import(key, material, options))
    }

    /// As [`crate::Keys::rotate`].
    ///
    /// # Errors
    /// As [`crate::Keys::rotate`].
    pub fn rotate(&self, key: &str) -> Result<(), Error> {
        block_on(self.0.rotate(key))
    }

    /// As [`crate::Keys::disable`].
    ///
    /// # Errors
    /// As [`crate::Keys::disable`].
    pub fn disable(&self, key: &str) -> Result<(), Error> {
        block_on(self.0.disable(key))
    }

    /// As [`crate::Keys::enable`].
    ///
    /// # Errors
    /// As [`crate::Keys::enable`].
    pub fn enable(&self, key: &str) -> Result<(), Error> {
        block_on(self.0.enable(key))
    }

    /// As [`crate::Keys::schedule_deletion`].
    ///
    /// # Errors
    /// As [`crate::Keys::schedule_deletion`].
    pub fn schedule_deletion(&self, key: &str, days: u16) -> Result<Timestamp, Error> {
        block_on(self.0.schedule_deletion(key, days))
    }

    /// As [`crate::Keys::cancel_deletion`].
    ///
    /// # Errors
    /// As [`crate::Keys::cancel_deletion`].
    pub fn cancel_deletion(&self, key: &str) -> Result<(), Error> {
        block_on(self.0.cancel_deletion(key))
    }

    /// As [`crate::Keys::uses`].
    ///
    /// # Errors
    /// As [`crate::Keys::uses`].
    pub fn uses(&self, key: &str) -> Result<Vec<KeyUse>, Error> {
        block_on(self.0.uses(key))
    }

    /// As [`crate::Keys::rewrap`].
    ///
    /// # Errors
    /// As [`crate::Keys::rewrap`].
    pub fn rewrap(
        &self,
        key: &str,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        block_on(self.0.rewrap(key, progress))
    }

    /// As [`crate::Keys::retire_material`].
    ///
    /// # Errors
    /// As [`crate::Keys::retire_material`].
    pub fn retire_material(
        &self,
        key: &str,
        key_material_id: &str,
        confirmed: Retirement,
    ) -> Result<(), Error> {
        block_on(self.0.retire_material(key, key_material_id, confirmed))
    }
}
