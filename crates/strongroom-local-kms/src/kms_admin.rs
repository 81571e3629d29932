//! `KmsAdmin` of the local key service. What is more than a few lines stands with its noun.

use std::future::ready;

use async_trait::async_trait;
use strongroom_kms::{
    AliasName, AliasPage, CreateGrant, CreateKey, CreatedGrant, Error, GrantFilter, GrantPage, GrantRef,
    ImportKeyMaterial, ImportParameters, ImportedMaterial, KeyEntry, KeyMetadata, KeyPage, KeyRef, KeyState,
    KeyTag, KmsAdmin, ListPage, Operation, PolicyNamePage, PutKeyPolicy, RotationPage, RotationPeriod,
    RotationStatus, ScheduledDeletion, TagPage, WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_types::{Arn, CallContext};

use crate::admin::aliases::Aliases;
use crate::admin::change::{Change, Changes};
use crate::admin::create::{self, Creation, check_description};
use crate::admin::deletion::{Deletions, check_window};
use crate::admin::grants::KeyGrants;
use crate::admin::imports::{self, Imports};
use crate::admin::policy::Policies;
use crate::admin::rotation::Rotations;
use crate::admin::tags::{self, Tags};
use crate::call::KeyCall;
use crate::document::NAME as POLICY_NAME;
use crate::gate::Gate;
use crate::layout::{StoredKey, last_segment};
use crate::local::LocalKms;
use crate::needs::Role;
use crate::parts::{Parts, check_limit};

#[async_trait]
impl KmsAdmin for LocalKms {
    async fn create_key(&self, cx: &CallContext, request: CreateKey) -> Result<KeyMetadata, Error> {
        let call = self.call(cx, Operation::CreateKey).with_facts(create::facts_of(&request));
        self.perform(&call, Creation(&self.0).create(&call, &request, None)).await
    }

    async fn list_keys(&self, cx: &CallContext, page: &ListPage) -> Result<KeyPage, Error> {
        let call = self.call(cx, Operation::ListKeys);
        self.perform(&call, list_keys(&self.0, &call, page)).await
    }

    async fn update_key_description(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        description: &str,
    ) -> Result<(), Error> {
        let call = self.call(cx, Operation::UpdateKeyDescription);
        self.perform(&call, describe_anew(&self.0, &call, key, description)).await
    }

    async fn enable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        let call = self.call(cx, Operation::EnableKey);
        self.perform(&call, set_state(&self.0, &call, key, KeyState::Enabled)).await
    }

    async fn disable_key(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        let call = self.call(cx, Operation::DisableKey);
        self.perform(&call, set_state(&self.0, &call, key, KeyState::Disabled)).await
    }

    async fn schedule_key_deletion(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        days: Option<u16>,
    ) -> Result<ScheduledDeletion, Error> {
        let call = self.call(cx, Operation::ScheduleKeyDeletion);
        let days = match check_window(days) {
            Ok(days) => days,
            Err(error) => return self.perform(&call, ready(Err(error))).await,
        };
        let call = call.with("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string());
        self.perform(&call, Deletions(&self.0).schedule(&call, key, days)).await
    }

    async fn cancel_key_deletion(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        let call = self.call(cx, Operation::CancelKeyDeletion);
        self.perform(&call, Deletions(&self.0).cancel(&call, key)).await
    }

    async fn rotate_key_on_demand(&self, cx: &CallContext, key: &KeyRef) -> Result<Arn, Error> {
        let call = self.call(cx, Operation::RotateKeyOnDemand);
        self.perform(&call, Rotations(&self.0).on_demand(&call, key)).await
    }

    async fn enable_key_rotation(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        period_days: Option<u16>,
    ) -> Result<(), Error> {
        let call = self.call(cx, Operation::EnableKeyRotation);
        let days = match RotationPeriod::check(period_days) {
            Ok(days) => days,
            Err(error) => return self.perform(&call, ready(Err(error))).await,
        };
        let call = call.with("kms:RotationPeriodInDays", days.to_string());
        self.perform(&call, Rotations(&self.0).schedule(&call, key, days)).await
    }

    async fn disable_key_rotation(&self, cx: &CallContext, key: &KeyRef) -> Result<(), Error> {
        let call = self.call(cx, Operation::DisableKeyRotation);
        self.perform(&call, Rotations(&self.0).stop(&call, key)).await
    }

    async fn get_key_rotation_status(&self, cx: &CallContext, key: &KeyRef) -> Result<RotationStatus, Error> {
        let call = self.call(cx, Operation::GetKeyRotationStatus);
        self.perform(&call, Rotations(&self.0).status(&call, key)).await
    }

    async fn list_key_rotations(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        all: bool,
        page: &ListPage,
    ) -> Result<RotationPage, Error> {
        let call = self.call(cx, Operation::ListKeyRotations);
        self.perform(&call, Rotations(&self.0).list(&call, key, all, page)).await
    }

    async fn tag_resource(&self, cx: &CallContext, key: &KeyRef, tags: Vec<KeyTag>) -> Result<(), Error> {
        let call = self.call(cx, Operation::TagResource).with_facts(tags::facts_of(&tags));
        let tagged = async {
            KeyTag::check(&tags)?;
            Tags(&self.0).tag(&call, key, &tags).await
        };
        self.perform(&call, tagged).await
    }

    async fn untag_resource(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        tag_keys: Vec<String>,
    ) -> Result<(), Error> {
        let call = self.call(cx, Operation::UntagResource).with_many("aws:TagKeys", &tag_keys);
        self.perform(&call, Tags(&self.0).untag(&call, key, &tag_keys)).await
    }

    async fn list_resource_tags(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        let call = self.call(cx, Operation::ListResourceTags);
        self.perform(&call, Tags(&self.0).list(&call, key, page)).await
    }

    async fn create_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        let call = self.call(cx, Operation::CreateAlias);
        self.perform(&call, Aliases(&self.0).create(&call, alias, target)).await
    }

    async fn update_alias(&self, cx: &CallContext, alias: &AliasName, target: &KeyRef) -> Result<(), Error> {
        let call = self.call(cx, Operation::UpdateAlias);
        self.perform(&call, Aliases(&self.0).update(&call, alias, target)).await
    }

    async fn delete_alias(&self, cx: &CallContext, alias: &AliasName) -> Result<(), Error> {
        let call = self.call(cx, Operation::DeleteAlias);
        self.perform(&call, Aliases(&self.0).delete(&call, alias)).await
    }

    async fn list_aliases(
        &self,
        cx: &CallContext,
        key: Option<&KeyRef>,
        page: &ListPage,
    ) -> Result<AliasPage, Error> {
        let call = self.call(cx, Operation::ListAliases);
        self.perform(&call, Aliases(&self.0).list(&call, key, page)).await
    }

    async fn get_key_policy(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        name: Option<&str>,
    ) -> Result<String, Error> {
        let call = self.call(cx, Operation::GetKeyPolicy).with("kms:PolicyName", name.unwrap_or(POLICY_NAME));
        self.perform(&call, Policies(&self.0).get(&call, key, name)).await
    }

    async fn put_key_policy(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: PutKeyPolicy,
    ) -> Result<(), Error> {
        let call = self
            .call(cx, Operation::PutKeyPolicy)
            .with("kms:BypassPolicyLockoutSafetyCheck", request.bypass_lockout_check.to_string())
            .with("kms:PolicyName", request.name.as_deref().unwrap_or(POLICY_NAME));
        self.perform(&call, Policies(&self.0).put(&call, key, &request)).await
    }

    async fn list_key_policies(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<PolicyNamePage, Error> {
        let call = self.call(cx, Operation::ListKeyPolicies);
        self.perform(&call, Policies(&self.0).names(&call, key, page)).await
    }

    async fn create_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: CreateGrant,
    ) -> Result<CreatedGrant, Error> {
        let call = self.call(cx, Operation::CreateGrant).grant(&request);
        self.perform(&call, KeyGrants(&self.0).create(&call, key, &request)).await
    }

    async fn list_grants(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        filter: &GrantFilter,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        let call = self.call(cx, Operation::ListGrants);
        self.perform(&call, KeyGrants(&self.0).list(&call, key, filter, page)).await
    }

    async fn list_retirable_grants(
        &self,
        cx: &CallContext,
        retiring: &str,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        let call = self.call(cx, Operation::ListRetirableGrants);
        self.perform(&call, KeyGrants(&self.0).retirable(&call, retiring, page)).await
    }

    async fn retire_grant(&self, cx: &CallContext, grant: &GrantRef, dry_run: bool) -> Result<(), Error> {
        let call = self.call(cx, Operation::RetireGrant);
        self.perform(&call, KeyGrants(&self.0).retire(&call, grant, dry_run)).await
    }

    async fn revoke_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        grant_id: &str,
        dry_run: bool,
    ) -> Result<(), Error> {
        let call = self.call(cx, Operation::RevokeGrant);
        self.perform(&call, KeyGrants(&self.0).revoke(&call, key, grant_id, dry_run)).await
    }

    async fn get_parameters_for_import(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
    ) -> Result<ImportParameters, Error> {
        let call = self
            .call(cx, Operation::GetParametersForImport)
            .with("kms:WrappingAlgorithm", algorithm.as_str())
            .with("kms:WrappingKeySpec", spec.as_str());
        self.perform(&call, Imports(&self.0).parameters(&call, key, algorithm, spec)).await
    }

    async fn import_key_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        let call = self.call(cx, Operation::ImportKeyMaterial).with_facts(imports::facts_of(&request));
        self.perform(&call, Imports(&self.0).import_wrapped(&call, key, &request)).await
    }

    async fn delete_imported_key_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        key_material_id: Option<&str>,
    ) -> Result<ImportedMaterial, Error> {
        let call = self.call(cx, Operation::DeleteImportedKeyMaterial);
        self.perform(&call, Imports(&self.0).delete(&call, key, key_material_id)).await
    }
}

async fn list_keys(parts: &Parts, call: &KeyCall<'_>, page: &ListPage) -> Result<KeyPage, Error> {
    Gate(parts).authorize(call, call.needs(Role::Account)?).await?;
    let limit = check_limit(page, 100, 1000)?;
    let found = parts.page(&parts.inner.layout.keys(), page, limit).await?;
    let mut keys = Vec::with_capacity(found.records.len());
    for stored in &found.records {
        let id = StoredKey::parse(stored, parts.realm())?.id;
        keys.push(KeyEntry { arn: id.arn(parts.realm()), id });
    }
    Ok(KeyPage { keys, next_marker: found.cursor.as_ref().and_then(last_segment) })
}

async fn describe_anew(
    parts: &Parts,
    call: &KeyCall<'_>,
    key: &KeyRef,
    description: &str,
) -> Result<(), Error> {
    check_description(description)?;
    let changed = Changes(parts).change(call, key, |_, key, _| {
        description.clone_into(&mut key.record.description);
        Ok(Change::Write(()))
    });
    changed.await
}

async fn set_state(parts: &Parts, call: &KeyCall<'_>, key: &KeyRef, state: KeyState) -> Result<(), Error> {
    let changed = Changes(parts).change(call, key, |_, key, _| {
        if key.state == state {
            return Ok(Change::None(()));
        }
        key.state = state;
        Ok(Change::Write(()))
    });
    changed.await
}
