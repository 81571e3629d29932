//! The account and region of what a request names. Requests go to the caller's own account; those
//! that name a secret or key of another account by its full ARN go there, if the operation may
//! cross accounts.

use serde::Deserialize;
use strongroom::{AccountId, Arn, Realm};

/// The operations on a secret that is named by `SecretId`. All may be allowed to other accounts.
const ON_A_SECRET: [&str; 14] = [
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListSecretVersionIds",
    "PutResourcePolicy",
    "PutSecretValue",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
    "ValidateResourcePolicy",
];

/// The operations on a key, named by `KeyId`, that AWS lets other accounts call (kms.md §2). All
/// others stay in the caller's own account.
const ON_A_KEY: [&str; 12] = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "ListGrants",
    "RetireGrant",
    "RevokeGrant",
    "VerifyMac",
];

/// The members that name something. The operation reads, or refuses, everything else in the body.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Names {
    secret_id: Option<String>,
    key_id: Option<String>,
    source_key_id: Option<String>,
    destination_key_id: Option<String>,
}

impl Names {
    /// `None` if the body cannot be read: the operation reports that.
    fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// The account and region of an ARN, if it is one of this service, in this region, and of another
/// account than `own`.
fn elsewhere(text: &str, service: &str, own: &Realm) -> Option<Realm> {
    let arn = Arn::parse(text).ok()?;
    let account = AccountId::parse(arn.account()).ok()?;
    let there = arn.service() == service
        && arn.region() == own.region().as_str()
        && arn.partition() == own.region().partition()
        && account != own.account();
    there.then(|| Realm::new(account, own.region().clone()))
}

/// Where the secret of this id is, if it is not in the caller's own account.
pub(crate) fn secret(id: &str, own: &Realm) -> Option<Realm> {
    elsewhere(id, "secretsmanager", own)
}

/// Where the secret is that a request of Secrets Manager is about.
pub(crate) fn by_secret(operation: &str, body: &[u8], own: &Realm) -> Option<Realm> {
    if !ON_A_SECRET.contains(&operation) {
        return None;
    }
    secret(&Names::of(body).secret_id?, own)
}

/// Where the key is that a request of KMS is about. For a re-encryption, the key that decrypts.
pub(crate) fn by_key(operation: &str, body: &[u8], own: &Realm) -> Option<Realm> {
    let named = match operation {
        "ReEncrypt" => Names::of(body).source_key_id,
        known if ON_A_KEY.contains(&known) => Names::of(body).key_id,
        _ => None,
    };
    elsewhere(&named?, "kms", own)
}

/// Where the key is under which a re-encryption encrypts.
pub(crate) fn destination(body: &[u8], own: &Realm) -> Option<Realm> {
    elsewhere(&Names::of(body).destination_key_id?, "kms", own)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn realm(account: &str, region: &str) -> Realm {
        format!("{account} {region}")
            .split_once(' ')
            .map(|(account, region)| {
                Realm::new(AccountId::parse(account).unwrap(), strongroom::Region::parse(region).unwrap())
            })
            .unwrap()
    }

    #[test]
    fn only_full_arns_of_this_service_and_region_lead_elsewhere() {
        let own = realm("111122223333", "us-east-1");
        let there = realm("444455556666", "us-east-1");
        let found =
            |id: &str| by_secret("GetSecretValue", json!({"SecretId": id}).to_string().as_bytes(), &own);
        assert_eq!(
            found("arn:aws:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf"),
            Some(there.clone())
        );
        for id in [
            "db",
            "",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-AbCdEf",
            "arn:aws-cn:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf",
            "arn:aws:kms:us-east-1:444455556666:key/x",
            "arn:aws:secretsmanager:us-east-1:44445555666:secret:db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1::secret:db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:../etc/passwd:secret:db-AbCdEf",
        ] {
            assert_eq!(found(id), None, "{id}");
        }
        let key =
            |operation: &str, id: &str| by_key(operation, json!({"KeyId": id}).to_string().as_bytes(), &own);
        for id in ["arn:aws:kms:us-east-1:444455556666:key/x", "arn:aws:kms:us-east-1:444455556666:alias/x"] {
            for operation in ON_A_KEY {
                assert_eq!(key(operation, id), Some(there.clone()), "{operation}");
            }
            for operation in ["PutKeyPolicy", "ScheduleKeyDeletion", "CreateKey", "ListKeys", "ReEncrypt", ""]
            {
                assert_eq!(key(operation, id), None, "{operation}");
            }
        }
    }

    #[test]
    fn operations_about_no_secret_stay_at_home_whatever_they_hold() {
        let own = realm("111122223333", "us-east-1");
        let body = json!({
            "SecretId": "arn:aws:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf",
            "KeyId": "arn:aws:kms:us-east-1:444455556666:key/x",
        })
        .to_string();
        for operation in
            ["ListSecrets", "CreateSecret", "GetRandomPassword", "BatchGetSecretValue", "Encrypt"]
        {
            assert_eq!(by_secret(operation, body.as_bytes(), &own), None, "{operation}");
        }
        for body in ["", "[]", "{", r#"{"SecretId":7}"#] {
            assert_eq!(by_secret("GetSecretValue", body.as_bytes(), &own), None, "{body}");
        }
        // Two of a name: what the operation would read is refused, and leads nowhere before.
        let twice = body.replace("{", r#"{"SecretId":"db","#);
        assert_eq!(by_secret("GetSecretValue", twice.as_bytes(), &own), None);
    }
}
