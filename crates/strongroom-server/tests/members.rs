//! Every member that AWS's service models give an operation is read, refused by name, or declared
//! to change nothing. What is asked for and cannot be given is never passed over in silence.

#![cfg(test)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::direct::{TARGETS, any, call, kms, query};
use support::models::{Members, Shape, models};

/// What is refused: by service, operation, member, and code.
const REFUSED: [(&str, &str, &str, &str); 20] = [
    ("kms", "CreateGrant", "Constraints.SourceArn", "ValidationException"),
    ("kms", "CreateGrant", "GranteeServicePrincipal", "ValidationException"),
    ("kms", "CreateGrant", "RetiringServicePrincipal", "ValidationException"),
    ("kms", "CreateKey", "CustomKeyStoreId", "CustomKeyStoreNotFoundException"),
    ("kms", "CreateKey", "XksKeyId", "UnsupportedOperationException"),
    ("kms", "Decrypt", "DryRunModifiers", "ValidationException"),
    ("kms", "Decrypt", "Recipient", "ValidationException"),
    ("kms", "GenerateDataKey", "Recipient", "ValidationException"),
    ("kms", "GenerateRandom", "CustomKeyStoreId", "CustomKeyStoreNotFoundException"),
    ("kms", "GenerateRandom", "Recipient", "ValidationException"),
    ("kms", "ListGrants", "GranteeServicePrincipal", "ValidationException"),
    ("kms", "ListRetirableGrants", "RetiringServicePrincipal", "ValidationException"),
    ("kms", "ReEncrypt", "DryRunModifiers", "ValidationException"),
    ("secretsmanager", "CreateSecret", "AddReplicaRegions", "InvalidParameterException"),
    ("secretsmanager", "CreateSecret", "CrossAccountPrimaryARN", "InvalidParameterException"),
    ("secretsmanager", "CreateSecret", "Type", "InvalidParameterException"),
    ("secretsmanager", "PutSecretValue", "RotationToken", "InvalidParameterException"),
    ("secretsmanager", "UpdateSecret", "Type", "InvalidParameterException"),
    // By their value: see the tests of each.
    ("kms", "CreateKey", "Origin", "ValidationException"),
    ("secretsmanager", "PutResourcePolicy", "PolicyName", "InvalidParameterException"),
];

/// A value of a type that the member does not have.
fn wrong(shape: &Shape) -> Value {
    match shape.r#type.as_str() {
        "structure" | "map" | "list" => json!(7),
        _ => json!({"a": 1}),
    }
}

/// Each member with a value that only a member of another type could have, those of structures and
/// lists too.
fn probes(members: &Members) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, shape) in members {
        found.push((name.clone(), json!({name: wrong(shape)})));
        let inner = shape.each.as_deref().unwrap_or(shape);
        for (path, probe) in probes(&inner.members) {
            let probe = if shape.each.is_some() { json!([probe]) } else { probe };
            found.push((format!("{name}.{path}"), json!({name: probe})));
        }
        if let Some(each) = shape.each.as_deref().filter(|each| each.members.is_empty()) {
            found.push((format!("{name}[]"), json!({name: [wrong(each)]})));
        }
    }
    found
}

fn refusal(service: &str, operation: &str, path: &str) -> Option<&'static str> {
    let found = REFUSED.iter().find(|row| (row.0, row.1, row.2) == (service, operation, path));
    found.map(|row| row.3)
}

/// A member that is read, or declared to change nothing, has a type, and a value of another type is
/// refused as such. So a member that no declaration has is found: its value is passed over.
#[tokio::test]
async fn every_member_of_the_models_is_read_or_refused_by_name() {
    let server = any().await;
    let (mut read, mut refused, mut absent) = (0, 0, 0);
    for (service, _) in TARGETS {
        for (operation, members) in &models()[service] {
            // Its token is asked for first, as on AWS.
            let probe = match operation.as_str() {
                "RotateSecret" => json!({"SecretId": "s", "ClientRequestToken": "0".repeat(32)}),
                _ => json!(7),
            };
            let (code, text) = call(&server, service, operation, &probe).await.unwrap_err();
            if code == "UnknownOperationException" {
                // Known, and not here.
                assert!(text.contains(operation), "{service} {operation} is not declared");
                absent += 1;
                continue;
            }
            for (path, probe) in probes(members) {
                let top = path.split(['.', '[']).next().unwrap();
                let expected = refusal(service, operation, &path).or(refusal(service, operation, top));
                let found = call(&server, service, operation, &probe).await;
                let name = path.rsplit('.').next().unwrap();
                match (expected, found) {
                    // A structure within a refused member, and one that is refused by its value.
                    (Some(code), Err((found, text))) if found == code && text.starts_with(top) => {
                        refused += 1
                    }
                    (Some(code), Err((found, text))) if found == code && text.starts_with(name) => {
                        refused += 1
                    }
                    (_, Err((code, _))) if code == "SerializationException" => read += 1,
                    (_, found) => panic!("{service} {operation} passes over {path}: {found:?}"),
                }
            }
        }
    }
    assert!(read > 200 && refused > 20 && absent > 20, "{read} {refused} {absent}");
}

/// `null`, `false` and what is empty ask for nothing.
#[tokio::test]
async fn a_refused_member_that_asks_for_nothing_is_accepted_unless_it_is_a_recipient() {
    let server = any().await;
    for (service, operation, path, code) in REFUSED {
        let refused = async |value: Value| {
            let probe = match path.split_once('.') {
                Some((outer, inner)) => json!({outer: {inner: value}}),
                None => json!({path: value}),
            };
            let name = path.rsplit('.').next().unwrap();
            call(&server, service, operation, &probe).await.is_err_and(|(found, text)| {
                found == code && text.starts_with(&format!("{name} is not supported"))
            })
        };
        if matches!(path, "Origin" | "PolicyName") {
            continue;
        }
        assert!(!refused(Value::Null).await, "{operation} {path}");
        for value in [json!(false), json!(""), json!([]), json!({})] {
            assert_eq!(refused(value.clone()).await, path == "Recipient", "{operation} {path} {value}");
        }
        for value in
            [json!(true), json!("x"), json!(["x"]), json!({"x": null}), json!(0), json!(-1), json!(0.5)]
        {
            assert!(refused(value.clone()).await, "{operation} {path} {value}");
        }
    }
}

/// AWS answers what only the enclave can open. A client that asked for that must not get a
/// plaintext.
#[tokio::test]
async fn nothing_is_sent_in_clear_to_a_client_that_asked_for_encryption_to_an_enclave() {
    let server = any().await;
    let key = kms(&server, "CreateKey", json!({})).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    let sealed =
        kms(&server, "Encrypt", json!({"KeyId": key, "Plaintext": "c2VjcmV0"})).await.unwrap()["CiphertextBlob"]
            .clone();
    let requests = [
        ("Decrypt", json!({"CiphertextBlob": sealed})),
        ("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})),
        ("GenerateRandom", json!({"NumberOfBytes": 32})),
    ];
    for (operation, request) in requests {
        assert!(kms(&server, operation, request.clone()).await.unwrap()["Plaintext"].is_string());
        let attested = json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "AAAA"});
        for recipient in [attested, json!({}), json!(""), json!(false), json!([])] {
            let mut request = request.clone();
            request["Recipient"] = recipient;
            let (code, text) = kms(&server, operation, request).await.unwrap_err();
            assert_eq!(code, "ValidationException");
            assert!(text.starts_with("Recipient is not supported at this endpoint"), "{text}");
        }
        let mut request = request.clone();
        request["Recipient"] = Value::Null;
        kms(&server, operation, request).await.unwrap();
    }
    for operation in ["GenerateDataKeyPair", "DeriveSharedSecret"] {
        let (code, _) = kms(&server, operation, json!({"Recipient": {}})).await.unwrap_err();
        assert_eq!(code, "UnknownOperationException");
    }
}

#[tokio::test]
async fn keys_in_other_places_and_other_policies_are_refused_by_their_value() {
    let server = any().await;
    for origin in ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"] {
        let (code, text) = kms(&server, "CreateKey", json!({"Origin": origin})).await.unwrap_err();
        assert!(
            code == "ValidationException" && text.starts_with(&format!("Origin {origin} ")),
            "{code} {text}"
        );
        let request = json!({"Origin": origin, "CustomKeyStoreId": "cks-1"});
        let (code, _) = kms(&server, "CreateKey", request).await.unwrap_err();
        assert_eq!(code, "CustomKeyStoreNotFoundException");
    }
    assert_eq!(kms(&server, "ListKeys", json!({})).await.unwrap()["Keys"], json!([]));
    let key = kms(&server, "CreateKey", json!({})).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    for (owners, count) in [
        (json!([]), 1),
        (json!(["SELF"]), 1),
        (json!(["OTHER_ACCOUNTS_VIA_RAM"]), 0),
        (json!(["OTHER_ACCOUNTS_VIA_RAM", "SELF"]), 1),
    ] {
        let listed = kms(&server, "ListKeys", json!({"ResourceOwners": owners})).await.unwrap();
        assert_eq!(listed["Keys"].as_array().unwrap().len(), count, "{owners}");
    }
    let (code, _) =
        kms(&server, "GetKeyPolicy", json!({"KeyId": key, "PolicyName": "AWS_RAM"})).await.unwrap_err();
    assert_eq!(code, "NotFoundException");

    let secrets =
        async |operation: &str, body: Value| call(&server, "secretsmanager", operation, &body).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"secretsmanager:DeleteSecret","Resource":"*"}]}"#;
    secrets("CreateSecret", json!({"Name": "s"})).await.unwrap();
    let put = |name: &str| json!({"SecretId": "s", "ResourcePolicy": policy, "PolicyName": name});
    let named = |name: &str| json!({"SecretId": "s", "PolicyName": name});
    assert_eq!(secrets("PutResourcePolicy", put("mine")).await.unwrap_err().0, "InvalidParameterException");
    secrets("PutResourcePolicy", put("default")).await.unwrap();
    assert_eq!(secrets("GetResourcePolicy", named("mine")).await.unwrap_err().0, "ResourceNotFoundException");
    assert_eq!(secrets("GetResourcePolicy", named("default")).await.unwrap()["ResourcePolicy"], policy);
    assert_eq!(
        secrets("DeleteResourcePolicy", named("mine")).await.unwrap_err().0,
        "InvalidParameterException"
    );
    secrets("DeleteResourcePolicy", named("default")).await.unwrap();
}

/// What an operation needs besides the member whose word is wrong.
fn beside(operation: &str) -> Value {
    let key = "1234abcd-12ab-34cd-56ef-1234567890ab";
    match operation {
        "Encrypt" => json!({"KeyId": key, "Plaintext": "AAAA"}),
        "Decrypt" => json!({"CiphertextBlob": "AAAA"}),
        "ReEncrypt" => json!({"CiphertextBlob": "AAAA", "DestinationKeyId": key}),
        "GenerateMac" => json!({"KeyId": key, "Message": "AAAA"}),
        "VerifyMac" => json!({"KeyId": key, "Message": "AAAA", "Mac": "AAAA"}),
        "CreateGrant" => json!({"KeyId": key, "GranteePrincipal": "arn:aws:iam::000000000000:root"}),
        "GetParametersForImport" => {
            json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
        }
        "ImportKeyMaterial" => json!({"KeyId": key, "ImportToken": "AAAA", "EncryptedKeyMaterial": "AAAA"}),
        _ => json!({"KeyId": key}),
    }
}

/// The words of a text that lists them.
fn listed(text: &str) -> Vec<String> {
    let list = text.split_once("Member must satisfy enum value set: [").unwrap().1;
    list.split_once(']').unwrap().0.split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_word_that_is_none_is_told_all_that_aws_has_in_its_order() {
    // Recorded on AWS; other orders are the models'.
    let recorded = BTreeMap::from([(
        "MacAlgorithm",
        ["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"].map(str::to_owned).to_vec(),
    )]);
    let server = any().await;
    let mut found = BTreeSet::new();
    for (service, _) in TARGETS {
        for (operation, members) in &models()[service] {
            let absent = call(&server, service, operation, &json!(7)).await.unwrap_err().0;
            if absent == "UnknownOperationException" {
                continue;
            }
            for (member, shape) in members {
                let each = shape.each.as_deref().unwrap_or(shape);
                let of_filter = each.members.get("Key").filter(|_| member == "Filters");
                let words = &of_filter.unwrap_or(each).words;
                if words.is_empty() || refusal(service, operation, member).is_some_and(|_| member != "Origin")
                {
                    continue;
                }
                let value = match (&shape.each, of_filter) {
                    (_, Some(_)) => json!([{"Key": "NONE", "Values": ["x"]}]),
                    (Some(_), None) => json!([words[0], "NONE"]),
                    (None, None) => json!("NONE"),
                };
                let mut request = beside(operation);
                request[member] = value;
                let (code, text) = call(&server, service, operation, &request).await.unwrap_err();
                assert_eq!(code, "ValidationException", "{operation} {member}: {text}");
                let mut report = member.clone();
                report[..1].make_ascii_lowercase();
                let beginning = match (&shape.each, of_filter) {
                    (_, Some(_)) => "1 validation error detected: Value 'NONE' at 'filters.".to_owned(),
                    (Some(_), None) => format!(
                        "1 validation error detected: Value '[{}, NONE]' at '{report}' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [",
                        words[0]
                    ),
                    (None, None) => format!(
                        "1 validation error detected: Value 'NONE' at '{report}' failed to satisfy constraint: Member must satisfy enum value set: ["
                    ),
                };
                assert!(text.starts_with(&beginning), "{operation} {member}: {text}");
                let wanted = recorded.get(member.as_str()).unwrap_or(words);
                assert_eq!(
                    wanted.iter().collect::<BTreeSet<_>>(),
                    words.iter().collect::<BTreeSet<_>>(),
                    "{member}"
                );
                assert_eq!(listed(&text), *wanted, "{operation} {member}");
                found.insert(member.clone());
            }
        }
    }
    assert!(found.len() >= 17, "{found:?}");
}

/// A word that AWS has and this server has not is refused as such, and not as if there were no such
/// word.
#[tokio::test]
async fn a_word_of_aws_that_is_not_here_is_refused_by_name() {
    let server = any().await;
    for (operation, member, word) in [
        ("CreateKey", "KeySpec", "RSA_2048"),
        ("CreateKey", "CustomerMasterKeySpec", "ECC_NIST_P256"),
        ("GetParametersForImport", "WrappingAlgorithm", "RSAES_PKCS1_V1_5"),
        ("GetParametersForImport", "WrappingKeySpec", "SM2"),
    ] {
        let mut request = beside(operation);
        request[member] = json!(word);
        let (code, text) = kms(&server, operation, request).await.unwrap_err();
        assert!(code == "UnsupportedOperationException" && text.contains(word), "{operation}: {code} {text}");
    }
    let mut request = beside("CreateGrant");
    request["Operations"] = json!(["Decrypt", "Sign"]);
    let (code, text) = kms(&server, "CreateGrant", request).await.unwrap_err();
    assert!(code == "UnsupportedOperationException" && text.contains("Sign"), "{code} {text}");
}

/// Members of STS and IAM that are refused by name: nothing that an operation does not declare is
/// passed over.
const QUERY_REFUSED: [(&str, &[&str]); 3] = [
    // Without them the session could do more than was asked for, or would not be marked.
    (
        "AssumeRole",
        &[
            "MinimumSessionTokenSize",
            "PolicyArns",
            "ProvidedContexts",
            "SerialNumber",
            "SourceIdentity",
            "TokenCode",
            "TransitiveTagKeys",
        ],
    ),
    ("CreateRole", &["MaxSigninSessionDuration"]),
    ("UpdateRole", &["MaxSigninSessionDuration", "ResetMaxSigninSessionDuration"]),
];

/// A member that AWS adds to its model later is refused too, and this test then asks what is to
/// become of it.
#[tokio::test]
async fn every_member_of_the_query_operations_is_read_or_refused_by_name() {
    let server = any().await;
    let mut answered = 0;
    for service in ["sts", "iam"] {
        for (action, members) in &models()[service] {
            let (_, report) = query(&server, service, &format!("Action={action}")).await;
            if report.contains("<Code>InvalidAction</Code>") {
                continue;
            }
            answered += 1;
            let mut refused = Vec::new();
            for member in members.keys() {
                let text = format!("The parameter {member} is not supported for {action}.");
                let mut forms = Vec::new();
                for form in
                    [format!("{member}=1"), format!("{member}.member.1=1"), format!("{member}.member.1.a=1")]
                {
                    let (status, report) = query(&server, service, &format!("Action={action}&{form}")).await;
                    forms.push(status == 400 && report.contains(&text));
                }
                assert!(forms.iter().all(|one| *one == forms[0]), "{action} {member}: {forms:?}");
                refused.extend(forms[0].then_some(member.as_str()));
            }
            let expected = QUERY_REFUSED.iter().find(|(name, _)| name == action).map_or(&[][..], |row| row.1);
            assert_eq!(refused, expected, "{service} {action}");
        }
    }
    assert!(answered > 40, "{answered}");
}
