//! What is known of the connection that a request came over.

use std::net::IpAddr;

use bytes::Bytes;
use strongroom_types::TlsInfo;

/// The connection that a request came over. All requests of a connection share one.
///
/// A program that mounts a server in its own says what it knows; nothing is known by default.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Connection {
    /// The address at the other end.
    pub peer: Option<IpAddr>,
    /// Whether requests arrive over TLS, here or at a program that ends it.
    pub secure: bool,
    /// The TLS connection, where this crate accepted it.
    pub tls: Option<TlsInfo>,
    /// The certificates that the client presented, in DER, its own first. Empty unless the server
    /// asked for them. `Tls::client_authorities` and `Tls::client_keys` say what was verified.
    pub client_certificates: Vec<Bytes>,
    /// Whether this crate accepted the connection without TLS. Only then must a request name this
    /// machine as its host: with TLS the certificate says whose the name is, and a program that
    /// mounts the server knows its own names.
    pub accepted_in_clear: bool,
}

impl Connection {
    /// A connection of which nothing is known.
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
