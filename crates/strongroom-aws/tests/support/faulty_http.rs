//! An HTTP client that fails when told, before or after a request has reached the server.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Refused: too many requests.
    Throttled,
    /// Refused: the credentials have ended in the middle.
    Expired,
    /// Status 500 with AWS's code, before anything was done.
    ServerError,
    /// Status 503 without a word, after it was done.
    Unavailable,
    /// No answer; nothing was done.
    TimeoutBefore,
    /// No answer; it was done.
    TimeoutAfter,
    /// The connection breaks; it was done.
    Broken,
    /// The answer ends in the middle; it was done.
    Cut,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::Throttled,
        Self::Expired,
        Self::ServerError,
        Self::Unavailable,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::Broken,
        Self::Cut,
    ];
}

#[derive(Clone, Debug)]
pub(crate) struct FaultyHttp {
    inner: SharedHttpClient,
    plan: Arc<Mutex<VecDeque<Fault>>>,
}

impl FaultyHttp {
    pub(crate) fn new() -> Self {
        Self { inner: aws_smithy_http_client::Builder::new().build_http(), plan: Arc::default() }
    }

    /// What happens to the next requests.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.plan.lock().unwrap() = faults.into_iter().collect();
    }

    /// Whether all that was planned has happened.
    pub(crate) fn done(&self) -> bool {
        self.plan.lock().unwrap().is_empty()
    }
}

impl HttpClient for FaultyHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Faulty { inner, plan: Arc::clone(&self.plan) })
    }
}

#[derive(Debug)]
struct Faulty {
    inner: SharedHttpConnector,
    plan: Arc<Mutex<VecDeque<Fault>>>,
}

fn answer(status: u16, body: &'static str) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
}

impl HttpConnector for Faulty {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let fault = self.plan.lock().unwrap().pop_front().unwrap_or(Fault::None);
        let sent = |request| self.inner.call(request);
        match fault {
            Fault::None => sent(request),
            Fault::Throttled => HttpConnectorFuture::ready(Ok(answer(
                400,
                r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#,
            ))),
            Fault::Expired => HttpConnectorFuture::ready(Ok(answer(
                400,
                r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
            ))),
            Fault::ServerError => HttpConnectorFuture::ready(Ok(answer(
                500,
                r#"{"__type":"InternalServiceError","message":"An internal error occurred"}"#,
            ))),
            Fault::TimeoutBefore => {
                HttpConnectorFuture::ready(Err(ConnectorError::timeout("planned: nothing was sent".into())))
            }
            after => {
                let done = sent(request);
                HttpConnectorFuture::new(async move {
                    let mut response = done.await?;
                    match after {
                        Fault::Unavailable => Ok(answer(503, "")),
                        Fault::TimeoutAfter => Err(ConnectorError::timeout("planned: no answer".into())),
                        Fault::Cut => {
                            let whole = std::mem::replace(response.body_mut(), SdkBody::empty());
                            let whole = collected(whole).await;
                            let half = whole[..whole.len() / 2].to_vec();
                            *response.body_mut() = SdkBody::from(half);
                            Ok(response)
                        }
                        _ => Err(ConnectorError::io("planned: the connection broke".into())),
                    }
                })
            }
        }
    }
}

async fn collected(body: SdkBody) -> Vec<u8> {
    aws_smithy_types::byte_stream::ByteStream::new(body).collect().await.unwrap().to_vec()
}
