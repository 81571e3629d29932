//! Key metadata as JSON with AWS's member names, as `aws kms describe-key` prints it.
//!
//! Dates are RFC 3339 texts, and absent members are left out. Plaintexts, data keys and key
//! material have no such form.

use strongroom_types::{Arn, serialize_as_aws};

use crate::{
    AliasEntry, AliasPage, KeyEntry, KeyMetadata, KeyPage, KeyState, KeyTag, KeyUsage,
    MultiRegionConfiguration, ScheduledDeletion,
};

serialize_as_aws!(KeyMetadata, |key| {
    "AWSAccountId": key.account.as_str(),
    "KeyId": key.id.as_str(),
    "Arn": key.arn.as_str(),
    "CreationDate": key.created.to_string(),
    "Enabled": key.state == KeyState::Enabled,
    "Description": key.description,
    "KeyUsage": key.usage.as_str(),
    "KeyState": key.state.as_str(),
    "Origin": key.origin.as_str(),
    "KeyManager": key.manager.as_str(),
    "CustomerMasterKeySpec": key.spec.as_str(),
    "KeySpec": key.spec.as_str(),
    "MultiRegion": key.multi_region,
} optional {
    "DeletionDate": key.deletion_date.map(|date| date.to_string()),
    "ValidTo": key.valid_to.map(|date| date.to_string()),
    "ExpirationModel": key.expiration.map(|model| model.as_str()),
    "EncryptionAlgorithms": (key.usage == KeyUsage::EncryptDecrypt).then_some(["SYMMETRIC_DEFAULT"]),
    "MacAlgorithms": key.spec.mac_algorithm().map(|algorithm| [algorithm.as_str()]),
    "MultiRegionConfiguration": key.multi_region_configuration(),
    "CurrentKeyMaterialId": key.current_key_material_id,
});

serialize_as_aws!(MultiRegionConfiguration, |keys| {
    "MultiRegionKeyType": keys.kind.as_str(),
    "PrimaryKey": InRegion(&keys.primary),
    "ReplicaKeys": keys.replicas.iter().map(InRegion).collect::<Vec<_>>(),
});

/// One key of a multi-Region key.
struct InRegion<'a>(&'a Arn);

serialize_as_aws!(InRegion<'_>, |key| { "Arn": key.0.as_str(), "Region": key.0.region(), });

serialize_as_aws!(KeyEntry, |key| { "KeyId": key.id.as_str(), "KeyArn": key.arn.as_str(), });

serialize_as_aws!(KeyPage, |page| {
    "Keys": page.keys,
    "Truncated": page.next_marker.is_some(),
} optional { "NextMarker": page.next_marker, });

serialize_as_aws!(AliasEntry, |alias| {
    "AliasName": alias.name.as_str(),
    "AliasArn": alias.arn.as_str(),
} optional {
    "TargetKeyId": alias.target.as_ref().map(|key| key.as_str()),
    "CreationDate": alias.created.map(|date| date.to_string()),
    "LastUpdatedDate": alias.updated.map(|date| date.to_string()),
});

serialize_as_aws!(AliasPage, |page| {
    "Aliases": page.aliases,
    "Truncated": page.next_marker.is_some(),
} optional { "NextMarker": page.next_marker, });

serialize_as_aws!(KeyTag, |tag| { "TagKey": tag.key, "TagValue": tag.value, });

serialize_as_aws!(ScheduledDeletion, |deletion| {
    "KeyId": deletion.key_arn.as_str(),
    "DeletionDate": deletion.deletion_date.to_string(),
    "KeyState": deletion.state.as_str(),
    "PendingWindowInDays": deletion.pending_window_days,
});

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};
    use strongroom_types::{Realm, Timestamp};

    use super::*;
    use crate::{AliasName, KeyId, KeySpec};

    #[test]
    fn metadata_is_written_with_the_names_of_aws_and_dates_as_rfc_3339() {
        let realm = Realm::default();
        let id = KeyId::parse("mrk-1234abcd12ab34cd56ef1234567890ab").unwrap();
        let created = Timestamp::from_millis(1_523_477_145_729);
        let mut key = KeyMetadata::new(id.clone(), id.arn(&realm), realm.account(), created);
        let arn = "arn:aws:kms:us-east-1:000000000000:key/mrk-1234abcd12ab34cd56ef1234567890ab";
        assert_eq!(
            to_value(&key).unwrap(),
            json!({
                "AWSAccountId": "000000000000",
                "KeyId": "mrk-1234abcd12ab34cd56ef1234567890ab",
                "Arn": arn,
                "CreationDate": "2018-04-11T20:05:45.729Z",
                "Enabled": true,
                "Description": "",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "KeyState": "Enabled",
                "Origin": "AWS_KMS",
                "KeyManager": "CUSTOMER",
                "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
                "MultiRegion": true,
                "MultiRegionConfiguration": {
                    "MultiRegionKeyType": "PRIMARY",
                    "PrimaryKey": {"Arn": arn, "Region": "us-east-1"},
                    "ReplicaKeys": [],
                },
            })
        );
        (key.spec, key.usage) = (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        (key.state, key.deletion_date) = (KeyState::PendingDeletion, Some(created));
        let written = to_value(&key).unwrap();
        assert_eq!(written["MacAlgorithms"], json!(["HMAC_SHA_256"]));
        assert_eq!((&written["Enabled"], &written["EncryptionAlgorithms"]), (&json!(false), &json!(null)));
        assert_eq!(written["DeletionDate"], "2018-04-11T20:05:45.729Z");
        let name: AliasName = "alias/orders".parse().unwrap();
        let alias = AliasEntry {
            arn: name.arn(&realm),
            name,
            target: Some(id),
            created: Some(created),
            updated: None,
        };
        let page = AliasPage { aliases: vec![alias], next_marker: None };
        let written = to_value(&page).unwrap();
        assert_eq!(written["Truncated"], false);
        assert_eq!(written["Aliases"][0]["TargetKeyId"], "mrk-1234abcd12ab34cd56ef1234567890ab");
        assert!(written["Aliases"][0].get("LastUpdatedDate").is_none());
    }
}
