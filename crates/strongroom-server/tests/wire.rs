//! What may come over the wire: good, late, changed, broken, enormous.

#![cfg(test)]

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use strongroom_server::{Server, test_server};
use support::{Signer, call, exchange, stamp};

const SECRETS: [&str; 18] = [
    "BatchGetSecretValue",
    "CreateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetRandomPassword",
    "GetResourcePolicy",
    "GetSecretValue",
    "ListSecretVersionIds",
    "ListSecrets",
    "PutResourcePolicy",
    "PutSecretValue",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
    "ValidateResourcePolicy",
];
const KEYS: [&str; 39] = [
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
    "VerifyMac",
];
const MEMBERS: [&str; 71] = [
    "AddReplicaRegions",
    "AliasName",
    "BlockPublicPolicy",
    "BypassPolicyLockoutSafetyCheck",
    "CiphertextBlob",
    "ClientRequestToken",
    "Constraints",
    "CustomerMasterKeySpec",
    "Description",
    "DestinationEncryptionAlgorithm",
    "DestinationEncryptionContext",
    "DestinationKeyId",
    "DryRun",
    "EncryptedKeyMaterial",
    "EncryptionAlgorithm",
    "EncryptionContext",
    "ExcludeCharacters",
    "ExcludeNumbers",
    "ExpirationModel",
    "Filters",
    "ForceDeleteWithoutRecovery",
    "GrantId",
    "GrantToken",
    "GrantTokens",
    "GranteePrincipal",
    "ImportToken",
    "ImportType",
    "IncludeDeprecated",
    "IncludeKeyMaterial",
    "IncludePlannedDeletion",
    "KeyId",
    "KeyMaterialDescription",
    "KeyMaterialId",
    "KeySpec",
    "KeyUsage",
    "KmsKeyId",
    "Limit",
    "Mac",
    "MacAlgorithm",
    "Marker",
    "MaxResults",
    "Message",
    "MoveToVersionId",
    "MultiRegion",
    "Name",
    "NextToken",
    "NumberOfBytes",
    "Operations",
    "Origin",
    "PasswordLength",
    "PendingWindowInDays",
    "Plaintext",
    "Policy",
    "PolicyName",
    "RecoveryWindowInDays",
    "RemoveFromVersionId",
    "ResourcePolicy",
    "RetiringPrincipal",
    "RotationPeriodInDays",
    "SecretBinary",
    "SecretId",
    "SecretIdList",
    "SecretString",
    "SortBy",
    "SourceKeyId",
    "TagKeys",
    "Tags",
    "TargetKeyId",
    "ValidTo",
    "VersionStage",
    "VersionStages",
];

async fn any() -> Server {
    Server::builder().accept_any_credentials().open().await.unwrap()
}

/// A request that is signed by somebody, somehow.
fn signed(target: &str) -> http::request::Builder {
    let service = if target.starts_with("Trent") { "kms" } else { "secretsmanager" };
    Request::post("/").header("host", "localhost").header("x-amz-target", target).header("x-amz-date", stamp()).header(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential=test/{}/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0", &stamp()[..8]),
    )
}

async fn answered(server: &Server, target: &str, body: Vec<u8>) -> (u16, String) {
    let (parts, ()) = signed(target).body(()).unwrap().into_parts();
    let answer = server.respond(parts, Ok(Bytes::from(body))).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn targets() -> impl Iterator<Item = String> {
    let secrets = SECRETS.iter().map(|name| format!("secretsmanager.{name}"));
    secrets.chain(KEYS.iter().map(|name| format!("TrentService.{name}")))
}

#[tokio::test]
async fn members_of_every_type_in_every_operation() {
    let server = any().await;
    let values = ["null", "true", "1e300", "\"x\"", "[1]", "{\"a\":1}"];
    let mut refused = 0;
    for target in targets() {
        for member in MEMBERS {
            for value in values {
                let body = format!(r#"{{"SecretId":"s","KeyId":"alias/x","Name":"n","{member}":{value}}}"#);
                let (status, report) = answered(&server, &target, body.into_bytes()).await;
                assert!(matches!(status, 200 | 400), "{target} {member} {value}: {status} {report}");
                assert!(
                    status == 200 || report.starts_with("{\"__type\":\"") || report.contains("\"__type\""),
                    "{report}"
                );
                refused += u32::from(status == 400);
            }
        }
    }
    assert!(refused > 5_000);
}

#[tokio::test]
async fn bodies_that_are_no_requests() {
    let server = any().await;
    let deep = format!("{}{}", "{\"a\":".repeat(20_000), "1");
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"1".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"SecretId\":\"\xc3\x28\"}".to_vec(),
        b"{\"SecretId\":\"a\",\"SecretId\":\"b\"}".to_vec(),
        b"{\"SecretId\":\"\\ud800\"}".to_vec(),
        b"{\"SecretId\":\"\\u0000\"}".to_vec(),
        deep.into_bytes(),
        format!("{{\"SecretId\":\"{}\"}}", "x".repeat(200_000)).into_bytes(),
        format!("{{\"Tags\":[{}]}}", vec!["{}"; 20_000].join(",")).into_bytes(),
        b"x".repeat(1000),
    ];
    for target in targets() {
        for body in &bodies {
            let (status, report) = answered(&server, &target, body.clone()).await;
            assert!(
                matches!(status, 200 | 400),
                "{target} {:?}: {status} {report}",
                &body[..body.len().min(40)]
            );
            assert!(report.len() < body.len() + 10_000, "{target}: {} bytes", report.len());
        }
    }
    for target in [
        "",
        ".",
        "secretsmanager",
        "secretsmanager.",
        "secretsmanager.getsecretvalue",
        "TrentService.\u{7f}",
        "x.GetSecretValue",
    ] {
        let Ok(request) = signed(target).body(()) else { continue };
        let (parts, ()) = request.into_parts();
        let answer = server.respond(parts, Ok(Bytes::from_static(b"{}"))).await;
        assert_eq!(answer.status(), 400, "{target}");
    }
    let rotate = r#"{"SecretId":"s","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;
    let (status, report) = answered(&server, "secretsmanager.RotateSecret", rotate.into()).await;
    assert!(status == 501 && report.contains("RotateSecret"), "{report}");
    let (status, report) = answered(&server, "secretsmanager.GetSecretValue", b"{}".to_vec()).await;
    assert_eq!(
        (status, report.as_str()),
        (
            400,
            "{\"Message\":\"1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null\",\"__type\":\"ValidationException\"}"
        )
    );
    let (_, report) = answered(&server, "TrentService.Encrypt", b"{\"KeyId\":7}".to_vec()).await;
    assert!(report.contains("SerializationException") && report.contains("\"message\""), "{report}");
}

/// Each way in which a signature may be wrong.
#[tokio::test(flavor = "multi_thread")]
async fn signatures() {
    let server = test_server().await.unwrap();
    let address = server.endpoint_url().replace("http://", "");
    let owner = Signer::new(server.access_key_id(), server.secret_access_key().expose());
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let target = "secretsmanager.ListSecrets";
        assert_eq!(call(&mut stream, &owner, target, "{}").status, 200);
        // One byte of each part changed.
        let send = |stream: &mut TcpStream, headers: Vec<(String, String)>, query: &str, body: &str| {
            let mut request = format!("POST /{query} HTTP/1.1\r\n");
            for (name, value) in headers {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
            request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
            let answer = exchange(stream, request.as_bytes()).unwrap();
            let code = answer.body.split("\"__type\":\"").nth(1).and_then(|rest| rest.split('"').next());
            code.unwrap_or("-").to_owned()
        };
        let good = || owner.headers(&address, target, b"{}");
        let with = |name: &str, value: String| {
            let mut headers = good();
            headers.retain(|(known, _)| known != name);
            if !value.is_empty() {
                headers.push((name.to_owned(), value));
            }
            headers
        };
        let authorization = good().into_iter().find(|(name, _)| name == "Authorization").unwrap().1;
        assert_eq!(send(&mut stream, good(), "", "{}"), "-");
        assert_eq!(send(&mut stream, good(), "", "{ }"), "InvalidSignatureException");
        assert_eq!(send(&mut stream, good(), "?a=b", "{}"), "InvalidSignatureException");
        assert_eq!(
            send(&mut stream, with("X-Amz-Target", "secretsmanager.GetSecretValue".into()), "", "{}"),
            "InvalidSignatureException"
        );
        assert_eq!(
            send(&mut stream, with("Host", "127.0.0.2".into()), "", "{}"),
            "InvalidSignatureException"
        );
        assert_eq!(
            send(&mut stream, with("Authorization", String::new()), "", "{}"),
            "MissingAuthenticationTokenException"
        );
        assert_eq!(
            send(&mut stream, with("Authorization", "Bearer x".into()), "", "{}"),
            "IncompleteSignatureException"
        );
        assert_eq!(
            send(&mut stream, with("X-Amz-Date", String::new()), "", "{}"),
            "IncompleteSignatureException"
        );
        assert_eq!(
            send(&mut stream, with("X-Amz-Date", "now".into()), "", "{}"),
            "IncompleteSignatureException"
        );
        let unsigned = authorization.replace(";x-amz-target", "");
        assert_eq!(
            send(&mut stream, with("Authorization", unsigned), "", "{}"),
            "IncompleteSignatureException"
        );
        let unsigned = authorization.replace("host;", "");
        assert_eq!(
            send(&mut stream, with("Authorization", unsigned), "", "{}"),
            "IncompleteSignatureException"
        );
        let elsewhere = authorization.replace("/secretsmanager/", "/kms/");
        assert_eq!(
            send(&mut stream, with("Authorization", elsewhere), "", "{}"),
            "InvalidSignatureException"
        );
        let elsewhere = authorization.replace("/us-east-1/", "/eu-west-1/");
        assert_eq!(
            send(&mut stream, with("Authorization", elsewhere), "", "{}"),
            "InvalidSignatureException"
        );
        let short = authorization.replace("/aws4_request", "");
        assert_eq!(send(&mut stream, with("Authorization", short), "", "{}"), "IncompleteSignatureException");
        let last = authorization.len() - 1;
        let other = if authorization.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{other}", &authorization[..last]);
        assert_eq!(send(&mut stream, with("Authorization", changed), "", "{}"), "InvalidSignatureException");
        let mut more = good();
        more.push(("X-Amz-Content-Sha256".to_owned(), "0".repeat(64)));
        assert_eq!(send(&mut stream, more, "", "{}"), "InvalidSignatureException", "another body's digest");
        let mut more = good();
        more.push(("X-Amz-Security-Token".to_owned(), "x".to_owned()));
        assert_eq!(send(&mut stream, more, "", "{}"), "UnrecognizedClientException");
        // Signed URLs: good for a while.
        let target_of =
            vec![("Host".to_owned(), address.clone()), ("X-Amz-Target".to_owned(), target.to_owned())];
        let query = |expires: u32, stamp: &str| {
            format!("?{}", owner.query(&address, target, b"{}", &expires.to_string(), stamp))
        };
        assert_eq!(send(&mut stream, target_of.clone(), &query(60, &stamp()), "{}"), "-");
        assert_eq!(
            send(&mut stream, target_of.clone(), &query(60, "20200101T000000Z"), "{}"),
            "InvalidSignatureException"
        );
        assert_eq!(
            send(&mut stream, target_of.clone(), &query(604_801, &stamp()), "{}"),
            "IncompleteSignatureException"
        );
        let changed = query(60, &stamp()).replace("X-Amz-Expires=60", "X-Amz-Expires=61");
        assert_eq!(send(&mut stream, target_of, &changed, "{}"), "InvalidSignatureException");
    })
    .await
    .unwrap();
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_slow_and_many() {
    let server = test_server().await.unwrap();
    let address = server.endpoint_url().replace("http://", "");
    let owner = Signer::new(server.access_key_id(), server.secret_access_key().expose());
    tokio::task::spawn_blocking(move || {
        // Longer than is read: refused, and not kept.
        let mut stream = TcpStream::connect(&address).unwrap();
        let long = format!("{{\"SecretId\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: secretsmanager.GetSecretValue\r\nContent-Length: {}\r\n\r\n", long.len());
        let answer = exchange(&mut stream, head.as_bytes());
        assert!(answer.is_ok_and(|answer| answer.status == 413));
        // As long as a secret may be.
        let mut stream = TcpStream::connect(&address).unwrap();
        let body = format!(r#"{{"Name":"long","SecretString":"{}","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}}"#, "x".repeat(65_536));
        assert_eq!(call(&mut stream, &owner, "secretsmanager.CreateSecret", &body).status, 200);
        let body = format!(r#"{{"Name":"longer","SecretString":"{}","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}}"#, "x".repeat(65_537));
        assert!(call(&mut stream, &owner, "secretsmanager.CreateSecret", &body).body.contains("less than or equal to 65536"));
        // Many who say nothing, and some who say it slowly, keep nobody else.
        let idle: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let slow: Vec<TcpStream> = (0..50)
            .map(|_| {
                let mut stream = TcpStream::connect(&address).unwrap();
                stream.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Ta").unwrap();
                stream
            })
            .collect();
        let begun = Instant::now();
        for _ in 0..50 {
            assert_eq!(call(&mut stream, &owner, "secretsmanager.GetSecretValue", r#"{"SecretId":"long"}"#).status, 200);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "they keep others waiting");
        drop((idle, slow));
        let broken = [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", &[0; 4096], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx"];
        for bytes in broken {
            let mut stream = TcpStream::connect(&address).unwrap();
            let _ = stream.write_all(bytes);
        }
        assert_eq!(call(&mut stream, &owner, "secretsmanager.ListSecrets", "{}").status, 200);
    })
    .await
    .unwrap();
    drop(server);
}
