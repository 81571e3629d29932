//! Background tasks and timers with Tokio.

use std::sync::Arc;

use strongroom_store::{Error, ErrorKind};
use tokio::runtime::Handle;

use crate::shared::Spawn;
use crate::watch::Sleep;

/// Spawns tasks on the current Tokio runtime, for [`Cached::spawning`](crate::Cached::spawning).
/// Reads also work on threads outside of the runtime.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if called outside of a Tokio runtime.
pub fn spawn_on_tokio() -> Result<Spawn, Error> {
    let runtime = Handle::try_current().map_err(|error| {
        let text =
            "there is no current Tokio runtime: call this inside one, or pass a closure that spawns tasks";
        Error::new(ErrorKind::InvalidParameter, text).because(error)
    })?;
    Ok(Arc::new(move |task| drop(runtime.spawn(task))))
}

/// Tokio's timer. Its futures must be polled in a runtime with time enabled, as tasks of
/// [`spawn_on_tokio`] are.
#[must_use]
pub fn sleep_on_tokio() -> Sleep {
    Arc::new(|time| Box::pin(tokio::time::sleep(time)))
}
