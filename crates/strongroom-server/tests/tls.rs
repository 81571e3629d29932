//! TLS, with a real client and a certificate of a real authority.

#![cfg(test)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use strongroom_server::{Server, Tls, test_server};
use support::clients::{client, python, scripts, succeeds};
use support::process::{command, start, with_key_at};

/// What an authority gave a server: the authority's certificate, the server's, its key, in PEM.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
}

fn papers() -> Papers {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    Papers { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

impl Papers {
    /// Their files below a directory: authority, certificate, key.
    fn write(&self, directory: &Path) -> [String; 3] {
        [("ca.pem", &self.authority), ("cert.pem", &self.certificate), ("key.pem", &self.key)].map(
            |(name, text)| {
                let file = directory.join(name);
                std::fs::write(&file, text).unwrap();
                file.to_str().unwrap().to_owned()
            },
        )
    }
}

#[test]
fn boto3_over_tls_beyond_loopback() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [authority, certificate, key] = papers().write(directory.path());
    let [stranger, ..] = papers().write(other.path());
    let (mut command, signer) = with_key_at("0.0.0.0:0", &["--tls-cert", &certificate, "--tls-key", &key]);
    let mut server = start(&mut command);
    let port = server.url.strip_prefix("https://0.0.0.0:").unwrap();

    // Who says nothing, and who says it in the clear, get nothing and hold nobody up.
    let silent = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let mut clear = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    clear.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut report = Vec::new();
    let _ = clear.read_to_end(&mut report);
    assert!(!report.starts_with(b"HTTP"), "{report:?}");

    let endpoint = format!("https://127.0.0.1:{port}");
    let mut boto3 = client(python().join("python"), &endpoint, (&signer.id, &signer.secret));
    let output = succeeds(
        boto3
            .arg(scripts().join("over_tls.py"))
            .env("TRUSTED", &authority)
            .env("STRANGER", &stranger)
            .env("CLEAR_URL", format!("http://127.0.0.1:{port}")),
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("all good"));
    drop(silent);
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn papers_that_do_not_do() {
    let (one, two) = (papers(), papers());
    let refused = |certificate: &str, key: &str| {
        let error = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        error.to_string()
    };
    assert!(Tls::from_pem(one.certificate.as_bytes(), one.key.as_bytes()).is_ok());
    assert_eq!(refused("", &one.key), "found no certificate");
    assert_eq!(refused(&one.certificate, "x"), "found no private key in PEM");
    assert!(
        refused(&one.certificate, &two.key).contains("KeyMismatch"),
        "{}",
        refused(&one.certificate, &two.key)
    );
    let broken = one.key.replacen('M', "?", 1);
    assert!(!refused(&one.certificate, &broken).contains('?'), "a key is not quoted");

    let directory = tempfile::tempdir().unwrap();
    let [_, certificate, key] = one.write(directory.path());
    let report = |arguments: &[&str]| {
        let output = command(&[&["--memory"], arguments].concat()).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(report(&["--tls-cert", &certificate]).contains("--tls-key"));
    assert!(report(&["--tls-key", &key]).contains("--tls-cert"));
    assert!(report(&["--tls-cert", "none.pem", "--tls-key", &key]).contains("none.pem: "));
    assert!(report(&["--tls-cert", &key, "--tls-key", &key]).contains("found no certificate"));
    let everywhere = ["--listen", "0.0.0.0:0", "--tls-cert", &certificate, "--tls-key", &key];
    let any = report(&[&everywhere[..], &["--accept-any-credentials"]].concat());
    assert!(any.contains("only on loopback"), "{any}");
}

#[tokio::test]
async fn a_library_does_not_listen_in_the_clear_either() {
    let listener = || async { tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap() };
    let server = Server::builder().open().await.unwrap();
    let error = server.serve(listener().await, std::future::pending()).await.unwrap_err();
    assert_eq!(error.to_string(), "a server without TLS listens only on loopback");
    let papers = papers();
    let tls = Tls::from_pem(papers.certificate.as_bytes(), papers.key.as_bytes()).unwrap();
    let server = Server::builder().accept_any_credentials().open().await.unwrap();
    let error = server.serve_tls(listener().await, tls, std::future::pending()).await.unwrap_err();
    assert_eq!(error.to_string(), "a server that accepts any credentials listens only on loopback");
    assert!(test_server().await.unwrap().endpoint_url().starts_with("http://127.0.0.1:"));
}
