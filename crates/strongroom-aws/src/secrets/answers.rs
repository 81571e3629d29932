//! Converts AWS Secrets Manager's responses to our types.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::{
    SecretListEntry, SecretValueEntry, SecretVersionsListEntry, Tag as SdkTag,
};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_store::{
    Error, ErrorKind, SecretMetadata, SecretRef, SecretValue, SecretVersion, Stage, Tag, VersionId,
    VersionMetadata,
};
use strongroom_types::{Arn, Timestamp};

use crate::time::timestamp;

fn unreadable(member: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "AWS's answer was not readable").with("member", member)
}

fn arn(arn: Option<String>) -> Result<Arn, Error> {
    arn.as_deref().and_then(|arn| Arn::parse(arn).ok()).ok_or_else(|| unreadable("ARN"))
}

fn name(name: Option<String>) -> Result<String, Error> {
    name.ok_or_else(|| unreadable("Name"))
}

pub(super) fn version(id: Option<String>) -> Result<VersionId, Error> {
    id.map(VersionId::new).ok_or_else(|| unreadable("VersionId"))
}

pub(super) fn reference(own: Option<String>, called: Option<String>) -> Result<SecretRef, Error> {
    Ok(SecretRef { arn: arn(own)?, name: name(called)? })
}

fn time(time: DateTime) -> Result<Timestamp, Error> {
    timestamp(&time).ok_or_else(|| unreadable("a date"))
}

pub(super) fn created(date: Option<DateTime>) -> Result<Timestamp, Error> {
    time(date.ok_or_else(|| unreadable("CreatedDate"))?)
}

pub(super) fn stages(stages: Option<Vec<String>>) -> BTreeSet<Stage> {
    stages.unwrap_or_default().into_iter().map(Stage::new).collect()
}

/// Wiped when dropped.
fn value(text: Option<String>, binary: Option<Blob>) -> Result<SecretValue, Error> {
    match (text, binary) {
        (Some(text), _) => Ok(SecretValue::from_text(SecretText::from_string(text))),
        (None, Some(bytes)) => Ok(SecretValue::binary(SecretBytes::from_vec(bytes.into_inner()))),
        (None, None) => Err(unreadable("SecretString")),
    }
}

fn tags(tags: Option<Vec<SdkTag>>) -> Option<Vec<Tag>> {
    let tag = |tag: SdkTag| Tag::new(tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    tags.map(|tags| tags.into_iter().map(tag).collect())
}

fn versions(versions: Option<HashMap<String, Vec<String>>>) -> BTreeMap<VersionId, BTreeSet<Stage>> {
    let version = |(id, labels)| (VersionId::new(id), stages(Some(labels)));
    versions.unwrap_or_default().into_iter().map(version).collect()
}

/// DescribeSecret and ListSecrets return the same members in two types.
macro_rules! metadata {
    ($told:expr, $versions:ident) => {{
        let told = $told;
        let mut metadata = SecretMetadata::new(arn(told.arn)?, name(told.name)?, created(told.created_date)?);
        metadata.description = told.description;
        metadata.kms_key_id = told.kms_key_id;
        metadata.tags = tags(told.tags);
        metadata.last_changed = told.last_changed_date.map(time).transpose()?.unwrap_or(metadata.created);
        metadata.last_accessed = told.last_accessed_date.map(time).transpose()?;
        metadata.deleted = told.deleted_date.map(time).transpose()?;
        metadata.owning_service = told.owning_service;
        metadata.primary_region = told.primary_region;
        metadata.versions = versions(told.$versions);
        Ok(metadata)
    }};
}

/// So do GetSecretValue and BatchGetSecretValue. The value is read first, so that it is wiped even
/// if the rest of the response is unreadable.
macro_rules! read {
    ($told:expr) => {{
        let told = $told;
        let value = value(told.secret_string, told.secret_binary)?;
        let SecretRef { arn, name } = reference(told.arn, told.name)?;
        Ok(SecretVersion {
            arn,
            name,
            version_id: version(told.version_id)?,
            value,
            stages: stages(told.version_stages),
            created: created(told.created_date)?,
        })
    }};
}

pub(super) fn got(told: GetSecretValueOutput) -> Result<SecretVersion, Error> {
    read!(told)
}

pub(super) fn batched(told: SecretValueEntry) -> Result<SecretVersion, Error> {
    read!(told)
}

pub(super) fn described(told: DescribeSecretOutput) -> Result<SecretMetadata, Error> {
    metadata!(told, version_ids_to_stages)
}

pub(super) fn listed(told: SecretListEntry) -> Result<SecretMetadata, Error> {
    metadata!(told, secret_versions_to_stages)
}

pub(super) fn listed_version(told: SecretVersionsListEntry) -> Result<VersionMetadata, Error> {
    let mut metadata = VersionMetadata::new(version(told.version_id)?, created(told.created_date)?);
    metadata.stages = stages(told.version_stages);
    metadata.last_accessed = told.last_accessed_date.map(time).transpose()?;
    metadata.kms_key_ids = told.kms_key_ids.unwrap_or_default();
    Ok(metadata)
}
