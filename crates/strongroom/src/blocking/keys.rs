//! The keys of a strongroom, without async.

use pollster::block_on;
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{Decrypted, ImportKeyMaterial, KeyMetadata};
use strongroom_types::Timestamp;

use crate::Error;

/// As [`crate::Keys`], without async.
#[derive(Clone, Debug)]
pub struct Keys(crate::Keys);

impl Keys {
    pub(super) fn new(keys: crate::Keys) -> Self {
        Self(keys)
    }

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
}
