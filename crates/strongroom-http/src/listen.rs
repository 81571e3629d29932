//! Accepts connections and serves HTTP on them.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::{Connection, Handler, HttpServer, INSANE_CLOCK, clock_is_sane};

/// An error for incorrect use of a server.
pub(crate) fn refused(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
}

/// Serves a listener's connections. `wrap` turns each into the stream that HTTP is spoken on.
pub(crate) async fn listen<S, F>(
    server: HttpServer,
    listener: TcpListener,
    handler: impl Handler,
    wrap: impl Fn(TcpStream) -> F,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = std::io::Result<(S, Connection)>> + Send + 'static,
{
    if !clock_is_sane() {
        return Err(refused(INSANE_CLOCK));
    }
    let patience = server.limits().patience;
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    let permits = Arc::new(Semaphore::new(server.limits().possible_connections()));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // The client has gone already, or too many files are open. The next one may succeed.
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        if !clock_is_sane() {
            tracing::warn!("connection dropped: the system clock is before 1970 or after 9999");
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (server, handler) = (server.clone(), handler.clone());
        let (wrapped, watcher) = (wrap(stream), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            let (stream, connection) = match tokio::time::timeout(patience, wrapped).await {
                Ok(Ok(wrapped)) => wrapped,
                Ok(Err(error)) => return tracing::debug!(%error, "handshake failed"),
                Err(_) => return tracing::debug!("handshake timed out"),
            };
            speak(server, handler, stream, connection.peer(peer.ip()), watcher).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(server.limits().drain, graceful.shutdown()).await;
    Ok(())
}

/// Serves HTTP on one connection until it ends or stays idle.
async fn speak<S>(
    server: HttpServer,
    handler: impl Handler,
    stream: S,
    connection: Connection,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patience = server.limits().patience;
    let connection = Arc::new(connection);
    let activity = Arc::new(Activity::default());
    let requests = Arc::clone(&activity);
    let service = service_fn(move |request| {
        let in_progress = requests.begin();
        let (server, handler, connection) = (server.clone(), handler.clone(), Arc::clone(&connection));
        async move {
            let request = server.receive(request, connection).await;
            // Boxed: hyper reserves space for a request's future as long as the connection lasts,
            // and most connections are idle.
            let answer = Box::pin(handler.answer(request)).await;
            // Waking a waiting client can cost the system more than computing a response. If
            // several requests are pending, their responses are computed one after the other and
            // sent together, which wakes a client once.
            tokio::task::yield_now().await;
            drop(in_progress);
            Ok::<_, Infallible>(answer)
        }
    });
    let builder = protocol(patience);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let mut connection = std::pin::pin!(watcher.watch(connection));
    let mut seen = 0;
    let ended = loop {
        match tokio::time::timeout(patience, &mut connection).await {
            Ok(ended) => break ended,
            // hyper times out a request head that does not end, but not a connection on which no
            // request begins.
            Err(_) if activity.idle_since(&mut seen) => {
                return tracing::debug!("idle connection closed");
            }
            Err(_) => {}
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection failed");
    }
}

/// A connection's requests.
#[derive(Default)]
struct Activity {
    begun: AtomicUsize,
    in_progress: AtomicUsize,
}

/// One request in progress.
struct InProgress(Arc<Activity>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    fn begin(self: &Arc<Self>) -> InProgress {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        InProgress(Arc::clone(self))
    }

    /// Whether no request is in progress and none began since the previous call.
    fn idle_since(&self, seen: &mut usize) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        let idle = begun == *seen && self.in_progress.load(Ordering::Relaxed) == 0;
        *seen = begun;
        idle
    }
}

/// HTTP with timeouts for clients that send nothing, or send it slowly.
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
