//! The server as a `tower` service, and its listeners.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use strongroom_http::{Handler, Incoming};
use tokio::net::TcpListener;

use crate::Server;

impl<B> tower_service::Service<Request<B>> for Server
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let request = server.http().receive(request, server.connection()).await;
            Ok(server.answer(request).await)
        })
    }
}

impl Handler for Server {
    async fn answer(&self, request: Incoming) -> Response<Full<Bytes>> {
        self.answer_whole(request).await
    }
}

impl Server {
    /// Serves HTTP/1.1, and HTTP/2 with prior knowledge, on a loopback listener until `stop`
    /// resolves. Requests in progress then have ten seconds to finish.
    ///
    /// # Errors
    /// `InvalidInput` if the listener is not on loopback, because anyone on the network path could
    /// read secrets. Use `Server::serve_tls` there, or mount the server in an HTTP server with TLS.
    /// Also as `HttpServer::serve` of `strongroom-http`.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        self.http().clone().serve(listener, self, stop).await
    }

    /// Serves over TLS, on any address; otherwise like [`Server::serve`].
    ///
    /// # Errors
    /// `InvalidInput` if the server accepts any credentials and the listener is not on loopback.
    /// Also as `HttpServer::serve_tls` of `strongroom-http`.
    #[cfg(feature = "tls")]
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: crate::Tls,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        if self.takes_any_credentials() && !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("a server that accepts any credentials listens only on loopback"));
        }
        self.http().clone().serve_tls(listener, tls, self, stop).await
    }
}

#[cfg(feature = "tls")]
fn refused(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
}
