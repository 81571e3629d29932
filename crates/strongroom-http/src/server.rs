//! A server for any [`Handler`].

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::Body;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::body::collect;
use crate::listen::{listen, refused};
use crate::{BodyError, Connection, Handler, Incoming, Limits, RequestIds};

/// Reads requests within limits, gives each an id, and passes them to a [`Handler`]. Clones share
/// limits and ids.
#[derive(Clone, Debug)]
pub struct HttpServer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// A permit for each KiB that incomplete bodies may occupy.
    bodies: Semaphore,
    ids: RequestIds,
}

impl HttpServer {
    /// A server with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let bodies = Semaphore::new(limits.bodies_kib.min(Semaphore::MAX_PERMITS));
        Self { shared: Arc::new(Shared { limits, bodies, ids: RequestIds::new() }) }
    }

    /// The server's limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Reads a request's body within the limits and gives the request an id. For requests that
    /// another HTTP server accepted; [`HttpServer::serve`] does this itself.
    pub async fn receive<B>(&self, request: Request<B>, connection: Arc<Connection>) -> Incoming
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let Shared { limits, bodies, .. } = &*self.shared;
        let (parts, body) = request.into_parts();
        let body = collect(body, limits.max_body, limits.patience, bodies).await;
        self.received(parts, body, connection)
    }

    /// Gives an id to a request whose body was read elsewhere.
    #[must_use]
    pub fn received(
        &self,
        parts: Parts,
        body: Result<Bytes, BodyError>,
        connection: Arc<Connection>,
    ) -> Incoming {
        Incoming::new(parts, body, connection, self.shared.ids.next())
    }

    /// Serves HTTP/1.1, and HTTP/2 with prior knowledge, on a loopback listener until `stop`
    /// resolves. Requests in progress then have [`Limits::drain`] to finish.
    ///
    /// # Errors
    /// `InvalidInput` if the listener is not on loopback, because anyone on the network path could
    /// read the traffic, or if HTTP cannot express the system clock's time. Also if the listener's
    /// address cannot be determined.
    pub async fn serve(
        &self,
        listener: TcpListener,
        handler: impl Handler,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        if !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("a server without TLS listens only on loopback"));
        }
        let clear = Connection { accepted_in_clear: true, ..Connection::new() };
        let wrap = move |stream| std::future::ready(Ok((stream, clear.clone())));
        listen(self.clone(), listener, handler, wrap, stop).await
    }

    /// Serves over TLS, on any address; otherwise like [`HttpServer::serve`].
    ///
    /// # Errors
    /// `InvalidInput` if HTTP cannot express the system clock's time.
    #[cfg(feature = "tls")]
    pub async fn serve_tls(
        &self,
        listener: TcpListener,
        tls: crate::Tls,
        handler: impl Handler,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        listen(self.clone(), listener, handler, move |stream| tls.accept(stream), stop).await
    }
}
