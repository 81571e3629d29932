//! Accepting connections and speaking HTTP on them.

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

/// Misuse of a server.
pub(crate) fn refused(text: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text)
}

/// Answers what comes to a listener, over what `wrap` makes of each connection.
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
    let places = Arc::new(Semaphore::new(server.limits().possible_connections()));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
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
            tracing::warn!("a connection was not accepted: the system clock is before 1970 or after 9999");
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (server, handler) = (server.clone(), handler.clone());
        let (wrapped, watcher) = (wrap(stream), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let (stream, connection) = match tokio::time::timeout(patience, wrapped).await {
                Ok(Ok(wrapped)) => wrapped,
                Ok(Err(error)) => return tracing::debug!(%error, "no connection came about"),
                Err(_) => return tracing::debug!("no connection came about in time"),
            };
            speak(server, handler, stream, connection.peer(peer.ip()), watcher).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(server.limits().drain, graceful.shutdown()).await;
    Ok(())
}

/// Speaks HTTP on one connection until it ends, or nobody uses it.
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
    let asked = Arc::clone(&activity);
    let service = service_fn(move |request| {
        let one = asked.one();
        let (server, handler, connection) = (server.clone(), handler.clone(), Arc::clone(&connection));
        async move {
            let request = server.receive(request, connection).await;
            // Boxed: hyper keeps room for a request's future as long as the connection lasts, and
            // most connections wait.
            let answer = Box::pin(handler.answer(request)).await;
            // Waking a client that waits can cost the system more than working out an answer. Where
            // several have asked, their answers are worked out one after the other and go out
            // together, which wakes a client once.
            tokio::task::yield_now().await;
            drop(one);
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
            // HTTP ends a head that does not end. It does not end a connection on which nothing
            // begins, or that is kept for nothing.
            Err(_) if activity.idle_since(&mut seen) => {
                return tracing::debug!("a connection was kept and not used");
            }
            Err(_) => {}
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
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

    /// Whether nothing is under way and no request came since the last time this was called.
    fn idle_since(&self, seen: &mut usize) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        let idle = asked == *seen && self.under_way.load(Ordering::Relaxed) == 0;
        *seen = asked;
        idle
    }
}

/// HTTP as it is spoken here: a client that says nothing, or says it slowly, is not waited for
/// without end.
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
