//! The server as a `tower` service, and listening.

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
    /// Answers what comes to a listener on loopback, HTTP/1.1 and HTTP/2 with prior knowledge,
    /// until `stop` is ready; then finishes what is under way, for ten seconds at most.
    ///
    /// # Errors
    /// `InvalidInput` for a listener beyond loopback, where anybody on the way could read values:
    /// use `Server::serve_tls`, or a program's own server with this one mounted in it. A listener
    /// that fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        self.http().clone().serve(listener, self, stop).await
    }

    /// As [`Server::serve`], over TLS, and on any address.
    ///
    /// # Errors
    /// `InvalidInput` for a server that takes any credentials and a listener beyond loopback; a
    /// listener that fails.
    #[cfg(feature = "tls")]
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: crate::Tls,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        if self.takes_any_credentials() && !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("a server that takes any credentials listens on loopback only"));
        }
        self.http().clone().serve_tls(listener, tls, self, stop).await
    }
}

#[cfg(feature = "tls")]
fn refused(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
}
