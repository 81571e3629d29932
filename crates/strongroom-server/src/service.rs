//! The server as a `tower` service, and listening.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};

use strongroom_envelope::{SecretBytes, wipe};
use strongroom_types::{Clock as _, SystemClock};

use crate::Server;
use crate::answer::wiped;
use crate::server::{BodyError, MAX_BODY};

/// How long what is under way may take when the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a client may take to say what it wants, unless told.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The most connections at once; others wait to be accepted. Bounds memory.
const CONNECTIONS: usize = 10_240;
/// The most KiB of bodies that have not arrived whole in memory at once. A client that sends more
/// waits for the others.
pub(crate) const BODIES: usize = 256 * 1024;
/// What a clock is refused with.
pub(crate) const CLOCK: &str = "the system clock is before 1970 or after 9999: set it first";
/// The fewest open files to leave for everything but connections.
const OTHER_FILES: usize = 48;

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
        Box::pin(self.clone().answer(request))
    }
}

/// The whole of a body, in memory that wipes itself. A body whose announced length is too long is
/// not read at all.
async fn whole<B>(body: B, patience: Duration, room: &Semaphore) -> Result<Bytes, BodyError>
where
    B: Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(BodyError::TooLong);
    }
    let collect = async {
        // What a head promises takes no memory: nobody has signed it yet.
        let mut whole = SecretBytes::default();
        let mut taken: Option<SemaphorePermit<'_>> = None;
        let mut body = std::pin::pin!(Limited::new(body, MAX_BODY));
        while let Some(frame) = body.frame().await {
            let Ok(mut data) = frame?.into_data() else { continue };
            let data = data.copy_to_bytes(data.remaining());
            let wanted = (whole.len() + data.len()).div_ceil(1024);
            let more = wanted.saturating_sub(taken.as_ref().map_or(0, SemaphorePermit::num_permits));
            if more > 0 {
                let more = room.acquire_many(u32::try_from(more).unwrap_or(u32::MAX)).await?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    none => *none = Some(more),
                }
            }
            whole.extend_from_slice(&data);
            // HTTP's own buffer, where nothing else is in it.
            if let Ok(mut data) = data.try_into_mut() {
                wipe(&mut data);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(whole)
    };
    match tokio::time::timeout(patience, collect).await {
        Ok(Ok(whole)) => Ok(wiped(whole)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLong),
        Ok(Err(error)) if is_malformed(&*error) => Err(BodyError::Malformed),
        Ok(Err(_)) | Err(_) => Err(BodyError::Incomplete),
    }
}

/// Whether HTTP's dates can express the time: the library that writes them panics outside these
/// years.
pub(crate) fn clock_is_sane() -> bool {
    const YEAR_10_000: i64 = 253_402_300_800_000;
    (0..YEAR_10_000).contains(&SystemClock.now().as_millis())
}

/// Whether a body broke off because of what it says, not because it ended.
fn is_malformed(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| matches!(error.kind(), InvalidData | InvalidInput))
    })
}

/// So many connections at once: each is an open file, and storage needs some too.
fn connections() -> usize {
    #[cfg(unix)]
    {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        files.saturating_sub(OTHER_FILES.max(files / 4)).clamp(4, CONNECTIONS)
    }
    #[cfg(not(unix))]
    CONNECTIONS
}

impl Server {
    async fn answer<B>(self, request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
    where
        B: Body,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (parts, body) = request.into_parts();
        let body = whole(body, self.patience(), &self.inner.bodies).await;
        // Boxed: hyper keeps room for a request's future as long as the connection lasts, and most wait.
        let answer = Box::pin(self.respond(parts, body)).await;
        // Waking a client that waits can cost the system more than working out an answer. Where several have asked, their answers are
        // worked out one after the other and then go out together, which wakes a client once.
        tokio::task::yield_now().await;
        Ok(answer)
    }

    /// Answers what comes to a listener on loopback, HTTP/1.1 and HTTP/2 with prior knowledge, until `stop` is ready; then what is under
    /// way is finished, for ten seconds at most.
    ///
    /// # Errors
    /// `InvalidInput` for a listener beyond loopback, where values would be seen on their way: that is for `Server::serve_tls`, or for a
    /// program's own server, with this one mounted in it. A listener that fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        if !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("without TLS only loopback is listened on"));
        }
        let mut server = self;
        server.by_name = true;
        server.listen(listener, |stream| std::future::ready(Ok(stream)), stop).await
    }

    /// Answers what comes to a listener, over what `wrap` makes of each connection.
    pub(crate) async fn listen<S, F>(
        self,
        listener: TcpListener,
        wrap: impl Fn(TcpStream) -> F,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = std::io::Result<S>> + Send + 'static,
    {
        if self.takes_any_credentials() && !listener.local_addr()?.ip().is_loopback() {
            return Err(refused("a server that takes any credentials listens on loopback only"));
        }
        if !clock_is_sane() {
            return Err(refused(CLOCK));
        }
        let patience = self.patience();
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        let rooms = Arc::new(Semaphore::new(connections()));
        loop {
            let room = tokio::select! {
                room = Arc::clone(&rooms).acquire_owned() => room,
                () = &mut stop => break,
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                // One that has gone already, or too many open files: the next may do.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            if !clock_is_sane() {
                tracing::warn!(
                    "a connection was not accepted: the system clock is before 1970 or after 9999"
                );
                continue;
            }
            let _ = stream.set_nodelay(true);
            let server = self.for_peer(peer.ip());
            let (wrapped, watcher) = (wrap(stream), graceful.watcher());
            tokio::spawn(async move {
                let _room = room;
                let stream = match tokio::time::timeout(patience, wrapped).await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => return tracing::debug!(%error, "no connection came about"),
                    Err(_) => return tracing::debug!("no connection came about in time"),
                };
                let activity = Arc::new(Activity::default());
                let asked = Arc::clone(&activity);
                let service = service_fn(move |request| {
                    let one = asked.one();
                    let answer = server.clone().answer(request);
                    async move {
                        let answer = answer.await;
                        drop(one);
                        answer
                    }
                });
                let builder = protocol(patience);
                let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
                let mut connection = std::pin::pin!(watcher.watch(connection));
                let mut seen = 0;
                let ended = loop {
                    match tokio::time::timeout(patience, &mut connection).await {
                        Ok(ended) => break ended,
                        // HTTP sees to a head that does not end, not to who never begins, or keeps a connection for nothing.
                        Err(_) if activity.idle_since(&mut seen) => {
                            return tracing::debug!("a connection was kept and not used");
                        }
                        Err(_) => {}
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
            });
        }
        drop(listener);
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
        Ok(())
    }
}

/// What a connection is used for.
#[derive(Default)]
struct Activity {
    asked: AtomicUsize,
    under_way: AtomicUsize,
}

/// One request under way.
struct One(Arc<Activity>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    fn one(self: &Arc<Self>) -> One {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(self))
    }

    /// Whether nothing is under way and nothing was asked since this was asked last.
    fn idle_since(&self, seen: &mut usize) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        let idle = asked == *seen && self.under_way.load(Ordering::Relaxed) == 0;
        *seen = asked;
        idle
    }
}

/// HTTP as it is spoken here: who says nothing, or says it slowly, is not waited for without end.
fn protocol(patience: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    builder
        .http2()
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .keep_alive_interval(patience);
    builder
}

fn refused(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
}
