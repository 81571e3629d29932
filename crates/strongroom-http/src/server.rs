//! A server of any [`Handler`].

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

/// Reads requests within limits, names them, and hands them to a [`Handler`]. Clones share limits
/// and ids.
#[derive(Clone, Debug)]
pub struct HttpServer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// A permit for each KiB of bodies that have not arrived whole.
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

    /// What clients may take.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Reads a request's body within the limits and gives the request an id. For requests that a
    /// program's own server accepted; [`HttpServer::serve`] does it by itself.
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

    /// Gives a request an id whose body was read elsewhere.
    #[must_use]
    pub fn received(
        &self,
        parts: Parts,
        body: Result<Bytes, BodyError>,
        connection: Arc<Connection>,
    ) -> Incoming {
        Incoming::new(parts, body, connection, self.shared.ids.next())
    }

    /// Answers what comes to a listener on loopback, HTTP/1.1 and HTTP/2 with prior knowledge,
    /// until `stop` is ready; then finishes what is under way, for [`Limits::drain`] at most.
    ///
    /// # Errors
    /// `InvalidInput` for a listener beyond loopback, where anybody on the way could read along,
    /// and for a system clock that HTTP cannot express. A listener that fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        handler: impl Handler,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        if !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("without TLS only loopback is listened on"));
        }
        let clear = Connection { accepted_in_clear: true, ..Connection::new() };
        let wrap = move |stream| std::future::ready(Ok((stream, clear.clone())));
        listen(self.clone(), listener, handler, wrap, stop).await
    }

    /// As [`HttpServer::serve`], over TLS, and on any address.
    ///
    /// # Errors
    /// `InvalidInput` for a system clock that HTTP cannot express. A listener that fails.
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
