//! IAM and STS over the wire: forms that are refused, and answers that every parser of XML takes.

#![cfg(test)]

mod support;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use strongroom_server::Server;
use support::stamp;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}"#;
const READ: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#;

async fn any_credentials() -> Server {
    Server::builder().accept_any_credentials().open().await.unwrap()
}

/// A form with the root's credentials, and its answer.
async fn raw(server: &Server, service: &str, body: Vec<u8>) -> (u16, String) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=test/{}/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0",
        &stamp()[..8]
    );
    let request = Request::post("/")
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("x-amz-date", stamp())
        .header("authorization", authorization);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let answer = server.respond(parts, Ok(Bytes::from(body))).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn form(members: &[(&str, &str)]) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(members).append_pair("Version", "2010-05-08");
    form.finish().into_bytes()
}

/// The text of the first element of this name.
fn report(xml: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let found = document.descendants().find(|node| node.has_tag_name(name) || node.tag_name().name() == name);
    found.map(|node| node.text().unwrap_or_default().to_owned())
}

async fn answered(server: &Server, members: &[(&str, &str)]) -> (u16, String) {
    raw(server, "iam", form(members)).await
}

async fn succeeds(server: &Server, members: &[(&str, &str)]) -> String {
    let (status, body) = answered(server, members).await;
    assert_eq!(status, 200, "{members:?}: {body}");
    body
}

async fn refused(server: &Server, members: &[(&str, &str)]) -> (u16, String, String) {
    let (status, body) = answered(server, members).await;
    assert_ne!(status, 200, "{members:?}: {body}");
    (status, report(&body, "Code").unwrap(), report(&body, "Message").unwrap())
}

#[tokio::test]
async fn numbers_flags_and_lists_that_are_none_are_refused_and_change_nothing() {
    let server = any_credentials().await;
    let role = [("Action", "CreateRole"), ("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST)];
    let malformed: &[&[(&str, &str)]] = &[
        &[("MaxSessionDuration", "abc")],
        &[("MaxSessionDuration", "")],
        &[("MaxSessionDuration", "+3600")],
        &[("MaxSessionDuration", "3600.0")],
        &[("MaxSessionDuration", "0x1000")],
        &[("MaxSessionDuration", "99999999999999999999")],
        &[
            ("Tags.member.1.Key", "a"),
            ("Tags.member.1.Value", ""),
            ("Tags.member.3.Key", "b"),
            ("Tags.member.3.Value", ""),
        ],
        &[("Tags.member.2.Key", "a"), ("Tags.member.2.Value", "")],
        &[("Tags.member.0.Key", "a"), ("Tags.member.0.Value", "")],
        &[("Tags.member.01.Key", "a"), ("Tags.member.01.Value", "")],
        &[("Tags.member.x.Key", "a"), ("Tags.member.x.Value", "")],
        &[("Tags.1.Key", "a"), ("Tags.1.Value", "")],
        &[("Tags", "a")],
        &[("Tags.member.1.Key", "a"), ("Tags.member.1.Value", ""), ("Tags.member.1.Other", "")],
        &[("RoleName", "other")],
    ];
    for more in malformed {
        let (status, code, _) = refused(&server, &[&role[..], more].concat()).await;
        assert_eq!((status, code.as_str()), (400, "MalformedInput"), "{more:?}");
    }
    for (more, code) in [
        (("MaxSessionDuration", "3599"), "ValidationError"),
        (("MaxSessionDuration", "43201"), "ValidationError"),
        (("MaxSessionDuration", "-1"), "ValidationError"),
        (("Tags.member.1.Key", "a"), "MissingParameter"),
        (("Tags.member.1.Value", "a"), "MissingParameter"),
        (("Path", "/../"), "ValidationError"),
        (("Path", "/a/../../b/"), "ValidationError"),
        (("Path", "//"), "ValidationError"),
        (("Path", ""), "ValidationError"),
        // Whoever asks for what is not understood must not get something else.
        (("SomethingNew", "x"), "InvalidParameterCombination"),
    ] {
        let (status, given, text) = refused(&server, &[&role[..], &[more]].concat()).await;
        assert_eq!((status, given.as_str()), (400, code), "{more:?}: {text}");
    }
    for (flag, code) in [("yes", "MalformedInput"), ("", "MalformedInput"), ("1", "MalformedInput")] {
        let (_, given, _) = refused(&server, &[("Action", "ListPolicies"), ("OnlyAttached", flag)]).await;
        assert_eq!(given, code, "{flag}");
    }
    let names: Vec<_> = (1..=51)
        .map(|n| (format!("Tags.member.{n}.Key"), format!("Tags.member.{n}.Value"), format!("k{n}")))
        .collect();
    let mut many = role.to_vec();
    for (key, value, name) in &names {
        many.extend([(key.as_str(), name.as_str()), (value.as_str(), "v")]);
    }
    let (_, code, text) = refused(&server, &many).await;
    assert_eq!(
        (code.as_str(), text.as_str()),
        (
            "ValidationError",
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        )
    );
    let missing = refused(&server, &[("Action", "GetRole"), ("RoleName", "r")]).await;
    assert_eq!(missing, (404, "NoSuchEntity".to_owned(), "The role with name r cannot be found.".to_owned()));
    // A list of nothing is one.
    succeeds(&server, &[&role[..], &[("Tags", "")]].concat()).await;
}

#[tokio::test]
async fn sessions_with_members_that_are_not_understood_are_refused_by_name() {
    let server = any_credentials().await;
    for member in [
        "PolicyArns.member.1.arn",
        "TransitiveTagKeys.member.1",
        "SerialNumber",
        "TokenCode",
        "SourceIdentity",
        "ProvidedContexts.member.1.ProviderArn",
    ] {
        let body = form(&[
            ("Action", "AssumeRole"),
            ("RoleArn", "arn:aws:iam::000000000000:role/r"),
            ("RoleSessionName", "run"),
            (member, "x"),
        ]);
        let (status, body) = raw(&server, "sts", body).await;
        let name = member.split('.').next().unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(report(&body, "Message").unwrap().contains(name), "{body}");
    }
}

/// A member that has no parts is not read from one, and not passed over either: it could be what
/// limits the request.
#[tokio::test]
async fn a_part_of_a_member_that_has_none_is_refused_by_name() {
    let server = any_credentials().await;
    for member in ["Policy.member.1", "Policy.x", "ExternalId.x", "DurationSeconds.member.1"] {
        let body = form(&[
            ("Action", "AssumeRole"),
            ("RoleArn", "arn:aws:iam::000000000000:role/r"),
            ("RoleSessionName", "run"),
            (member, "{}"),
        ]);
        let (status, body) = raw(&server, "sts", body).await;
        assert!(status == 400 && report(&body, "Message").unwrap().contains(member), "{body}");
    }
    for member in ["PermissionsBoundary.member.1", "Path.x", "TagsOther.member.1.Key"] {
        let body = form(&[("Action", "CreateUser"), ("UserName", "u"), (member, "x")]);
        let (status, body) = raw(&server, "iam", body).await;
        let name = member.trim_end_matches(".member.1.Key");
        assert!(status == 400 && report(&body, "Message").unwrap().contains(name), "{body}");
    }
    let (status, _) = raw(&server, "iam", form(&[("Action", "GetUser"), ("UserName", "u")])).await;
    assert_eq!(status, 404, "nothing was made");
}

#[tokio::test]
async fn the_owner_lists_and_deletes_its_own_keys_without_naming_a_user() {
    let server = any_credentials().await;
    let room = server.room().await.unwrap();
    let iam = room.iam();
    let directory = iam.directory().unwrap();
    let before = server.owner_access_key().unwrap().0.to_owned();
    let listed = succeeds(&server, &[("Action", "ListAccessKeys")]).await;
    assert_eq!(report(&listed, "AccessKeyId").unwrap(), before);
    assert_eq!((report(&listed, "UserName"), report(&listed, "Status").unwrap().as_str()), (None, "Active"));
    let made = succeeds(&server, &[("Action", "CreateAccessKey")]).await;
    let made = report(&made, "AccessKeyId").unwrap();
    assert!(directory.credentials(&made).await.unwrap().is_some());
    succeeds(&server, &[("Action", "UpdateAccessKey"), ("AccessKeyId", &made), ("Status", "Inactive")]).await;
    assert!(directory.credentials(&made).await.unwrap().is_none());
    for id in [&before, &made] {
        succeeds(&server, &[("Action", "DeleteAccessKey"), ("AccessKeyId", id)]).await;
        assert!(directory.credentials(id).await.unwrap().is_none());
    }
    let gone = refused(&server, &[("Action", "DeleteAccessKey"), ("AccessKeyId", &before)]).await;
    assert_eq!(
        gone,
        (404, "NoSuchEntity".to_owned(), format!("The Access Key with id {before} cannot be found."))
    );
    let root = succeeds(&server, &[("Action", "GetUser")]).await;
    assert_eq!(report(&root, "Arn").unwrap(), "arn:aws:iam::000000000000:root");
    assert_eq!(report(&root, "UserId").unwrap(), "000000000000");
}

#[tokio::test]
async fn refusals_have_the_codes_and_statuses_of_aws() {
    let server = any_credentials().await;
    let user = |action: &'static str| [("Action", action), ("UserName", "alice")];
    succeeds(&server, &user("CreateUser")).await;
    let (status, code, text) = refused(&server, &user("CreateUser")).await;
    assert_eq!(
        (status, code.as_str(), text.as_str()),
        (409, "EntityAlreadyExists", "User with name alice already exists.")
    );
    let policy = [("PolicyName", "read"), ("PolicyDocument", READ)];
    succeeds(&server, &[&user("PutUserPolicy")[..], &policy].concat()).await;
    let (status, code, _) = refused(&server, &user("DeleteUser")).await;
    assert_eq!((status, code.as_str()), (409, "DeleteConflict"));
    let bad = [("PolicyName", "bad"), ("PolicyDocument", "{}")];
    let (status, code, _) = refused(&server, &[&user("PutUserPolicy")[..], &bad].concat()).await;
    assert_eq!((status, code.as_str()), (400, "MalformedPolicyDocument"));
    for _ in 0..2 {
        succeeds(&server, &user("CreateAccessKey")).await;
    }
    let (status, code, text) = refused(&server, &user("CreateAccessKey")).await;
    assert_eq!(
        (status, code.as_str(), text.as_str()),
        (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    );
    for arn in [
        "arn:aws:iam::000000000000:role/r",
        "arn:aws:s3:::bucket-of-somebody",
        "arn:aws:iam::000000000000:policy/",
    ] {
        let (status, code, text) = refused(&server, &[("Action", "GetPolicy"), ("PolicyArn", arn)]).await;
        assert_eq!(
            (status, code, text),
            (400, "InvalidInput".to_owned(), format!("ARN {arn} is not valid."))
        );
    }
    let (status, code, _) = refused(&server, &[("Action", "CreateGroup"), ("GroupName", "g")]).await;
    assert_eq!((status, code.as_str()), (400, "InvalidAction"));
    let encoded = succeeds(&server, &[&user("GetUserPolicy")[..], &policy[..1]].concat()).await;
    let encoded = report(&encoded, "PolicyDocument").unwrap();
    assert!(
        encoded.starts_with("%7B%22Version%22%3A%222012-10-17%22") && encoded.contains("%2A"),
        "{encoded}"
    );
}

const WORDS: [&str; 14] = [
    "\u{0}",
    "\u{1b}",
    "\u{7f}",
    "\u{fffe}",
    "\u{ffff}",
    "\r",
    "\r\n",
    "]]>",
    "<![CDATA[",
    "&amp;",
    "\"'",
    "\u{feff}",
    "\u{85}",
    "\u{10ffff}",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
        "[ -~]{0,8}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_xml_whatever_comes(texts in proptest::collection::vec(texts(), 4), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = any_server().await;
            let [one, two, three, four] = &texts[..] else { unreachable!() };
            for action in [one.as_str(), "CreateUser", "CreateRole", "ListUsers", "GetPolicy", "CreatePolicy", "UpdateAccessKey"] {
                let members = [
                    ("Action", action), ("UserName", two), ("RoleName", two), ("Path", three), ("PolicyArn", two),
                    ("PolicyName", three), ("PolicyDocument", four), ("Marker", three), (one, two),
                ];
                // One at a time, and all at once.
                for member in members.iter().skip(1) {
                    check(&raw(server, "iam", form(&[members[0], *member])).await);
                }
                check(&raw(server, "iam", form(&members)).await);
            }
            // What is described comes back.
            let role = format!("r{}", one.len());
            let described: String = two.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}')).collect();
            raw(server, "iam", form(&[("Action", "CreateRole"), ("RoleName", &role), ("AssumeRolePolicyDocument", TRUST)])).await;
            let update = [("Action", "UpdateRole"), ("RoleName", role.as_str()), ("Description", &described)];
            check(&raw(server, "iam", form(&update)).await);
            let (_, body) = raw(server, "iam", form(&[("Action", "GetRole"), ("RoleName", &role)])).await;
            assert_eq!(report(&body, "Description").unwrap_or_default(), described);
            // Bytes that are no text: lone surrogates, broken sequences.
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            for body in [format!("Action={escaped}"), format!("Action=GetUser&UserName={escaped}%ED%A0%80"), escaped] {
                check(&raw(server, "iam", body.clone().into_bytes()).await);
                check(&raw(server, "sts", body.into_bytes()).await);
            }
            check(&raw(server, "iam", bytes.clone()).await);
        });
    }
}

/// One server for all cases.
async fn any_server() -> &'static Server {
    static SERVER: tokio::sync::OnceCell<Server> = tokio::sync::OnceCell::const_new();
    SERVER.get_or_init(any_credentials).await
}

fn check((status, body): &(u16, String)) {
    assert!((200..500).contains(status), "{status} {body}");
    let document = roxmltree::Document::parse(body).unwrap_or_else(|error| panic!("{error}: {body:?}"));
    assert!(document.descendants().any(|node| node.tag_name().name() == "RequestId"), "{body}");
}
