//! The HTTP layer of Strongroom's servers, independent of any API protocol. It accepts connections
//! (HTTP/1.1, and HTTP/2 with prior knowledge), terminates TLS, reads bodies within limits into
//! memory that is wiped on drop, gives each request an id, and shuts down gracefully.
//!
//! Implement [`Handler`] and pass it to an [`HttpServer`]:
//!
//! ```
//! use std::net::Ipv4Addr;
//! use strongroom_http::{Bytes, Full, Handler, HttpServer, Incoming, Limits, Response};
//!
//! #[derive(Clone)]
//! struct Greeter;
//!
//! impl Handler for Greeter {
//!     async fn answer(&self, request: Incoming) -> Response<Full<Bytes>> {
//!         let text = match request.body {
//!             Ok(body) => format!("{} bytes to {}", body.len(), request.parts.uri.path()),
//!             Err(error) => error.to_string(),
//!         };
//!         Response::new(Full::from(text))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
//! let server = HttpServer::new(Limits::new().max_body(64 * 1024));
//! # let stop = std::future::ready(());
//! // Serves until `stop` resolves, then finishes the requests in progress.
//! server.serve(listener, Greeter, stop).await?;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Requirements on a handler
//!
//! * If a client disconnects, the future of its request is dropped at its current `await`. What a
//!   handler calls must be cancel-safe.
//! * Web pages in a browser on the same machine can send requests to loopback. Call
//!   [`Hosts::refuse`] before anything else: it rejects requests from web pages.
//! * [`Incoming::body`] may hold a secret. Its bytes are wiped when the last handle to them is
//!   dropped.

mod body;
mod clock;
mod connection;
mod handler;
mod hosts;
mod limits;
mod listen;
#[cfg(feature = "log")]
mod log;
mod log_field;
mod metrics;
mod request_id;
mod server;
#[cfg(feature = "tls")]
mod tls;

pub use body::{BodyError, wiped};
pub use bytes::Bytes;
pub use clock::{INSANE_CLOCK, clock_is_sane};
pub use connection::Connection;
pub use handler::{Handler, Incoming};
pub use hosts::Hosts;
pub use http::Response;
pub use http_body_util::Full;
pub use limits::Limits;
#[cfg(feature = "log")]
pub use log::{Log, LogWriting};
pub use log_field::log_field;
pub use metrics::{Metrics, count_request};
pub use request_id::RequestIds;
pub use server::HttpServer;
#[cfg(feature = "tls")]
pub use tls::Tls;
