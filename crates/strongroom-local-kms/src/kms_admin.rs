//! `KmsAdmin` of the local key service. What is more than a few lines stands with its noun.

use async_trait::async_trait;
use strongroom_kms::{
    AliasName, AliasPage, CreateGrant, CreateKey, CreatedGrant, Error, ErrorKind, GrantFilter, GrantPage,
    GrantRef, ImportKeyMaterial, ImportParameters, ImportedMaterial, KeyEntry, KeyMetadata, KeyPage, KeyRef,
    KeyState, KeyTag, KmsAdmin, ListPage, PolicyNamePage, PutKeyPolicy, RotationPage, RotationStatus,
    ScheduledDeletion, TagPage, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_records::Expect;
use strongroom_types::{Arn, CallContext, Timestamp};

use crate::admin::{Change, check_description, check_limit};
use crate::layout::{StoredKey, last_segment};
use crate::local::LocalKms;
use crate::request_facts::RequestFacts;
use crate::rotation::after_days;
use crate::states::Operation;

#[async_trait]
impl KmsAdmin for LocalKms {
    async fn create_key(&self, cx: &CallContext, request: CreateKey) -> Result<KeyMetadata, Error> {
        self.make_key(cx, &request, None).await.map_err(|error| error.during("CreateKey"))
    }

    async fn list_keys(&self, cx: &CallContext, page: &ListPage) -> Result<KeyPage, Error> {
        let named = |error: Error| error.during("ListKeys");
        self.authorize(cx, Operation::ListKeys).await.map_err(named)?;
        let limit = check_limit(page, 100, 1000).map_err(named)?;
        let found = self.page(&self.inner.layout.keys(), page, limit).await.map_err(named)?;
        let mut keys = Vec::with_capacity(found.records.len());
        for stored in &found.records {
            let id = StoredKey::parse(stored, self.realm()).map_err(named)?.id;
            keys.push(KeyEntry { arn: id.arn(self.realm()), id });
        }
        Ok(KeyPage { keys, next_marker: found.cursor.as_ref().and_then(last_segment) })
    }

    async fn update_key_description(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        description: &str,
    ) -> Result<(), Error> {
        let named = |error: Error| error.during("UpdateKeyDescription");
        check_description(description).map_err(named)?;
        self.change(cx, key, Operation::UpdateKeyDescription, |_, key, _| {
            description.clone_into(&mut key.record.description);
            Ok(Change::Write(()))
        })
        .await
        .map_err(named)
    }

    async fn enable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.change(cx, key, Operation::EnableKey, |_, key, _| Ok(set_state(key, KeyState::Enabled)))
            .await
            .map_err(|error| error.during("EnableKey"))
    }

    async fn disable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.change(cx, key, Operation::DisableKey, |_, key, _| Ok(set_state(key, KeyState::Disabled)))
            .await
            .map_err(|error| error.during("DisableKey"))
    }

    async fn schedule_key_deletion(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        days: Option<u16>,
    ) -> Result<ScheduledDeletion, Error> {
        let named = |error: Error| error.during("ScheduleKeyDeletion");
        let days = days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            let bound = if days < 7 { "greater than or equal to 7" } else { "less than or equal to 30" };
            return Err(named(Error::new(
                ErrorKind::Validation,
                format!(
                    "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value {bound}"
                ),
            )));
        }
        let deletion_date = after_days(self.now(), days);
        let asked =
            RequestFacts::nothing().with("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string());
        let key_arn = self
            .change_asked(cx, key, Operation::ScheduleKeyDeletion, &asked, |kms, key, batch| {
                key.state = KeyState::PendingDeletion;
                key.record.deletion_date = Some(deletion_date.as_millis());
                batch.put(&kms.inner.layout.due_key(deletion_date, &key.id), b"", Expect::Any);
                Ok(Change::Write(key.arn.clone()))
            })
            .await
            .map_err(named)?;
        Ok(ScheduledDeletion {
            key_arn,
            deletion_date,
            state: KeyState::PendingDeletion,
            pending_window_days: days,
        })
    }

    async fn cancel_key_deletion(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.change(cx, key, Operation::CancelKeyDeletion, |kms, key, batch| {
            if key.is_due(kms.now()) {
                // Parts of it may be gone already.
                let text = format!("{} is pending deletion.", key.arn);
                return Err(Error::new(ErrorKind::InvalidState, text));
            }
            key.state = KeyState::Disabled;
            if let Some(date) = key.record.deletion_date.take() {
                batch.delete(&kms.inner.layout.due_key(Timestamp::from_millis(date), &key.id), Expect::Any);
            }
            Ok(Change::Write(key.arn.clone()))
        })
        .await
        .map_err(|error| error.during("CancelKeyDeletion"))
    }

    async fn rotate_key_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        self.rotate_on_demand(cx, key).await.map_err(|error| error.during("RotateKeyOnDemand"))
    }

    async fn enable_key_rotation(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        period_days: Option<u16>,
    ) -> Result<(), Error> {
        let done = self.schedule_rotation(cx, key, period_days).await;
        done.map_err(|error| error.during("EnableKeyRotation"))
    }

    async fn disable_key_rotation(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        self.stop_rotation(cx, key).await.map_err(|error| error.during("DisableKeyRotation"))
    }

    async fn get_key_rotation_status(&self, cx: &CallContext, key: &KeyRef) -> Result<RotationStatus, Error> {
        self.rotation_status(cx, key).await.map_err(|error| error.during("GetKeyRotationStatus"))
    }

    async fn list_key_rotations(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        all: bool,
        page: &ListPage,
    ) -> Result<RotationPage, Error> {
        self.rotations(cx, key, all, page).await.map_err(|error| error.during("ListKeyRotations"))
    }

    async fn tag_resource(&self, cx: &CallContext, key: &KeyRef, tags: Vec<KeyTag>) -> Result<(), Error> {
        self.tag(cx, key, tags).await.map_err(|error| error.during("TagResource"))
    }

    async fn untag_resource(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        tag_keys: Vec<String>,
    ) -> Result<(), Error> {
        self.untag(cx, key, tag_keys).await.map_err(|error| error.during("UntagResource"))
    }

    async fn list_resource_tags(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        self.tags(cx, key, page).await.map_err(|error| error.during("ListResourceTags"))
    }

    async fn create_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        self.make_alias(cx, alias, target).await.map_err(|error| error.during("CreateAlias"))
    }

    async fn update_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        self.move_alias(cx, alias, target).await.map_err(|error| error.during("UpdateAlias"))
    }

    async fn delete_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error> {
        self.remove_alias(cx, alias).await.map_err(|error| error.during("DeleteAlias"))
    }

    async fn list_aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        self.aliases(cx, key, page).await.map_err(|error| error.during("ListAliases"))
    }

    async fn get_key_policy(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        name: Option<&str>,
    ) -> Result<String, Error> {
        self.policy(cx, key, name).await.map_err(|error| error.during("GetKeyPolicy"))
    }

    async fn put_key_policy(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: PutKeyPolicy,
    ) -> Result<(), Error> {
        self.put_policy(cx, key, request).await.map_err(|error| error.during("PutKeyPolicy"))
    }

    async fn list_key_policies(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<PolicyNamePage, Error> {
        self.policy_names(cx, key, page).await.map_err(|error| error.during("ListKeyPolicies"))
    }

    async fn create_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: CreateGrant,
    ) -> Result<CreatedGrant, Error> {
        self.make_grant(cx, key, request).await.map_err(|error| error.during("CreateGrant"))
    }

    async fn list_grants(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        filter: &GrantFilter,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        self.grants(cx, key, filter, page).await.map_err(|error| error.during("ListGrants"))
    }

    async fn list_retirable_grants(
        &self,
        cx: &CallContext,
        retiring: &str,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        self.retirable_grants(cx, retiring, page).await.map_err(|error| error.during("ListRetirableGrants"))
    }

    async fn retire_grant(&self, cx: &CallContext, grant: &GrantRef, dry_run: bool) -> Result<(), Error> {
        self.retire(cx, grant, dry_run).await.map_err(|error| error.during("RetireGrant"))
    }

    async fn revoke_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        grant_id: &str,
        dry_run: bool,
    ) -> Result<(), Error> {
        self.revoke(cx, key, grant_id, dry_run).await.map_err(|error| error.during("RevokeGrant"))
    }

    async fn get_parameters_for_import(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
    ) -> Result<ImportParameters, Error> {
        let made = self.parameters_for_import(cx, key, algorithm, spec).await;
        made.map_err(|error| error.during("GetParametersForImport"))
    }

    async fn import_key_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        self.import_wrapped(cx, key, &request).await.map_err(|error| error.during("ImportKeyMaterial"))
    }

    async fn delete_imported_key_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        key_material_id: Option<&str>,
    ) -> Result<ImportedMaterial, Error> {
        let deleted = self.delete_imported(cx, key, key_material_id).await;
        deleted.map_err(|error| error.during("DeleteImportedKeyMaterial"))
    }
}

fn set_state(key: &mut StoredKey, state: KeyState) -> Change<()> {
    if key.state == state {
        return Change::None(());
    }
    key.state = state;
    Change::Write(())
}
