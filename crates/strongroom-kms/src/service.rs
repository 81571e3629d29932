//! The joint itself.

use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_types::{CallContext, Service};

use crate::{
    Ciphertext, DataKeyPair, DecryptOptions, Decrypted, DescribeKeyOptions, EncryptOptions, Error, ErrorKind,
    GenerateDataKeyOptions, GenerateMacOptions, KeyMetadata, KeyRef, Mac, MacAlgorithm, ReEncryptOptions,
    ReEncrypted, VerifyMacOptions, WrappedDataKey,
};

/// What an implementation can and cannot do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The service this handle acts for: calls through it may use that service's managed key (`alias/aws/<service>`).
    pub via_service: Option<Service>,
    /// Whether dry runs are understood.
    pub dry_run: bool,
}

impl Capabilities {
    /// Nothing beyond the required.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Capabilities::via_service`].
    #[must_use]
    pub fn via_service(mut self, service: Service) -> Self {
        self.via_service = Some(service);
        self
    }

    /// Sets [`Capabilities::dry_run`].
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

fn no_macs(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, "").during(operation)
}

/// A key service: keys that encrypt and decrypt and are never seen.
///
/// Object-safe; users hold `Arc<dyn Kms>`. Every operation is safe to repeat: none changes a key. Answers carry the full
/// ARN of the key that was used. The encryption context is authenticated, never stored, and must be given again exactly.
///
/// Once key state and permission are passed, all failures to decrypt look alike:
/// [`crate::ErrorKind::InvalidCiphertext`] without a text. Before that point AWS's own errors stay: unknown key
/// ([`crate::ErrorKind::NotFound`]), disabled ([`crate::ErrorKind::Disabled`]), pending deletion
/// ([`crate::ErrorKind::InvalidState`]), another key than the one named ([`crate::ErrorKind::IncorrectKey`]), not
/// permitted ([`crate::ErrorKind::AccessDenied`]).
#[async_trait]
pub trait Kms: Send + Sync + Debug {
    /// A fresh data key, in clear and wrapped under `key`.
    ///
    /// # Errors
    /// See the trait; [`crate::ErrorKind::Validation`] for a length that is not 1 to 1024.
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        context: &EncryptionContext,
        options: &GenerateDataKeyOptions,
    ) -> Result<DataKeyPair, Error>;

    /// A fresh data key, wrapped only.
    ///
    /// # Errors
    /// As [`Kms::generate_data_key`].
    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        context: &EncryptionContext,
        options: &GenerateDataKeyOptions,
    ) -> Result<WrappedDataKey, Error> {
        let pair = self.generate_data_key(cx, key, context, options).await?;
        Ok(WrappedDataKey {
            ciphertext: pair.ciphertext,
            key_arn: pair.key_arn,
            key_material_id: pair.key_material_id,
        })
    }

    /// Encrypts 1 to 4,096 bytes under `key`.
    ///
    /// # Errors
    /// See the trait; [`crate::ErrorKind::Validation`] for other lengths.
    async fn encrypt(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        plaintext: &[u8],
        context: &EncryptionContext,
        options: &EncryptOptions,
    ) -> Result<Ciphertext, Error>;

    /// Decrypts what this service made. The ciphertext names its key; the options may demand one.
    ///
    /// # Errors
    /// See the trait.
    async fn decrypt(
        &self,
        cx: &CallContext,
        ciphertext: &[u8],
        context: &EncryptionContext,
        options: &DecryptOptions,
    ) -> Result<Decrypted, Error>;

    /// Decrypts and encrypts again under `key` and another context; the plaintext never leaves the service.
    ///
    /// # Errors
    /// Those of [`Kms::decrypt`] for the source, those of [`Kms::encrypt`] for the destination.
    async fn re_encrypt(
        &self,
        cx: &CallContext,
        ciphertext: &[u8],
        source_context: &EncryptionContext,
        key: &KeyRef,
        context: &EncryptionContext,
        options: &ReEncryptOptions,
    ) -> Result<ReEncrypted, Error>;

    /// What there is to know of a key, in whatever state it is. Naming the alias of a service's managed key makes the key
    /// when it does not exist yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::AccessDenied`].
    async fn describe_key(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        options: &DescribeKeyOptions,
    ) -> Result<KeyMetadata, Error>;

    /// A message authentication code of 1 to 4,096 bytes under an HMAC key.
    ///
    /// Provided: refused.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidKeyUsage`] for a key or algorithm that does not fit, those of key state;
    /// [`crate::ErrorKind::Unsupported`] unless the service has HMAC keys.
    async fn generate_mac(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _message: &[u8],
        _algorithm: MacAlgorithm,
        _options: &GenerateMacOptions,
    ) -> Result<Mac, Error> {
        Err(no_macs("GenerateMac"))
    }

    /// Verifies a code that [`Kms::generate_mac`] made.
    ///
    /// Provided: refused.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidMac`] for every other code; those of [`Kms::generate_mac`].
    async fn verify_mac(
        &self,
        _cx: &CallContext,
        _key: &KeyRef,
        _message: &[u8],
        _mac: &[u8],
        _algorithm: MacAlgorithm,
        _options: &VerifyMacOptions,
    ) -> Result<Mac, Error> {
        Err(no_macs("VerifyMac"))
    }

    /// 1 to 1,024 random bytes.
    ///
    /// Provided: from the operating system.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Validation`], [`crate::ErrorKind::Internal`].
    async fn generate_random(&self, _cx: &CallContext, bytes: u16) -> Result<SecretBytes, Error> {
        crate::random::generate(bytes).map_err(|error| error.during("GenerateRandom"))
    }

    /// What this implementation can do beyond the required.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}
