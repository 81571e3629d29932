//! From a request to its answer.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;
use strongroom::{AccountId, CallContext, Caller, Realm, Region, SessionFacts, Strongroom};
use strongroom_envelope::SecretText;
use strongroom_http::{BodyError, Connection, Hosts, HttpServer, Incoming, count_request, log_field};
use strongroom_iam::{AccessKeyOrigin, Credentials};
use strongroom_types::Retry;

use crate::answer::{Answer, ApiError};
use crate::rooms::Rooms;
use crate::sigv4::{self, Presented, Refusal, SigningKeys};
use crate::{across, keys, named, query, secrets};

/// A server: strongrooms behind AWS's wire protocol. Clones share everything. A `tower` service: mount it in a program's own server, or
/// let [`Server::serve`] listen.
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
    /// What is known of the connection of requests that do not come through `serve`.
    pub(crate) connection: Arc<Connection>,
}

pub(crate) struct Inner {
    pub(crate) rooms: Arc<Rooms>,
    /// The owner's access key that was given or made for this server; `None` if it has been
    /// revoked.
    pub(crate) owner_key: Option<(String, SecretText)>,
    pub(crate) hosts: Hosts,
    pub(crate) accept_any: bool,
    pub(crate) signing_keys: SigningKeys,
    pub(crate) http: HttpServer,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.inner.rooms.home())
    }
}

/// What a request wants: of which service, and how it is answered.
enum Wanted {
    Secrets(String),
    Keys(String),
    /// STS and IAM, in their Query protocol.
    Query,
}

impl Wanted {
    fn of(request: &Parts) -> Option<Self> {
        if let Some(target) = request.headers.get("x-amz-target") {
            let (service, operation) = target.to_str().ok()?.split_once('.')?;
            return match service {
                "secretsmanager" => Some(Self::Secrets(operation.to_owned())),
                "TrentService" => Some(Self::Keys(operation.to_owned())),
                _ => None,
            };
        }
        let form = request.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        form.starts_with("application/x-www-form-urlencoded").then_some(Self::Query)
    }

    /// The services that a signature may be scoped to.
    fn scopes(&self) -> &'static [&'static str] {
        match self {
            Self::Secrets(_) => &["secretsmanager"],
            Self::Keys(_) => &["kms"],
            Self::Query => &["sts", "iam"],
        }
    }
}

/// Who a request is from, and where it goes.
pub(crate) struct Admitted {
    pub(crate) room: Strongroom,
    /// The caller's own account, and the region of the request.
    own: Realm,
    /// Where the room is.
    there: Realm,
    /// Whether the room is an empty, temporary one, because there is none yet.
    passing: bool,
    pub(crate) cx: CallContext,
    pub(crate) service: String,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.text)
    }
}

/// What a request is about, for the log.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Subject {
    secret_id: Option<String>,
    name: Option<String>,
    key_id: Option<String>,
}

impl Subject {
    /// The name in a request's body, if it has one.
    fn of(wanted: Option<&Wanted>, body: &[u8]) -> String {
        let Some(Wanted::Secrets(_) | Wanted::Keys(_)) = wanted else { return String::new() };
        let Self { secret_id, name, key_id } = serde_json::from_slice(body).unwrap_or_default();
        secret_id.or(name).or(key_id).unwrap_or_default()
    }
}

impl Server {
    /// The server for requests of one peer, whose address policies may look at.
    #[must_use]
    pub fn for_peer(&self, peer: IpAddr) -> Self {
        self.over((*self.connection).clone().peer(peer))
    }

    /// The server for requests that come over TLS: `aws:SecureTransport` is true for them. For a program that ends TLS itself;
    /// `Server::serve_tls` does this.
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

    /// The strongroom behind it, of its own account and region, as the owner's: for programs and tests that serve what they use.
    ///
    /// # Errors
    /// Storage and damage.
    pub async fn room(&self) -> Result<Strongroom, strongroom::Error> {
        self.inner.rooms.room(self.inner.rooms.home()).await
    }

    /// The owner's access key that this server was given or made: id and secret. `None` if the key
    /// in its credentials file has been revoked.
    #[must_use]
    pub fn owner_access_key(&self) -> Option<(&str, &SecretText)> {
        self.inner.owner_key.as_ref().map(|(id, secret)| (id.as_str(), secret))
    }

    /// Answers one request.
    pub async fn respond(&self, request: Parts, body: Result<Bytes, BodyError>) -> Response<Full<Bytes>> {
        self.answer_whole(self.http().received(request, body, self.connection())).await
    }

    pub(crate) async fn answer_whole(&self, incoming: Incoming) -> Response<Full<Bytes>> {
        let Incoming { parts: request, body, connection, id, received: begun, .. } = incoming;
        let by_name = (connection.accepted_in_clear || self.inner.accept_any) && !connection.secure;
        if let Some(why) = self.inner.hosts.refuse(&request, by_name) {
            count_request(None, "AccessDeniedException", begun.elapsed());
            tracing::info!(code = "AccessDeniedException", request = &*id, why, "refused");
            return plain(
                StatusCode::FORBIDDEN,
                json!({"__type": "AccessDeniedException", "message": why}).to_string(),
                &id,
            );
        }
        match (request.method.as_str(), request.uri.path()) {
            ("GET" | "HEAD", "/health") => return plain(StatusCode::OK, "{\"status\":\"ok\"}", &id),
            ("POST", "/_strongroom/reset") => return self.reset(&id).await,
            _ => {}
        }
        let wanted = Wanted::of(&request);
        let (answer, who) = match (&wanted, &body) {
            (None, _) => (Err(ApiError::new("UnknownOperationException", "")), None),
            (Some(_), Err(error)) => {
                let (status, code, message) = match error {
                    BodyError::TooLong => {
                        (413, "RequestEntityTooLargeException", "The request is longer than 1 MiB.")
                    }
                    BodyError::Malformed => {
                        (400, "SerializationException", "The request's body is not well-formed HTTP.")
                    }
                    _ => (408, "RequestTimeoutException", "The request did not arrive whole in time."),
                };
                (Err(ApiError { status, ..ApiError::new(code, message) }), None)
            }
            (Some(wanted), Ok(body)) => match self.admit(&request, &connection, body, wanted).await {
                Ok(admitted) => {
                    let who = admitted.cx.caller().to_string();
                    (self.run_first(admitted, wanted, body, &id).await, Some(who))
                }
                Err(error) => (Err(error), None),
            },
        };
        // Of a request that nobody answers for, nothing in the body is logged.
        let told = body.as_deref().ok().filter(|_| who.is_some()).unwrap_or_default();
        let operation = match &wanted {
            Some(Wanted::Secrets(name) | Wanted::Keys(name)) => Cow::Borrowed(name.as_str()),
            Some(Wanted::Query) => Cow::Owned(query::action(told)),
            None => Cow::Borrowed(""),
        };
        let code = answer.as_ref().err().map_or("-", |error| error.code.as_str());
        let exists = !matches!(code, "UnknownOperationException" | "InvalidAction");
        count_request(who.as_ref().filter(|_| exists).map(|_| &*operation), code, begun.elapsed());
        tracing::info!(
            operation = &*log_field(&operation),
            principal = &*log_field(who.as_deref().unwrap_or("-")),
            // Read only where somebody logs.
            about = &*log_field(&Subject::of(wanted.as_ref(), told)),
            code,
            micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            request = &*id,
            "request"
        );
        rendered(answer, wanted.as_ref(), &id)
    }

    /// Runs an operation, even in a strongroom that does not exist yet. The first operation that
    /// succeeds makes it, so nobody without permission can make one by naming a region.
    async fn run_first(
        &self,
        mut admitted: Admitted,
        wanted: &Wanted,
        body: &[u8],
        id: &str,
    ) -> Result<Answer, ApiError> {
        let answer = self.run(&admitted, wanted, body, id).await?;
        if !admitted.passing {
            return Ok(answer);
        }
        admitted.room = self.inner.rooms.room(&admitted.own).await.map_err(|error| unopened(&error))?;
        self.run(&admitted, wanted, body, id).await
    }

    async fn run(
        &self,
        admitted: &Admitted,
        wanted: &Wanted,
        body: &[u8],
        id: &str,
    ) -> Result<Answer, ApiError> {
        match wanted {
            Wanted::Secrets(operation) => {
                let across = (&*self.inner.rooms, &admitted.own);
                secrets::run(&*admitted.room.store(), across, &admitted.cx, operation, body).await
            }
            Wanted::Keys(operation) => {
                if operation == "ReEncrypt" {
                    let to = named::destination(body, &admitted.own).unwrap_or(admitted.own.clone());
                    if to != admitted.there {
                        return self.re_encrypt_across(admitted, &to, body).await;
                    }
                }
                let service = admitted.room.keys().service().map_err(|_| ApiError::internal())?;
                keys::run(&*service, &admitted.cx, operation, body).await
            }
            Wanted::Query => query::run(admitted, body, id).await,
        }
    }

    /// Encrypts again under a key of another account than the one that decrypts.
    async fn re_encrypt_across(
        &self,
        admitted: &Admitted,
        to: &Realm,
        body: &[u8],
    ) -> Result<Answer, ApiError> {
        // Also of the caller's own account: a region without a strongroom has no key to encrypt under,
        // and gets none by being named.
        let room = across::room(&self.inner.rooms, to).await;
        let (from, to) = (admitted.room.keys(), room.map_err(|_| ApiError::internal())?.keys());
        let from = from.local().map_err(|_| ApiError::internal())?;
        let to = to.local().map_err(|_| ApiError::internal())?;
        keys::re_encrypt_across(from, to, &admitted.cx, body).await
    }

    /// Finds out who signed a request, and the room it is for.
    async fn admit(
        &self,
        request: &Parts,
        connection: &Connection,
        body: &[u8],
        wanted: &Wanted,
    ) -> Result<Admitted, ApiError> {
        let presented = sigv4::parse(request)?.ok_or_else(|| {
            ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token")
        })?;
        if !wanted.scopes().contains(&presented.service.as_str()) {
            let text = format!("Credential should be scoped to correct service: '{}'.", wanted.scopes()[0]);
            return Err(ApiError::new("InvalidSignatureException", text));
        }
        let region = Region::parse(&presented.region).map_err(|_| {
            ApiError::new("InvalidSignatureException", "Credential should be scoped to a valid region.")
        })?;
        let home = self.inner.rooms.home().clone();
        let (account, cx) = if self.inner.accept_any {
            let account = AccountId::parse(&presented.key_id).unwrap_or(home.account());
            match self.checked(&presented, request, body).await {
                // Known credentials are who they are; made-up ones are the root of their account.
                Ok(cx) => (account_of(&cx).unwrap_or(home.account()), cx),
                Err(_) => (account, CallContext::new(Caller::Owner(account))),
            }
        } else {
            (home.account(), self.checked(&presented, request, body).await?)
        };
        let cx = with_circumstances(cx, request, connection);
        let rooms = &self.inner.rooms;
        let own = Realm::new(account, region);
        let elsewhere = match wanted {
            Wanted::Secrets(operation) => named::by_secret(operation, body, &own),
            Wanted::Keys(operation) => named::by_key(operation, body, &own),
            Wanted::Query => None,
        };
        let mut passing = false;
        let room = match (wanted, &elsewhere, rooms.known(&own)) {
            (Wanted::Secrets(_) | Wanted::Keys(_), None, Some(room)) => Ok(room),
            // What belongs to no region is kept at home.
            (Wanted::Query, _, _) => rooms.home_of(account).await,
            (_, Some(there), _) => across::room(rooms, there).await,
            _ => rooms.room_or_passing(&own).await.map(|(room, passes)| {
                passing = passes;
                room
            }),
        };
        let there = elsewhere.unwrap_or(own.clone());
        let room = room.map_err(|error| unopened(&error))?;
        Ok(Admitted { room, passing, own, there, cx, service: presented.service })
    }

    /// The caller whose secret a request was signed with.
    async fn checked(
        &self,
        presented: &Presented,
        request: &Parts,
        body: &[u8],
    ) -> Result<CallContext, ApiError> {
        presented.check_time(self.inner.rooms.clock().now())?;
        let rooms = &self.inner.rooms;
        let home = rooms.home_of(rooms.home().account()).await.map_err(|_| ApiError::internal())?;
        let mut found = credentials(&home, presented).await?;
        // Other accounts have users only where anybody may say which account is his; and only they
        // get keys of this form.
        let issued = ["AKIA", "ASIA"].iter().any(|prefix| presented.key_id.starts_with(prefix));
        if found.is_none() && self.inner.accept_any && issued {
            for account in rooms.accounts() {
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

    /// Empties everything: of a server in memory that takes any credentials.
    async fn reset(&self, id: &str) -> Response<Full<Bytes>> {
        if !(self.inner.accept_any && self.inner.rooms.is_in_memory()) {
            let text = r#"{"message":"only with --memory and --accept-any-credentials"}"#;
            return plain(StatusCode::FORBIDDEN, text, id);
        }
        self.inner.rooms.forget();
        match self.admit_owner().await {
            Ok(()) => plain(StatusCode::OK, "{}", id),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "{}", id),
        }
    }

    /// Gives the owner its access key again, in memory that was emptied.
    async fn admit_owner(&self) -> Result<(), strongroom::Error> {
        let home = self.inner.rooms.home_of(self.inner.rooms.home().account()).await?;
        if let Some((id, secret)) = &self.inner.owner_key {
            let given = (id.clone(), SecretText::copy_from(secret.expose()));
            let origin = AccessKeyOrigin::Environment;
            home.iam().directory()?.put_owner_access_key(home.context(), origin, Some(given)).await?;
        }
        Ok(())
    }
}

/// What an access key and a session token stand for in an account's directory. Only this account's
/// own.
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

/// From where, over what, with what.
fn with_circumstances(cx: CallContext, request: &Parts, connection: &Connection) -> CallContext {
    let mut facts = cx.facts().cloned().unwrap_or_else(SessionFacts::new);
    facts.source_ip = connection.peer;
    facts.secure_transport = Some(connection.secure);
    let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    facts.user_agent = agent.map(str::to_owned);
    cx.with_facts(facts)
}

fn unopened(error: &strongroom::Error) -> ApiError {
    tracing::error!(%error, "a strongroom cannot be opened");
    match error.kind() {
        // What storage says of itself, such as a full disk; it names no place.
        strongroom::ErrorKind::Root(_) if error.retry() == Retry::Later => {
            ApiError::new("InternalServiceError", error.message())
        }
        _ => ApiError::internal(),
    }
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

fn rendered(answer: Result<Answer, ApiError>, wanted: Option<&Wanted>, id: &str) -> Response<Full<Bytes>> {
    let xml = matches!(wanted, Some(Wanted::Query));
    let (status, body) = match answer {
        Ok(answer) => (200, answer.into_body()),
        Err(error) if xml => {
            let error = query::translated(error);
            (error.status, Bytes::from(query::error(&error, id)))
        }
        Err(error) => {
            let capital = matches!(wanted, Some(Wanted::Secrets(_)));
            (error.status, Bytes::from(error.body(capital).to_string()))
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if xml { "text/xml" } else { "application/x-amz-json-1.1" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("x-amzn-requestid", header_of(id));
    response
}
