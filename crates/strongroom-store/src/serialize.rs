//! Metadata as JSON with AWS's member names, as `aws secretsmanager describe-secret` prints it.
//!
//! Dates are RFC 3339 texts, and absent members are omitted. Secret values are not serializable.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_types::serialize_as_aws;

use crate::{
    PolicyFinding, PolicyValidation, ResourcePolicy, SecretCreated, SecretDeleted, SecretMetadata,
    SecretPage, SecretRef, SecretUpdated, Stage, Tag, ValuePut, VersionMetadata, VersionPage,
};

serialize_as_aws!(Tag, |tag| { "Key": tag.key, "Value": tag.value, });

serialize_as_aws!(SecretRef, |secret| { "ARN": secret.arn.as_str(), "Name": secret.name, });

serialize_as_aws!(SecretCreated, |secret| {
    "ARN": secret.arn.as_str(),
    "Name": secret.name,
} optional { "VersionId": secret.version_id, });

serialize_as_aws!(SecretUpdated, |secret| {
    "ARN": secret.arn.as_str(),
    "Name": secret.name,
} optional { "VersionId": secret.version_id, });

serialize_as_aws!(ValuePut, |put| {
    "ARN": put.arn.as_str(),
    "Name": put.name,
    "VersionId": put.version_id,
    "VersionStages": put.stages,
});

serialize_as_aws!(SecretDeleted, |secret| {
    "ARN": secret.arn.as_str(),
    "Name": secret.name,
    "DeletionDate": secret.deletion_date.to_string(),
});

serialize_as_aws!(SecretMetadata, |secret| {
    "ARN": secret.arn.as_str(),
    "Name": secret.name,
    "CreatedDate": secret.created.to_string(),
    "LastChangedDate": secret.last_changed.to_string(),
    "VersionIdsToStages": stages_by_text(&secret.versions),
} optional {
    "Description": secret.description,
    "KmsKeyId": secret.kms_key_id,
    "LastAccessedDate": secret.last_accessed.map(|day| day.to_string()),
    "DeletedDate": secret.deleted.map(|date| date.to_string()),
    "OwningService": secret.owning_service,
    "PrimaryRegion": secret.primary_region,
    "Tags": secret.tags,
});

serialize_as_aws!(SecretPage, |page| { "SecretList": page.secrets, } optional { "NextToken": page.next_token, });

serialize_as_aws!(VersionMetadata, |version| {
    "VersionId": version.version_id,
    "VersionStages": version.stages,
    "CreatedDate": version.created.to_string(),
    "KmsKeyIds": version.kms_key_ids,
} optional { "LastAccessedDate": version.last_accessed.map(|day| day.to_string()), });

serialize_as_aws!(VersionPage, |page| {
    "ARN": page.arn.as_str(),
    "Name": page.name,
    "Versions": page.versions,
} optional { "NextToken": page.next_token, });

serialize_as_aws!(ResourcePolicy, |secret| {
    "ARN": secret.arn.as_str(),
    "Name": secret.name,
} optional { "ResourcePolicy": secret.policy, });

serialize_as_aws!(PolicyValidation, |validation| {
    "PolicyValidationPassed": validation.passed,
    "ValidationErrors": validation.findings,
});

serialize_as_aws!(PolicyFinding, |finding| {
    "CheckName": finding.check,
    "ErrorMessage": finding.message,
});

/// Keys of JSON objects are texts.
fn stages_by_text(
    versions: &BTreeMap<crate::VersionId, BTreeSet<Stage>>,
) -> BTreeMap<&str, &BTreeSet<Stage>> {
    versions.iter().map(|(version, stages)| (version.as_str(), stages)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};
    use strongroom_types::{Realm, Timestamp};

    use super::*;
    use crate::{SecretArn, VersionId};

    #[test]
    fn metadata_is_written_with_the_names_of_aws_and_dates_as_rfc_3339() {
        let arn = SecretArn::of(&Realm::default(), "prod/db", "AbCdEf");
        let mut secret =
            SecretMetadata::new(arn.clone(), "prod/db".to_owned(), Timestamp::from_millis(1_523_477_145_729))
                .with_current("v1");
        let mut expected = json!({
            "ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-AbCdEf",
            "Name": "prod/db",
            "CreatedDate": "2018-04-11T20:05:45.729Z",
            "LastChangedDate": "2018-04-11T20:05:45.729Z",
            "VersionIdsToStages": {"v1": ["AWSCURRENT"]},
        });
        assert_eq!(to_value(&secret).unwrap(), expected);
        secret.description = Some("orders".to_owned());
        secret.tags = Some(vec![Tag::new("team", "orders")]);
        secret.last_accessed = Some(Timestamp::from_millis(0));
        expected["Description"] = json!("orders");
        expected["Tags"] = json!([{"Key": "team", "Value": "orders"}]);
        expected["LastAccessedDate"] = json!("1970-01-01T00:00:00.000Z");
        assert_eq!(to_value(&secret).unwrap(), expected);
        let page = SecretPage { secrets: vec![secret], next_token: Some("more".to_owned()) };
        assert_eq!(to_value(page).unwrap(), json!({"SecretList": [expected], "NextToken": "more"}));
        let created = SecretCreated { arn, name: "prod/db".to_owned(), version_id: None };
        let created = to_value(created).unwrap();
        assert_eq!(created.as_object().map(|members| members.len()), Some(2));
        let version = VersionMetadata::new(VersionId::new("v1"), Timestamp::from_millis(0));
        let expected = json!({
            "VersionId": "v1", "VersionStages": [], "KmsKeyIds": [], "CreatedDate": "1970-01-01T00:00:00.000Z",
        });
        assert_eq!(to_value(version).unwrap(), expected);
    }
}
