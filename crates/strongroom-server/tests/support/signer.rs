//! Signed requests over a plain socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use strongroom_types::hex;

/// Who signs.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) region: String,
    /// Of a session.
    pub(crate) token: Option<String>,
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Now, as signatures have it.
pub(crate) fn stamp() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Signer {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), region: "us-east-1".to_owned(), token: None }
    }

    fn signature(&self, stamp: &str, day: &str, service: &str, canonical: &str) -> String {
        let scope = format!("{day}/{}/{service}/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), day.as_bytes());
        for part in [self.region.as_str(), service, "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        hex(&mac(&key, text.as_bytes()))
    }

    /// The headers of a signed request for an operation.
    pub(crate) fn headers(&self, host: &str, target: &str, body: &[u8]) -> Vec<(String, String)> {
        let stamp = stamp();
        self.headers_scoped(host, target, body, &stamp, &stamp[..8])
    }

    /// The same with a moment and a scope's date that need not fit.
    pub(crate) fn headers_scoped(
        &self,
        host: &str,
        target: &str,
        body: &[u8],
        stamp: &str,
        day: &str,
    ) -> Vec<(String, String)> {
        let service = if target.starts_with("Trent") { "kms" } else { "secretsmanager" };
        let (names, token) = match &self.token {
            Some(token) => (
                "host;x-amz-date;x-amz-security-token;x-amz-target",
                format!("x-amz-security-token:{token}\n"),
            ),
            None => ("host;x-amz-date;x-amz-target", String::new()),
        };
        let canonical = format!(
            "POST\n/\n\nhost:{host}\nx-amz-date:{stamp}\n{token}x-amz-target:{target}\n\n{names}\n{}",
            hex(&Sha256::digest(body))
        );
        let signature = self.signature(stamp, day, service, &canonical);
        let credential = format!("{}/{day}/{}/{service}/aws4_request", self.id, self.region);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        let mut headers = [
            ("Host", host),
            ("X-Amz-Date", stamp),
            ("X-Amz-Target", target),
            ("Authorization", &authorization),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        headers.extend(self.token.clone().map(|token| ("X-Amz-Security-Token".to_owned(), token)));
        headers
    }

    /// The headers of a signed form.
    pub(crate) fn form_headers(&self, host: &str, service: &str, body: &[u8]) -> Vec<(String, String)> {
        let stamp = stamp();
        let names = "host;x-amz-date";
        let digest = hex(&Sha256::digest(body));
        let canonical = format!("POST\n/\n\nhost:{host}\nx-amz-date:{stamp}\n\n{names}\n{digest}");
        let signature = self.signature(&stamp, &stamp[..8], service, &canonical);
        let credential = format!("{}/{}/{}/{service}/aws4_request", self.id, &stamp[..8], self.region);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        [("Host", host), ("X-Amz-Date", &stamp), ("Authorization", &authorization)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// The query of a signed URL for an operation whose body is not signed apart.
    pub(crate) fn query(&self, host: &str, target: &str, body: &[u8], expires: &str, stamp: &str) -> String {
        let credential = format!("{}/{}/{}/secretsmanager/aws4_request", self.id, &stamp[..8], self.region);
        let credential = credential.replace('/', "%2F");
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={stamp}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host%3Bx-amz-target"
        );
        let canonical = format!(
            "POST\n/\n{query}\nhost:{host}\nx-amz-target:{target}\n\nhost;x-amz-target\n{}",
            hex(&Sha256::digest(body))
        );
        format!(
            "{query}&X-Amz-Signature={}",
            self.signature(stamp, &stamp[..8], "secretsmanager", &canonical)
        )
    }
}

/// An answer: status and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// Sends bytes as they are and reads one answer.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<Answer> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let headers = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let status = headers[9..12].parse().unwrap();
                let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
                return Ok(Answer { status, headers, body });
            }
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A signed request for an operation, as it goes over the wire.
pub(crate) fn request(host: &str, signer: &Signer, target: &str, body: &str) -> String {
    let mut request = "POST / HTTP/1.1\r\n".to_owned();
    for (name, value) in signer.headers(host, target, body.as_bytes()) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!(
        "Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    request
}

/// A signed request for an operation, and its answer.
pub(crate) fn call(stream: &mut TcpStream, signer: &Signer, target: &str, body: &str) -> Answer {
    let host = stream.peer_addr().unwrap().to_string();
    exchange(stream, request(&host, signer, target, body).as_bytes()).unwrap()
}
