//! Tasks in the background and timers by Tokio.

use std::sync::Arc;

use strongroom_store::{Error, ErrorKind};
use tokio::runtime::Handle;

use crate::shared::Spawn;
use crate::watch::Sleep;

/// Runs tasks on the Tokio runtime that this is called in, for
/// [`Cached::spawning`](crate::Cached::spawning). Reads may be made on threads outside of the
/// runtime too.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] outside of a Tokio runtime.
pub fn spawn_on_tokio() -> Result<Spawn, Error> {
    let runtime = Handle::try_current().map_err(|error| {
        let text = "there is no Tokio runtime here: call this inside one, or bring a closure that spawns";
        Error::new(ErrorKind::InvalidParameter, text).because(error)
    })?;
    Ok(Arc::new(move |task| drop(runtime.spawn(task))))
}

/// Tokio's timer. What it returns must be polled in a runtime with time enabled, as tasks of
/// [`spawn_on_tokio`] are.
#[must_use]
pub fn sleep_on_tokio() -> Sleep {
    Arc::new(|time| Box::pin(tokio::time::sleep(time)))
}
