//! What Secrets Manager answers to requests as they are written by hand, where AWS is known to
//! answer so.

#![cfg(test)]

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use strongroom_server::Server;

#[path = "support/mod.rs"]
mod support;

use support::{Signer, stamp};

const TOKEN: &str = "00000000-0000-4000-8000-000000000001";

/// A server that believes everybody, and what it answers to raw requests.
struct Raw(Server);

impl Raw {
    async fn new() -> Self {
        Self(Server::builder().accept_any_credentials().open().await.unwrap())
    }

    async fn call(&self, operation: &str, body: Value) -> (u16, Value) {
        let credential = format!("test/{}/us-east-1/secretsmanager/aws4_request", &stamp()[..8]);
        let request = Request::post("/")
            .header("host", "localhost")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .header("x-amz-date", stamp())
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
            );
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = self.0.respond(parts, Ok(Bytes::from(body.to_string()))).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// As somebody who signs.
    async fn call_as(&self, signer: &Signer, operation: &str, body: Value) -> (u16, Value) {
        let body = body.to_string();
        let mut request = Request::post("/");
        for (name, value) in
            signer.headers("localhost", &format!("secretsmanager.{operation}"), body.as_bytes())
        {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = self.0.respond(parts, Ok(Bytes::from(body))).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn done(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.call(operation, body).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    #[track_caller]
    fn refused((status, answer): &(u16, Value), code: &str, text: &str) {
        let report = (*status, answer["__type"].as_str(), answer["Message"].as_str());
        assert_eq!(report, (400, Some(code), Some(text)));
    }
}

/// secretsmanager.md §6, TOK.
#[tokio::test]
async fn a_request_by_hand_must_bring_a_token() {
    let raw = Raw::new().await;
    let text = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
    let code = "InvalidRequestException";
    // None of these secrets is there: the token is missed first.
    let create = raw.call("CreateSecret", json!({"Name": "s", "SecretString": "v"})).await;
    Raw::refused(&create, code, text);
    let create = raw.call("CreateSecret", json!({"Name": "s", "SecretBinary": "dg=="})).await;
    Raw::refused(&create, code, text);
    Raw::refused(
        &raw.call("PutSecretValue", json!({"SecretId": "s", "SecretString": "v"})).await,
        code,
        text,
    );
    Raw::refused(&raw.call("UpdateSecret", json!({"SecretId": "s", "SecretString": "v"})).await, code, text);
    Raw::refused(&raw.call("UpdateSecret", json!({"SecretId": "s", "Description": "d"})).await, code, text);
    let rotate = raw.call("RotateSecret", json!({"SecretId": "s"})).await;
    Raw::refused(&rotate, "InvalidParameterException", text);
    let (_, none) = raw.call("ListSecrets", json!({})).await;
    assert_eq!(none["SecretList"], json!([]), "nothing was made");
    // Errors in the request's shape are reported first.
    let long = "x".repeat(65_537);
    for (operation, body) in [
        ("CreateSecret", json!({"Name": "", "SecretString": "v"})),
        ("CreateSecret", json!({"Name": "s", "SecretString": long})),
        ("PutSecretValue", json!({"SecretId": "s", "SecretString": ""})),
        ("UpdateSecret", json!({"SecretId": "s", "Description": "x".repeat(2049)})),
        ("UpdateSecret", json!({"Description": "d"})),
    ] {
        let (status, answer) = raw.call(operation, body).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some("ValidationException")), "{answer}");
    }
    // A secret without a value has no version to be named, and the token makes the rest work.
    raw.done("CreateSecret", json!({"Name": "empty"})).await;
    let made = raw
        .done("CreateSecret", json!({"Name": "s", "SecretString": "v", "ClientRequestToken": TOKEN}))
        .await;
    assert_eq!(made["VersionId"], TOKEN);
}

/// Members that may be empty by the service's model: empty is as absent.
#[tokio::test]
async fn an_empty_text_reads_back_as_absent() {
    let raw = Raw::new().await;
    raw.done("CreateSecret", json!({"Name": "s", "Description": "", "KmsKeyId": ""})).await;
    for operation in ["DescribeSecret", "ListSecrets"] {
        let report = raw.done(operation, json!({"SecretId": "s"})).await;
        let report = if operation == "ListSecrets" { report["SecretList"][0].clone() } else { report };
        assert_eq!(report["Name"], "s");
        assert!(report.get("Description").is_none() && report.get("KmsKeyId").is_none(), "{report}");
    }
    let update =
        |description: &str| json!({"SecretId": "s", "Description": description, "ClientRequestToken": TOKEN});
    raw.done("UpdateSecret", update("what it is for")).await;
    assert_eq!(raw.done("DescribeSecret", json!({"SecretId": "s"})).await["Description"], "what it is for");
    raw.done("UpdateSecret", update("")).await;
    assert!(raw.done("DescribeSecret", json!({"SecretId": "s"})).await.get("Description").is_none());
    // The value of a tag is no such member: it is there, and empty.
    raw.done("TagResource", json!({"SecretId": "s", "Tags": [{"Key": "k", "Value": ""}]})).await;
    let report = raw.done("DescribeSecret", json!({"SecretId": "s"})).await;
    assert_eq!(report["Tags"], json!([{"Key": "k", "Value": ""}]));
    raw.done("GetRandomPassword", json!({"ExcludeCharacters": ""})).await;
    // Members that may not be empty are refused by name.
    for (operation, member) in [
        ("ListSecrets", "nextToken"),
        ("ListSecretVersionIds", "nextToken"),
        ("GetSecretValue", "versionStage"),
        ("GetSecretValue", "versionId"),
        ("ValidateResourcePolicy", "secretId"),
    ] {
        let sent = format!("{}{}", member[..1].to_uppercase(), &member[1..]);
        let mut body = json!({"SecretId": "s", "ResourcePolicy": "{}"});
        body[sent] = json!("");
        let (status, answer) = raw.call(operation, body).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some("ValidationException")), "{answer}");
        let place = format!("Value '' at '{member}' failed to satisfy constraint: Member must have length");
        assert!(answer["Message"].as_str().unwrap().contains(&place), "{answer}");
    }
}

#[tokio::test]
async fn places_in_a_list_count_from_one() {
    let raw = Raw::new().await;
    raw.done("CreateSecret", json!({"Name": "s"})).await;
    let good = json!({"Key": "name", "Values": ["s"]});
    let long = "x".repeat(513);
    let cases = [
        ("ListSecrets", json!({"Filters": [{"Key": "nom", "Values": ["s"]}]}), "filters.1.member.key"),
        ("ListSecrets", json!({"Filters": [good, {"Key": "nom", "Values": ["s"]}]}), "filters.2.member.key"),
        (
            "BatchGetSecretValue",
            json!({"Filters": [{"Key": "nom", "Values": ["s"]}]}),
            "filters.1.member.key",
        ),
        (
            "ListSecrets",
            json!({"Filters": [good, {"Key": "name", "Values": ["s", long]}]}),
            "filters.2.member.values.2.member",
        ),
        ("BatchGetSecretValue", json!({"SecretIdList": [""]}), "secretIdList.1.member"),
        ("BatchGetSecretValue", json!({"SecretIdList": ["s", ""]}), "secretIdList.2.member"),
        ("CreateSecret", json!({"Name": "t", "Tags": [{"Key": "", "Value": ""}]}), "tags.1.member.key"),
        (
            "TagResource",
            json!({"SecretId": "s", "Tags": [{"Key": "k", "Value": "x".repeat(257)}]}),
            "tags.1.member.value",
        ),
        ("UntagResource", json!({"SecretId": "s", "TagKeys": ["k", ""]}), "tagKeys.2.member"),
        (
            "PutSecretValue",
            json!({"SecretId": "s", "SecretString": "v", "VersionStages": ["a", ""], "ClientRequestToken": TOKEN}),
            "versionStages.2.member",
        ),
    ];
    for (operation, body, place) in cases {
        let (status, answer) = raw.call(operation, body).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some("ValidationException")), "{answer}");
        let text = answer["Message"].as_str().unwrap();
        assert!(text.contains(&format!(" at '{place}' failed to satisfy constraint: ")), "{place}: {text}");
    }
}

/// access.md §7.
#[tokio::test]
async fn a_denial_names_the_resource_as_aws_does() {
    let raw = Raw::new().await;
    let arn = raw.done("CreateSecret", json!({"Name": "own"})).await["ARN"].as_str().unwrap().to_owned();
    let room = raw.0.room().await.unwrap();
    room.iam().create_user("alice").await.unwrap();
    let key = room.iam().directory().unwrap().access_keys().create(room.context(), "alice").await.unwrap();
    let alice = Signer::new(&key.id, key.secret.expose());
    let value = json!({"Name": "team/new", "SecretString": "v", "ClientRequestToken": TOKEN});
    for (operation, body, on) in [
        ("ListSecrets", json!({}), ""),
        ("BatchGetSecretValue", json!({"SecretIdList": ["own"]}), ""),
        ("GetRandomPassword", json!({}), " on resource: *"),
        ("CreateSecret", value, " on resource: team/new"),
        ("GetSecretValue", json!({"SecretId": "own"}), &format!(" on resource: {arn}")),
        ("GetSecretValue", json!({"SecretId": "none"}), " on resource: none"),
    ] {
        let action = format!("secretsmanager:{operation}");
        let text = format!(
            "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: {action}{on} because no identity-based policy allows the {action} action"
        );
        Raw::refused(&raw.call_as(&alice, operation, body).await, "AccessDeniedException", &text);
    }
    // An explicit denial is reported the same way.
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"secretsmanager:*","Resource":"*"}}"#;
    let alices = strongroom::IdentityRef::user("alice");
    room.iam().put_policy(alices, "none", deny).await.unwrap();
    let who = "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: secretsmanager";
    let text = format!("{who}:ListSecrets with an explicit deny in an identity-based policy");
    Raw::refused(&raw.call_as(&alice, "ListSecrets", json!({})).await, "AccessDeniedException", &text);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_told_with_the_key_services_reason() {
    let raw = Raw::new().await;
    raw.done("CreateSecret", json!({"Name": "s"})).await;
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let cases = [
        ("nonsense", "Invalid keyId 'nonsense'".to_owned()),
        (&format!("arn:aws:kms:eu-west-1:000000000000:key/{id}"), "Invalid arn eu-west-1".to_owned()),
        ("arn:aws:kms:eu-west-1:000000000000:alias/app", "Invalid arn eu-west-1".to_owned()),
        (id, format!("Key 'arn:aws:kms:us-east-1:000000000000:key/{id}' does not exist")),
        ("alias/none", "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.".to_owned()),
    ];
    for (key, reason) in cases {
        let text = format!("The operation failed because of an invalid KMS key: {reason}");
        for (operation, body) in [
            ("CreateSecret", json!({"Name": "new", "KmsKeyId": key})),
            (
                "CreateSecret",
                json!({"Name": "new", "KmsKeyId": key, "SecretString": "v", "ClientRequestToken": TOKEN}),
            ),
            ("UpdateSecret", json!({"SecretId": "s", "KmsKeyId": key, "ClientRequestToken": TOKEN})),
        ] {
            Raw::refused(&raw.call(operation, body).await, "InvalidParameterException", &text);
        }
    }
    let (_, listed) = raw.call("ListSecrets", json!({})).await;
    assert_eq!(listed["SecretList"].as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn a_deleted_secret_says_when_that_was_asked_for() {
    let raw = Raw::new().await;
    raw.done("CreateSecret", json!({"Name": "s"})).await;
    let now = || jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    let before = now();
    let deleted = raw.done("DeleteSecret", json!({"SecretId": "s", "RecoveryWindowInDays": 7})).await;
    let after = now();
    let report = raw.done("DescribeSecret", json!({"SecretId": "s"})).await;
    let listed = raw.done("ListSecrets", json!({"IncludePlannedDeletion": true})).await;
    for date in [&report["DeletedDate"], &listed["SecretList"][0]["DeletedDate"]] {
        let date = date.as_f64().unwrap();
        assert!((before..=after).contains(&date), "{before} {date} {after}");
        let end = deleted["DeletionDate"].as_f64().unwrap();
        assert!((end - date - 7.0 * 24.0 * 60.0 * 60.0).abs() < 0.001, "{date} {end}");
    }
    raw.done("RestoreSecret", json!({"SecretId": "s"})).await;
    assert!(raw.done("DescribeSecret", json!({"SecretId": "s"})).await.get("DeletedDate").is_none());
}
