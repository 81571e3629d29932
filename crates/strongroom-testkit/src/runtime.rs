//! Waiting for futures on dedicated threads.

use std::future::Future;

use tokio::runtime::Handle;

/// The `tokio` runtime that the suite runs in, if it runs in one: what talks over a network needs
/// it on every thread. The runtime must have several threads then, because cases that use threads
/// block the one they run on.
#[derive(Clone, Debug)]
pub(crate) struct Runtime(Option<Handle>);

impl Runtime {
    pub(crate) fn current() -> Self {
        Self(Handle::try_current().ok())
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _within = self.0.as_ref().map(Handle::enter);
        // On a thread of the runtime its budget for one poll would end, and never come back.
        pollster::block_on(tokio::task::unconstrained(future))
    }
}
