//! A secret store that fails on demand.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_store::{
    BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret, Error, ErrorKind,
    GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets, PolicyValidation,
    PutResourcePolicy, PutSecretValue, ResourcePolicy, SecretAdmin, SecretCreated, SecretDeleted, SecretId,
    SecretMetadata, SecretPage, SecretRef, SecretStore, SecretUpdated, SecretVersion, ServedReads, Tag,
    UpdateSecret, UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage,
};
use strongroom_types::CallContext;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// It succeeds.
    None,
    /// It fails before it took effect.
    Before(ErrorKind),
    /// It takes effect, and fails all the same.
    After(ErrorKind),
}

/// Where calls wait while they are held back.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    closed: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self) {
        poll_fn(|context| {
            let mut gate = self.lock();
            if gate.closed {
                gate.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// A store whose calls fail by plan. Clones share the plan.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn SecretAdmin>,
    plan: Arc<Mutex<VecDeque<StoreFault>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
    declared: Option<Capabilities>,
    gate: Gate,
}

impl FaultyStore {
    /// A store around `inner` with an empty plan.
    #[must_use]
    pub fn new(inner: Arc<dyn SecretAdmin>) -> Self {
        Self { inner, plan: Arc::default(), calls: Arc::default(), declared: None, gate: Gate::default() }
    }

    /// Holds all calls back until [`FaultyStore::release`]: a store that does not answer.
    pub fn hold(&self) {
        self.gate.lock().closed = true;
    }

    /// Lets the calls that are held back go on, and those to come.
    pub fn release(&self) {
        let mut gate = self.gate.lock();
        gate.closed = false;
        gate.waiting.drain(..).for_each(Waker::wake);
    }

    /// The same, declaring other capabilities than the store inside has: what a decorator makes of
    /// a smaller one.
    #[must_use]
    pub fn declaring(mut self, capabilities: Capabilities) -> Self {
        self.declared = Some(capabilities);
        self
    }

    /// What happens to the next calls, one by one; those beyond go through.
    pub fn plan(&self, faults: impl IntoIterator<Item = StoreFault>) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = faults.into_iter().collect();
    }

    /// The operations called since the last call of this method, including those that failed by
    /// plan.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn run<T: Send>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        self.gate.pass().await;
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let planned = |kind| Error::new(kind, "planned fault").during(operation);
        match fault.unwrap_or(StoreFault::None) {
            StoreFault::None => call.await,
            StoreFault::Before(kind) => Err(planned(kind)),
            StoreFault::After(kind) => {
                call.await?;
                Err(planned(kind))
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SecretStore for FaultyStore {
    async fn create_secret(&self, cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        self.run("CreateSecret", self.inner.create_secret(cx, request)).await
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        self.run("GetSecretValue", self.inner.get_secret_value(cx, request)).await
    }

    async fn put_secret_value(&self, cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        self.run("PutSecretValue", self.inner.put_secret_value(cx, request)).await
    }

    async fn update_secret(&self, cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        self.run("UpdateSecret", self.inner.update_secret(cx, request)).await
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        self.run("UpdateSecretVersionStage", self.inner.update_secret_version_stage(cx, request)).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.run("DescribeSecret", self.inner.describe_secret(cx, id)).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.run("ListSecrets", self.inner.list_secrets(cx, request)).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.run("ListSecretVersionIds", self.inner.list_secret_version_ids(cx, request)).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        self.run("BatchGetSecretValue", self.inner.batch_get_secret_value(cx, request)).await
    }

    async fn get_random_password(
        &self,
        cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        self.run("GetRandomPassword", self.inner.get_random_password(cx, request)).await
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        self.run("ReportReads", self.inner.report_reads(cx, reads)).await
    }

    fn capabilities(&self) -> Capabilities {
        self.declared.unwrap_or_else(|| self.inner.capabilities())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SecretAdmin for FaultyStore {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        self.run("DeleteSecret", self.inner.delete_secret(cx, request)).await
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.run("RestoreSecret", self.inner.restore_secret(cx, id)).await
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        self.run("TagResource", self.inner.tag_resource(cx, id, tags)).await
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        self.run("UntagResource", self.inner.untag_resource(cx, id, keys)).await
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        self.run("PutResourcePolicy", self.inner.put_resource_policy(cx, request)).await
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        self.run("GetResourcePolicy", self.inner.get_resource_policy(cx, id)).await
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.run("DeleteResourcePolicy", self.inner.delete_resource_policy(cx, id)).await
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        self.run("ValidateResourcePolicy", self.inner.validate_resource_policy(cx, request)).await
    }
}
