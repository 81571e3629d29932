//! Keys over the wire, as AWS's clients see them.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::direct::{any, kms, sent};
use support::models::models;

/// A dry run says that it would succeed, does nothing, and answers nothing.
#[tokio::test]
async fn every_operation_that_has_a_dry_run_makes_one() {
    let server = any().await;
    let create =
        async |body: Value| kms(&server, "CreateKey", body).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    let key = create(json!({})).await;
    let macs = create(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})).await;
    let sealed = kms(&server, "Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})).await.unwrap();
    let sealed = sealed["CiphertextBlob"].clone();
    let request = json!({"KeyId": macs, "Message": "AAAA", "MacAlgorithm": "HMAC_SHA_256"});
    let mac = kms(&server, "GenerateMac", request.clone()).await.unwrap()["Mac"].clone();
    let mut verify = request.clone();
    verify["Mac"] = mac;
    let grant = json!({"KeyId": key, "GranteePrincipal": "arn:aws:iam::000000000000:root", "Operations": ["Decrypt"]});
    let made = kms(&server, "CreateGrant", grant.clone()).await.unwrap();
    let requests = BTreeMap::from([
        ("CreateGrant", grant),
        ("Decrypt", json!({"CiphertextBlob": sealed})),
        ("Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})),
        ("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})),
        ("GenerateDataKeyWithoutPlaintext", json!({"KeyId": key, "KeySpec": "AES_256"})),
        ("GenerateMac", request),
        ("ReEncrypt", json!({"CiphertextBlob": sealed, "DestinationKeyId": key})),
        ("RetireGrant", json!({"GrantToken": made["GrantToken"]})),
        ("RevokeGrant", json!({"KeyId": key, "GrantId": made["GrantId"]})),
        ("VerifyMac", verify),
    ]);
    for (operation, members) in &models()["kms"] {
        if !members.contains_key("DryRun") {
            continue;
        }
        let Some(request) = requests.get(operation.as_str()) else {
            let (code, _) = kms(&server, operation, json!({"DryRun": true})).await.unwrap_err();
            assert_eq!(code, "UnknownOperationException", "{operation} has no dry run here");
            continue;
        };
        let mut request = request.clone();
        request["DryRun"] = json!(true);
        let (code, text) = kms(&server, operation, request).await.unwrap_err();
        assert_eq!(code, "DryRunOperationException", "{operation}");
        assert_eq!(text, "The request would have succeeded, but the DryRun option is set.");
    }
    let grants = kms(&server, "ListGrants", json!({"KeyId": key})).await.unwrap();
    assert_eq!(grants["Grants"].as_array().unwrap().len(), 1);
}

/// AWS's parser takes numbers and booleans where a context has texts.
#[tokio::test]
async fn numbers_and_booleans_in_an_encryption_context_are_the_texts_they_are_written_as() {
    let server = any().await;
    let key = kms(&server, "CreateKey", json!({})).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    let body = |context: &str, rest: &str| format!(r#"{{"EncryptionContext":{context},{rest}}}"#);
    let raw = async |operation: &str, body: String| {
        let target = format!("TrentService.{operation}");
        let (_, report) = sent(&server, "kms", ("x-amz-target", &target), body).await;
        serde_json::from_str::<Value>(&report).unwrap()
    };
    for (written, text) in [
        ("1", "1"),
        ("1.0", "1.0"),
        ("-0", "-0"),
        ("1e3", "1e3"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("true", "true"),
        ("false", "false"),
        (r#""\u0061""#, "a"),
    ] {
        let sealed = raw(
            "Encrypt",
            body(&format!(r#"{{"n": {written} }}"#), &format!(r#""KeyId":{key},"Plaintext":"AAAA""#)),
        )
        .await["CiphertextBlob"]
            .clone();
        let opened =
            raw("Decrypt", body(&json!({"n": text}).to_string(), &format!(r#""CiphertextBlob":{sealed}"#)))
                .await;
        assert_eq!(opened["Plaintext"], "AAAA", "{written}: {opened}");
        let other = raw("Decrypt", body(r#"{"n":"other"}"#, &format!(r#""CiphertextBlob":{sealed}"#))).await;
        assert_eq!(other["__type"], "InvalidCiphertextException");
        // A grant's constraints likewise.
        let grant = format!(
            r#"{{"KeyId":{key},"GranteePrincipal":"arn:aws:iam::000000000000:root","Operations":["Decrypt"],"Constraints":{{"EncryptionContextSubset":{{"n":{written}}}}}}}"#
        );
        let made = raw("CreateGrant", grant).await;
        let request = json!({"KeyId": key, "GrantId": made["GrantId"]});
        let listed = kms(&server, "ListGrants", request).await.unwrap();
        assert_eq!(listed["Grants"][0]["Constraints"]["EncryptionContextSubset"]["n"], text, "{made}");
    }
    for written in ["null", "[]", "{}", "[1]"] {
        let request = body(&format!(r#"{{"n":{written}}}"#), &format!(r#""KeyId":{key},"Plaintext":"AAAA""#));
        assert_eq!(raw("Encrypt", request).await["__type"], "SerializationException", "{written}");
    }
}

/// Aliases, and how keys are named, as the wire has them.
#[tokio::test]
async fn aliases_and_identifiers_over_the_wire() {
    let server = any().await;
    let key = kms(&server, "CreateKey", json!({})).await.unwrap()["KeyMetadata"].clone();
    let (id, arn) = (key["KeyId"].clone(), key["Arn"].clone());
    let named = async |name: &str| {
        kms(&server, "CreateAlias", json!({"AliasName": name, "TargetKeyId": id})).await.unwrap_err()
    };
    let validation = |text: &str| ("ValidationException".to_owned(), text.to_owned());
    assert_eq!(
        named("alias/my:alias").await,
        validation("alias/my:alias contains invalid characters for an alias")
    );
    assert_eq!(
        named("alias/my alias").await,
        validation(
            "1 validation error detected: Value 'alias/my alias' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        )
    );
    assert_eq!(named("alias/aws/ebs").await.0, "NotAuthorizedException");

    kms(&server, "CreateAlias", json!({"AliasName": "alias/mine", "TargetKeyId": id})).await.unwrap();
    let listed = kms(&server, "ListAliases", json!({"Limit": 100})).await.unwrap()["Aliases"].clone();
    let entry = |name: &str| {
        listed.as_array().unwrap().iter().find(|entry| entry["AliasName"] == name).unwrap().clone()
    };
    assert_eq!(
        entry("alias/aws/secretsmanager"),
        json!({
            "AliasName": "alias/aws/secretsmanager",
            "AliasArn": "arn:aws:kms:us-east-1:000000000000:alias/aws/secretsmanager",
        })
    );
    assert!(entry("alias/mine")["TargetKeyId"] == id && entry("alias/mine")["CreationDate"].is_number());

    for (name, code, text) in [
        ("alias/mine", "InvalidArnException", "Key Aliases are not supported for this operation."),
        ("alias/nobodys", "InvalidArnException", "Key Aliases are not supported for this operation."),
        ("no-key", "NotFoundException", "Invalid keyId 'no-key'"),
        (
            "arn:aws:kms:eu-west-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "NotFoundException",
            "Invalid arn eu-west-1",
        ),
    ] {
        for (operation, mut request) in [
            ("DisableKey", json!({})),
            ("RetireGrant", json!({"GrantId": "0".repeat(64)})),
            ("ListAliases", json!({})),
        ] {
            request["KeyId"] = json!(name);
            let error = kms(&server, operation, request).await.unwrap_err();
            assert_eq!(error, (code.to_owned(), text.to_owned()), "{operation} {name}");
        }
    }

    let grant =
        json!({"KeyId": id, "GranteePrincipal": "arn:aws:iam::000000000000:root", "Operations": ["Decrypt"]});
    for name in [&id, &arn] {
        let made = kms(&server, "CreateGrant", grant.clone()).await.unwrap();
        let retire = json!({"KeyId": name, "GrantId": made["GrantId"]});
        kms(&server, "RetireGrant", retire.clone()).await.unwrap();
        assert_eq!(kms(&server, "RetireGrant", retire).await.unwrap_err().0, "NotFoundException");
    }
    let made = kms(&server, "CreateGrant", grant).await.unwrap();
    let mixed = json!({"GrantToken": made["GrantToken"], "KeyId": id, "GrantId": made["GrantId"]});
    assert_eq!(kms(&server, "RetireGrant", mixed).await.unwrap_err().0, "ValidationException");
    assert_eq!(kms(&server, "RetireGrant", json!({"KeyId": id})).await.unwrap_err().0, "ValidationException");
    kms(&server, "RetireGrant", json!({"GrantToken": made["GrantToken"]})).await.unwrap();
}

#[tokio::test]
async fn what_is_out_of_bounds_is_told_as_it_was_given() {
    let server = any().await;
    let key = kms(&server, "CreateKey", json!({})).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    for (operation, request, report) in [
        ("GenerateRandom", json!({"NumberOfBytes": -1}), "Value '-1' at 'numberOfBytes'"),
        ("GenerateRandom", json!({"NumberOfBytes": 1_u64 << 40}), "Value '1099511627776' at 'numberOfBytes'"),
        ("GenerateDataKey", json!({"KeyId": key, "NumberOfBytes": -5}), "Value '-5' at 'numberOfBytes'"),
        (
            "EnableKeyRotation",
            json!({"KeyId": key, "RotationPeriodInDays": -7}),
            "Value '-7' at 'rotationPeriodInDays'",
        ),
        ("ListKeys", json!({"Limit": 100_000}), "Value '100000' at 'limit'"),
        ("ListKeys", json!({"Marker": ""}), "Value '' at 'marker'"),
        ("CreateKey", json!({"Tags": [{"TagKey": "a"}]}), "Value null at 'tags.1.member.tagValue'"),
        (
            "TagResource",
            json!({"KeyId": key, "Tags": [{"TagValue": "a"}]}),
            "Value null at 'tags.1.member.tagKey'",
        ),
        ("UntagResource", json!({"KeyId": key, "TagKeys": ["a", ""]}), "Value '' at 'tagKeys.2.member'"),
    ] {
        let (code, text) = kms(&server, operation, request).await.unwrap_err();
        assert!(code == "ValidationException" && text.contains(report), "{operation}: {code} {text}");
    }
}
