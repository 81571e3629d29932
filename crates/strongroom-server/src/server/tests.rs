//! What observers see of requests, and what a call's context contains.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::Request;
use strongroom::CreateUser;
use strongroom_types::{Clock as _, SystemClock, TlsInfo};

use super::*;

#[path = "../../tests/support/signer.rs"]
#[allow(dead_code, reason = "other tests take the rest")]
mod signer;
use signer::Signer;

/// Records what it observes.
#[derive(Clone, Default)]
struct Watching(Arc<Mutex<Vec<Seen>>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    id: String,
    operation: String,
    resource: Option<String>,
    source: Option<IpAddr>,
    agent: Option<String>,
    key: Option<String>,
    principal: Option<String>,
    code: Option<String>,
}

impl CallObserver for Watching {
    fn ended(&self, call: &WireCall<'_>, error: Option<&ApiError>, _taken: Duration) {
        let seen = Seen {
            id: call.id.to_string(),
            operation: call.operation().to_owned(),
            resource: call.resource().map(str::to_owned),
            source: call.connection.peer,
            agent: call.user_agent().map(str::to_owned),
            key: call.access_key_id().map(str::to_owned),
            principal: call.principal.clone(),
            code: error.map(|error| error.code.clone()),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

const KEY: &str = "AKIAEXAMPLE000001";
const PEER: &str = "192.0.2.7";
const GET: &str = "secretsmanager.GetSecretValue";
const DB: &str = r#"{"SecretId":"db"}"#;
const MAKE: &str =
    r#"{"Name":"db","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;

async fn watched() -> (Server, Watching) {
    let watching = Watching::default();
    let builder = Server::builder().access_key(KEY, SecretText::copy_from("secret"));
    let server = builder.deadline(Duration::from_secs(5)).observed_by(watching.clone()).open().await.unwrap();
    (server.for_peer(PEER.parse().unwrap()), watching)
}

fn owner() -> Signer {
    Signer::new(KEY, "secret")
}

/// The head of a signed request.
fn head(signer: &Signer, target: &str, body: &str) -> Parts {
    let mut request = Request::post("/").header("user-agent", "test/1");
    for (name, value) in signer.headers("localhost", target, body.as_bytes()) {
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

/// Sends a request. What was seen of it, its id being that of the answer.
async fn seen(server: &Server, watching: &Watching, head: Parts, body: Result<&str, BodyError>) -> Seen {
    let before = watching.0.lock().unwrap().len();
    let answer = server.respond(head, body.map(|text| Bytes::from(text.to_owned()))).await;
    let seen = watching.0.lock().unwrap().clone();
    assert_eq!(seen.len(), before + 1, "each request is observed once");
    let seen = seen.last().unwrap().clone();
    assert_eq!(answer.headers()["x-amzn-requestid"], seen.id);
    assert_eq!((seen.source, seen.agent.as_deref()), (PEER.parse().ok(), Some("test/1")));
    seen
}

#[tokio::test]
async fn every_request_is_told_of_once_whatever_becomes_of_it() {
    let (server, watching) = watched().await;
    let room = server.room().await.unwrap();
    let iam = room.iam();
    let directory = iam.directory().unwrap();
    directory.create_user(room.context(), CreateUser::new("eve")).await.unwrap();
    let made = directory.access_keys().create(room.context(), "eve").await.unwrap();
    let eve = Signer::new(&made.id, made.secret.expose());
    let root = Some("arn:aws:iam::000000000000:root");
    let (wrong, nobody) = (Signer::new(KEY, "wrong"), Signer::new("AKIAEXAMPLE000002", "secret"));
    let nonsense = "secretsmanager.Nonsense";
    let cases = [
        ("CreateSecret", &owner(), "secretsmanager.CreateSecret", MAKE, root, None),
        ("GetSecretValue", &owner(), GET, DB, root, None),
        ("GetSecretValue", &wrong, GET, DB, None, Some("InvalidSignatureException")),
        ("GetSecretValue", &nobody, GET, DB, None, Some("UnrecognizedClientException")),
        ("Nonsense", &owner(), nonsense, "{}", root, Some("UnknownOperationException")),
        ("GetSecretValue", &owner(), GET, "{", root, Some("SerializationException")),
        ("", &owner(), "nonsense", "{}", None, Some("UnknownOperationException")),
        (
            "GetSecretValue",
            &eve,
            GET,
            DB,
            Some("arn:aws:iam::000000000000:user/eve"),
            Some("AccessDeniedException"),
        ),
    ];
    for (operation, signer, target, body, principal, code) in cases {
        let seen = seen(&server, &watching, head(signer, target, body), Ok(body)).await;
        assert_eq!(seen.operation, operation, "{target} {code:?}");
        assert_eq!(seen.key.as_deref(), Some(signer.id.as_str()), "{target} {code:?}");
        assert_eq!(seen.principal.as_deref(), principal, "{target} {code:?}");
        assert_eq!(seen.code.as_deref(), code, "{target}");
        assert_eq!(seen.resource.as_deref(), body.contains("db").then_some("db"), "{target} {code:?}");
    }
    // A body that did not arrive, and a request of a web page.
    let seen_unread = seen(&server, &watching, head(&owner(), GET, DB), Err(BodyError::TooLong)).await;
    assert_eq!(seen_unread.code.as_deref(), Some("RequestEntityTooLargeException"));
    assert_eq!((seen_unread.key.as_deref(), seen_unread.operation.as_str()), (Some(KEY), "GetSecretValue"));
    let mut page = head(&owner(), GET, DB);
    page.headers.insert("origin", HeaderValue::from_static("http://evil.example"));
    let seen_page = seen(&server, &watching, page, Ok(DB)).await;
    assert_eq!((seen_page.code.as_deref(), seen_page.principal), (Some("AccessDeniedException"), None));
}

#[tokio::test]
async fn the_body_of_somebody_unknown_names_only_operations_that_exist() {
    let (server, watching) = watched().await;
    for (action, report) in [("AssumeRole", "AssumeRole"), ("hunter2", "")] {
        let body = format!("Action={action}&Version=2011-06-15");
        let stranger = Signer::new(KEY, "wrong");
        let mut request = Request::post("/").header("user-agent", "test/1");
        for (name, value) in stranger.form_headers("localhost", "sts", body.as_bytes()) {
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let seen = seen(&server, &watching, head, Ok(&body)).await;
        assert_eq!((seen.operation.as_str(), seen.principal), (report, None));
        assert_eq!(seen.code.as_deref(), Some("InvalidSignatureException"));
    }
}

/// What is known of a request before anybody looked at it.
struct Arrived {
    head: Parts,
    connection: Connection,
    id: Arc<str>,
    body: Arc<Bytes>,
}

impl Arrived {
    fn new(target: &str, body: &str) -> Self {
        let connection = Connection::new().peer(PEER.parse().unwrap());
        Self {
            head: head(&owner(), target, body),
            connection: connection.tls(TlsInfo::new("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
            id: "the id".into(),
            body: Arc::new(Bytes::from(body.to_owned())),
        }
    }

    fn call<'a>(&'a self, observers: &'a [Box<dyn CallObserver>]) -> WireCall<'a> {
        let wanted = Wanted::of(&self.head, &self.body);
        let from = (&self.head, &self.connection, &self.id);
        WireCall::new(observers, from, &self.body, wanted, sigv4::parse(&self.head), Instant::now())
    }
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_told_of_too() {
    let watching = Watching::default();
    let observers: Vec<Box<dyn CallObserver>> = vec![Box::new(watching.clone())];
    let arrived = Arrived::new(GET, DB);
    drop(arrived.call(&observers));
    let seen = watching.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].code.as_deref(), Some("ClientDisconnected"));
}

#[tokio::test]
async fn a_calls_context_knows_its_request_until_it_is_answered() {
    let (server, _) = watched().await;
    let body = MAKE.replace(r#""v""#, r#""the value""#);
    let arrived = Arrived::new("secretsmanager.CreateSecret", &body);
    let cx = server.admit(&arrived.call(&[])).await.unwrap().cx;
    let request = cx.request().unwrap();
    assert_eq!(cx.request_id(), Some("the id"));
    assert_eq!(request.access_key_id.as_deref(), Some(KEY));
    assert_eq!(request.tls, Some(TlsInfo::new("TLSv1.3", "TLS_AES_128_GCM_SHA256")));
    let facts = cx.facts().unwrap();
    assert_eq!((facts.source_ip, facts.secure_transport), (PEER.parse().ok(), Some(true)));
    assert_eq!(facts.user_agent.as_deref(), Some("test/1"));
    let left = cx.deadline().unwrap().as_millis() - SystemClock.now().as_millis();
    assert!((0..=5000).contains(&left), "{left}");
    let parameters = Arc::clone(request.parameters.as_ref().unwrap());
    assert_eq!(
        parameters.redacted_json(),
        r#"{"ClientRequestToken":"00000000-0000-4000-8000-000000000001","Name":"db"}"#
    );
    assert!(!format!("{cx:?}").contains("the value"));
    // A context may be kept. The body may not.
    drop(arrived);
    assert_eq!(parameters.redacted_json(), r#"{"omitted":true}"#);
}
