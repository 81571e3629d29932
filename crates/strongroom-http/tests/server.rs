//! A server of a small handler, over real sockets.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strongroom_http::{BodyError, Bytes, Full, Handler, HttpServer, Incoming, Limits, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Answers with a description of the request, and counts requests.
#[derive(Clone, Default)]
struct Echo {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler for Echo {
    async fn answer(&self, request: Incoming) -> Response<Full<Bytes>> {
        let _guard = CountsDrop(Arc::clone(&self.dropped));
        self.begun.fetch_add(1, Ordering::SeqCst);
        if request.parts.uri.path() == "/slow" {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        let connection = &request.connection;
        let text = match &request.body {
            Err(BodyError::TooLong) => "too long".to_owned(),
            Err(error) => error.to_string(),
            Ok(body) => format!(
                "{} {} {:?} {} {:?}",
                request.id.len(),
                body.len(),
                connection.peer,
                connection.client_certificates.len(),
                connection.tls,
            ),
        };
        Response::new(Full::from(text))
    }
}

struct Running {
    address: std::net::SocketAddr,
    echo: Echo,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start(limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let echo = Echo::default();
    let handler = echo.clone();
    let ended = tokio::spawn(async move {
        HttpServer::new(limits).serve(listener, handler, async move { drop(stopped.await) }).await
    });
    Running { address, echo, stop, ended }
}

/// Sends a request and reads until the connection ends.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, body: &str) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A server that refuses a certificate may have closed the connection already.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_reaches_its_handler_whole_named_and_with_its_address() {
    let server = start(Limits::new()).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let answer = exchange(stream, "/", "four").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("36 4 Some(127.0.0.1) 0 None"), "{answer}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_and_its_handler_says_so() {
    let server = start(Limits::new().max_body(3)).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(exchange(stream, "/", "four").await.ends_with("too long"));
}

#[tokio::test]
async fn a_server_that_stops_finishes_requests_in_progress_and_accepts_no_more() {
    let server = start(Limits::new()).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let under_way = tokio::spawn(exchange(stream, "/slow", ""));
    while server.echo.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop.send(()).unwrap();
    assert!(under_way.await.unwrap().starts_with("HTTP/1.1 200"));
    server.ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_client_that_disconnects_drops_the_future_of_its_request() {
    let server = start(Limits::new()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    while server.echo.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    while server.echo.dropped.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.echo.ended.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_tls_only_loopback_is_listened_on() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let server = HttpServer::new(Limits::new());
    let error = server.serve(listener, Echo::default(), std::future::pending()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "a server without TLS listens only on loopback");
}

#[cfg(feature = "tls")]
mod tls {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use strongroom_http::Tls;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A certificate and its key, in PEM.
    fn issued(authority: &Authority) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
    }

    /// The response to a client with this certificate, or none. Empty if it gets no connection.
    async fn answered(server: &Authority, tls: Tls, client: Option<(String, String)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let server = HttpServer::new(Limits::new());
            server.serve_tls(listener, tls, Echo::default(), std::future::pending()).await
        });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(server.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(roots);
        let config = match client {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let Ok(stream) = TlsConnector::from(Arc::new(config)).connect(name, stream).await else {
            return String::new();
        };
        exchange(stream, "/", "four").await
    }

    #[tokio::test]
    async fn version_suite_and_name_of_the_connection_reach_the_handler() {
        let authority = authority();
        let (certificate, key) = issued(&authority);
        let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let answer = answered(&authority, tls, None).await;
        let expected = r#" 0 Some(TlsInfo { version: "TLSv1.3", cipher_suite: "TLS_AES_256_GCM_SHA384", server_name: Some("localhost") })"#;
        assert!(answer.ends_with(expected), "{answer}");
    }

    #[tokio::test]
    async fn clients_need_a_certificate_of_the_authorities_only_if_it_is_required() {
        let (server, clients, strangers) = (authority(), authority(), authority());
        let (certificate, key) = issued(&server);
        let tls = |required| {
            let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
            tls.client_authorities(clients.pem().as_bytes(), required).unwrap()
        };
        for required in [true, false] {
            let known = answered(&server, tls(required), Some(issued(&clients))).await;
            assert!(known.contains("36 4 Some(127.0.0.1) 1 Some(TlsInfo"), "{known}");
            assert!(!answered(&server, tls(required), Some(issued(&strangers))).await.contains("HTTP/1.1"));
            let nobody = answered(&server, tls(required), None).await;
            assert_eq!(nobody.contains("36 4 Some(127.0.0.1) 0 Some(TlsInfo"), !required, "{nobody}");
        }
    }

    #[tokio::test]
    async fn a_client_known_by_its_key_may_have_a_certificate_of_anybody() {
        let (server, strangers) = (authority(), authority());
        let (certificate, key) = issued(&server);
        let tls = |required| {
            Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap().client_keys(required).unwrap()
        };
        let stranger = answered(&server, tls(true), Some(issued(&strangers))).await;
        assert!(stranger.contains("36 4 Some(127.0.0.1) 1 Some(TlsInfo"), "{stranger}");
        assert!(!answered(&server, tls(true), None).await.contains("HTTP/1.1"));
        assert!(answered(&server, tls(false), None).await.contains("36 4 Some(127.0.0.1) 0 Some(TlsInfo"));
    }

    #[test]
    fn authorities_that_are_none_are_refused() {
        let authority = authority();
        let (certificate, key) = issued(&authority);
        let refused = |authorities: &str| {
            let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
            tls.client_authorities(authorities.as_bytes(), true).unwrap_err().to_string()
        };
        assert_eq!(refused(""), "found no client authority");
        assert_eq!(refused(&key), "found no client authority");
    }
}
