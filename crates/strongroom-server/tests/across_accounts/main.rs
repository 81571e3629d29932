//! Callers of one account who name a secret or a key of another by its ARN (access.md §2.2).

#![cfg(test)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use strongroom_server::Server;

mod keys;
#[path = "../support/mod.rs"]
mod support;

use support::{Signer, stamp};

/// Whose the secrets and keys are.
const A: &str = "111122223333";
/// Who comes from elsewhere.
const B: &str = "444455556666";
/// An account that nobody has ever used.
const NOBODY: &str = "777788889999";

const DEFAULT_KEY: &str = "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";

/// Who calls: the root of an account, or who has an access key.
#[derive(Clone)]
enum Who {
    Root(&'static str),
    Key(Signer),
}

struct World {
    server: Server,
    tokens: AtomicU32,
}

type Told = (u16, Value);

impl World {
    async fn new() -> Self {
        let server = Server::builder().accept_any_credentials().open().await.unwrap();
        Self { server, tokens: AtomicU32::new(0) }
    }

    async fn on_disk(data: &Path) -> Self {
        let builder = Server::builder().accept_any_credentials();
        let server = builder.directory(data, data.join("root.key")).open().await.unwrap();
        Self { server, tokens: AtomicU32::new(0) }
    }

    async fn respond(
        &self,
        who: &Who,
        service: &str,
        target: Option<&str>,
        region: &str,
        body: String,
    ) -> (u16, String) {
        let mut request = Request::post("/");
        let credential =
            |id: &str| format!("Credential={id}/{}/{region}/{service}/aws4_request", &stamp()[..8]);
        match who {
            Who::Root(account) => {
                request = request.header("host", "localhost").header("x-amz-date", stamp());
                let signature =
                    format!("AWS4-HMAC-SHA256 {}, SignedHeaders=host, Signature=0", credential(account));
                request = request.header("authorization", signature);
                if let Some(target) = target {
                    request = request.header("x-amz-target", target);
                }
            }
            Who::Key(signer) => {
                let mut signer = signer.clone();
                signer.region = region.to_owned();
                for (name, value) in signer.headers("localhost", target.unwrap(), body.as_bytes()) {
                    request = request.header(name, value);
                }
            }
        }
        if target.is_none() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = self.server.respond(parts, Ok(Bytes::from(body))).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn call(&self, who: &Who, operation: &str, body: Value) -> Told {
        self.call_in("us-east-1", who, operation, body).await
    }

    /// `secretsmanager.X` where the operation says nothing else.
    async fn call_in(&self, region: &str, who: &Who, operation: &str, body: Value) -> Told {
        let (service, target) = match operation.strip_prefix("kms:") {
            Some(operation) => ("kms", format!("TrentService.{operation}")),
            None => ("secretsmanager", format!("secretsmanager.{operation}")),
        };
        let (status, report) = self.respond(who, service, Some(&target), region, body.to_string()).await;
        (status, serde_json::from_str(&report).unwrap_or(Value::Null))
    }

    async fn done(&self, who: &Who, operation: &str, body: Value) -> Value {
        let (status, report) = self.call(who, operation, body).await;
        assert_eq!(status, 200, "{operation}: {report}");
        report
    }

    async fn iam(&self, account: &'static str, service: &str, form: &[(&str, &str)]) -> String {
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, report) = self.respond(&Who::Root(account), service, None, "us-east-1", form).await;
        assert_eq!(status, 200, "{report}");
        report
    }

    /// A user of an account, by the key it signs with.
    async fn user(&self, account: &'static str, name: &str) -> Who {
        self.iam(account, "iam", &[("Action", "CreateUser"), ("UserName", name)]).await;
        self.key_of(account, name).await
    }

    async fn key_of(&self, account: &'static str, name: &str) -> Who {
        let report = self.iam(account, "iam", &[("Action", "CreateAccessKey"), ("UserName", name)]).await;
        Who::Key(Signer::new(&element(&report, "AccessKeyId"), &element(&report, "SecretAccessKey")))
    }

    async fn allow(&self, account: &'static str, user: &str, statements: &[Value]) {
        let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let form = [
            ("Action", "PutUserPolicy"),
            ("UserName", user),
            ("PolicyName", "p"),
            ("PolicyDocument", &document),
        ];
        self.iam(account, "iam", &form).await;
    }

    fn token(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// A secret of A, under a customer's key where one is named.
    async fn secret(&self, name: &str, value: &str, key: Option<&str>) -> String {
        let mut body = json!({"Name": name, "SecretString": value, "ClientRequestToken": self.token()});
        if let Some(key) = key {
            body["KmsKeyId"] = json!(key);
        }
        text(&self.done(&Who::Root(A), "CreateSecret", body).await["ARN"])
    }

    /// A key of an account whose policy lets principals use it.
    async fn key(&self, account: &'static str, principals: &[&str], actions: &[&str]) -> String {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": actions, "Resource": "*"},
        ]});
        let made =
            self.done(&Who::Root(account), "kms:CreateKey", json!({"Policy": policy.to_string()})).await;
        text(&made["KeyMetadata"]["Arn"])
    }

    /// A's policy on a secret of its.
    async fn policy(&self, secret: &str, principal: Value, actions: &[&str]) {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"},
        ]});
        let body = json!({"SecretId": secret, "ResourcePolicy": policy.to_string()});
        self.done(&Who::Root(A), "PutResourcePolicy", body).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
}

fn can(actions: &[&str]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

#[track_caller]
fn denied((status, report): &Told) {
    assert_eq!((*status, report["__type"].as_str()), (400, Some("AccessDeniedException")), "{report}");
}

#[track_caller]
fn denied_for((status, report): &Told, reason: &str) {
    denied(&(*status, report.clone()));
    let text = report["Message"].as_str().or(report["message"].as_str());
    assert!(text.is_some_and(|text| text.contains(reason)), "{reason}: {report}");
}

const SECRETS: &[&str] = &["secretsmanager:*"];
const USES: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:DescribeKey"];

#[tokio::test]
async fn what_both_accounts_allow_is_reached_by_arn() {
    let world = World::new().await;
    let (a, b) = (Who::Root(A), Who::Root(B));
    let key = world.key(A, &[B], USES).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    let own = || json!({"SecretId": arn});
    world.policy("db", json!({"AWS": B}), SECRETS).await;
    assert_eq!(world.done(&b, "GetSecretValue", own()).await["SecretString"], "one");
    let report = world.done(&b, "DescribeSecret", own()).await;
    assert_eq!((&report["ARN"], &report["KmsKeyId"]), (&json!(arn), &json!(key)));
    world.done(&b, "TagResource", json!({"SecretId": arn, "Tags": [{"Key": "by", "Value": "b"}]})).await;
    assert_eq!(world.done(&a, "DescribeSecret", own()).await["Tags"][0]["Value"], "b");
    world.done(&b, "UntagResource", json!({"SecretId": arn, "TagKeys": ["by"]})).await;
    assert_eq!(world.done(&b, "ListSecretVersionIds", own()).await["Versions"][0]["KmsKeyIds"], json!([key]));
    let policy = text(&world.done(&b, "GetResourcePolicy", own()).await["ResourcePolicy"]);
    world.done(&b, "PutResourcePolicy", json!({"SecretId": arn, "ResourcePolicy": policy})).await;
    let validated = json!({"SecretId": arn, "ResourcePolicy": policy});
    assert_eq!(world.done(&b, "ValidateResourcePolicy", validated).await["PolicyValidationPassed"], true);
    let put = json!({"SecretId": arn, "SecretString": "two", "ClientRequestToken": world.token()});
    let made = world.done(&b, "PutSecretValue", put).await;
    assert_eq!(made["ARN"], json!(arn));
    let update = json!({"SecretId": arn, "SecretString": "three", "ClientRequestToken": world.token()});
    world.done(&b, "UpdateSecret", update).await;
    let moved = json!({"SecretId": arn, "VersionStage": "mine", "MoveToVersionId": made["VersionId"]});
    world.done(&b, "UpdateSecretVersionStage", moved).await;
    assert_eq!(world.done(&a, "GetSecretValue", own()).await["SecretString"], "three", "it is A's secret");
    world.done(&b, "DeleteSecret", own()).await;
    world.done(&b, "RestoreSecret", own()).await;
    world.done(&b, "DeleteResourcePolicy", own()).await;
    denied_for(&world.call(&b, "DescribeSecret", own()).await, "because no resource-based policy allows");
    // What is listed is the caller's own account's, whatever else the request holds; and there is
    // none of the name.
    for body in [json!({}), own()] {
        assert_eq!(world.done(&b, "ListSecrets", body).await["SecretList"], json!([]));
    }
    let (_, report) = world.call(&b, "DescribeSecret", json!({"SecretId": "db"})).await;
    assert_eq!(report["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn a_root_of_elsewhere_reaches_nothing_that_no_policy_gives() {
    let world = World::new().await;
    let b = Who::Root(B);
    let key = world.key(A, &[A], &["kms:*"]).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    world.done(&Who::Root(A), "kms:CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await;
    let sealed = world.done(&Who::Root(A), "kms:Encrypt", json!({"KeyId": key, "Plaintext": "dg=="})).await;
    let blob = text(&sealed["CiphertextBlob"]);
    let token = world.token();
    for (operation, more) in [
        ("GetSecretValue", json!({})),
        ("DescribeSecret", json!({})),
        ("ListSecretVersionIds", json!({})),
        ("GetResourcePolicy", json!({})),
        ("PutResourcePolicy", json!({"ResourcePolicy": "{}"})),
        ("DeleteResourcePolicy", json!({})),
        ("ValidateResourcePolicy", json!({"ResourcePolicy": "{}"})),
        ("TagResource", json!({"Tags": [{"Key": "k", "Value": "v"}]})),
        ("UntagResource", json!({"TagKeys": ["k"]})),
        ("PutSecretValue", json!({"SecretString": "x", "ClientRequestToken": token})),
        ("UpdateSecret", json!({"Description": "x", "ClientRequestToken": token})),
        ("UpdateSecretVersionStage", json!({"VersionStage": "x", "MoveToVersionId": token})),
        ("DeleteSecret", json!({"ForceDeleteWithoutRecovery": true})),
        ("RestoreSecret", json!({})),
    ] {
        let mut body = more;
        body["SecretId"] = json!(arn);
        let report = world.call(&b, operation, body.clone()).await;
        denied_for(&report, "because no resource-based policy allows");
        // One that is not there is answered alike, and so is an account that is not.
        for other in [arn.replace("db-", "no-"), arn.replace(A, NOBODY)] {
            body["SecretId"] = json!(other);
            let there = report.1["Message"].as_str().unwrap().replace(&arn, &other);
            let report = world.call(&b, operation, body.clone()).await;
            assert_eq!(report.1["Message"].as_str().unwrap(), there, "{operation}");
        }
    }
    assert_eq!(
        world.done(&Who::Root(A), "GetSecretValue", json!({"SecretId": "db"})).await["SecretString"],
        "one"
    );
    let alias = format!("arn:aws:kms:us-east-1:{A}:alias/a");
    for named in [key.clone(), alias, key.replace(A, NOBODY)] {
        for (operation, more) in [
            ("Encrypt", json!({"Plaintext": "dg=="})),
            ("Decrypt", json!({"CiphertextBlob": blob})),
            ("DescribeKey", json!({})),
            ("GenerateDataKey", json!({"KeySpec": "AES_256"})),
            ("GenerateDataKeyWithoutPlaintext", json!({"KeySpec": "AES_256"})),
            ("GenerateMac", json!({"Message": "dg==", "MacAlgorithm": "HMAC_SHA_256"})),
            ("VerifyMac", json!({"Message": "dg==", "Mac": "dg==", "MacAlgorithm": "HMAC_SHA_256"})),
            ("ReEncrypt", json!({"CiphertextBlob": blob, "SourceKeyId": named, "DestinationKeyId": named})),
        ] {
            let mut body = more;
            body["KeyId"] = json!(named);
            denied_for(
                &world.call(&b, &format!("kms:{operation}"), body).await,
                "because the resource does not exist in this Region",
            );
        }
        if named.contains(":key/") {
            let grant = json!({"KeyId": named, "GranteePrincipal": format!("arn:aws:iam::{B}:root"), "Operations": ["Decrypt"]});
            denied(&world.call(&b, "kms:CreateGrant", grant).await);
            denied(&world.call(&b, "kms:ListGrants", json!({"KeyId": named})).await);
            denied(&world.call(&b, "kms:GetKeyRotationStatus", json!({"KeyId": named})).await);
        }
    }
    // A blob alone leads nowhere either.
    denied(&world.call(&b, "kms:Decrypt", json!({"CiphertextBlob": blob})).await);
}

#[tokio::test]
async fn a_user_of_elsewhere_needs_both_sides() {
    let world = World::new().await;
    let key = world.key(A, &[B], USES).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    let get = || json!({"SecretId": arn});
    let bob = world.user(B, "bob").await;
    // Whoever has the same name in A, or in the server's own account, is somebody else.
    for account in [A, "000000000000"] {
        world.user(account, "bob").await;
        world.allow(account, "bob", &[can(&["*"])]).await;
    }
    world.policy("db", json!({"AWS": B}), SECRETS).await;
    denied_for(&world.call(&bob, "GetSecretValue", get()).await, "because no identity-based policy allows");
    world.policy("db", json!("*"), SECRETS).await;
    denied_for(&world.call(&bob, "GetSecretValue", get()).await, "because no identity-based policy allows");
    world.policy("db", json!({"AWS": format!("arn:aws:iam::{B}:user/bob")}), SECRETS).await;
    denied_for(&world.call(&bob, "GetSecretValue", get()).await, "because no identity-based policy allows");
    // The secret, then the key: each by both.
    world.allow(B, "bob", &[can(SECRETS)]).await;
    denied_for(&world.call(&bob, "GetSecretValue", get()).await, "Access to KMS is not allowed");
    assert_eq!(world.done(&bob, "DescribeSecret", get()).await["Name"], "db");
    world.allow(B, "bob", &[can(SECRETS), can(&["kms:Decrypt"])]).await;
    assert_eq!(world.done(&bob, "GetSecretValue", get()).await["SecretString"], "one");
    let put = json!({"SecretId": arn, "SecretString": "x", "ClientRequestToken": world.token()});
    denied_for(&world.call(&bob, "PutSecretValue", put).await, "Access to KMS is not allowed");
    // What its own account denies stays denied.
    let deny = json!({"Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": arn});
    world.allow(B, "bob", &[can(&["*"]), deny]).await;
    denied_for(
        &world.call(&bob, "GetSecretValue", get()).await,
        "with an explicit deny in an identity-based policy",
    );
    world.allow(B, "bob", &[can(&["*"])]).await;
    world.done(&bob, "GetSecretValue", get()).await;
    // A's policy without B: nothing.
    world.policy("db", json!({"AWS": A}), SECRETS).await;
    denied_for(&world.call(&bob, "GetSecretValue", get()).await, "because no resource-based policy allows");
}

/// A boundary is a document of the caller's own account, as every other.
#[tokio::test]
async fn a_boundary_of_the_callers_account_limits_it_elsewhere() {
    let world = World::new().await;
    let key = world.key(A, &[B], USES).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    world.policy("db", json!({"AWS": B}), SECRETS).await;
    let boundary = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
    for boundary in [None, Some(boundary)] {
        let name = if boundary.is_some() { "bound" } else { "free" };
        let mut form = vec![("Action", "CreateUser"), ("UserName", name)];
        form.extend(boundary.map(|boundary| ("PermissionsBoundary", boundary)));
        world.iam(B, "iam", &form).await;
        world.allow(B, name, &[can(&["*"])]).await;
        let who = world.key_of(B, name).await;
        let report = world.call(&who, "GetSecretValue", json!({"SecretId": arn})).await;
        match boundary {
            None => assert_eq!(report.0, 200, "{}", report.1),
            Some(_) => denied_for(&report, "because no permissions boundary allows"),
        }
    }
}

/// access.md §3: principals are bound to the unique id at the time the policy is put, those of
/// other accounts too.
#[tokio::test]
async fn who_is_made_again_elsewhere_is_another() {
    let world = World::new().await;
    let key = world.key(A, &[B], USES).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    let bob = world.user(B, "bob").await;
    world.allow(B, "bob", &[can(&["*"])]).await;
    world.policy("db", json!({"AWS": format!("arn:aws:iam::{B}:user/bob")}), SECRETS).await;
    world.done(&bob, "GetSecretValue", json!({"SecretId": arn})).await;
    let Who::Key(signer) = &bob else { panic!("a user has a key") };
    world
        .iam(B, "iam", &[("Action", "DeleteAccessKey"), ("UserName", "bob"), ("AccessKeyId", &signer.id)])
        .await;
    world.iam(B, "iam", &[("Action", "DeleteUserPolicy"), ("UserName", "bob"), ("PolicyName", "p")]).await;
    world.iam(B, "iam", &[("Action", "DeleteUser"), ("UserName", "bob")]).await;
    let again = world.user(B, "bob").await;
    world.allow(B, "bob", &[can(&["*"])]).await;
    denied(&world.call(&again, "GetSecretValue", json!({"SecretId": arn})).await);
    // In an account that is there, somebody who is not cannot be named.
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal":
        {"AWS": format!("arn:aws:iam::{B}:user/none")}, "Action": "secretsmanager:*", "Resource": "*"}]});
    let body = json!({"SecretId": "db", "ResourcePolicy": policy.to_string()});
    let (_, report) = world.call(&Who::Root(A), "PutResourcePolicy", body).await;
    assert_eq!(report["Message"], "This resource policy contains an unsupported principal.", "{report}");
}

#[tokio::test]
async fn a_session_of_a_role_comes_from_its_own_account() {
    let world = World::new().await;
    let key = world.key(A, &[B], USES).await;
    let arn = world.secret("db", "one", Some(&key)).await;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": B}, "Action": "sts:AssumeRole"}]})
    .to_string();
    let form = [("Action", "CreateRole"), ("RoleName", "reader"), ("AssumeRolePolicyDocument", &trust)];
    world.iam(B, "iam", &form).await;
    let rights = json!({"Version": "2012-10-17", "Statement": [can(&["*"])]}).to_string();
    let form = [
        ("Action", "PutRolePolicy"),
        ("RoleName", "reader"),
        ("PolicyName", "p"),
        ("PolicyDocument", &rights),
    ];
    world.iam(B, "iam", &form).await;
    // Roots assume no roles: a user does, in the library, as the wire would.
    let bob = world.user(B, "bob").await;
    world.allow(B, "bob", &[can(&["sts:AssumeRole"])]).await;
    let Who::Key(signer) = &bob else { panic!("a user has a key") };
    let session = assume(&world, signer, &format!("arn:aws:iam::{B}:role/reader")).await;
    denied(&world.call(&session, "GetSecretValue", json!({"SecretId": arn})).await);
    world.policy("db", json!({"AWS": format!("arn:aws:iam::{B}:role/reader")}), SECRETS).await;
    assert_eq!(world.done(&session, "GetSecretValue", json!({"SecretId": arn})).await["SecretString"], "one");
    denied(&world.call(&bob, "GetSecretValue", json!({"SecretId": arn})).await);
}

async fn assume(world: &World, signer: &Signer, role: &str) -> Who {
    let form =
        [("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "run"), ("Version", "2011-06-15")];
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in signer.form_headers("localhost", "sts", body.as_bytes()) {
        request = request.header(name, value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let answer = world.server.respond(parts, Ok(Bytes::from(body))).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let report = String::from_utf8(body.to_vec()).unwrap();
    let mut signer = Signer::new(&element(&report, "AccessKeyId"), &element(&report, "SecretAccessKey"));
    signer.token = Some(element(&report, "SessionToken"));
    Who::Key(signer)
}

#[tokio::test]
async fn the_default_key_is_for_its_own_account() {
    let world = World::new().await;
    let b = Who::Root(B);
    let arn = world.secret("db", "one", None).await;
    world.policy("db", json!({"AWS": B}), SECRETS).await;
    let own = || json!({"SecretId": arn});
    let put = || json!({"SecretId": arn, "SecretString": "x", "ClientRequestToken": world.token()});
    for report in [
        world.call(&b, "GetSecretValue", own()).await,
        world.call(&b, "PutSecretValue", put()).await,
        world.call(&b, "UpdateSecret", put()).await,
    ] {
        let report = (report.0, text(&report.1["__type"]), text(&report.1["Message"]));
        assert_eq!(report, (400, "InvalidRequestException".to_owned(), DEFAULT_KEY.to_owned()));
    }
    for operation in ["DescribeSecret", "GetResourcePolicy", "ListSecretVersionIds"] {
        world.done(&b, operation, own()).await;
    }
    world.done(&b, "TagResource", json!({"SecretId": arn, "Tags": [{"Key": "k", "Value": "v"}]})).await;
    world.done(&b, "DeleteSecret", own()).await;
}

#[tokio::test]
async fn a_batch_may_name_secrets_of_several_accounts() {
    let world = World::new().await;
    let b = Who::Root(B);
    let key = world.key(A, &[B], USES).await;
    let (open, shut) =
        (world.secret("open", "theirs", Some(&key)).await, world.secret("shut", "x", Some(&key)).await);
    world.policy("open", json!({"AWS": B}), SECRETS).await;
    let mine = json!({"Name": "mine", "SecretString": "own", "ClientRequestToken": world.token()});
    world.done(&b, "CreateSecret", mine).await;
    let unknown = open.replace(A, NOBODY);
    let asked = json!({"SecretIdList": [open, "mine", shut, unknown, "none"]});
    let report = world.done(&b, "BatchGetSecretValue", asked.clone()).await;
    let mut values: Vec<_> =
        report["SecretValues"].as_array().unwrap().iter().map(|one| text(&one["SecretString"])).collect();
    values.sort();
    assert_eq!(values, ["own", "theirs"]);
    let codes: Vec<_> = report["Errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["SecretId"]), text(&one["ErrorCode"])))
        .collect();
    let refused = |id: &str, code: &str| (id.to_owned(), code.to_owned());
    assert_eq!(
        codes,
        [
            refused(&shut, "AccessDeniedException"),
            refused(&unknown, "AccessDeniedException"),
            refused("none", "ResourceNotFoundException")
        ]
    );
    // Whether a batch may be asked for at all is the caller's own account's to say; so is each
    // value of another's.
    let bob = world.user(B, "bob").await;
    world.allow(B, "bob", &[can(&["secretsmanager:GetSecretValue", "kms:*"])]).await;
    denied(&world.call(&bob, "BatchGetSecretValue", asked.clone()).await);
    world.allow(B, "bob", &[can(&["secretsmanager:BatchGetSecretValue"])]).await;
    let report = world.done(&bob, "BatchGetSecretValue", asked).await;
    assert_eq!(report["SecretValues"], json!([]));
}

fn kept(data: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for account in std::fs::read_dir(data).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for region in std::fs::read_dir(account.path()).unwrap().flatten() {
            found.push(format!(
                "{}/{}",
                account.file_name().to_str().unwrap(),
                region.file_name().to_str().unwrap()
            ));
        }
    }
    found.sort();
    found
}

/// An ARN makes no account, and no region in one; what is there is found again after a new start,
/// from any account.
#[tokio::test]
async fn nothing_is_made_by_being_named_and_everything_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (arn, signer, before);
    {
        let world = World::on_disk(&data).await;
        let key = world.key(A, &[B], USES).await;
        arn = world.secret("db", "one", Some(&key)).await;
        world.policy("db", json!({"AWS": B}), SECRETS).await;
        let Who::Key(bob) = world.user(B, "bob").await else { panic!("a user has a key") };
        world.allow(B, "bob", &[can(&["*"])]).await;
        signer = bob;
        before = kept(&data);
        assert_eq!(before, ["000000000000/us-east-1", "111122223333/us-east-1", "444455556666/us-east-1"]);
    }
    let world = World::on_disk(&data).await;
    let bob = Who::Key(signer);
    // Neither B's nor A's room is open yet.
    assert_eq!(world.done(&bob, "GetSecretValue", json!({"SecretId": arn})).await["SecretString"], "one");
    let (b, key) =
        (Who::Root(B), format!("arn:aws:kms:us-east-1:{NOBODY}:key/1234abcd-12ab-34cd-56ef-1234567890ab"));
    for id in [arn.replace(A, NOBODY), arn.replace(A, "999999999999")] {
        denied(&world.call(&b, "GetSecretValue", json!({"SecretId": id})).await);
        denied(&world.call(&bob, "GetSecretValue", json!({"SecretId": id})).await);
        let put = json!({"SecretId": id, "SecretString": "x", "ClientRequestToken": world.token()});
        denied(&world.call(&b, "PutSecretValue", put).await);
        world.done(&b, "BatchGetSecretValue", json!({"SecretIdList": [id]})).await;
    }
    denied(&world.call(&b, "kms:Encrypt", json!({"KeyId": key, "Plaintext": "dg=="})).await);
    denied(
        &world
            .call(
                &b,
                "kms:DescribeKey",
                json!({"KeyId": format!("arn:aws:kms:us-east-1:{NOBODY}:alias/aws/secretsmanager")}),
            )
            .await,
    );
    // A region that A has never used; B's own is the caller's, and is made where it is needed only.
    let there = arn.replace("us-east-1", "eu-west-1");
    denied(&world.call_in("eu-west-1", &b, "GetSecretValue", json!({"SecretId": there})).await);
    assert_eq!(kept(&data), before);
    // The same of a server that knows its callers.
    drop(world);
    let server = Server::builder().directory(&data, data.join("root.key")).open().await.unwrap();
    let (id, secret) = server.owner_access_key().unwrap();
    let owner = Who::Key(Signer::new(id, secret.expose()));
    let strict = World { server: server.clone(), tokens: AtomicU32::new(100) };
    denied(&strict.call(&owner, "GetSecretValue", json!({"SecretId": arn.replace(A, NOBODY)})).await);
    denied(&strict.call(&owner, "GetSecretValue", json!({"SecretId": arn})).await);
    assert_eq!(kept(&data), before);
    // There nobody but its own account's users is let in.
    let (_, report) = strict.call(&bob, "GetSecretValue", json!({"SecretId": arn})).await;
    assert_eq!(report["__type"], "UnrecognizedClientException");
}
