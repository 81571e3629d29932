//! The trait [`Kms`].

use std::fmt::Debug;

use async_trait::async_trait;
use strongroom_envelope::SecretBytes;
use strongroom_types::{CallContext, Service};

use crate::{
    Ciphertext, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt, Error, ErrorKind, GenerateDataKey,
    GenerateMac, GenerateRandom, KeyMetadata, Mac, Operation, ReEncrypt, ReEncrypted, VerifyMac,
    WrappedDataKey,
};

/// The capabilities of an implementation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The service this handle acts for: calls through it can use that service's managed key
    /// (`alias/aws/<service>`).
    pub via_service: Option<Service>,
    /// Whether dry runs are understood.
    pub dry_run: bool,
}

impl Capabilities {
    /// Only what is required.
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

fn no_macs(operation: Operation) -> Error {
    Error::new(ErrorKind::Unsupported, "").during(operation.name())
}

/// A key service, whose keys encrypt and decrypt but are never exposed.
///
/// The trait is object-safe; users hold an `Arc<dyn Kms>`. Every operation is safe to repeat,
/// because none changes a key. Responses carry the full ARN of the key that was used. The
/// encryption context is authenticated, never stored, and must be given again exactly.
///
/// Once key state and permission have been checked, all failures to decrypt look alike:
/// [`crate::ErrorKind::InvalidCiphertext`] without a text. Before that point AWS's own errors stay:
/// unknown key ([`crate::ErrorKind::NotFound`]), disabled ([`crate::ErrorKind::Disabled`]), pending
/// deletion ([`crate::ErrorKind::InvalidState`]), another key than the one named
/// ([`crate::ErrorKind::IncorrectKey`]), not permitted ([`crate::ErrorKind::AccessDenied`]).
///
/// # Implementing it
///
/// Five methods have no default: `generate_data_key`, `encrypt`, `decrypt`, `re_encrypt` and
/// `describe_key`. All others build on them or fail. An implementation must reject with
/// [`crate::ErrorKind::Unsupported`] what it cannot honour, such as a dry run that
/// [`Kms::capabilities`] does not declare. Run `strongroom_testkit::kms::conformance` over it.
#[async_trait]
pub trait Kms: Send + Sync + Debug {
    /// Generates a data key and returns it in plain and wrapped form.
    ///
    /// # Errors
    /// See the trait; [`crate::ErrorKind::Validation`] for a length that is not 1 to 1024.
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error>;

    /// Generates a data key and returns only its wrapped form.
    ///
    /// # Errors
    /// As [`Kms::generate_data_key`].
    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        let pair = self.generate_data_key(cx, request).await?;
        Ok(WrappedDataKey {
            ciphertext: pair.ciphertext,
            key_arn: pair.key_arn,
            key_material_id: pair.key_material_id,
        })
    }

    /// Encrypts 1 to 4,096 bytes under a key.
    ///
    /// # Errors
    /// See the trait; [`crate::ErrorKind::Validation`] for other lengths.
    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error>;

    /// Decrypts a ciphertext of this service. The ciphertext names its key; the request can require
    /// a certain one.
    ///
    /// # Errors
    /// See the trait.
    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error>;

    /// Decrypts, and encrypts again under another key or context; the plaintext never leaves the
    /// service.
    ///
    /// # Errors
    /// Those of [`Kms::decrypt`] for the source, those of [`Kms::encrypt`] for the destination.
    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error>;

    /// Describes a key in any state. Naming the alias of a service's managed key creates the key
    /// when it does not exist yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::AccessDenied`].
    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error>;

    /// Generates a message authentication code of 1 to 4,096 bytes under an HMAC key.
    ///
    /// The default fails with [`crate::ErrorKind::Unsupported`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidKeyUsage`] for a key or algorithm that does not fit, those of key
    /// state; [`crate::ErrorKind::Unsupported`] unless the service has HMAC keys.
    async fn generate_mac(&self, _cx: &CallContext, _request: GenerateMac<'_>) -> Result<Mac, Error> {
        Err(no_macs(Operation::GenerateMac))
    }

    /// Verifies a code of [`Kms::generate_mac`].
    ///
    /// The default fails with [`crate::ErrorKind::Unsupported`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidMac`] for every other code; those of [`Kms::generate_mac`].
    async fn verify_mac(&self, _cx: &CallContext, _request: VerifyMac<'_>) -> Result<Mac, Error> {
        Err(no_macs(Operation::VerifyMac))
    }

    /// Generates 1 to 1,024 random bytes.
    ///
    /// The default takes them from the operating system.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Validation`], [`crate::ErrorKind::Internal`].
    async fn generate_random(
        &self,
        _cx: &CallContext,
        request: GenerateRandom,
    ) -> Result<SecretBytes, Error> {
        crate::random::generate(request.bytes).map_err(|error| error.during(Operation::GenerateRandom.name()))
    }

    /// The optional capabilities of this implementation.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}
