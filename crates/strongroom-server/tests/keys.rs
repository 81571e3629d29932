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
        let (_, told) = sent(&server, "kms", ("x-amz-target", &target), body).await;
        serde_json::from_str::<Value>(&told).unwrap()
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
