//! Calls of a server in this process, signed by anybody.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use strongroom_server::Server;

use super::stamp;

/// The services that speak AWS's JSON, and how targets begin.
pub(crate) const TARGETS: [(&str, &str); 2] = [("kms", "TrentService"), ("secretsmanager", "secretsmanager")];

pub(crate) async fn any() -> Server {
    Server::builder().accept_any_credentials().open().await.unwrap()
}

pub(crate) async fn sent(
    server: &Server,
    service: &str,
    header: (&str, &str),
    body: impl Into<Bytes>,
) -> (u16, String) {
    let scope = format!("{}/us-east-1/{service}", &stamp()[..8]);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential=test/{scope}/aws4_request, SignedHeaders=host, Signature=0");
    let request = Request::post("/").header("host", "localhost").header("x-amz-date", stamp());
    let request = request.header("authorization", authorization).header(header.0, header.1);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let answer = server.respond(parts, Ok(body.into())).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// A call of an operation in AWS's JSON: the answer, or code and text of the error.
pub(crate) async fn call(
    server: &Server,
    service: &str,
    operation: &str,
    body: &Value,
) -> Result<Value, (String, String)> {
    let prefix = TARGETS.iter().find(|(name, _)| *name == service).unwrap().1;
    let target = format!("{prefix}.{operation}");
    let (status, report) = sent(server, service, ("x-amz-target", &target), body.to_string()).await;
    let report: Value = if report.is_empty() { Value::Null } else { serde_json::from_str(&report).unwrap() };
    if status == 200 {
        return Ok(report);
    }
    let text = report.get("message").or(report.get("Message")).and_then(Value::as_str).unwrap_or_default();
    Err((report["__type"].as_str().unwrap().to_owned(), text.to_owned()))
}

pub(crate) async fn kms(server: &Server, operation: &str, body: Value) -> Result<Value, (String, String)> {
    call(server, "kms", operation, &body).await
}

/// Makes a call in the Query protocol. Returns the status and the body.
pub(crate) async fn query(server: &Server, service: &str, form: &str) -> (u16, String) {
    sent(server, service, ("content-type", "application/x-www-form-urlencoded"), form.to_owned()).await
}
