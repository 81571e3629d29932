//! The HTTP side of Strongroom's servers, without anything that one protocol needs and another does
//! not: it listens (HTTP/1.1, and HTTP/2 with prior knowledge), speaks TLS, reads bodies within
//! limits into memory that wipes itself, names requests, and stops gracefully.
//!
//! A server implements [`Handler`] and gives it to an [`HttpServer`]:
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
//! // Answers until `stop` is ready; then finishes what is under way.
//! server.serve(listener, Greeter, stop).await?;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What a handler must know
//!
//! * A client that disconnects drops the future of its request, at any `await`. What a handler
//!   calls must bear that.
//! * Browsers on the same machine can send requests to loopback. Call [`Hosts::refuse`] before
//!   anything else: it tells requests of web pages from those of programs.
//! * [`Incoming::body`] may hold a secret. Its bytes are wiped when the last handle to them goes.

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
