//! The store's traits. Values are sealed and opened; everything else passes through.

use async_trait::async_trait;
use strongroom_envelope::SecretText;
use strongroom_store::{
    BatchFailure, BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret, Error, ErrorKind,
    GetRandomPassword, GetSecretValue, ListSecretVersionIds, ListSecrets, Operation, PolicyValidation,
    PutResourcePolicy, PutSecretValue, ResourcePolicy, SecretAdmin, SecretCreated, SecretDeleted, SecretId,
    SecretMetadata, SecretPage, SecretRef, SecretStore, SecretUpdated, SecretValue, SecretVersion,
    ServedReads, Tag, UpdateSecret, UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionId,
    VersionPage,
};
use strongroom_types::CallContext;

use crate::client_encrypted::ClientEncrypted;
use crate::error::not_opened;
use crate::requested_secret::RequestedSecret;

impl<S: SecretStore> ClientEncrypted<S> {
    /// The secret's name in the inner store, for which a new value is sealed: the id may be an ARN.
    async fn name_of(&self, cx: &CallContext, id: &SecretId) -> Result<String, Error> {
        let told = self.inner.describe_secret(cx, id).await?;
        if RequestedSecret::new(id, None).is(&told.name, &told.arn) {
            return Ok(told.name);
        }
        Err(Error::new(
            ErrorKind::EncryptionFailure,
            "the inner store returned a different secret than the one requested",
        ))
    }

    /// Called after the inner store refused a token that it knows with other bytes. Sealing the
    /// same value again gives different bytes, so this opens the stored value and compares.
    async fn repeated(
        &self,
        cx: &CallContext,
        id: SecretId,
        token: Option<&VersionId>,
        value: &SecretValue,
        refused: Error,
    ) -> Result<SecretVersion, Error> {
        let Some(token) = token.filter(|_| refused.kind() == ErrorKind::Exists) else { return Err(refused) };
        let asked = RequestedSecret::new(&id, Some(token));
        let stored = match self.inner.get_secret_value(cx, GetSecretValue::new(id).version_id(token)).await {
            Ok(stored) => stored,
            // A different secret of this name, or a version without a value.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(refused),
            Err(error) => return Err(error),
        };
        let stored = self.open_asked(&asked, stored).await?;
        if stored.value == *value { Ok(stored) } else { Err(refused) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretStore> SecretStore for ClientEncrypted<S> {
    async fn create_secret(
        &self,
        cx: &CallContext,
        mut request: CreateSecret,
    ) -> Result<SecretCreated, Error> {
        let Some(value) = request.value.take() else { return self.inner.create_secret(cx, request).await };
        let name = request.name.clone();
        let named = |error: Error| error.of_call(Operation::CreateSecret, Some(&name));
        self.check(&value).map_err(named)?;
        request.token = self.token(request.token).map_err(named)?;
        let token = request.token.clone();
        let sealed = self.seal(&name, token.as_ref(), &value).await.map_err(named)?;
        request.value = Some(sealed);
        match self.inner.create_secret(cx, request).await {
            Err(refused) => {
                let id = SecretId::new(name.as_str());
                let was = self.repeated(cx, id, token.as_ref(), &value, refused).await;
                let was = was.map_err(named)?;
                Ok(SecretCreated { arn: was.arn, name: was.name, version_id: Some(was.version_id) })
            }
            made => made,
        }
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        let id = request.id.clone();
        let asked = RequestedSecret::new(&id, request.version_id.as_ref());
        let stored = self.inner.get_secret_value(cx, request).await?;
        let opened = self.open_asked(&asked, stored).await;
        opened.map_err(|error| error.of_call(Operation::GetSecretValue, Some(id.as_str())))
    }

    async fn put_secret_value(
        &self,
        cx: &CallContext,
        mut request: PutSecretValue,
    ) -> Result<ValuePut, Error> {
        let id = request.id.clone();
        let named = |error: Error| error.of_call(Operation::PutSecretValue, Some(id.as_str()));
        self.check(&request.value).map_err(named)?;
        request.token = self.token(request.token).map_err(named)?;
        let name = self.name_of(cx, &id).await.map_err(named)?;
        let (token, value) = (request.token.clone(), request.value);
        let sealed = self.seal(&name, token.as_ref(), &value).await;
        request.value = sealed.map_err(named)?;
        match self.inner.put_secret_value(cx, request).await {
            Err(refused) => {
                let was = self.repeated(cx, id.clone(), token.as_ref(), &value, refused).await;
                let was = was.map_err(named)?;
                Ok(ValuePut { arn: was.arn, name: was.name, version_id: was.version_id, stages: was.stages })
            }
            put => put,
        }
    }

    async fn update_secret(
        &self,
        cx: &CallContext,
        mut request: UpdateSecret,
    ) -> Result<SecretUpdated, Error> {
        let Some(value) = request.value.take() else { return self.inner.update_secret(cx, request).await };
        let id = request.id.clone();
        let named = |error: Error| error.of_call(Operation::UpdateSecret, Some(id.as_str()));
        self.check(&value).map_err(named)?;
        request.token = self.token(request.token).map_err(named)?;
        let name = self.name_of(cx, &id).await.map_err(named)?;
        let token = request.token.clone();
        let sealed = self.seal(&name, token.as_ref(), &value).await.map_err(named)?;
        request.value = Some(sealed);
        match self.inner.update_secret(cx, request).await {
            Err(refused) => {
                let was = self.repeated(cx, id.clone(), token.as_ref(), &value, refused).await;
                let was = was.map_err(named)?;
                Ok(SecretUpdated { arn: was.arn, name: was.name, version_id: Some(was.version_id) })
            }
            updated => updated,
        }
    }

    async fn update_secret_version_stage(
        &self,
        cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        self.inner.update_secret_version_stage(cx, request).await
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.inner.describe_secret(cx, id).await
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.inner.list_secrets(cx, request).await
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        self.inner.list_secret_version_ids(cx, request).await
    }

    async fn batch_get_secret_value(
        &self,
        cx: &CallContext,
        request: BatchGetSecretValue,
    ) -> Result<BatchPage, Error> {
        // Errors name secrets by the requested id, as the inner store's do.
        let asked = request.ids.clone();
        let mut page = self.inner.batch_get_secret_value(cx, request).await?;
        for stored in std::mem::take(&mut page.values) {
            let arn = stored.arn.clone();
            let named =
                asked.iter().find(|id| RequestedSecret::new(id, None).is(&stored.name, &stored.arn)).cloned();
            let opened = if named.is_none() && !asked.is_empty() {
                Err(not_opened())
            } else {
                self.open(stored).await
            };
            match opened {
                Ok(opened) => page.values.push(opened),
                Err(error) => {
                    let id = named.unwrap_or_else(|| SecretId::new(String::from(arn)));
                    let error = error.of_call(Operation::BatchGetSecretValue, Some(id.as_str()));
                    page.errors.push(BatchFailure { id, error });
                }
            }
        }
        Ok(page)
    }

    async fn get_random_password(
        &self,
        _cx: &CallContext,
        request: GetRandomPassword,
    ) -> Result<SecretText, Error> {
        // Generated locally: the inner store would know it.
        request.generate().map_err(|error| error.of_call(Operation::GetRandomPassword, None))
    }

    async fn report_reads(&self, cx: &CallContext, reads: &[ServedReads]) -> Result<u64, Error> {
        self.inner.report_reads(cx, reads).await
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        // Whether a value is text or binary is sealed with it, so both work.
        (capabilities.max_value_len, capabilities.binary_values) = (self.room(), true);
        capabilities
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SecretAdmin> SecretAdmin for ClientEncrypted<S> {
    async fn delete_secret(&self, cx: &CallContext, request: DeleteSecret) -> Result<SecretDeleted, Error> {
        self.inner.delete_secret(cx, request).await
    }

    async fn restore_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.inner.restore_secret(cx, id).await
    }

    async fn tag_resource(&self, cx: &CallContext, id: &SecretId, tags: Vec<Tag>) -> Result<(), Error> {
        self.inner.tag_resource(cx, id, tags).await
    }

    async fn untag_resource(&self, cx: &CallContext, id: &SecretId, keys: Vec<String>) -> Result<(), Error> {
        self.inner.untag_resource(cx, id, keys).await
    }

    async fn put_resource_policy(
        &self,
        cx: &CallContext,
        request: PutResourcePolicy,
    ) -> Result<SecretRef, Error> {
        self.inner.put_resource_policy(cx, request).await
    }

    async fn get_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<ResourcePolicy, Error> {
        self.inner.get_resource_policy(cx, id).await
    }

    async fn delete_resource_policy(&self, cx: &CallContext, id: &SecretId) -> Result<SecretRef, Error> {
        self.inner.delete_resource_policy(cx, id).await
    }

    async fn validate_resource_policy(
        &self,
        cx: &CallContext,
        request: ValidateResourcePolicy,
    ) -> Result<PolicyValidation, Error> {
        self.inner.validate_resource_policy(cx, request).await
    }
}
