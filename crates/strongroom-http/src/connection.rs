//! What is known about the connection of a request.

use std::net::IpAddr;

use bytes::Bytes;
use strongroom_types::TlsInfo;

/// The connection that a request arrived on. All requests of a connection share one value.
///
/// A program that mounts the server inside its own HTTP server sets what it knows. By default,
/// nothing is known.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Connection {
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// Whether requests arrive over TLS, terminated by this crate or by the program in front of it.
    pub secure: bool,
    /// The TLS session, if this crate accepted the connection.
    pub tls: Option<TlsInfo>,
    /// The certificates that the client presented, in DER, the end-entity certificate first. Empty
    /// unless the server requests them. `Tls::client_authorities` and `Tls::client_keys` document
    /// what is verified.
    pub client_certificates: Vec<Bytes>,
    /// Whether this crate accepted the connection without TLS. Only then must the request's host be
    /// this machine: over TLS the certificate proves the name, and a program that mounts the server
    /// knows its own names.
    pub accepted_in_clear: bool,
}

impl Connection {
    /// A connection about which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Connection::peer`].
    #[must_use]
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Sets [`Connection::secure`].
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Sets [`Connection::tls`] and [`Connection::secure`].
    #[must_use]
    pub fn tls(mut self, tls: TlsInfo) -> Self {
        self.tls = Some(tls);
        self.secure()
    }
}
