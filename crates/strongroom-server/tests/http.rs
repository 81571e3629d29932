//! The versions of HTTP, bodies in pieces, and the server mounted in a program's own.

#![cfg(test)]

mod support;

use std::io::Write;
use std::net::TcpStream;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strongroom_server::{TestServer, test_server};
use support::{Signer, call, exchange, request};

fn owner(server: &TestServer) -> Signer {
    Signer::new(server.access_key_id(), server.secret_access_key().expose())
}

fn address(server: &TestServer) -> String {
    server.endpoint_url().replace("http://", "")
}

/// A signed request as HTTP/2 has it: the host is in its target, and no header.
fn over_http2(owner: &Signer, host: &str, target: &str, body: &str) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::post(format!("http://{host}/"));
    for (name, value) in owner.headers(host, target, body.as_bytes()) {
        if name != "Host" {
            request = request.header(name, value);
        }
    }
    request.body(Full::from(body.to_owned())).unwrap()
}

async fn report(response: http::Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let server = test_server().await.unwrap();
    let (owner, host) = (owner(&server), address(&server));
    let stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let create = over_http2(
        &owner,
        &host,
        "secretsmanager.CreateSecret",
        r#"{"Name":"db","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#,
    );
    assert_eq!(report(sender.send_request(create).await.unwrap()).await.0, 200);
    // Many at once over one connection.
    let mut answers = Vec::new();
    for _ in 0..50 {
        let get = over_http2(&owner, &host, "secretsmanager.GetSecretValue", r#"{"SecretId":"db"}"#);
        answers.push(sender.send_request(get));
    }
    for answer in answers {
        let (status, body) = report(answer.await.unwrap()).await;
        assert!(status == 200 && body.contains(r#""SecretString":"v""#), "{body}");
    }
    // The host is signed here too.
    let mut elsewhere = over_http2(&owner, &host, "secretsmanager.ListSecrets", "{}");
    *elsewhere.uri_mut() = "http://127.0.0.2/".parse().unwrap();
    let (status, body) = report(sender.send_request(elsewhere).await.unwrap()).await;
    assert!(status == 400 && body.contains("InvalidSignatureException"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_pieces() {
    let server = test_server().await.unwrap();
    let (owner, address) = (owner(&server), address(&server));
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        let body = r#"{"Name":"db","SecretString":"in pieces","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;
        let whole = request(&address, &owner, "secretsmanager.CreateSecret", body);
        let (head, _) = whole.split_once("Content-Length").unwrap();
        let (one, two) = body.split_at(10);
        let chunked = format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
            one.len(),
            two.len()
        );
        assert_eq!(exchange(&mut stream, chunked.as_bytes()).unwrap().status, 200);
        // One whose framing is none.
        for chunks in ["zz\r\nabc\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n", "3\r\nabcdef\r\n0\r\n\r\n"] {
            let mut broken = TcpStream::connect(&address).unwrap();
            let request = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}");
            let answer = exchange(&mut broken, request.as_bytes()).unwrap();
            assert_eq!(answer.status, 400, "{chunks:?}: {answer:?}");
        }
        // One that never says how long it will be.
        let mut endless = TcpStream::connect(&address).unwrap();
        write!(endless, "{head}Transfer-Encoding: chunked\r\n\r\n").unwrap();
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        for _ in 0..16 {
            endless.write_all(piece.as_bytes()).unwrap();
        }
        let answer = exchange(&mut endless, piece.as_bytes());
        assert!(answer.is_ok_and(|answer| answer.status == 413));
        let get = r#"{"SecretId":"db"}"#;
        let answer = call(&mut stream, &owner, "secretsmanager.GetSecretValue", get);
        assert!(answer.body.contains("in pieces"), "{answer:?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mounted_in_a_programs_own_server() {
    let server = test_server().await.unwrap();
    let (owner, service) = (owner(&server), server.server().clone().over_tls());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // A path of its own is the program's; everything else is AWS's.
    let router: axum::Router = axum::Router::new()
        .route("/hello", axum::routing::get(|| async { "hello" }))
        .fallback_service(service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let hello = exchange(&mut stream, b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!((hello.status, hello.body.as_str()), (200, "hello"));
        let made = call(
            &mut stream,
            &owner,
            "secretsmanager.CreateSecret",
            r#"{"Name":"db","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#,
        );
        assert_eq!(made.status, 200, "{made:?}");
    })
    .await
    .unwrap();
}
