//! Who answers requests.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;

use crate::{BodyError, Connection};

/// Answers requests. Clones share everything; each connection has one.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request. It cannot fail: a failure is an answer too.
    ///
    /// The future is dropped, at any `await`, if the client disconnects.
    fn answer(&self, request: Incoming) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// A request that has arrived whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming {
    /// Its method, target and headers.
    pub parts: Parts,
    /// Its body, or why there is none: a server answers for that too.
    pub body: Result<Bytes, BodyError>,
    /// What it came over.
    pub connection: Arc<Connection>,
    /// Its own id, a UUID, for the answer and for logs.
    pub id: Arc<str>,
    /// When it had arrived whole.
    pub received: Instant,
}

impl Incoming {
    /// A request with all there is to know of it. `HttpServer::receive` makes one from a body that
    /// is still to be read.
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
