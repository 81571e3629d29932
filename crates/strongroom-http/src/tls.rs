//! TLS with rustls.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SignatureScheme,
};
use strongroom_envelope::SecretBytes;
use strongroom_types::TlsInfo;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Connection;

/// A server's certificate and private key, and which client certificates it requests. For
/// [`HttpServer::serve_tls`](crate::HttpServer::serve_tls).
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn finished(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn refused(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, text.into())
}

impl Tls {
    /// Serves TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1 by ALPN. Clients need no certificate.
    ///
    /// `certificates` is the server's certificate followed by its intermediates, and `key` is the
    /// certificate's private key (PKCS #8, PKCS #1 or SEC1), all in PEM.
    ///
    /// # Errors
    /// `InvalidData` if there is no certificate or no key, or if the key does not belong to the
    /// certificate.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> std::io::Result<Self> {
        let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| refused("the certificates are not PEM"))?;
        if chain.is_empty() {
            return Err(refused("found no certificate"));
        }
        // The parser's error is discarded, because it may quote the key.
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| refused("found no private key in PEM"))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| refused(format!("certificate and key: {error}")))?;
        Ok(Self { config: finished(config) })
    }

    /// Requests a client certificate issued by one of these authorities (PEM). A client whose
    /// certificate does not verify gets no connection, and neither does a client without one if a
    /// certificate is `required`. The presented certificates are in
    /// [`Connection::client_certificates`].
    ///
    /// # Errors
    /// `InvalidData` if there is no certificate, or one that cannot be an authority.
    pub fn client_authorities(self, authorities: &[u8], required: bool) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities) {
            let certificate = certificate.map_err(|_| refused("the authorities are not PEM"))?;
            roots.add(certificate).map_err(|error| refused(format!("client authority: {error}")))?;
        }
        if roots.is_empty() {
            return Err(refused("found no client authority"));
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
        self.asking_clients(verifier.build().map_err(|error| refused(error.to_string()))?)
    }

    /// Requests a client certificate and accepts any whose private key the client holds. Neither
    /// issuer nor expiry is verified. For servers that identify clients by their keys, as KES does.
    /// A client without a certificate gets no connection if one is `required`.
    ///
    /// # Errors
    /// If rustls rejects its default protocol versions, which is not expected.
    pub fn client_keys(self, required: bool) -> std::io::Result<Self> {
        let algorithms = provider().signature_verification_algorithms;
        self.asking_clients(Arc::new(AnyClient { required, algorithms }))
    }

    fn asking_clients(self, verifier: Arc<dyn ClientCertVerifier>) -> std::io::Result<Self> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&self.config.cert_resolver));
        Ok(Self { config: finished(config) })
    }

    /// Reads certificate and key from files; otherwise like [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem). Also if a file cannot be read. The error names the files.
    pub fn from_files(certificates: impl AsRef<Path>, key: impl AsRef<Path>) -> std::io::Result<Self> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let read = |file: &Path| {
            std::fs::read(file)
                .map_err(|error| Error::new(error.kind(), format!("{}: {error}", file.display())))
        };
        let chain = read(certificates)?;
        let secret = SecretBytes::from_vec(read(key)?);
        Self::from_pem(&chain, secret.expose()).map_err(|error| {
            Error::new(error.kind(), format!("{}, {}: {error}", certificates.display(), key.display()))
        })
    }
}

impl Tls {
    /// Performs the handshake and describes the session.
    pub(crate) fn accept(
        &self,
        stream: TcpStream,
    ) -> impl Future<Output = std::io::Result<(TlsStream<TcpStream>, Connection)>> + Send + use<> {
        let accepted = TlsAcceptor::from(Arc::clone(&self.config)).accept(stream);
        async move {
            let stream = accepted.await?;
            let connection = connection(stream.get_ref().1);
            Ok((stream, connection))
        }
    }
}

/// Describes a connection after its handshake.
fn connection(session: &ServerConnection) -> Connection {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    // rustls marks TLS 1.3 in the suites' names; the standard does not.
    let suite = suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1);
    let mut tls = TlsInfo::new(version, suite);
    if let Some(name) = session.server_name() {
        tls = tls.server_name(name);
    }
    let presented = session.peer_certificates().unwrap_or_default();
    let client_certificates = presented.iter().map(|one| Bytes::copy_from_slice(one)).collect();
    Connection { client_certificates, ..Connection::new().tls(tls) }
}

/// Accepts every certificate of a client that signed the handshake with its key.
#[derive(Debug)]
struct AnyClient {
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.required
    }
}
