//! A server for the tests of other projects.

use std::net::{Ipv4Addr, SocketAddr};

use strongroom_envelope::SecretText;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Server;

/// A server in memory on a port of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    server: Server,
    _stop: oneshot::Sender<()>,
}

/// Starts a server in memory on a free port of this machine, with an access key for its owner, within the current `tokio` runtime.
///
/// # Errors
/// Where no port can be had, or the operating system gives no random bytes.
pub async fn test_server() -> std::io::Result<TestServer> {
    let server = Server::builder().open().await.map_err(std::io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.clone();
    tokio::spawn(async move {
        let _ = serving.serve(listener, async move { drop(stopped.await) }).await;
    });
    Ok(TestServer { address, server, _stop: stop })
}

impl TestServer {
    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The owner's access key.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        self.server.owner_access_key().0
    }

    /// And its secret.
    #[must_use]
    pub fn secret_access_key(&self) -> &SecretText {
        self.server.owner_access_key().1
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
