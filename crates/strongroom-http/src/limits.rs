//! Limits on the time and memory that clients may use.

use std::time::Duration;

/// The maximum number of connections, if the limit on open files allows.
const CONNECTIONS: usize = 10_240;
/// The minimum number of open files to reserve for everything but connections.
const OTHER_FILES: usize = 48;

/// Limits on the time and memory that clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a client may take for a handshake, for a request's head, and for its body. An idle
    /// connection is closed after this long at the earliest and twice this long at the latest.
    /// Default: 30 seconds.
    pub patience: Duration,
    /// The maximum length of a body, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// How much memory, in KiB, incomplete bodies may occupy together. A client that sends more
    /// waits for the others. Default: 256 MiB.
    pub bodies_kib: usize,
    /// The maximum number of connections; further ones wait to be accepted. Default: 10,240, or
    /// fewer if the process cannot open that many files.
    pub connections: usize,
    /// How long requests in progress may take after the server starts to shut down. Default: 10
    /// seconds.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(30),
            max_body: 1024 * 1024,
            bodies_kib: 256 * 1024,
            connections: CONNECTIONS,
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Limits::patience`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`Limits::max_body`].
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets [`Limits::bodies_kib`].
    #[must_use]
    pub fn bodies_kib(mut self, kib: usize) -> Self {
        self.bodies_kib = kib;
        self
    }

    /// Sets [`Limits::connections`].
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets [`Limits::drain`].
    #[must_use]
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// How many connections the process can hold. Each is an open file, and storage needs open
    /// files too.
    pub(crate) fn possible_connections(&self) -> usize {
        #[cfg(unix)]
        {
            let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
            let possible = files.saturating_sub(OTHER_FILES.max(files / 4)).max(4);
            self.connections.max(1).min(possible)
        }
        #[cfg(not(unix))]
        self.connections.max(1)
    }
}
