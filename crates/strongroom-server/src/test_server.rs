//! A server for other projects' tests.

use std::net::{Ipv4Addr, SocketAddr};

use strongroom_envelope::SecretText;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Server;

/// An in-memory server on a free port. It stops when this value is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    server: Server,
    /// The secret of a missing key.
    none: SecretText,
    _stop: oneshot::Sender<()>,
}

/// Starts an in-memory server on a free loopback port, with an access key for its owner, on the
/// current `tokio` runtime.
///
/// # Errors
/// If no port is available, or if the operating system returned no random bytes.
pub async fn test_server() -> std::io::Result<TestServer> {
    let server = Server::builder().open().await.map_err(std::io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.clone();
    tokio::spawn(async move {
        let _ = serving.serve(listener, async move { drop(stopped.await) }).await;
    });
    Ok(TestServer { address, server, none: SecretText::copy_from(""), _stop: stop })
}

impl TestServer {
    /// The server's URL, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of the owner's access key.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        self.server.owner_access_key().map_or("", |(id, _)| id)
    }

    /// The secret of the owner's access key.
    #[must_use]
    pub fn secret_access_key(&self) -> &SecretText {
        self.server.owner_access_key().map_or(&self.none, |(_, secret)| secret)
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
