//! What clients may take.

use std::time::Duration;

/// The most connections at once, if open files allow.
const CONNECTIONS: usize = 10_240;
/// The fewest open files to leave for everything but connections.
const OTHER_FILES: usize = 48;

/// What clients may take of a server's time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a client may take for a handshake, a request's head, its body; and the least time
    /// that a connection is kept without being used. Default: thirty seconds.
    pub patience: Duration,
    /// The longest body, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// The most KiB of bodies that have not arrived whole in memory at once. A client that sends
    /// more waits for the others. Default: 256 MiB.
    pub bodies_kib: usize,
    /// The most connections at once; others wait to be accepted. Default: 10,240, or fewer where
    /// the process may not open as many files.
    pub connections: usize,
    /// How long requests under way may take when the server is told to stop. Default: ten seconds.
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
    /// The defaults.
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

    /// The connections that the process can hold: each is an open file, and storage needs some too.
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
