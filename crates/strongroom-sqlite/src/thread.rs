//! Runs blocking work off the caller's thread.

use std::thread;

use strongroom_records::Error;
use tokio::sync::oneshot;

use crate::error::gone;

/// Runs blocking work on a new thread.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (reply, result) = oneshot::channel();
    thread::Builder::new()
        .name("strongroom-sqlite".into())
        .spawn(move || {
            let _ = reply.send(job());
        })
        .map_err(|error| gone().because(error))?;
    result.await.map_err(|_| gone())?
}
