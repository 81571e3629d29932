//! What of clients' secrets is left in a server's memory once they are gone: read from
//! `/proc/PID/mem`.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use support::process::{Server, start, with_key};
use support::{Signer, call};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const SECRETS: usize = 200;

/// A value that stands nowhere else. Half of them need unescaping, so that a parser has to copy.
fn value(way: &str, n: usize) -> String {
    format!("residue-{way}-{n:04}-{:016x}", (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn body(way: &str, n: usize) -> String {
    let escape = if n.is_multiple_of(2) { "" } else { "\\n" };
    // As long as a real one, so that buffers grow.
    let padding = "p".repeat(n * 37 % 6000);
    let token = format!("{way:0>28}{n:04}");
    format!(
        r#"{{"Name":"{way}/{n}","SecretString":"{escape}{}{padding}","ClientRequestToken":"{token}"}}"#,
        value(way, n)
    )
}

/// How many of the values stand in the memory of a process.
fn left(server: &Server, way: &str) -> usize {
    let id = server.child.id();
    let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{id}/mem")).unwrap();
    let needle = format!("residue-{way}-");
    let mut found = std::collections::BTreeSet::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_whitespace().next().unwrap().split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(address(to) - address(from)).unwrap()];
        memory.seek(SeekFrom::Start(address(from))).unwrap();
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for at in memchr::memmem::find_iter(&bytes, &needle) {
            let number = bytes.get(at + needle.len()..at + needle.len() + 4);
            found.extend(number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok()));
        }
    }
    found.len()
}

fn started(more: &[&str]) -> (Server, Signer) {
    // Readable for a test that is not root.
    let (mut command, signer) = with_key(&[&["--core-dumps", "--log-level", "trace"], more].concat());
    command.stderr(std::process::Stdio::null());
    (start(&mut command), signer)
}

#[test]
fn nothing_of_200_values_is_left_after_http_1() {
    let (server, signer) = started(&[]);
    let mut stream = server.connect();
    for n in 0..SECRETS {
        let answer = call(&mut stream, &signer, "secretsmanager.CreateSecret", &body("plain", n));
        assert_eq!(answer.status, 200, "{answer:?}");
        if n % 3 == 0 {
            let id = format!(r#"{{"SecretId":"plain/{n}"}}"#);
            let answer = call(&mut stream, &signer, "secretsmanager.GetSecretValue", &id);
            assert!(answer.body.contains(&value("plain", n)));
        }
        if n % 50 == 0 {
            stream = server.connect();
        }
    }
    drop(stream);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(left(&server, "plain"), 0);
}

/// That the look at memory finds what is there: a request that has not arrived whole.
#[test]
fn a_value_that_is_still_there_is_found() {
    use std::io::Write;
    let (server, signer) = started(&[]);
    let mut stream = server.connect();
    let body = body("there", 7);
    let whole = support::request(&server.address, &signer, "secretsmanager.CreateSecret", &body);
    stream.write_all(&whole.as_bytes()[..whole.len() - 1]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(left(&server, "there"), 1);
}

#[test]
fn nothing_of_200_values_is_left_after_http_2_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = (file("cert.pem", &certificate.pem()), file("key.pem", &key.serialize_pem()));
    let (server, signer) = started(&["--tls-cert", &certificate, "--tls-key", &key]);
    for protocol in ["h2", "http/1.1"] {
        let way = if protocol == "h2" { "h2" } else { "tls" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(over_tls(&server, &signer, &certificate, protocol, way));
        drop(runtime);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(left(&server, way), 0, "{protocol}");
    }
}

async fn over_tls(server: &Server, signer: &Signer, certificate: &str, protocol: &str, way: &str) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let stream = tokio::net::TcpStream::connect(&server.address).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let host = "localhost";
    let request = |n: usize| {
        let body = body(way, n);
        let two = protocol == "h2";
        let mut request = http::Request::post(if two { format!("https://{host}/") } else { "/".to_owned() });
        for (name, value) in signer.headers(host, "secretsmanager.CreateSecret", body.as_bytes()) {
            if !(two && name == "Host") {
                request = request.header(name, value);
            }
        }
        request.body(Full::<Bytes>::from(body)).unwrap()
    };
    let io = TokioIo::new(stream);
    if protocol == "h2" {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        let connection = tokio::spawn(connection);
        for n in 0..SECRETS {
            let answer = sender.send_request(request(n)).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap();
        }
        drop(sender);
        let _ = connection.await;
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let connection = tokio::spawn(connection);
        for n in 0..SECRETS {
            sender.ready().await.unwrap();
            let answer = sender.send_request(request(n)).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap();
        }
        drop(sender);
        let _ = connection.await;
    }
}
