//! What DescribeKey tells, as ours.

use aws_sdk_kms::primitives::DateTime;
use aws_sdk_kms::types::KeyMetadata as SdkMetadata;
use strongroom_kms::{
    Error, ErrorKind, ExpirationModel, KeyId, KeyManager, KeyMetadata, KeyOrigin, KeySpec, KeyState, KeyUsage,
};
use strongroom_types::{AccountId, Arn, Timestamp};

use crate::time::timestamp;

fn unreadable(member: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "AWS's answer was not readable").with("member", member)
}

fn time(time: DateTime, member: &'static str) -> Result<Timestamp, Error> {
    timestamp(&time).ok_or_else(|| unreadable(member))
}

/// The state of a key. AWS has some more than we have.
fn state(word: &str) -> KeyState {
    match word {
        "PendingReplicaDeletion" => KeyState::PendingDeletion,
        // Can be used, and not be changed at the moment.
        "Updating" => KeyState::Enabled,
        // Cannot be used, whatever they are.
        word => KeyState::from_word(word).unwrap_or(KeyState::Disabled),
    }
}

pub(super) fn read(told: SdkMetadata) -> Result<KeyMetadata, Error> {
    let arn = told.arn.as_deref().and_then(|arn| Arn::parse(arn).ok()).ok_or_else(|| unreadable("Arn"))?;
    let account = AccountId::parse(arn.account()).map_err(|_| unreadable("Arn"))?;
    let created = time(told.creation_date.ok_or_else(|| unreadable("CreationDate"))?, "CreationDate")?;
    let mut metadata = KeyMetadata::new(KeyId::parse(&told.key_id)?, arn, account, created);
    metadata.description = told.description.unwrap_or_default();
    metadata.state = told.key_state.as_ref().map_or(KeyState::Disabled, |word| state(word.as_str()));
    metadata.deletion_date = told.deletion_date.map(|date| time(date, "DeletionDate")).transpose()?;
    if let Some(spec) = &told.key_spec {
        // Those of asymmetric keys are refused by name.
        metadata.spec = KeySpec::parse(spec.as_str())?;
    }
    if let Some(usage) = &told.key_usage {
        metadata.usage = KeyUsage::from_word(usage.as_str()).ok_or_else(|| unreadable("KeyUsage"))?;
    }
    if let Some(manager) = &told.key_manager {
        metadata.manager = KeyManager::from_word(manager.as_str()).ok_or_else(|| unreadable("KeyManager"))?;
    }
    // Material in a custom key store is made there, on AWS's behalf.
    let origin = told.origin.as_ref().and_then(|origin| KeyOrigin::from_word(origin.as_str()));
    metadata.origin = origin.unwrap_or(KeyOrigin::AwsKms);
    metadata.multi_region = told.multi_region.unwrap_or(metadata.multi_region);
    metadata.current_key_material_id = told.current_key_material_id;
    metadata.expiration =
        told.expiration_model.as_ref().and_then(|model| ExpirationModel::from_word(model.as_str()));
    metadata.valid_to = told.valid_to.map(|date| time(date, "ValidTo")).transpose()?;
    Ok(metadata)
}
