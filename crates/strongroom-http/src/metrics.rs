//! Metrics, and the page that Prometheus scrapes.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use crate::Hosts;

/// In seconds. A read takes tens of microseconds, a durable write takes milliseconds.
const BUCKETS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0, 10.0];

/// Counts a response with the program's `metrics` recorder, if it has one:
/// `strongroom_requests_total` by operation and error code, `strongroom_request_seconds` by
/// operation.
///
/// Pass the operation only if it exists and its caller was authenticated: clients must not choose
/// how many time series there are. `code` is `-` for success.
pub fn count_request(operation: Option<&str>, code: &str, taken: Duration) {
    let operation = operation.unwrap_or("-").to_owned();
    metrics::counter!("strongroom_requests_total", "operation" => operation.clone(), "code" => code.to_owned())
        .increment(1);
    metrics::histogram!("strongroom_request_seconds", "operation" => operation).record(taken);
}

/// This process's metrics in Prometheus's format: `strongroom_requests_total` by operation
/// and error code (`-` for success), and `strongroom_request_seconds` by operation.
///
/// A program that installs its own recorder for the `metrics` crate finds the same metrics there
/// and does not need this type.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Installs the recorder for all servers of this process.
    ///
    /// # Errors
    /// If the process already has a recorder.
    pub fn install() -> Result<Self, std::io::Error> {
        let install = || -> Result<PrometheusHandle, BuildError> {
            PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()
        };
        Ok(Self(install().map_err(std::io::Error::other)?))
    }

    /// Renders the page.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Serves `GET /metrics` on this listener, without authentication.
    pub async fn serve(self, listener: TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let page = self.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let page = page.clone();
                async move { Ok::<_, Infallible>(page.answer(&request.into_parts().0)) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder
                .auto_date_header(false)
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10));
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    }

    fn answer(&self, request: &Parts) -> Response<Full<Bytes>> {
        let foreign = Hosts::default().refuse(request, true);
        let (status, text) = match (&request.method, request.uri.path()) {
            _ if foreign.is_some() => (StatusCode::FORBIDDEN, foreign.unwrap_or_default().to_owned()),
            (&Method::GET, "/metrics") => (StatusCode::OK, self.render()),
            _ => (StatusCode::NOT_FOUND, "GET /metrics\n".to_owned()),
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        let kind = http::HeaderValue::from_static("text/plain; version=0.0.4");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        response
    }
}
