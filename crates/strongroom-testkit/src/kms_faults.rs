//! A key service that fails on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    Capabilities, Ciphertext, DataKeyPair, Decrypt, Decrypted, DescribeKey, Encrypt, Error, ErrorKind,
    GenerateDataKey, GenerateMac, GenerateRandom, KeyMetadata, Kms, Mac, Operation, ReEncrypt, ReEncrypted,
    VerifyMac, WrappedDataKey,
};
use strongroom_types::CallContext;

/// Wraps a key service and makes its calls fail by plan, before they reach it. DescribeKey always
/// passes through.
#[derive(Clone, Debug)]
pub struct FaultyKms {
    inner: Arc<dyn Kms>,
    plan: Arc<Mutex<VecDeque<Option<ErrorKind>>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl FaultyKms {
    /// Wraps `inner` with an empty plan.
    #[must_use]
    pub fn new(inner: Arc<dyn Kms>) -> Self {
        Self { inner, plan: Arc::default(), calls: Arc::default() }
    }

    /// Wraps another service with the same plan, for a store that is opened again.
    #[must_use]
    pub fn around(&self, inner: Arc<dyn Kms>) -> Self {
        Self { inner, plan: Arc::clone(&self.plan), calls: Arc::clone(&self.calls) }
    }

    /// Plans the fate of the next calls, one by one: `None` passes through, as do later ones.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<ErrorKind>>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = faults.into_iter().collect();
    }

    /// The operations called since the last call of this method, including those that failed by
    /// plan.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn called(&self, operation: Operation) -> Result<(), Error> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(operation.name());
        match self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten() {
            Some(kind) => Err(Error::new(kind, "planned fault").during(operation.name())),
            None => Ok(()),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Kms for FaultyKms {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        self.called(Operation::GenerateDataKey)?;
        self.inner.generate_data_key(cx, request).await
    }

    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        self.called(Operation::GenerateDataKeyWithoutPlaintext)?;
        self.inner.generate_data_key_without_plaintext(cx, request).await
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        self.called(Operation::Encrypt)?;
        self.inner.encrypt(cx, request).await
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        self.called(Operation::Decrypt)?;
        self.inner.decrypt(cx, request).await
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        self.called(Operation::ReEncrypt)?;
        self.inner.re_encrypt(cx, request).await
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        self.inner.describe_key(cx, request).await
    }

    async fn generate_mac(&self, cx: &CallContext, request: GenerateMac<'_>) -> Result<Mac, Error> {
        self.called(Operation::GenerateMac)?;
        self.inner.generate_mac(cx, request).await
    }

    async fn verify_mac(&self, cx: &CallContext, request: VerifyMac<'_>) -> Result<Mac, Error> {
        self.called(Operation::VerifyMac)?;
        self.inner.verify_mac(cx, request).await
    }

    async fn generate_random(&self, cx: &CallContext, request: GenerateRandom) -> Result<SecretBytes, Error> {
        self.called(Operation::GenerateRandom)?;
        self.inner.generate_random(cx, request).await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}
