//! Requests of any kind, to a server that takes any credentials and to one that verifies them: an
//! answer of AWS's form, never a 500, and nobody comes in unsigned.
#![no_main]

use std::sync::OnceLock;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use libfuzzer_sys::{arbitrary, fuzz_target};
use strongroom_server::Server;
use tokio::runtime::Runtime;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    strict: bool,
    service: u8,
    operation: &'a str,
    query: &'a [u8],
    authorization: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
    token: Option<&'a [u8]>,
    body: &'a [u8],
}

struct House {
    runtime: Runtime,
    any: Server,
    strict: Server,
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let any = runtime.block_on(Server::builder().accept_any_credentials().open()).unwrap();
        let strict = runtime.block_on(Server::builder().open()).unwrap();
        House { runtime, any, strict }
    })
}

async fn answered(server: &Server, request: Request<()>, body: Vec<u8>) -> (u16, Bytes) {
    let (parts, ()) = request.into_parts();
    let answer = server.respond(parts, Ok(Bytes::from(body))).await;
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes())
}

fuzz_target!(|input: Input<'_>| {
    let house = house();
    let server = if input.strict { &house.strict } else { &house.any };
    let query = input.query.escape_ascii().to_string();
    let mut request = Request::builder().method(Method::POST).uri(format!("/?{query}")).header("host", "x");
    match input.service % 3 {
        0 => request = request.header("x-amz-target", format!("secretsmanager.{}", input.operation)),
        1 => request = request.header("x-amz-target", format!("TrentService.{}", input.operation)),
        _ => request = request.header("content-type", "application/x-www-form-urlencoded"),
    }
    let headers = [
        ("authorization", input.authorization),
        ("x-amz-date", input.date),
        ("x-amz-security-token", input.token),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    // Not a request that HTTP can carry.
    let Ok(request) = request.body(()) else { return };
    let (status, body) = house.runtime.block_on(answered(server, request, input.body.to_vec()));
    assert!(matches!(status, 200 | 400 | 403 | 404 | 501), "{status} {body:?}");
    assert!(!input.strict || status != 200, "nobody signed this: {body:?}");
    assert!(body.len() < 64 * 1024 + 4 * input.body.len());
    // What piles up is emptied now and then.
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    if COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 1024 == 1023 {
        let reset = Request::post("/_strongroom/reset").body(()).unwrap();
        house.runtime.block_on(answered(&house.any, reset, Vec::new()));
    }
});
