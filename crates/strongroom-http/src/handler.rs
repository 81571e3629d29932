//! The trait that answers requests, and the request it receives.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;

use crate::{BodyError, Connection};

/// Answers requests. Each connection gets a clone; clones share their state.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request. Failures are responses too.
    ///
    /// If the client disconnects, the future is dropped at its current `await`.
    fn answer(&self, request: Incoming) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// A request that has been read completely.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// The method, target and headers.
    pub parts: Parts,
    /// The body, or why it could not be read. The handler answers in both cases.
    pub body: Result<Bytes, BodyError>,
    /// The connection it arrived on.
    pub connection: Arc<Connection>,
    /// The request's unique id, a UUID, for the response and for logs.
    pub id: Arc<str>,
    /// When the request had been read completely.
    pub received: Instant,
}

impl Incoming {
    /// A request from its parts. `HttpServer::receive` creates one from a body that has not been
    /// read yet.
    #[must_use]
    pub fn new(
        parts: Parts,
        body: Result<Bytes, BodyError>,
        connection: Arc<Connection>,
        id: Arc<str>,
    ) -> Self {
        Self { parts, body, connection, id, received: Instant::now() }
    }
}
