//! TLS, by rustls.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use strongroom_envelope::SecretBytes;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Server;

/// A server's certificate and its key, for [`Server::serve_tls`].
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn refused(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, text.into())
}

impl Tls {
    /// A certificate, followed by those that lead to its authority, and the key of the first, all in PEM. TLS 1.2 and 1.3, HTTP/2 and
    /// HTTP/1.1 by ALPN.
    ///
    /// # Errors
    /// `InvalidData`: no certificate, no key (PKCS #8, PKCS #1 or SEC1), a key that is not the certificate's.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> std::io::Result<Self> {
        let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| refused("the certificates are not PEM"))?;
        if chain.is_empty() {
            return Err(refused("there is no certificate in it"));
        }
        // What a parser says of a key is not repeated: it may quote it.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| refused("there is no private key in it, in PEM"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?;
        let mut config = config
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| refused(format!("certificate and key: {error}")))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// As [`from_pem`](Self::from_pem), from files.
    ///
    /// # Errors
    /// As there, and what reading them gives, with the file's name.
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

impl Server {
    /// As [`Server::serve`], over TLS, and on any address.
    ///
    /// # Errors
    /// `InvalidInput` for a server that takes any credentials and a listener beyond loopback; a listener that fails.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: Tls,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        self.over_tls().listen(listener, move |stream| tls.acceptor.accept(stream), stop).await
    }
}
