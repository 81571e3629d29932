//! Ending what runs in the background with the last handle.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Kept with what is open: when it is dropped, [`Closed`] is over.
#[derive(Debug)]
pub(crate) struct Closing(Arc<Signal>);

/// The end of a [`Closing`].
#[derive(Debug)]
pub(crate) struct Closed(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    closed: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

pub(crate) fn closing() -> (Closing, Closed) {
    let signal = Arc::new(Signal::default());
    (Closing(Arc::clone(&signal)), Closed(signal))
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl Closed {
    /// Waits for `pause`, but no longer than there is anything open. Whether there still is.
    pub(crate) async fn wait(&self, pause: impl Future<Output = ()>) -> bool {
        let mut pause = Box::pin(pause);
        poll_fn(|context| {
            // The waker first: one that closes in between wakes it, or is seen here.
            *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            if self.0.closed.load(Ordering::Acquire) {
                return Poll::Ready(false);
            }
            pause.as_mut().poll(context).map(|()| true)
        })
        .await
    }
}
