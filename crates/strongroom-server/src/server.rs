//! From a request to its response.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use strongroom::strongrooms::{Lookup, MemoryRealms, Strongrooms};
use strongroom::{AccountId, CallContext, Caller, Realm, Region, SessionFacts, Strongroom};
use strongroom_envelope::SecretText;
use strongroom_http::{BodyError, Connection, Hosts, HttpServer, Incoming};
use strongroom_iam::{AccessKeyOrigin, Credentials};
use strongroom_types::RequestInfo;

use crate::across;
use crate::answer::{Answer, ApiError, unopened};
use crate::api::{Admitted, Api, ApiRequest};
use crate::apis::Wanted;
use crate::housekeeping::Housekeeping;
use crate::named;
use crate::redaction::Parameters;
use crate::sigv4::{self, Presented, Refusal, SigningKeys};
use crate::wire_call::{CallObserver, WireCall};

/// Strongrooms behind AWS's wire protocol. A `tower` service: mount it in an HTTP server, or let
/// [`Server::serve`] listen. Clones share their state.
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
    /// The connection of requests that do not arrive through `serve`.
    pub(crate) connection: Arc<Connection>,
}

pub(crate) struct Inner {
    pub(crate) rooms: Strongrooms,
    /// What a reset empties, if the server is in memory.
    pub(crate) memory: Option<MemoryRealms>,
    /// Stops with the server.
    pub(crate) _housekeeping: Option<Housekeeping>,
    /// The owner's access key, given to this server or created by it. `None` if it was revoked.
    pub(crate) owner_key: Option<(String, SecretText)>,
    pub(crate) hosts: Hosts,
    pub(crate) accept_any: bool,
    /// How long a call may take after its request has been read completely.
    pub(crate) deadline: Duration,
    pub(crate) signing_keys: SigningKeys,
    pub(crate) http: HttpServer,
    /// Notified of every request.
    pub(crate) observers: Vec<Box<dyn CallObserver>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.inner.rooms.home())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.text)
    }
}

impl Server {
    /// The server for requests from one peer, whose address policies can test.
    #[must_use]
    pub fn for_peer(&self, peer: IpAddr) -> Self {
        self.over((*self.connection).clone().peer(peer))
    }

    /// The server for requests that arrive over TLS, for which `aws:SecureTransport` is true. For a
    /// program that terminates TLS itself; `Server::serve_tls` does this automatically.
    #[must_use]
    pub fn over_tls(&self) -> Self {
        self.over((*self.connection).clone().secure())
    }

    fn over(&self, connection: Connection) -> Self {
        Self { connection: Arc::new(connection), ..self.clone() }
    }

    pub(crate) fn http(&self) -> &HttpServer {
        &self.inner.http
    }

    pub(crate) fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn takes_any_credentials(&self) -> bool {
        self.inner.accept_any
    }

    /// The strongroom of the server's own account and region, as the owner. For programs and tests
    /// that use what they serve.
    ///
    /// # Errors
    /// If the storage cannot be read or is damaged.
    pub async fn room(&self) -> Result<Strongroom, strongroom::Error> {
        self.inner.rooms.create(self.inner.rooms.home()).await
    }

    /// The strongrooms of all accounts and regions.
    #[must_use]
    pub fn strongrooms(&self) -> &Strongrooms {
        &self.inner.rooms
    }

    /// Id and secret of the owner's access key, which was given to this server or created by it.
    /// `None` if the key in its credentials file has been revoked.
    #[must_use]
    pub fn owner_access_key(&self) -> Option<(&str, &SecretText)> {
        self.inner.owner_key.as_ref().map(|(id, secret)| (id.as_str(), secret))
    }

    /// Answers one request.
    pub async fn respond(&self, request: Parts, body: Result<Bytes, BodyError>) -> Response<Full<Bytes>> {
        self.answer_whole(self.http().received(request, body, self.connection())).await
    }

    pub(crate) async fn answer_whole(&self, incoming: Incoming) -> Response<Full<Bytes>> {
        let Incoming { parts, body, connection, id, received, .. } = incoming;
        let by_name = (connection.accepted_in_clear || self.inner.accept_any) && !connection.secure;
        let foreign = self.inner.hosts.refuse(&parts, by_name);
        match (foreign, parts.method.as_str(), parts.uri.path()) {
            (None, "GET" | "HEAD", "/health") => return plain(StatusCode::OK, "{\"status\":\"ok\"}", &id),
            (None, "POST", "/_strongroom/reset") => return self.reset(&id).await,
            _ => {}
        }
        // The only long-lived handle to the body; all others end with this request.
        let (body, unread) = match body {
            Ok(body) => (Arc::new(body), None),
            Err(error) => (Arc::default(), Some(error)),
        };
        let wanted = Wanted::of(&parts, &body);
        let presented = sigv4::parse(&parts);
        let from = (&parts, &*connection, &id);
        let mut call = WireCall::new(&self.inner.observers, from, &body, wanted, presented, received);
        if let Some(why) = foreign {
            call.foreign = foreign;
            let error = ApiError { status: 403, ..ApiError::new("AccessDeniedException", why) };
            call.end(Some(&error));
            return plain(StatusCode::FORBIDDEN, error.body(false).to_string(), &id);
        }
        let answer = self.outcome(&mut call, unread).await;
        call.end(answer.as_ref().err());
        rendered(answer, call.wanted.as_ref().map(|wanted| wanted.api), &id)
    }

    /// Answers a request. The order of the checks decides which error wins.
    async fn outcome(&self, call: &mut WireCall<'_>, unread: Option<BodyError>) -> Result<Answer, ApiError> {
        if call.wanted.is_none() {
            return Err(ApiError::unknown_operation());
        }
        if let Some(error) = unread {
            return Err(unreadable(error));
        }
        let admitted = self.admit(call).await?;
        call.principal = Some(admitted.cx.caller().to_string());
        self.run_first(admitted, call).await
    }

    /// Runs an operation. Where no strongroom exists yet, an empty one in memory answers first.
    /// Only if the operation is authorized there, succeeds and writes something is the strongroom
    /// created and the operation run again. Reads and unauthorized requests never create a
    /// strongroom.
    async fn run_first(&self, mut admitted: Admitted, call: &WireCall<'_>) -> Result<Answer, ApiError> {
        let answer = self.run(&admitted, call).await?;
        // A request to another account never creates that account's strongroom.
        let Some(empty) = admitted.empty.take().filter(|_| admitted.there == admitted.own) else {
            return Ok(answer);
        };
        if !empty.was_written().await.map_err(|error| unopened(&error))? {
            return Ok(answer);
        }
        let regional = call.wanted.as_ref().is_some_and(|wanted| wanted.api.arn_service().is_some());
        let created = match regional {
            true => self.inner.rooms.create(&admitted.own).await,
            false => self.inner.rooms.identities(admitted.own.account()).await,
        };
        admitted.room = created.map_err(|error| unopened(&error))?;
        self.run(&admitted, call).await
    }

    async fn run(&self, admitted: &Admitted, call: &WireCall<'_>) -> Result<Answer, ApiError> {
        let Some(wanted) = &call.wanted else { return Err(ApiError::unknown_operation()) };
        let request = ApiRequest {
            admitted,
            rooms: &self.inner.rooms,
            service: call.service(),
            operation: &wanted.name,
            body: call.body,
            id: call.id,
        };
        wanted.api.run(request).await
    }

    /// Authenticates a request and finds the strongroom that it is for.
    async fn admit(&self, call: &WireCall<'_>) -> Result<Admitted, ApiError> {
        let Some(wanted) = &call.wanted else { return Err(ApiError::unknown_operation()) };
        let presented = call.presented.as_ref().map_err(Refusal::clone)?.as_ref().ok_or_else(|| {
            ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token")
        })?;
        let scopes = wanted.api.scopes();
        if !scopes.contains(&presented.service.as_str()) {
            let text = format!("Credential should be scoped to correct service: '{}'.", scopes[0]);
            return Err(ApiError::new("InvalidSignatureException", text));
        }
        let region = self.region(presented, wanted)?;
        let home = self.inner.rooms.home().clone();
        let (account, cx) = if self.inner.accept_any {
            let account = AccountId::parse(&presented.key_id).unwrap_or(home.account());
            match self.checked(presented, call.request, call.body).await {
                // Known credentials act as their identity, all others as the root of their account.
                Ok(cx) => (account_of(&cx).unwrap_or(home.account()), cx),
                Err(_) => (account, CallContext::new(Caller::Owner(account))),
            }
        } else {
            (home.account(), self.checked(presented, call.request, call.body).await?)
        };
        let now = self.inner.rooms.clock().now();
        let cx = with_circumstances(cx, call, wanted).with_deadline(now.after(self.inner.deadline));
        let rooms = &self.inner.rooms;
        let own = Realm::new(account, region);
        let regional = wanted.api.arn_service();
        let elsewhere = regional.and_then(|service| leads_to(call, wanted, service, &own));
        let found = match (regional, &elsewhere) {
            // Global services are answered by the home region.
            (None, _) => rooms.lookup_identities(account).await,
            (_, Some(there)) => across::room(rooms, there).await,
            (_, None) => across::room(rooms, &own).await,
        };
        let (room, empty) = match found.map_err(|error| unopened(&error))? {
            Lookup::Kept(room) => (room, None),
            Lookup::Empty(empty) => (empty.room().clone(), Some(empty)),
            _ => return Err(ApiError::internal()),
        };
        let there = elsewhere.unwrap_or_else(|| own.clone());
        Ok(Admitted { room, empty, own, there, cx })
    }

    /// The region that a signature names. Requests for a region that is not served are refused at
    /// once, as by AWS's endpoints. Requests to global services may be signed for any region, since
    /// clients choose one themselves.
    fn region(&self, presented: &Presented, wanted: &Wanted<'_>) -> Result<Region, ApiError> {
        let region = Region::parse(&presented.region).ok();
        let regional = wanted.api.arn_service().is_some();
        let served = |region: &Region| !regional || self.inner.rooms.serves(region);
        region.filter(served).ok_or_else(|| {
            ApiError::new("InvalidSignatureException", "Credential should be scoped to a valid region.")
        })
    }

    /// Verifies a request's signature and returns the caller.
    async fn checked(
        &self,
        presented: &Presented,
        request: &Parts,
        body: &[u8],
    ) -> Result<CallContext, ApiError> {
        presented.check_time(self.inner.rooms.clock().now())?;
        let rooms = &self.inner.rooms;
        let home = rooms.identities(rooms.home().account()).await.map_err(|_| ApiError::internal())?;
        let mut found = credentials(&home, presented).await?;
        // Other accounts have users only if the server accepts any credentials, and issued keys
        // always have one of these prefixes.
        let issued = ["AKIA", "ASIA"].iter().any(|prefix| presented.key_id.starts_with(prefix));
        if found.is_none() && self.inner.accept_any && issued {
            for account in rooms.accounts().await.map_err(|_| ApiError::internal())? {
                let home = Realm::new(account, rooms.home().region().clone());
                let Some(room) = rooms.existing(&home).await.map_err(|_| ApiError::internal())? else {
                    continue;
                };
                found = credentials(&room, presented).await?;
                if found.is_some() {
                    break;
                }
            }
        }
        let found = found.ok_or_else(Refusal::unknown)?;
        presented.check(&found.secret, &self.inner.signing_keys, request, body)?;
        let over = found.context.facts().and_then(|facts| facts.expires);
        if over.is_some_and(|expires| expires <= self.inner.rooms.clock().now()) {
            return Err(ApiError::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ));
        }
        Ok(found.context.clone())
    }

    /// Deletes everything, if the server is in memory and accepts any credentials.
    async fn reset(&self, id: &str) -> Response<Full<Bytes>> {
        let Some(memory) = self.inner.memory.as_ref().filter(|_| self.inner.accept_any) else {
            let text = r#"{"message":"only with --memory and --accept-any-credentials"}"#;
            return plain(StatusCode::FORBIDDEN, text, id);
        };
        memory.clear();
        self.inner.rooms.close_all();
        match self.admit_owner().await {
            Ok(()) => plain(StatusCode::OK, "{}", id),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "{}", id),
        }
    }

    /// Restores the owner's access key after a reset.
    async fn admit_owner(&self) -> Result<(), strongroom::Error> {
        let home = self.inner.rooms.identities(self.inner.rooms.home().account()).await?;
        if let Some((id, secret)) = &self.inner.owner_key {
            let given = (id.clone(), SecretText::copy_from(secret.expose()));
            let origin = AccessKeyOrigin::Environment;
            home.iam().directory()?.owner_access_keys().put(home.context(), origin, Some(given)).await?;
        }
        Ok(())
    }
}

/// Looks up an access key and session token in an account's directory. Finds only credentials of
/// that account.
async fn credentials(room: &Strongroom, presented: &Presented) -> Result<Option<Arc<Credentials>>, ApiError> {
    let iam = room.iam();
    let directory = iam.directory().map_err(|_| ApiError::internal())?;
    let found = match &presented.token {
        Some(token) => {
            let token = base64::engine::general_purpose::STANDARD.decode(token);
            let token = token.map_err(|_| Refusal::unknown())?;
            directory.session_credentials(&presented.key_id, &token).map(Arc::new)
        }
        None => directory.credentials(&presented.key_id).await?,
    };
    let own = room.realm().account();
    Ok(found.filter(|found| account_of(&found.context) == Some(own)))
}

fn account_of(cx: &CallContext) -> Option<AccountId> {
    cx.caller().account().and_then(|account| AccountId::parse(account).ok())
}

/// The realm of the resource that a request names, if it belongs to another account and the
/// operation is allowed across accounts.
fn leads_to(call: &WireCall<'_>, wanted: &Wanted<'_>, service: &str, own: &Realm) -> Option<Realm> {
    wanted.operation.filter(|operation| operation.crosses_accounts())?;
    named::elsewhere(call.resource()?, service, own)
}

/// Adds the request's facts to the caller's context, for policies, logs and audit.
fn with_circumstances(cx: CallContext, call: &WireCall<'_>, wanted: &Wanted<'_>) -> CallContext {
    let connection = call.connection;
    let mut facts = cx.facts().cloned().unwrap_or_else(SessionFacts::new);
    facts.source_ip = connection.peer;
    facts.secure_transport = Some(connection.secure);
    facts.user_agent = call.user_agent().map(str::to_owned);
    let parameters = Parameters::of(wanted.api, wanted.operation, call.body);
    let mut info = RequestInfo::new().id(Arc::clone(call.id)).parameters(Arc::new(parameters));
    info.access_key_id = call.access_key_id().map(Arc::from);
    info.tls = connection.tls.clone();
    cx.with_facts(facts).with_request(info)
}

/// The error for a body that could not be read.
fn unreadable(error: BodyError) -> ApiError {
    let (status, code, message) = match error {
        BodyError::TooLong => (413, "RequestEntityTooLargeException", "The request is longer than 1 MiB."),
        BodyError::Malformed => {
            (400, "SerializationException", "The request's body is not well-formed HTTP.")
        }
        _ => (408, "RequestTimeoutException", "The request did not arrive whole in time."),
    };
    ApiError { status, ..ApiError::new(code, message) }
}

fn header_of(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn plain(status: StatusCode, text: impl Into<Bytes>, id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-amzn-requestid", header_of(id));
    response
}

fn rendered(
    answer: Result<Answer, ApiError>,
    api: Option<&'static dyn Api>,
    id: &str,
) -> Response<Full<Bytes>> {
    let (status, body) = match (answer, api) {
        (Ok(answer), _) => (200, answer.into_body()),
        (Err(error), Some(api)) => api.render_error(error, id),
        (Err(error), None) => (error.status, Bytes::from(error.body(false).to_string())),
    };
    let kind = api.map_or("application/x-amz-json-1.1", |api| api.protocol().content_type());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("x-amzn-requestid", header_of(id));
    response
}

#[cfg(test)]
mod tests;
